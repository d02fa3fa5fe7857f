// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "enclave/init/wg.h"
#include "enclave/init/value.h"
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

__attribute__((format(printf, 2, 3))) static int fail(struct wg_config *wg, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(wg->why, sizeof(wg->why), format, args);
	va_end(args);
	value_printable(wg->why);
	return -EINVAL;
}

static int set_key(u8 key[WG_KEY_SIZE], bool *has, const char *value)
{
	size_t size = WG_KEY_SIZE;
	u8 decoded[WG_KEY_SIZE];

	if (value_base64(value, decoded, &size) || size != WG_KEY_SIZE)
		return -EINVAL;
	memcpy(key, decoded, WG_KEY_SIZE);
	explicit_bzero(decoded, sizeof(decoded));
	*has = true;
	return 0;
}

static char *trim(char *s)
{
	char *end = s + strlen(s);

	while (end > s && isspace((unsigned char)end[-1]))
		*--end = 0;
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

/* "a, b, c"; an empty list is allowed where wg-quick allows it. */
static int add_list(struct cidr *list, u32 *count, u32 max, char *value)
{
	char *rest = value, *item;

	while ((item = strsep(&rest, ","))) {
		item = trim(item);
		if (!*item && !rest)
			return 0;
		if (*count == max || value_cidr(item, &list[*count]))
			return -EINVAL;
		++*count;
	}
	return 0;
}

static int set_u16(u16 *out, const char *value)
{
	u32 v;

	if (value_u32(value, 65535, &v))
		return -EINVAL;
	*out = v;
	return 0;
}

static int set_interface(struct wg_config *wg, const char *key, char *value)
{
	if (!strcasecmp(key, "PrivateKey"))
		return set_key(wg->private_key, &wg->has_private, value);
	if (!strcasecmp(key, "ListenPort"))
		return set_u16(&wg->listen_port, value);
	if (!strcasecmp(key, "Address"))
		return add_list(wg->address, &wg->address_count, CONFIG_ADDRS_MAX, value);
	if (!strcasecmp(key, "DNS"))
		return add_list(wg->dns, &wg->dns_count, CONFIG_DNS_MAX, value);
	if (!strcasecmp(key, "MTU"))
		return value_u32(value, 65535, &wg->mtu) ?: wg->mtu < 576 ? -EINVAL : 0;
	return -ENOENT;
}

static int set_keepalive(struct wg_peer *p, const char *value)
{
	if (strcasecmp(value, "off"))
		return set_u16(&p->keepalive, value);
	p->keepalive = 0;
	return 0;
}

static int set_peer(struct wg_peer *p, const char *key, char *value)
{
	if (!strcasecmp(key, "PublicKey"))
		return set_key(p->public_key, &p->has_public, value);
	if (!strcasecmp(key, "PresharedKey"))
		return set_key(p->preshared_key, &p->has_preshared, value);
	if (!strcasecmp(key, "AllowedIPs"))
		return add_list(p->allowed, &p->allowed_count, WG_ALLOWED_MAX, value);
	if (!strcasecmp(key, "Endpoint")) {
		p->has_endpoint = true;
		return value_endpoint(value, &p->endpoint, &p->endpoint_port);
	}
	if (!strcasecmp(key, "PersistentKeepalive"))
		return set_keepalive(p, value);
	return -ENOENT;
}

/* A file that is none may hold a key where a name should be: show names only. */
static const char *shown(const char *name)
{
	size_t letters = 0;

	while (isalpha((unsigned char)name[letters]))
		letters++;
	return name[letters] || letters > 24 ? "this line" : name;
}

enum section {
	NO_SECTION,
	INTERFACE,
	PEER,
};

static int start_section(struct wg_config *wg, enum section *section, const char *line)
{
	if (!strcasecmp(line, "[Interface]")) {
		*section = INTERFACE;
		return 0;
	}
	if (strcasecmp(line, "[Peer]"))
		return fail(wg, "unknown section");
	if (wg->peer_count == WG_PEERS_MAX)
		return fail(wg, "more than %d peers", WG_PEERS_MAX);
	memset(&wg->peer[wg->peer_count++], 0, sizeof(wg->peer[0]));
	*section = PEER;
	return 0;
}

static int parse_line(struct wg_config *wg, enum section *section, char *line)
{
	char *value;
	int err;

	line[strcspn(line, "#")] = 0;
	line = trim(line);
	if (!*line)
		return 0;
	if (*line == '[')
		return start_section(wg, section, line);
	value = strchr(line, '=');
	if (!value)
		return fail(wg, "not KEY = VALUE");
	*value++ = 0;
	line = trim(line);
	value = trim(value);
	if (*section == NO_SECTION)
		return fail(wg, "\"%s\" before a section", shown(line));
	err = *section == INTERFACE ? set_interface(wg, line, value)
				    : set_peer(&wg->peer[wg->peer_count - 1], line, value);
	if (err == -ENOENT)
		return fail(wg, "\"%s\" is not supported", shown(line));
	return err ? fail(wg, "bad value of \"%.40s\"", line) : 0;
}

static int check(struct wg_config *wg)
{
	wg->line = 0;
	if (!wg->has_private)
		return fail(wg, "no PrivateKey");
	for (u32 i = 0; i < wg->peer_count; i++)
		if (!wg->peer[i].has_public)
			return fail(wg, "peer %u has no PublicKey", i + 1);
	return 0;
}

int wg_parse(struct wg_config *wg, char *text)
{
	enum section section = NO_SECTION;
	char *line;

	memset(wg, 0, sizeof(*wg));
	while ((line = strsep(&text, "\n"))) {
		wg->line++;
		if (parse_line(wg, &section, line))
			return -EINVAL;
	}
	return check(wg);
}
