// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* NICs of a TEE: back ends, kicks and events. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "host/lib/self.h"
#include "host/tee/tee.h"

static u32 pairs_of(const struct tee_vm *vm, const struct nic_spec *spec)
{
	u32 room = (TEE_KICK_MAX - TEE_KICK_NIC) / vm->cfg->nic_count;
	u32 pairs = spec->queues && spec->queues < vm->vcpu_count ? spec->queues : vm->vcpu_count;

	return pairs < (room - 1) / 2 ? pairs : (room - 1) / 2;
}

/* Where the kicks of NIC @i start: first the control block's, then one per ring. */
static u32 kick_base(const struct tee_vm *vm, size_t i)
{
	return TEE_KICK_NIC + i * ((TEE_KICK_MAX - TEE_KICK_NIC) / vm->cfg->nic_count);
}

static struct nicdev_ctl *ctl_of(const struct tee_vm *vm, size_t i)
{
	return (struct nicdev_ctl *)(vm->control + vm->nic_offset) + i;
}

static int open_kicks(struct tee_vm *vm, size_t i, struct nicdev_config *c)
{
	u32 base = kick_base(vm, i), n, rings = 2 * pairs_of(vm, &vm->cfg->nics[i]);

	for (n = 0; n <= rings; n++) {
		int fd = tee_fd_high(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));

		if (fd < 0)
			return -errno;
		vm->kick_fd[base + n] = fd;
	}
	for (n = 0; n < NICDEV_RINGS_MAX; n++) {
		c->kick_fd[n] = n < rings ? (int)vm->kick_fd[base + 1 + n] : -1;
		c->call_fd[n] = n < rings ? vm->vcpus[n / 2]->wake_fd : -1;
	}
	c->ctl_kick_fd = vm->kick_fd[base];
	c->event_fd = vm->vcpus[0]->wake_fd;
	return 0;
}

/* Beside us when all lie in one place, else as built or as installed. */
static int find_netd(char *path, size_t size)
{
	static const char *const places[] = { "netd", "host/netd/netd", "../libexec/rktio/netd" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (!self_sibling(path, size, places[i]) && !access(path, X_OK))
			return 0;
	return -ENOENT;
}

static int describe(const struct nic_spec *s, char *out, size_t size)
{
	static const char *const kind[] = {
		[NIC_TAP] = "tap", [NIC_VHOST_USER] = "vhost-user", [NIC_LINK] = "link"
	};
	int n = s->kind == NIC_USER ? snprintf(out, size, "user")
				    : snprintf(out, size, "%s:%s", kind[s->kind], s->target);

	return n < (int)size ? 0 : -ENAMETOOLONG;
}

/* "-p" of netd; the strings are freed by free_ports(). */
static char **make_ports(const struct run_config *cfg)
{
	char **p = calloc(cfg->port_count + 1, sizeof(*p));
	size_t i;

	for (i = 0; p && i < cfg->port_count; i++) {
		const struct port_map *m = &cfg->ports[i];

		if (asprintf(&p[i], "%s%s%u:%u%s", m->host_addr ?: "", m->host_addr ? ":" : "",
			     m->host_port, m->guest_port, m->udp ? "/udp" : "") < 0)
			p[i] = NULL;
	}
	return p;
}

static void free_ports(char **p)
{
	size_t i;

	for (i = 0; p && p[i]; i++)
		free(p[i]);
	free(p);
}

static void log_line(void *arg, const char *line)
{
	struct tee_vm *vm = arg;

	launcher_log(vm->l, 4, line, strlen(line));
}

static int start_nic(struct tee_vm *vm, size_t i, const char *netd, char **ports, struct err *err)
{
	const struct nic_spec *s = &vm->cfg->nics[i];
	struct nicdev_config c = { .ctl = ctl_of(vm, i) };
	char name[256];
	int ret;

	ret = describe(s, name, sizeof(name)) ?: open_kicks(vm, i, &c);
	if (ret)
		return err_set_errno(err, E_NIC, -ret, "%s", s->name);
	c.link.netd = netd;
	c.link.nic = name;
	c.link.publish = s->kind == NIC_USER ? (const char *const *)ports : NULL;
	c.link.publish_count = s->kind == NIC_USER ? vm->cfg->port_count : 0;
	c.link.pairs = pairs_of(vm, s);
	c.link.vu.arena_fd = vm->dma_fd;
	c.link.vu.arena_size = vm->dma_size;
	c.link.vu.arena = vm->dma;
	c.link.log = log_line;
	c.link.log_arg = vm;
	ret = nicdev_start(&vm->nics[i], &c);
	return ret ? err_set_errno(err, E_NIC, -ret, "%s (%s)", s->name, name) : 0;
}

/* Starts the back ends; due before the first vCPU enters, after the disks. */
int tee_nics_start(struct tee_vm *vm, struct err *err)
{
	char netd[512] = "";
	char **ports;
	size_t i;
	int ret = 0;

	if (!vm->cfg->nic_count)
		return 0;
	if (vm->cfg->nic_count > TEE_NICS_MAX)
		return err_set(err, E_NIC, "at most %d NICs", TEE_NICS_MAX);
	if (find_netd(netd, sizeof(netd)))
		return err_set(err, E_TOOL, "netd is not installed beside rktio");
	ports = make_ports(vm->cfg);
	if (!ports)
		return err_set(err, E_MEMORY, "netd");
	for (i = 0; !ret && i < vm->cfg->nic_count; i++)
		ret = start_nic(vm, i, netd, ports, err);
	free_ports(ports);
	if (ret)
		tee_nics_stop(vm);
	return ret;
}

void tee_nics_stop(struct tee_vm *vm)
{
	u32 i;

	for (i = 0; i < TEE_NICS_MAX; i++) {
		nicdev_stop(vm->nics[i]);
		vm->nics[i] = NULL;
	}
	for (i = TEE_KICK_NIC; i < TEE_KICK_MAX; i++) {
		if (vm->kick_fd[i] >= 0)
			close(vm->kick_fd[i]);
		vm->kick_fd[i] = -1;
	}
}

static void parse_mac(const char *text, u8 *mac)
{
	if (text && sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2],
			   &mac[3], &mac[4], &mac[5]) != 6)
		memset(mac, 0, 6);
}

/* The boot item of NIC @i. */
void tee_nic_boot(const struct tee_vm *vm, size_t i, struct boot_nic *b)
{
	const struct nic_spec *s = &vm->cfg->nics[i];

	*b = (struct boot_nic){
		.ctl_offset = vm->nic_offset + i * sizeof(struct nicdev_ctl),
		.device = kick_base(vm, i),
	};
	snprintf(b->name, sizeof(b->name), "eth%zu", i); /* as init's configuration calls it */
	parse_mac(s->mac, b->mac);
}
