// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "enclave/init/value.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int value_u32(const char *s, u32 max, u32 *out)
{
	u64 v = 0;

	if (!*s || strlen(s) > 10)
		return -EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		v = v * 10 + (*s - '0');
	}
	if (v > max)
		return -EINVAL;
	*out = v;
	return 0;
}

int value_cidr(const char *s, struct cidr *out)
{
	struct cidr v = { 0 };
	const char *slash = strchr(s, '/');
	size_t length = slash ? (size_t)(slash - s) : strlen(s);
	char address[INET6_ADDRSTRLEN];
	u32 prefix, prefix_max;

	if (length >= sizeof(address))
		return -EINVAL;
	memcpy(address, s, length);
	address[length] = 0;
	v.family = strchr(address, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(v.family, address, v.bytes) != 1)
		return -EINVAL;
	prefix = prefix_max = v.family == AF_INET ? 32 : 128;
	if (slash && value_u32(slash + 1, prefix_max, &prefix))
		return -EINVAL;
	v.prefix = prefix;
	*out = v;
	return 0;
}

int value_endpoint(const char *s, struct cidr *out, u16 *port)
{
	const char *colon = strrchr(s, ':');
	char address[INET6_ADDRSTRLEN + 2];
	struct cidr v;
	size_t length;
	u32 p;

	if (!colon || (length = colon - s) >= sizeof(address) || !length)
		return -EINVAL;
	memcpy(address, s, length);
	address[length] = 0;
	if (address[0] == '[') {
		if (address[length - 1] != ']')
			return -EINVAL;
		address[length - 1] = 0;
		memmove(address, address + 1, length - 1);
	}
	if (strchr(address, '/') || value_cidr(address, &v) || value_u32(colon + 1, 65535, &p) ||
	    !p)
		return -EINVAL;
	if ((v.family == AF_INET6) != (s[0] == '['))
		return -EINVAL;
	*out = v;
	*port = p;
	return 0;
}

static int base64_value(char c)
{
	static const char set[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(set, c) : NULL;

	return at ? at - set : -1;
}

int value_base64(const char *s, u8 *out, size_t *size)
{
	size_t room = *size, n = 0;
	u32 bits = 0, held = 0;

	if (strlen(s) % 4)
		return -EINVAL;
	for (; *s && *s != '='; s++) {
		int v = base64_value(*s);

		if (v < 0)
			return -EINVAL;
		held = (held << 6 | v) & 0xffff;
		bits += 6;
		if (bits < 8)
			continue;
		if (n == room)
			return -EINVAL;
		bits -= 8;
		out[n++] = held >> bits;
	}
	if (strspn(s, "=") != strlen(s) || strlen(s) != bits / 2 || (held & ((1u << bits) - 1)))
		return -EINVAL;
	*size = n;
	return 0;
}

bool value_is_name(const char *s, size_t max)
{
	static const char set[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t n = strlen(s);

	return n && n <= max && strspn(s, set) == n && strcmp(s, ".") && strcmp(s, "..");
}

bool value_is_path(const char *s)
{
	if (*s != '/' || strlen(s) >= 4096)
		return false;
	if (!s[1])
		return true;
	while (*s) {
		size_t n = strcspn(++s, "/");

		if (!n || (n == 1 && *s == '.') || (n == 2 && s[0] == '.' && s[1] == '.'))
			return false;
		s += n;
	}
	return true;
}

int value_unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (*s != '\\') {
			*out++ = *s;
			continue;
		}
		s++;
		if (*s != '\\' && *s != 'n')
			return -EINVAL;
		*out++ = *s == 'n' ? '\n' : '\\';
	}
	*out = 0;
	return 0;
}

void value_printable(char *s)
{
	for (; *s; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
}
