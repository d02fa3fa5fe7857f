/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Strict access to LUKS2's JSON. Private to luks2_*.c. */
#ifndef CRYPT_LUKS2_JSON_H
#define CRYPT_LUKS2_JSON_H

#include "enclave/crypt/luks2.h"

struct json_object;

/* Writes a printable line to why and returns err, for `return luks2_fail(...)`. */
__attribute__((format(printf, 3, 4))) int luks2_fail(char why[LUKS2_WHY_SIZE], int err,
						     const char *format, ...);

/* Fetches a member of the wanted type. Return: 0 or -EINVAL; *out is untouched then. */
int luks2_object(struct json_object *in, const char *name, struct json_object **out);
int luks2_array(struct json_object *in, const char *name, struct json_object **out);
int luks2_string(struct json_object *in, const char *name, const char **out);
int luks2_u32(struct json_object *in, const char *name, u32 *out); /* a number */
int luks2_u64(struct json_object *in, const char *name, u64 *out); /* a string of digits */
int luks2_base64(struct json_object *in, const char *name, u8 *out, u32 max, u32 *size);

/* Canonical decimal (no sign, no leading zero). */
int luks2_digits(const char *s, u64 max, u64 *out);

/**
 * luks2_parse_json - check and take over the JSON area
 * @text: NUL-terminated within the area; hostile
 * @meta: hdr_size is set; the rest is filled in
 */
int luks2_parse_json(const char *text, u64 disk_size, const struct luks2_limits *limits,
		     struct luks2_meta *meta, char why[LUKS2_WHY_SIZE]);

#endif
