// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "enclave/init/dhcp.h"
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define OPTIONS_SIZE 312
#define COOKIE 0x63825363 /* RFC 2132, section 2 */
#define TRIES 4
#define WAIT_MS 2500

enum {
	DISCOVER = 1,
	OFFER = 2,
	REQUEST = 3,
	ACK = 5,
};

enum {
	OPT_MASK = 1,
	OPT_ROUTER = 3,
	OPT_DNS = 6,
	OPT_ADDRESS = 50,
	OPT_TYPE = 53,
	OPT_SERVER = 54,
	OPT_WANTED = 55,
	OPT_END = 255,
};

/* RFC 2131, figure 1. */
struct dhcp_packet {
	u8 op, htype, hlen, hops;
	u32 xid;
	u16 secs, flags;
	u32 ciaddr, yiaddr, siaddr, giaddr;
	u8 chaddr[16], sname[64], file[128];
	u32 cookie;
	u8 options[OPTIONS_SIZE - 4];
} __attribute__((packed));
ABI_SIZE(struct dhcp_packet, 236 + OPTIONS_SIZE);

/* Return: the option's value with at least min bytes, or NULL. */
static const u8 *option(const u8 *options, size_t size, u8 code, u8 min, u8 *length)
{
	size_t at = 0;

	while (at < size && options[at] != OPT_END) {
		if (!options[at]) { /* padding */
			at++;
			continue;
		}
		if (at + 2 > size || options[at + 1] > size - at - 2)
			return NULL;
		if (options[at] == code && options[at + 1] >= min) {
			*length = options[at + 1];
			return options + at + 2;
		}
		at += 2 + options[at + 1];
	}
	return NULL;
}

static int prefix_of(const u8 mask[4])
{
	u32 m = (u32)mask[0] << 24 | mask[1] << 16 | mask[2] << 8 | mask[3];
	int prefix = m ? __builtin_clz(~m | 1) + (m == ~0u) : 0;

	return m == (prefix ? ~0u << (32 - prefix) : 0) ? prefix : -EINVAL;
}

static void set_address(struct cidr *a, const void *bytes, u8 prefix)
{
	memset(a, 0, sizeof(*a));
	a->family = AF_INET;
	a->prefix = prefix;
	memcpy(a->bytes, bytes, 4);
}

static int parse_lease(const struct dhcp_packet *p, size_t size, struct dhcp_lease *lease)
{
	const u8 *o;
	int prefix = 24;
	u8 n;

	memset(lease, 0, sizeof(*lease));
	o = option(p->options, size, OPT_MASK, 4, &n);
	if (o)
		prefix = prefix_of(o);
	if (prefix < 1 || !p->yiaddr || p->yiaddr == ~0u)
		return -EINVAL;
	set_address(&lease->address, &p->yiaddr, prefix);
	o = option(p->options, size, OPT_ROUTER, 4, &n);
	if (o)
		set_address(&lease->gw, o, 32);
	o = option(p->options, size, OPT_DNS, 4, &n);
	for (; o && n >= 4 && lease->dns_count < CONFIG_DNS_MAX; o += 4, n -= 4)
		set_address(&lease->dns[lease->dns_count++], o, 32);
	return 0;
}

int dhcp_parse(const u8 *packet, size_t size, u32 xid, struct dhcp_lease *lease, u32 *server)
{
	const struct dhcp_packet *p = (const struct dhcp_packet *)packet;
	const size_t head = offsetof(struct dhcp_packet, options);
	const u8 *o;
	int type;
	u8 n;

	if (size < head || p->op != 2 || p->xid != xid || p->cookie != htonl(COOKIE))
		return -EINVAL;
	size -= head;
	o = option(p->options, size, OPT_TYPE, 1, &n);
	if (!o)
		return -EINVAL;
	type = *o;
	*server = 0;
	o = option(p->options, size, OPT_SERVER, 4, &n);
	if (o)
		memcpy(server, o, 4);
	if (type == OFFER || type == ACK)
		return parse_lease(p, size, lease) ?: type;
	return type;
}

static int open_socket(const char *interface)
{
	struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons(68) };
	struct timeval wait = { WAIT_MS / 1000, WAIT_MS % 1000 * 1000 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1, err;

	if (fd < 0)
		return -errno;
	if (!setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)) &&
	    !setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, strlen(interface) + 1) &&
	    !setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) &&
	    !bind(fd, (struct sockaddr *)&local, sizeof(local)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static u8 *put_option(u8 *at, u8 code, const void *data, u8 size)
{
	*at++ = code;
	*at++ = size;
	memcpy(at, data, size);
	return at + size;
}

static int send_message(int fd, struct dhcp_packet *p, u8 type, const struct dhcp_lease *lease,
			u32 server)
{
	static const u8 wanted[] = { OPT_MASK, OPT_ROUTER, OPT_DNS };
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(67),
				  .sin_addr.s_addr = INADDR_BROADCAST };
	u8 *at = p->options;

	memset(p->options, 0, sizeof(p->options));
	at = put_option(at, OPT_TYPE, &type, 1);
	at = put_option(at, OPT_WANTED, wanted, sizeof(wanted));
	if (type == REQUEST) {
		at = put_option(at, OPT_ADDRESS, lease->address.bytes, 4);
		at = put_option(at, OPT_SERVER, &server, 4);
	}
	*at = OPT_END;
	return sendto(fd, p, sizeof(*p), 0, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}

/* Skips what is not for us, but not for ever. */
static int wait_for(int fd, u32 xid, int type, struct dhcp_lease *lease, u32 *server)
{
	u8 packet[1500];

	for (int i = 0; i < 64; i++) {
		ssize_t n = recv(fd, packet, sizeof(packet), 0);

		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (dhcp_parse(packet, n, xid, lease, server) == type)
			return 0;
	}
	return -EPROTO;
}

static int exchange(int fd, struct dhcp_packet *p, struct dhcp_lease *lease)
{
	u32 server;
	int err = send_message(fd, p, DISCOVER, NULL, 0);

	if (!err)
		err = wait_for(fd, p->xid, OFFER, lease, &server);
	if (!err)
		err = send_message(fd, p, REQUEST, lease, server);
	if (!err)
		err = wait_for(fd, p->xid, ACK, lease, &server);
	return err;
}

int dhcp_get(const char *interface, struct dhcp_lease *lease)
{
	struct dhcp_packet p = {
		.op = 1, .htype = 1, .hlen = 6, .flags = htons(0x8000), .cookie = htonl(COOKIE)
	};
	struct ifreq hw = { 0 };
	int fd = open_socket(interface), err = -ETIMEDOUT;

	if (fd < 0)
		return fd;
	snprintf(hw.ifr_name, IFNAMSIZ, "%s", interface);
	if (ioctl(fd, SIOCGIFHWADDR, &hw) || getrandom(&p.xid, sizeof(p.xid), 0) != sizeof(p.xid)) {
		close(fd);
		return -EIO;
	}
	memcpy(p.chaddr, hw.ifr_hwaddr.sa_data, 6);
	for (int i = 0; i < TRIES && err == -ETIMEDOUT; i++)
		err = exchange(fd, &p, lease);
	close(fd);
	return err;
}
