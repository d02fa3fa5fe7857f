// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* WireGuard's generic netlink family (linux/wireguard.h): one message for the device, one a peer. */
#include "enclave/init/wgnl.h"
#include "enclave/init/netlink.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>
#include <linux/wireguard.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int find_attribute(const u8 *at, const u8 *end, u16 type, u16 *value)
{
	while (at + sizeof(struct rtattr) <= end) {
		const struct rtattr *a = (const struct rtattr *)at;

		if (a->rta_len < sizeof(*a) || at + a->rta_len > end)
			break;
		if (a->rta_type == type && a->rta_len >= RTA_LENGTH(sizeof(*value))) {
			memcpy(value, RTA_DATA(a), sizeof(*value));
			return 0;
		}
		at += RTA_ALIGN(a->rta_len);
	}
	return -ENOENT;
}

/* Return: the number of the family "wireguard" or a negative errno. */
static int family_id(int fd)
{
	struct genlmsghdr g = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 };
	struct nl_message m;
	u16 id = 0;
	ssize_t n;

	nl_start(&m, GENL_ID_CTRL, 0, &g, sizeof(g));
	m.header.nlmsg_flags = NLM_F_REQUEST; /* answered or refused: no acknowledgement too */
	nl_put(&m, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME, sizeof(WG_GENL_NAME));
	if (send(fd, &m, m.header.nlmsg_len, 0) < 0)
		return -errno;
	n = recv(fd, &m, sizeof(m), 0);
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(g)) || m.header.nlmsg_type == NLMSG_ERROR)
		return -ENOENT;
	return find_attribute(m.rest + sizeof(g), (u8 *)&m + n, CTRL_ATTR_FAMILY_ID, &id) ?: id;
}

static void put_endpoint(struct nl_message *m, const struct wg_peer *p)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(p->endpoint_port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(p->endpoint_port) };

	if (p->endpoint.family == AF_INET) {
		memcpy(&in.sin_addr, p->endpoint.bytes, 4);
		nl_put(m, WGPEER_A_ENDPOINT, &in, sizeof(in));
	} else {
		memcpy(&in6.sin6_addr, p->endpoint.bytes, 16);
		nl_put(m, WGPEER_A_ENDPOINT, &in6, sizeof(in6));
	}
}

static void put_allowed(struct nl_message *m, const struct wg_peer *p)
{
	u32 list = nl_nest(m, WGPEER_A_ALLOWEDIPS), one;

	for (u32 i = 0; i < p->allowed_count; i++) {
		one = nl_nest(m, 0);
		nl_put_u16(m, WGALLOWEDIP_A_FAMILY, p->allowed[i].family);
		nl_put(m, WGALLOWEDIP_A_IPADDR, p->allowed[i].bytes, cidr_size(&p->allowed[i]));
		nl_put(m, WGALLOWEDIP_A_CIDR_MASK, &p->allowed[i].prefix, 1);
		nl_nest_end(m, one);
	}
	nl_nest_end(m, list);
}

static void put_peer(struct nl_message *m, const struct wg_peer *p)
{
	u32 peers = nl_nest(m, WGDEVICE_A_PEERS), one = nl_nest(m, 0);

	nl_put(m, WGPEER_A_PUBLIC_KEY, p->public_key, WG_KEY_SIZE);
	nl_put_u32(m, WGPEER_A_FLAGS, WGPEER_F_REPLACE_ALLOWEDIPS);
	if (p->has_preshared)
		nl_put(m, WGPEER_A_PRESHARED_KEY, p->preshared_key, WG_KEY_SIZE);
	if (p->has_endpoint)
		put_endpoint(m, p);
	if (p->keepalive)
		nl_put_u16(m, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, p->keepalive);
	put_allowed(m, p);
	nl_nest_end(m, one);
	nl_nest_end(m, peers);
}

static void start(struct nl_message *m, int family, int index)
{
	struct genlmsghdr g = { .cmd = WG_CMD_SET_DEVICE, .version = WG_GENL_VERSION };

	nl_start(m, family, 0, &g, sizeof(g));
	nl_put_u32(m, WGDEVICE_A_IFINDEX, index);
}

static int send_all(int fd, int family, int index, const struct wg_config *wg)
{
	struct nl_message m;
	int err;

	start(&m, family, index);
	nl_put(&m, WGDEVICE_A_PRIVATE_KEY, wg->private_key, WG_KEY_SIZE);
	nl_put_u16(&m, WGDEVICE_A_LISTEN_PORT, wg->listen_port);
	nl_put_u32(&m, WGDEVICE_A_FLAGS, WGDEVICE_F_REPLACE_PEERS);
	err = nl_send(fd, &m);
	for (u32 i = 0; i < wg->peer_count && !err; i++) {
		start(&m, family, index);
		put_peer(&m, &wg->peer[i]);
		err = nl_send(fd, &m);
	}
	explicit_bzero(&m, sizeof(m));
	return err;
}

int wg_apply(int index, const struct wg_config *wg)
{
	int fd = nl_open(NETLINK_GENERIC), family, err;

	if (fd < 0)
		return fd;
	family = family_id(fd);
	err = family < 0 ? family : send_all(fd, family, index, wg);
	close(fd);
	return err;
}
