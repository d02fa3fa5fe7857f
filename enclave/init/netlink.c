// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "enclave/init/netlink.h"
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int nl_open(int protocol)
{
	struct sockaddr_nl local = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&local, sizeof(local))) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

void nl_start(struct nl_message *m, u16 type, u16 flags, const void *family, size_t family_size)
{
	memset(m, 0, sizeof(*m));
	m->header.nlmsg_type = type;
	m->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	m->header.nlmsg_len = NLMSG_LENGTH(family_size);
	memcpy(m->rest, family, family_size);
}

void nl_put(struct nl_message *m, u16 type, const void *data, size_t size)
{
	u32 at = NLMSG_ALIGN(m->header.nlmsg_len);
	struct rtattr *a = (struct rtattr *)((u8 *)m + at);

	if (!m->header.nlmsg_len || at + RTA_SPACE(size) > sizeof(*m)) {
		m->header.nlmsg_len = 0;
		return;
	}
	a->rta_type = type;
	a->rta_len = RTA_LENGTH(size);
	if (size)
		memcpy(RTA_DATA(a), data, size);
	m->header.nlmsg_len = at + RTA_ALIGN(a->rta_len);
}

void nl_put_u32(struct nl_message *m, u16 type, u32 value)
{
	nl_put(m, type, &value, sizeof(value));
}

void nl_put_u16(struct nl_message *m, u16 type, u16 value)
{
	nl_put(m, type, &value, sizeof(value));
}

u32 nl_nest(struct nl_message *m, u16 type)
{
	u32 mark = NLMSG_ALIGN(m->header.nlmsg_len);

	nl_put(m, type | NLA_F_NESTED, NULL, 0);
	return mark;
}

void nl_nest_end(struct nl_message *m, u32 mark)
{
	struct rtattr *a = (struct rtattr *)((u8 *)m + mark);

	if (m->header.nlmsg_len)
		a->rta_len = m->header.nlmsg_len - mark;
}

int nl_send(int fd, struct nl_message *m)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		u8 rest[NL_MESSAGE_SIZE];
	} answer;
	ssize_t n;

	if (!m->header.nlmsg_len)
		return -ENOSPC;
	if (sendto(fd, m, m->header.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return -errno;
	n = recv(fd, &answer, sizeof(answer), 0);
	if (n < 0)
		return -errno;
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)) ||
	    answer.header.nlmsg_type != NLMSG_ERROR)
		return -EIO;
	return answer.error.error;
}

int link_index(const char *name)
{
	unsigned int index = if_nametoindex(name);

	return index ? (int)index : -errno;
}

int link_up(int fd, int index, u32 mtu)
{
	struct ifinfomsg info = { .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct nl_message m;

	nl_start(&m, RTM_NEWLINK, 0, &info, sizeof(info));
	if (mtu)
		nl_put_u32(&m, IFLA_MTU, mtu);
	return nl_send(fd, &m);
}

int link_move(int fd, int index, int namespace_fd)
{
	struct ifinfomsg info = { .ifi_index = index };
	struct nl_message m;

	nl_start(&m, RTM_NEWLINK, 0, &info, sizeof(info));
	nl_put_u32(&m, IFLA_NET_NS_FD, namespace_fd);
	return nl_send(fd, &m);
}

int link_add_wireguard(int fd, const char *name)
{
	static const char kind[] = "wireguard";
	struct ifinfomsg info = { 0 };
	struct nl_message m;
	u32 nest;

	nl_start(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof(info));
	nl_put(&m, IFLA_IFNAME, name, strlen(name) + 1);
	nest = nl_nest(&m, IFLA_LINKINFO);
	nl_put(&m, IFLA_INFO_KIND, kind, sizeof(kind));
	nl_nest_end(&m, nest);
	return nl_send(fd, &m);
}

int address_add(int fd, int index, const struct cidr *address)
{
	struct ifaddrmsg info = { .ifa_family = address->family,
				  .ifa_prefixlen = address->prefix,
				  .ifa_index = index };
	struct nl_message m;

	/* Nobody else is on our end of the link: IPv6 must not wait for duplicates. */
	if (address->family == AF_INET6)
		info.ifa_flags = IFA_F_NODAD;
	nl_start(&m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &info, sizeof(info));
	nl_put(&m, IFA_LOCAL, address->bytes, cidr_size(address));
	nl_put(&m, IFA_ADDRESS, address->bytes, cidr_size(address));
	return nl_send(fd, &m);
}

int route_add(int fd, int index, const struct cidr *to, const struct cidr *gw)
{
	struct rtmsg info = { .rtm_family = to->family,
			      .rtm_dst_len = to->prefix,
			      .rtm_table = RT_TABLE_MAIN,
			      .rtm_protocol = RTPROT_BOOT,
			      .rtm_scope = gw ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
			      .rtm_type = RTN_UNICAST };
	struct nl_message m;

	if (to->family == AF_INET6)
		info.rtm_scope = RT_SCOPE_UNIVERSE;
	nl_start(&m, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &info, sizeof(info));
	if (to->prefix)
		nl_put(&m, RTA_DST, to->bytes, cidr_size(to));
	if (gw)
		nl_put(&m, RTA_GATEWAY, gw->bytes, cidr_size(gw));
	nl_put_u32(&m, RTA_OIF, index);
	return nl_send(fd, &m);
}
