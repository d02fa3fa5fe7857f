// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* --nic [NAME=]user|tap:NAME|vhost-user:PATH|link:PATH|vfio:BDF[,key=value]... */
#include "host/run/spec_internal.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/layout.h"

void nic_spec_free(struct nic_spec *nic)
{
	free(nic->name);
	free(nic->target);
	free(nic->protect_file);
	free(nic->addr);
	free(nic->gw);
	free(nic->mac);
}

static int key_protect(void *obj, const char *value, struct err *err)
{
	static const struct spec_choice choices[] = {
		{ "wireguard:", PROTECT_WIREGUARD, true },
		{ "program", PROTECT_PROGRAM },
		{ "insecure_none", PROTECT_INSECURE_NONE },
		{},
	};
	struct nic_spec *nic = obj;
	const char *arg;
	int kind = spec_choice(choices, value, &arg);

	if (kind < 0)
		return err_set(err, E_OPTION,
			       "protect '%s' is none of wireguard:FILE, program, insecure_none",
			       value);
	nic->protect = kind;
	return kind == PROTECT_WIREGUARD ? value_string(&nic->protect_file, arg, err) : 0;
}

/* The address family of a textual address, 0: it is none. */
static int address_family(const char *text)
{
	unsigned char bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1)
		return AF_INET;
	return inet_pton(AF_INET6, text, bytes) == 1 ? AF_INET6 : 0;
}

static int key_addr(void *obj, const char *value, struct err *err)
{
	struct err ignored = {};
	char address[64];
	size_t len = strcspn(value, "/");
	int family = 0;
	u32 prefix;

	if (!strcmp(value, "dhcp"))
		return value_string(&((struct nic_spec *)obj)->addr, value, err);
	if (len < sizeof(address) && value[len]) {
		memcpy(address, value, len);
		address[len] = '\0';
		family = address_family(address);
	}
	if (!family ||
	    value_uint(&prefix, value + len + 1, 0, family == AF_INET ? 32 : 128, &ignored))
		return err_set(err, E_OPTION, "addr '%s' is neither dhcp nor ADDRESS/PREFIX",
			       value);
	return value_string(&((struct nic_spec *)obj)->addr, value, err);
}

static int key_gw(void *obj, const char *value, struct err *err)
{
	if (!address_family(value))
		return err_set(err, E_OPTION, "gw '%s' is not an address", value);
	return value_string(&((struct nic_spec *)obj)->gw, value, err);
}

static int key_mac(void *obj, const char *value, struct err *err)
{
	unsigned int b[6];
	int used = 0;

	if (strlen(value) != 17 ||
	    sscanf(value, "%2x:%2x:%2x:%2x:%2x:%2x%n", b, b + 1, b + 2, b + 3, b + 4, b + 5,
		   &used) != 6 ||
	    used != 17 || strspn(value, "0123456789abcdefABCDEF:") != 17)
		return err_set(err, E_OPTION, "mac '%s' is not like 52:54:00:12:34:56", value);
	if (b[0] & 1)
		return err_set(err, E_OPTION, "mac '%s' is a multicast address", value);
	return value_string(&((struct nic_spec *)obj)->mac, value, err);
}

static int key_mtu(void *obj, const char *value, struct err *err)
{
	return value_uint(&((struct nic_spec *)obj)->mtu, value, 68, 65535, err);
}

static int key_queues(void *obj, const char *value, struct err *err)
{
	return value_uint(&((struct nic_spec *)obj)->queues, value, 1, TEE_VCPU_MAX, err);
}

static const struct spec_key nic_keys[] = {
	{ "protect", false, key_protect },
	{ "addr", false, key_addr },
	{ "gw", false, key_gw },
	{ "mac", false, key_mac },
	{ "mtu", false, key_mtu },
	{ "queues", false, key_queues },
	{},
};

static int nic_target(struct nic_spec *nic, const char *head, struct err *err)
{
	static const struct spec_choice choices[] = {
		{ "user", NIC_USER },
		{ "tap:", NIC_TAP, true },
		{ "vhost-user:", NIC_VHOST_USER, true },
		{ "link:", NIC_LINK, true },
		{ "vfio:", NIC_VFIO, true },
		{},
	};
	const char *arg;
	int kind = spec_choice(choices, head, &arg);

	if (kind < 0)
		return err_set(err, E_OPTION,
			       "'%s' is none of user, tap:NAME, vhost-user:PATH, link:PATH, "
			       "vfio:BDF",
			       head);
	nic->kind = kind;
	if (kind == NIC_USER)
		return 0;
	if (kind == NIC_VFIO && !pci_address_valid(arg))
		return err_set(err, E_OPTION, "'%s' is not a PCI address such as 0000:3b:00.0",
			       arg);
	if (kind == NIC_TAP && (strlen(arg) >= IFNAMSIZ || strpbrk(arg, "/ \t\n:")))
		return err_set(err, E_OPTION, "'%s' is not a network interface's name", arg);
	if (strlen(arg) > SOCKET_PATH_MAX)
		return err_set(err, E_OPTION, "the socket path is longer than %d bytes",
			       SOCKET_PATH_MAX);
	return value_string(&nic->target, arg, err);
}

static int nic_name(const struct run_config *cfg, struct nic_spec *nic, const char *name,
		    struct err *err)
{
	char made_up[32];
	size_t i;

	snprintf(made_up, sizeof(made_up), "eth%zu", cfg->nic_count);
	name = name ?: made_up;
	if (!strcmp(name, "lo"))
		return err_set(err, E_OPTION, "the name 'lo' is the loopback's");
	for (i = 0; i < cfg->nic_count; i++)
		if (!strcmp(cfg->nics[i].name, name))
			return err_set(err, E_OPTION, "two NICs are named '%s'", name);
	return value_string(&nic->name, name, err);
}

int nic_add(struct run_config *cfg, const char *text, struct err *err)
{
	struct nic_spec nic = {}, *grown;
	struct spec s;
	int ret;

	ret = spec_open(&s, text, err) ?: nic_target(&nic, s.head, err) ?:
	      nic_name(cfg, &nic, s.name, err) ?: spec_keys(&s, nic_keys, &nic, err);
	spec_close(&s);
	if (ret)
		goto out_free;
	grown = reallocarray(cfg->nics, cfg->nic_count + 1, sizeof(*grown));
	if (!grown) {
		ret = err_set_errno(err, E_HOST, ENOMEM, "reallocarray");
		goto out_free;
	}
	cfg->nics = grown;
	cfg->nics[cfg->nic_count++] = nic;
	return 0;
out_free:
	nic_spec_free(&nic);
	return ret;
}

static int port_number(u16 *out, const char *text, struct err *err)
{
	u32 v;
	int ret = value_uint(&v, text, 1, 65535, err);

	*out = ret ? 0 : v;
	return ret;
}

/* Cuts "[ADDR:]" off; returns what follows, NULL when it is malformed. */
static char *port_address(char *text, char **addr)
{
	char *end;

	*addr = NULL;
	if (*text == '[') {
		end = strchr(text, ']');
		if (!end || end[1] != ':')
			return NULL;
		*end = '\0';
		*addr = text + 1;
		return end + 2;
	}
	end = strchr(text, ':');
	if (!end || !strchr(end + 1, ':'))
		return text;
	*end = '\0';
	*addr = text;
	return end + 1;
}

static int port_parse(struct port_map *port, char *text, struct err *err)
{
	char *proto = strchr(text, '/'), *addr, *rest, *colon;

	if (proto)
		*proto++ = '\0';
	port->udp = proto && !strcmp(proto, "udp");
	if (proto && !port->udp && strcmp(proto, "tcp"))
		return err_set(err, E_OPTION, "'/%s' is neither /tcp nor /udp", proto);
	rest = port_address(text, &addr);
	colon = rest ? strchr(rest, ':') : NULL;
	if (!colon || (addr && !address_family(addr)))
		return err_set(err, E_OPTION, "expected [ADDRESS:]HOST:GUEST[/udp]");
	*colon = '\0';
	return port_number(&port->host_port, rest, err) ?:
	       port_number(&port->guest_port, colon + 1, err) ?:
	       addr ? value_string(&port->host_addr, addr, err) : 0;
}

static bool port_same(const struct port_map *a, const struct port_map *b)
{
	return a->host_port == b->host_port && a->udp == b->udp &&
	       !strcmp(a->host_addr ?: "127.0.0.1", b->host_addr ?: "127.0.0.1");
}

int port_add(struct run_config *cfg, const char *spec, struct err *err)
{
	struct port_map port = {}, *grown;
	char *text = strdup(spec);
	size_t i;
	int ret;

	ret = text ? port_parse(&port, text, err) : err_set_errno(err, E_HOST, ENOMEM, "strdup");
	for (i = 0; !ret && i < cfg->port_count; i++)
		if (port_same(&cfg->ports[i], &port))
			ret = err_set(err, E_OPTION, "host port %u is given twice", port.host_port);
	if (ret)
		goto out_free;
	grown = reallocarray(cfg->ports, cfg->port_count + 1, sizeof(*grown));
	if (!grown) {
		ret = err_set_errno(err, E_HOST, ENOMEM, "reallocarray");
		goto out_free;
	}
	cfg->ports = grown;
	cfg->ports[cfg->port_count++] = port;
	free(text);
	return 0;
out_free:
	free(text);
	free(port.host_addr);
	return ret;
}
