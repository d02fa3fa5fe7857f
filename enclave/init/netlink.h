/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The few netlink requests that init needs. All return 0 or a negative errno. */
#ifndef INIT_NETLINK_H
#define INIT_NETLINK_H

#include "enclave/init/config.h"
#include <linux/netlink.h>

#define NL_MESSAGE_SIZE 8192

/* A request under construction: header, family header, attributes. */
struct nl_message {
	struct nlmsghdr header;
	u8 rest[NL_MESSAGE_SIZE - sizeof(struct nlmsghdr)];
};

/* protocol: NETLINK_ROUTE or NETLINK_GENERIC. Return: a socket. */
int nl_open(int protocol);

/* Starts a request with a family header (copied). */
void nl_start(struct nl_message *m, u16 type, u16 flags, const void *family, size_t family_size);

/* Appends; a message that is full becomes invalid and nl_send() fails with -ENOSPC. */
void nl_put(struct nl_message *m, u16 type, const void *data, size_t size);
void nl_put_u32(struct nl_message *m, u16 type, u32 value);
void nl_put_u16(struct nl_message *m, u16 type, u16 value);
/* nl_nest() gives a mark for nl_nest_end(). */
u32 nl_nest(struct nl_message *m, u16 type);
void nl_nest_end(struct nl_message *m, u32 mark);

/* Sends and waits for the acknowledgement. */
int nl_send(int fd, struct nl_message *m);

/* Index of an interface in the namespace of the caller, or a negative errno. */
int link_index(const char *name);

int link_up(int fd, int index, u32 mtu);
int link_move(int fd, int index, int namespace_fd);
int link_add_wireguard(int fd, const char *name);
int address_add(int fd, int index, const struct cidr *address);
/* to: the network (prefix 0: default); gw may be NULL. */
int route_add(int fd, int index, const struct cidr *to, const struct cidr *gw);

/* Bytes of an address. */
static inline size_t cidr_size(const struct cidr *a)
{
	return a->family == AF_INET ? 4 : 16;
}

#endif
