/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "host/netd/options.h"

#define GUEST_IP6 "fec0::15"
#define FIELDS_MAX 4

/* Cuts text at the colons outside of brackets, in place. Returns the count, 0 if too many. */
static unsigned split(char *text, char **field)
{
	unsigned n = 0;
	bool inside = false;

	field[n++] = text;
	for (; *text; text++) {
		if (*text == '[')
			inside = true;
		else if (*text == ']')
			inside = false;
		else if (*text == ':' && !inside) {
			if (n == FIELDS_MAX)
				return 0;
			*text = 0;
			field[n++] = text + 1;
		}
	}
	return inside ? 0 : n;
}

static bool parse_port(const char *text, in_port_t *port)
{
	char *end;
	unsigned long v;

	if (*text < '0' || *text > '9')
		return false;
	v = strtoul(text, &end, 10);
	if (*end || !v || v > 65535)
		return false;
	*port = htons(v);
	return true;
}

static bool is_port(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == 0;
}

static bool parse_addr(struct sockaddr_in6 *out, char *text)
{
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	size_t len = strlen(text);

	memset(out, 0, sizeof(*out));
	if (text[0] == '[' && text[len - 1] == ']') {
		text[len - 1] = 0;
		out->sin6_family = AF_INET6;
		return inet_pton(AF_INET6, text + 1, &out->sin6_addr) == 1;
	}
	in->sin_family = AF_INET;
	return inet_pton(AF_INET, text, &in->sin_addr) == 1;
}

static void set_port(struct sockaddr *sa, in_port_t port)
{
	if (sa->sa_family == AF_INET6)
		((struct sockaddr_in6 *)sa)->sin6_port = port;
	else
		((struct sockaddr_in *)sa)->sin_port = port;
}

static void set_default(struct sockaddr_in6 *out, sa_family_t family, const char *ip4,
			const char *ip6)
{
	struct sockaddr_in *in = (struct sockaddr_in *)out;

	memset(out, 0, sizeof(*out));
	out->sin6_family = family;
	if (family == AF_INET6)
		inet_pton(AF_INET6, ip6, &out->sin6_addr);
	else
		inet_pton(AF_INET, ip4, &in->sin_addr);
}

/* Takes a "/tcp" or "/udp" off the end. */
static const char *cut_protocol(char *text, struct forward *f)
{
	char *slash = strchr(text, '/');

	if (!slash)
		return NULL;
	if (f->udp || (strcmp(slash, "/udp") && strcmp(slash, "/tcp")))
		return "protocol must be tcp or udp, once";
	f->udp = slash[1] == 'u';
	*slash = 0;
	return NULL;
}

const char *forward_parse(struct forward *f, const char *text)
{
	char copy[256], *field[FIELDS_MAX], *host_addr = NULL, *guest_addr = NULL;
	unsigned n, i = 0;
	in_port_t host, guest;
	const char *why;

	memset(f, 0, sizeof(*f));
	if (!strncmp(text, "udp:", 4) || !strncmp(text, "tcp:", 4)) {
		f->udp = text[0] == 'u';
		text += 4;
	}
	if (strlen(text) >= sizeof(copy))
		return "too long";
	why = cut_protocol(strcpy(copy, text), f);
	if (why)
		return why;
	n = split(copy, field);
	if (n < 2)
		return "expected [udp:][ADDR:]HOST:[GADDR:]GUEST";
	if (!is_port(field[0]))
		host_addr = field[i++];
	if (i >= n || !parse_port(field[i++], &host))
		return "bad host port";
	if (n - i == 2)
		guest_addr = field[i++];
	if (i + 1 != n || !parse_port(field[i], &guest))
		return "bad guest port";
	if (host_addr && !parse_addr(&f->host.in6, host_addr))
		return "bad host address";
	if (guest_addr && !parse_addr(&f->guest.in6, guest_addr))
		return "bad guest address";
	if (!host_addr)
		set_default(&f->host.in6, guest_addr ? f->guest.sa.sa_family : AF_INET, "127.0.0.1",
			    "::1");
	if (!guest_addr)
		set_default(&f->guest.in6, f->host.sa.sa_family, "0.0.0.0", GUEST_IP6);
	if (f->host.sa.sa_family != f->guest.sa.sa_family)
		return "host and guest address are of different families";
	set_port(&f->host.sa, host);
	set_port(&f->guest.sa, guest);
	return NULL;
}
