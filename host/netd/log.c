/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdarg.h>
#include <stdio.h>
#include "host/netd/log.h"

enum log_level log_level = LOG_WARN;

void log_line(enum log_level level, const char *code, const char *fmt, ...)
{
	char line[512];
	va_list args;

	if (level > log_level)
		return;
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	fprintf(stderr, "netd: %s: %s\n", code, line);
}
