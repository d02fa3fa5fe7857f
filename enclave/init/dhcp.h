/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef INIT_DHCP_H
#define INIT_DHCP_H

#include "enclave/init/config.h"

struct dhcp_lease {
	struct cidr address, gw; /* family 0: none given */
	struct cidr dns[CONFIG_DNS_MAX];
	u32 dns_count;
};

/**
 * dhcp_parse - check a DHCPv4 answer (RFC 2131, 2132)
 * @packet: hostile; size bytes
 * @xid:    ours; an answer to another is ignored
 * @server: the server identifier, 0 if none
 *
 * Return: the message type (2 offer, 5 acknowledgement, 6 refusal) with @lease
 * filled in, or -EINVAL.
 */
int dhcp_parse(const u8 *packet, size_t size, u32 xid, struct dhcp_lease *lease, u32 *server);

/**
 * dhcp_get - ask for a lease on an interface that is up and has no address
 *
 * Discover, offer, request, acknowledge; a few retries, at most about 10 s. The
 * lease is kept for the life of the TEE: renewal is not done, the answer is the
 * host's word anyway. Return: 0, -ETIMEDOUT or another negative errno.
 */
int dhcp_get(const char *interface, struct dhcp_lease *lease);

#endif
