// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A NIC that WireGuard protects stays in the kernel's first network namespace
 * with nothing but its own address; the tunnel's interface is made there, which
 * fixes where its packets go, and moved to the namespace of the program. So no
 * program can send a packet past the tunnel, whatever its routes say.
 */
#include "enclave/init/dhcp.h"
#include "enclave/init/init.h"
#include "enclave/init/netlink.h"
#include "enclave/init/wgnl.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WG_OVERHEAD 80
#define NIC_WAIT_MS 2000

static int route_socket(void)
{
	int fd = nl_open(NETLINK_ROUTE);

	if (fd < 0)
		init_die("NET", "netlink: %s", strerror(-fd));
	return fd;
}

static void check(int err, const char *nic, const char *what)
{
	if (err)
		init_die("NET", "%s: %s: %s", nic, what, strerror(-err));
}

/* Its driver may still be talking to the device. */
static int wait_for_link(const char *name)
{
	int index = -ENODEV;

	for (int ms = 0; ms < NIC_WAIT_MS; ms += 10) {
		index = link_index(name);
		if (index > 0)
			return index;
		nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000 * 1000 }, NULL);
	}
	check(index, name, "no such interface");
	return index;
}

static void add_dns(struct init_config *c, const struct cidr *dns, u32 count)
{
	for (u32 i = 0; i < count && c->dns_count < CONFIG_DNS_MAX; i++)
		c->dns[c->dns_count++] = dns[i];
}

static void default_route(int fd, int index, const char *nic, const struct cidr *gw)
{
	struct cidr all = { .family = gw->family };

	if (gw->family)
		check(route_add(fd, index, &all, gw), nic, "default route");
}

static void use_dhcp(struct init_config *c, struct nic_config *n)
{
	struct dhcp_lease lease;
	int err = dhcp_get(n->name, &lease);

	check(err, n->name, "dhcp");
	n->addr[0] = lease.address;
	n->addr_count = 1;
	if (!n->gw[0].family)
		n->gw[0] = lease.gw;
	if (n->protect != NIC_WIREGUARD)
		add_dns(c, lease.dns, lease.dns_count);
}

static void add_addresses(int fd, int index, const struct nic_config *n)
{
	for (u32 i = 0; i < n->addr_count; i++)
		check(address_add(fd, index, &n->addr[i]), n->name, "address");
}

/* In the namespace that the NIC is in. */
static void nic_up(struct init_config *c, int fd, struct nic_config *n)
{
	int index = wait_for_link(n->name);

	/* Known addresses first: frames that wait in the NIC are answered when it goes up. */
	if (n->addressing != NIC_DHCP)
		add_addresses(fd, index, n);
	check(link_up(fd, index, n->mtu), n->name, "up");
	if (n->addressing == NIC_DHCP) {
		use_dhcp(c, n);
		add_addresses(fd, index, n);
	}
	default_route(fd, index, n->name, &n->gw[0]);
	default_route(fd, index, n->name, &n->gw[1]);
}

static void load_wireguard(const struct init_config *c, const struct nic_config *n,
			   struct wg_config *wg)
{
	size_t size;
	char *text;
	int err;

	source_read(c, &n->wireguard, n->name, &text, &size);
	if (memchr(text, 0, size))
		init_die("WIREGUARD", "%s: the file has a zero byte", n->name);
	err = wg_parse(wg, text);
	explicit_bzero(text, size);
	free(text);
	if (err && wg->line)
		init_die("WIREGUARD", "%s: line %d: %s", n->name, wg->line, wg->why);
	if (err)
		init_die("WIREGUARD", "%s: %s", n->name, wg->why);
}

/* Makes wgN next to its NIC and moves it to where programs are. */
static void tunnel_make(int fd, u32 number, const struct wg_config *wg, int program_ns)
{
	char name[16];
	int index;

	snprintf(name, sizeof(name), "wg%u", number);
	check(link_add_wireguard(fd, name), name, "create");
	index = wait_for_link(name);
	check(wg_apply(index, wg), name, "configure");
	check(link_move(fd, index, program_ns), name, "move");
}

static u32 tunnel_mtu(const struct nic_config *n, const struct wg_config *wg)
{
	return wg->mtu ?: (n->mtu ?: 1500) - WG_OVERHEAD;
}

/* In the program's namespace. */
static void tunnel_up(struct init_config *c, int fd, u32 number, const struct nic_config *n,
		      const struct wg_config *wg)
{
	char name[16];
	int index;

	snprintf(name, sizeof(name), "wg%u", number);
	index = wait_for_link(name);
	for (u32 i = 0; i < wg->address_count; i++)
		check(address_add(fd, index, &wg->address[i]), name, "address");
	check(link_up(fd, index, tunnel_mtu(n, wg)), name, "up");
	for (u32 p = 0; p < wg->peer_count; p++)
		for (u32 i = 0; i < wg->peer[p].allowed_count; i++)
			check(route_add(fd, index, &wg->peer[p].allowed[i], NULL), name, "route");
	c->dns_count = wg->dns_count ? 0 : c->dns_count;
	add_dns(c, wg->dns, wg->dns_count);
}

static void name_unprotected(const struct nic_config *n)
{
	static const char *const said[] = {
		[NIC_UNSTATED] = "no protection stated",
		[NIC_INSECURE_NONE] = "protect=insecure_none",
	};

	if (said[n->protect])
		init_log("UNPROTECTED", "%s: the host reads and changes this network (%s)", n->name,
			 said[n->protect]);
}

static void loopback_up(int fd)
{
	check(link_up(fd, link_index("lo"), 0), "lo", "up");
}

static int namespace_fd(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		init_die("NET", "network namespaces: %s", strerror(errno));
	return fd;
}

/*
 * first/fd: the namespace that NICs are born in. Leaves pid 1, and so every
 * program, in a new one that has the tunnels and the NICs without WireGuard.
 */
static void start_with_tunnels(struct init_config *c, int fd)
{
	struct wg_config *wg = calloc(c->nic_count, sizeof(*wg));
	int first = namespace_fd(), program, program_fd;
	u32 i;

	if (!wg || unshare(CLONE_NEWNET))
		init_die("NET", "cannot make a network namespace: %s", strerror(errno));
	program = namespace_fd();
	program_fd = route_socket();
	loopback_up(program_fd);
	check(setns(first, CLONE_NEWNET) ? -errno : 0, "init", "namespace");
	for (i = 0; i < c->nic_count; i++) {
		if (c->nic[i].protect != NIC_WIREGUARD) {
			check(link_move(fd, wait_for_link(c->nic[i].name), program), c->nic[i].name,
			      "move");
			continue;
		}
		load_wireguard(c, &c->nic[i], &wg[i]);
		nic_up(c, fd, &c->nic[i]);
		tunnel_make(fd, i, &wg[i], program);
	}
	check(setns(program, CLONE_NEWNET) ? -errno : 0, "init", "namespace");
	for (i = 0; i < c->nic_count; i++)
		if (c->nic[i].protect == NIC_WIREGUARD)
			tunnel_up(c, program_fd, i, &c->nic[i], &wg[i]);
		else
			nic_up(c, program_fd, &c->nic[i]);
	explicit_bzero(wg, c->nic_count * sizeof(*wg));
	free(wg);
	close(first);
	close(program);
	close(program_fd);
}

void net_start(struct init_config *c)
{
	int fd = route_socket();
	bool tunnels = false;

	loopback_up(fd);
	for (u32 i = 0; i < c->nic_count; i++) {
		tunnels |= c->nic[i].protect == NIC_WIREGUARD;
		name_unprotected(&c->nic[i]);
	}
	if (tunnels)
		start_with_tunnels(c, fd);
	else
		for (u32 i = 0; i < c->nic_count; i++)
			nic_up(c, fd, &c->nic[i]);
	close(fd);
}
