/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Strict parsers of single values. All return 0 or -EINVAL and leave *out alone then. */
#ifndef INIT_VALUE_H
#define INIT_VALUE_H

#include "enclave/init/config.h"

/* Decimal without sign; at most max. */
int value_u32(const char *s, u32 max, u32 *out);

/* ADDRESS or ADDRESS/PREFIX; without prefix it is that of one host. */
int value_cidr(const char *s, struct cidr *out);

/* ADDRESS:PORT or [ADDRESS]:PORT; addresses only, no names. port in host order. */
int value_endpoint(const char *s, struct cidr *out, u16 *port);

/* Standard base64 with padding. *size: room, then bytes. */
int value_base64(const char *s, u8 *out, size_t *size);

/* Letters, digits, '.', '_' and '-', at most max bytes, not "." or "..". */
bool value_is_name(const char *s, size_t max);

/* Absolute, without empty, "." or ".." parts. */
bool value_is_path(const char *s);

/* "\\" and "\n" become backslash and newline, in place. */
int value_unescape(char *s);

/* Replaces what is not printable ASCII by '?'. */
void value_printable(char *s);

#endif
