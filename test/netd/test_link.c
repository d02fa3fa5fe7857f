/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the launcher uses: netd as a child that is kept alive, and other people's back ends. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "host/device/netd_link.h"
#include "host/device/nicdev.h"
#include "host/device/spawn.h"
#include "test/netd/minitcp.h"

static char last_line[256];

static void log_line(void *arg, const char *line)
{
	snprintf(last_line, sizeof(last_line), "%s", line);
}

static struct netd_link_config config(struct guest *g, const char *nic)
{
	return (struct netd_link_config){
		.netd = getenv("NETD"), .nic = nic, .pairs = g->pairs, .vu = g->cfg, .log = log_line
	};
}

static bool gone(pid_t pid)
{
	for (int i = 0; i < 300; i++) {
		if (kill(pid, 0) && errno == ESRCH)
			return true;
		usleep(10000);
	}
	return false;
}

static void wait_restarts(struct netd_link *l, u64 n, struct netd_link_stats *st)
{
	for (int i = 0; i < 500; i++) {
		netd_link_get_stats(l, st);
		if (st->up && st->restarts >= n)
			return;
		usleep(10000);
	}
}

static void survives_kill_9(void)
{
	struct netd_link_config cfg;
	struct netd_link_stats st;
	struct netd_link *l;
	struct guest g;
	struct net n;

	guest_init(&g, 1, 2048);
	cfg = config(&g, "user");
	CHECK(netd_link_start(&l, &cfg) == 0);
	CHECK((netd_link_features(l) & GUEST_FEATURES) == GUEST_FEATURES);
	CHECK(netd_link_pairs(l) == 1);
	guest_fill_rx(&g);
	CHECK(netd_link_set_queues(l, GUEST_FEATURES, g.vq, 2) == 0);
	net_init(&n, &g, "10.0.2.15", "10.0.2.2");
	CHECK(net_resolve(&n));
	for (u64 round = 1; round <= 3; round++) {
		netd_link_get_stats(l, &st);
		CHECK(st.up && st.pid > 0);
		CHECK(getpgid(st.pid) == st.pid && getsid(st.pid) == st.pid); /* no Ctrl-C */
		kill(st.pid, SIGKILL);
		wait_restarts(l, round, &st);
		CHECK(st.restarts == round && st.up);
		memset(n.peer_mac, 0xff, 6);
		CHECK(net_resolve(&n), "round %lu", round);
	}
	CHECK(strstr(last_line, "NETD: user: "), "%s", last_line);
	netd_link_stop(l);
	CHECK(gone(st.pid));
	guest_exit(&g);
	PASS();
}

/* Queues are full when netd dies; each frame arrives at least once afterwards. */
static void keeps_frames_over_a_restart(void)
{
	u8 echo[64] = { 8 }, reply[2048];
	struct netd_link_config cfg;
	struct netd_link_stats st;
	struct netd_link *l;
	bool seen[50] = { 0 };
	struct guest g;
	struct net n;
	u32 src, len, count = 0;

	guest_init(&g, 1, 2048);
	cfg = config(&g, "user");
	CHECK(netd_link_start(&l, &cfg) == 0);
	guest_fill_rx(&g);
	CHECK(netd_link_set_queues(l, GUEST_FEATURES, g.vq, 2) == 0);
	net_init(&n, &g, "10.0.2.15", "10.0.2.2");
	n.gso = false;
	CHECK(net_resolve(&n));
	netd_link_get_stats(l, &st);
	kill(st.pid, SIGSTOP);
	for (u16 i = 0; i < 50; i++) {
		*(u16 *)(echo + 6) = i;
		*(u16 *)(echo + 2) = 0;
		*(u16 *)(echo + 2) = __builtin_bswap16(~inet_csum(echo, 64, 0));
		net_send_ip(&n, 1, echo, 64, -1);
	}
	kill(st.pid, SIGKILL);
	while (count < 50) {
		len = net_recv_ip(&n, 1, reply, &src, 5000);
		CHECK(len == 64, "%u of 50", count);
		CHECK(*(u16 *)(reply + 6) < 50);
		count += !seen[*(u16 *)(reply + 6)];
		seen[*(u16 *)(reply + 6)] = true;
	}
	netd_link_stop(l);
	guest_exit(&g);
	PASS();
}

static void refuses_nonsense(void)
{
	const char *const taken[] = { "127.0.0.1:1x:7" };
	struct netd_link_config cfg;
	struct netd_link *l = NULL;
	struct guest g;

	guest_init(&g, 1, 2048);
	cfg = config(&g, "bridge:br0");
	CHECK(netd_link_start(&l, &cfg) == -EINVAL);
	cfg = config(&g, "user");
	cfg.netd = "/nonexistent/netd";
	CHECK(netd_link_start(&l, &cfg) == -ENOENT);
	cfg = config(&g, "user");
	cfg.publish = taken;
	cfg.publish_count = 1;
	CHECK(netd_link_start(&l, &cfg) == -EIO);
	cfg = config(&g, "vhost-user:/nonexistent/socket");
	cfg.vu.timeout_ms = 50;
	CHECK(netd_link_start(&l, &cfg) == -ETIMEDOUT);
	CHECK(!l);
	guest_exit(&g);
	PASS();
}

static void checks_the_queues(void)
{
	struct netd_link_config cfg;
	struct vhost_user_queue q[2];
	struct netd_link *l;
	struct guest g;

	guest_init(&g, 1, 2048);
	cfg = config(&g, "user");
	CHECK(netd_link_start(&l, &cfg) == 0);
	memcpy(q, g.vq, sizeof(q));
	q[1].used = g.size - 64;
	CHECK(netd_link_set_queues(l, GUEST_FEATURES, q, 2) == -EINVAL);
	memcpy(q, g.vq, sizeof(q));
	q[0].desc = ~0ull - 15;
	CHECK(netd_link_set_queues(l, GUEST_FEATURES, q, 2) == -EINVAL);
	q[0] = g.vq[0];
	q[0].num = 96;
	CHECK(netd_link_set_queues(l, GUEST_FEATURES, q, 2) == -EINVAL);
	CHECK(netd_link_set_queues(l, GUEST_FEATURES, g.vq, 4) == -EINVAL);
	CHECK(netd_link_set_queues(l, GUEST_FEATURES | BIT(VIRTIO_F_RING_PACKED), g.vq, 2) ==
	      -EINVAL);
	CHECK(netd_link_set_queues(l, GUEST_FEATURES, g.vq, 2) == 0);
	netd_link_stop(l);
	guest_exit(&g);
	PASS();
}

static void netd_dies_with_the_launcher(void)
{
	struct netd_link_stats st = { 0 };
	int p[2], status;
	pid_t pid;

	CHECK(pipe(p) == 0);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		struct netd_link_config cfg;
		struct netd_link *l;
		struct guest g;

		guest_init(&g, 1, 2048);
		cfg = config(&g, "user");
		if (!netd_link_start(&l, &cfg))
			netd_link_get_stats(l, &st);
		if (write(p[1], &st, sizeof(st)) != sizeof(st))
			_exit(1);
		pause();
	}
	CHECK(read(p[0], &st, sizeof(st)) == sizeof(st) && st.pid > 0);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	CHECK(gone(st.pid));
	PASS();
}

static void external_back_end(void)
{
	char path[64], nic[80];
	const char *args[] = { "--socket", path, "--net", "user", NULL };
	struct netd_link_config cfg;
	struct netd_link_stats st;
	struct netd_link *l;
	struct guest g;
	struct net n;
	pid_t pid;
	int status;

	snprintf(path, sizeof(path), "/tmp/netd-link-%d.sock", getpid());
	snprintf(nic, sizeof(nic), "vhost-user:%s", path);
	pid = spawn_netd(args, -1);
	guest_init(&g, 1, 2048);
	cfg = config(&g, nic);
	CHECK(netd_link_start(&l, &cfg) == 0);
	guest_fill_rx(&g);
	CHECK(netd_link_set_queues(l, GUEST_FEATURES, g.vq, 2) == 0);
	net_init(&n, &g, "10.0.2.15", "10.0.2.2");
	CHECK(net_resolve(&n));
	/* It leaves its socket file behind, which the next one replaces. */
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	pid = spawn_netd(args, -1);
	wait_restarts(l, 1, &st);
	CHECK(st.restarts == 1 && st.pid == 0);
	memset(n.peer_mac, 0xff, 6);
	CHECK(net_resolve(&n));
	netd_link_stop(l);
	CHECK(end_netd(pid) == 0);
	guest_exit(&g);
	PASS();
}

/* Waits for a generation above old that says "a back end is there" (odd) or "none" (even). */
static u32 wait_generation(const struct nicdev_ctl *ctl, u32 old, bool odd)
{
	for (int i = 0; i < 500; i++) {
		u32 g = __atomic_load_n(&ctl->host.generation, __ATOMIC_ACQUIRE);

		if (g > old && (g & 1) == odd)
			return g;
		usleep(10000);
	}
	return 0;
}

/* As the TEE does it: fresh rings, their places in the block, the generation last, a kick. */
static void publish_rings(struct guest *g, struct nicdev_ctl *ctl, u32 generation, int kick)
{
	guest_reset_rings(g);
	guest_fill_rx(g);
	for (unsigned i = 0; i < 2 * g->pairs; i++) {
		ctl->vring[i] = (struct nicdev_vring){ g->cfg.guest_base + g->vq[i].desc,
						       g->cfg.guest_base + g->vq[i].avail,
						       g->cfg.guest_base + g->vq[i].used,
						       g->vq[i].num };
	}
	ctl->tee.features = GUEST_FEATURES;
	ctl->tee.pairs = g->pairs;
	ctl->tee.state = NICDEV_TEE_UP;
	__atomic_store_n(&ctl->tee.generation, generation, __ATOMIC_RELEASE);
	eventfd_write(kick, 1);
}

static void control_block(void)
{
	static struct nicdev_ctl ctl;
	struct nicdev_config cfg = { .ctl = &ctl };
	struct netd_link_stats st;
	struct nicdev *nic;
	struct guest g;
	struct net n;
	u32 gen = 0;
	u64 events;

	guest_init(&g, 1, 2048);
	g.cfg.guest_base = 1ull << 36; /* as if the arena had other device addresses */
	cfg.link = config(&g, "user");
	cfg.ctl_kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	cfg.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (unsigned i = 0; i < 2; i++) {
		cfg.kick_fd[i] = g.q[i].kick;
		cfg.call_fd[i] = g.q[i].call;
	}
	CHECK(nicdev_start(&nic, &cfg) == 0);
	for (int round = 0; round < 3; round++) {
		gen = wait_generation(&ctl, gen, true);
		CHECK(gen == 1u + 2 * round, "%u", gen);
		CHECK(eventfd_read(cfg.event_fd, &events) == 0);
		CHECK(ctl.host.magic == NICDEV_MAGIC && ctl.host.pairs_max == 1);
		CHECK(ctl.host.features == NICDEV_FEATURES, "%lx", ctl.host.features);
		publish_rings(&g, &ctl, gen, cfg.ctl_kick_fd);
		net_init(&n, &g, "10.0.2.15", "10.0.2.2");
		CHECK(net_resolve(&n), "round %d", round);
		nicdev_get_stats(nic, &st);
		kill(st.pid, SIGKILL);
	}
	/* Rings outside of the arena, and rings of a generation that is over: named, not served. */
	gen = wait_generation(&ctl, gen, true);
	CHECK(gen);
	publish_rings(&g, &ctl, gen - 2, cfg.ctl_kick_fd);
	CHECK(!guest_rx(&g, 0, &(net_hdr){ 0 }, (u8[GUEST_FRAME_MAX]){ 0 }, 50));
	publish_rings(&g, &ctl, 0, cfg.ctl_kick_fd);
	ctl.vring[1].used = g.size;
	ctl.tee.generation = gen;
	eventfd_write(cfg.ctl_kick_fd, 1);
	for (int i = 0; i < 300 && !strstr(last_line, "rings not accepted"); i++)
		usleep(10000);
	CHECK(strstr(last_line, "rings not accepted"), "%s", last_line);
	nicdev_stop(nic);
	close(cfg.ctl_kick_fd);
	close(cfg.event_fd);
	guest_exit(&g);
	PASS();
}

static void spawn_backs_off(void)
{
	char *argv[] = { "/bin/false", NULL };
	struct spawn_proc p = SPAWN_NONE;
	struct spawn_backoff b = { 0 };
	unsigned last = 0, delay;
	int status;

	for (int i = 0; i < 12; i++) {
		spawn_backoff_started(&b);
		delay = spawn_backoff_died(&b);
		CHECK(delay > last || delay == 1000);
		last = delay;
	}
	CHECK(last == 1000);
	CHECK(spawn_start(&p, argv, -1) == 0);
	while (spawn_alive(&p, &status))
		usleep(1000);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CHECK(p.pid == 0);
	argv[0] = "/nonexistent";
	CHECK(spawn_start(&p, argv, -1) == -ENOENT && p.pid == 0);
	PASS();
}

int main(void)
{
	survives_kill_9();
	keeps_frames_over_a_restart();
	refuses_nonsense();
	checks_the_queues();
	netd_dies_with_the_launcher();
	external_back_end();
	control_block();
	spawn_backs_off();
	return t_end();
}
