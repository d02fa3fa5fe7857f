/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Parsers of single option values. Each takes the whole string or refuses it,
 * leaves the target alone when it fails, and says in @err what was expected.
 */
#ifndef HOST_RUN_VALUE_H
#define HOST_RUN_VALUE_H

#include "host/run/config.h"

/* Decimal, no sign, no blanks, no trailing garbage. */
int value_number(u64 *out, const char *text, u64 min, u64 max, struct err *err);
int value_uint(u32 *out, const char *text, u64 min, u64 max, struct err *err);

/* Bytes: decimal with an optional K, M, G, T (powers of 1024; KiB, KB mean the same). */
int value_size(u64 *out, const char *text, u64 min, u64 max, struct err *err);

/* NULL means true (a flag that was given). */
int value_bool(bool *out, const char *text, struct err *err);
int value_choice(u32 *out, const char *text, const char *const *choices, struct err *err);

/* Replaces *out by a copy; the empty string is refused. */
int value_string(char **out, const char *text, struct err *err);

/* Appends a copy to a NULL-terminated list. */
int value_append(char ***list, size_t *count, const char *text, struct err *err);

/* An absolute path without . and .. and empty parts. */
int value_abs_path(char **out, const char *text, struct err *err);

int tune_set(struct run_config *cfg, const char *text, struct err *err);
int name_set(struct run_config *cfg, const char *text, struct err *err);
int env_add(struct run_config *cfg, const char *text, struct err *err);
int cwd_set(struct run_config *cfg, const char *text, struct err *err);

/* What a name of a TEE may look like. */
bool name_valid(const char *name);

#endif
