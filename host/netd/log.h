/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * netd's messages: one line each, "netd: CODE: text", on standard error. CODE is a stable
 * word in capitals that scripts may match; the text may change.
 */
#ifndef HOST_NETD_LOG_H
#define HOST_NETD_LOG_H

enum log_level { LOG_NONE, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

extern enum log_level log_level;

__attribute__((format(printf, 3, 4))) void log_line(enum log_level level, const char *code,
						    const char *fmt, ...);

#define log_error(code, ...) log_line(LOG_ERROR, code, __VA_ARGS__)
#define log_warn(code, ...) log_line(LOG_WARN, code, __VA_ARGS__)
#define log_info(code, ...) log_line(LOG_INFO, code, __VA_ARGS__)
#define log_debug(code, ...) log_line(LOG_DEBUG, code, __VA_ARGS__)

#endif
