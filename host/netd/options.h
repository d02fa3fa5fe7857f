/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* netd's command line. See docs/netd.md for its meaning. */
#ifndef HOST_NETD_OPTIONS_H
#define HOST_NETD_OPTIONS_H

#include <netinet/in.h>
#include "host/netd/conn.h"

#define OPT_DEVICES_MAX 8
#define OPT_FORWARDS_MAX 64

enum net_kind { NET_NONE, NET_USER, NET_TAP, NET_LINK, NET_SINK, NET_ECHO };

struct forward {
	bool udp;
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} host, guest;
};

struct options_net {
	enum net_kind kind;
	const char *name; /* tap interface, or path of the link */
	unsigned forward_count;
	struct forward forward[OPT_FORWARDS_MAX];
	bool restrict_net; /* user: no connections out of the guest */
};

struct options_dev {
	enum conn_mode mode;
	const char *path;
	int fd;
	unsigned pairs;
	const char *pcap;
	struct options_net net;
};

struct options {
	unsigned dev_count;
	struct options_dev dev[OPT_DEVICES_MAX];
	unsigned spin_us;
	bool no_sandbox;
	bool stats; /* print counters at exit */
};

/**
 * options_parse - read the command line
 *
 * Return: 0, 1 when help or version was printed and the program should end well, or -EINVAL
 * after one "netd: USAGE: ..." line.
 */
int options_parse(struct options *opt, int argc, char **argv);

/**
 * forward_parse - [tcp:|udp:][ADDR:]HOST:[GADDR:]GUEST[/tcp|/udp], IPv6 addresses in brackets
 *
 * The protocol may stand before or behind, as people and rktio's -p write it.
 * Without ADDR the host side is 127.0.0.1 (or ::1 for an IPv6 guest address): what shall be
 * reachable from other machines must be said. Without GADDR it is the guest's address from
 * DHCP, or fec0::15 if ADDR is IPv6.
 *
 * Return: NULL, or what is wrong with the text.
 */
const char *forward_parse(struct forward *f, const char *text);

#endif
