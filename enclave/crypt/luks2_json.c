// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "enclave/crypt/luks2_json.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int luks2_fail(char why[LUKS2_WHY_SIZE], int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, LUKS2_WHY_SIZE, format, args);
	va_end(args);
	/* Parts of it may come from the disk: no escape sequences on the owner's terminal. */
	for (char *c = why; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return err;
}

static int member(struct json_object *in, const char *name, enum json_type type,
		  struct json_object **out)
{
	struct json_object *o;

	if (!json_object_object_get_ex(in, name, &o) || !json_object_is_type(o, type))
		return -EINVAL;
	*out = o;
	return 0;
}

int luks2_object(struct json_object *in, const char *name, struct json_object **out)
{
	return member(in, name, json_type_object, out);
}

int luks2_array(struct json_object *in, const char *name, struct json_object **out)
{
	return member(in, name, json_type_array, out);
}

int luks2_string(struct json_object *in, const char *name, const char **out)
{
	struct json_object *o;
	const char *s;

	if (member(in, name, json_type_string, &o))
		return -EINVAL;
	s = json_object_get_string(o);
	if (strlen(s) != (size_t)json_object_get_string_len(o))
		return -EINVAL;
	*out = s;
	return 0;
}

int luks2_u32(struct json_object *in, const char *name, u32 *out)
{
	struct json_object *o;
	int64_t v;

	if (member(in, name, json_type_int, &o))
		return -EINVAL;
	v = json_object_get_int64(o);
	if (v < 0 || v > UINT32_MAX)
		return -EINVAL;
	*out = v;
	return 0;
}

int luks2_digits(const char *s, u64 max, u64 *out)
{
	u64 v = 0;

	if (!*s || (s[0] == '0' && s[1]))
		return -EINVAL;
	for (; *s; s++) {
		u32 digit = *s - '0';

		if (digit > 9 || v > (max - digit) / 10)
			return -EINVAL;
		v = v * 10 + digit;
	}
	*out = v;
	return 0;
}

int luks2_u64(struct json_object *in, const char *name, u64 *out)
{
	const char *s;

	return luks2_string(in, name, &s) ?: luks2_digits(s, UINT64_MAX, out);
}

static int base64_value(char c)
{
	static const char set[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(set, c) : NULL;

	return at ? at - set : -1;
}

int luks2_base64(struct json_object *in, const char *name, u8 *out, u32 max, u32 *size)
{
	const char *s;
	u32 bits = 0, held = 0, n = 0;
	size_t length;

	if (luks2_string(in, name, &s))
		return -EINVAL;
	length = strlen(s);
	if (!length || length % 4)
		return -EINVAL;
	for (; *s && *s != '='; s++) {
		int v = base64_value(*s);

		if (v < 0)
			return -EINVAL;
		held = held << 6 | v;
		bits += 6;
		if (bits < 8)
			continue;
		if (n == max)
			return -EINVAL;
		bits -= 8;
		out[n++] = held >> bits;
	}
	if (strspn(s, "=") != strlen(s) || strlen(s) != bits / 2 || !n)
		return -EINVAL;
	*size = n;
	return 0;
}
