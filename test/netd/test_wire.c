/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Two guests back to back over link:, kicks and calls under load, and the capture file. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "host/netd/loop.h"
#include "test/netd/minitcp.h"

#define FRAMES 20000
#define SATURATE 200000

static char link_arg[80];

static void start_end(struct guest *g, u64 features)
{
	const char *args[] = { "--fd", "@FD", "--net", link_arg, "--stats", NULL };

	guest_init(g, 1, 2048);
	guest_spawn(g, args);
	if (guest_start(g, features))
		exit(1);
}

static void name_link(void)
{
	snprintf(link_arg, sizeof(link_arg), "link:/tmp/netd-wire-%d.sock", getpid());
}

/* Sends until the other end hears something: the two find each other in their own time. */
static bool meet(struct guest *a, struct guest *b)
{
	u8 f[60] = { [12] = 0x99 }, buf[GUEST_FRAME_MAX];
	s64 end = t_now_ms() + 10000;
	net_hdr h = { 0 };

	while (t_now_ms() < end) {
		guest_tx(a, 0, &h, f, sizeof(f));
		if (guest_rx(b, 0, &h, buf, 50)) {
			while (guest_rx(b, 0, &h, buf, 20))
				;
			return true;
		}
	}
	return false;
}

static u32 size_of(u32 i)
{
	return i % 50 == 0 ? 65000 : 60 + (i * 37) % 1400;
}

static void *send_many(void *arg)
{
	struct guest *g = arg;
	static u8 f[66000];
	net_hdr plain = { 0 };
	net_hdr gso = { .hdr = { VIRTIO_NET_HDR_F_NEEDS_CSUM, VIRTIO_NET_HDR_GSO_TCPV4, 54, 1448,
				 34, 16 } };

	for (u32 i = 0; i < FRAMES; i++) {
		u32 len = size_of(i);

		memcpy(f + 14, &i, 4);
		memcpy(f + len - 4, &i, 4);
		if (!guest_tx(g, 0, len > 1514 ? &gso : &plain, f, len))
			return "stuck";
	}
	return NULL;
}

/* Nothing is lost, reordered or cut, GSO headers included, although the receiver is slower. */
static void back_to_back(void)
{
	static u8 buf[GUEST_FRAME_MAX];
	struct guest a, b;
	pthread_t t;
	net_hdr h;
	void *why;

	name_link();
	start_end(&a, GUEST_FEATURES);
	start_end(&b, GUEST_FEATURES);
	CHECK(meet(&a, &b));
	pthread_create(&t, NULL, send_many, &a);
	for (u32 i = 0; i < FRAMES; i++) {
		u32 len = guest_rx(&b, 0, &h, buf, 5000);

		CHECK(len == size_of(i), "frame %u: %u, not %u", i, len, size_of(i));
		CHECK(!memcmp(buf + 14, &i, 4) && !memcmp(buf + len - 4, &i, 4), "frame %u", i);
		CHECK(h.hdr.gso_type == (len > 1514 ? VIRTIO_NET_HDR_GSO_TCPV4 : 0));
		CHECK(len <= 1514 || (h.hdr.gso_size == 1448 && h.hdr.csum_start == 34));
	}
	pthread_join(t, &why);
	CHECK(!why);
	guest_exit(&a);
	guest_exit(&b);
	PASS();
}

/* A peer without offloads is not given GSO frames, and says so in its counters only. */
static void weaker_peer(void)
{
	static u8 buf[GUEST_FRAME_MAX], f[66000];
	net_hdr gso = { .hdr = { VIRTIO_NET_HDR_F_NEEDS_CSUM, VIRTIO_NET_HDR_GSO_TCPV4, 54, 1448,
				 34, 16 } };
	net_hdr plain = { 0 }, h;
	struct guest a, b;

	name_link();
	start_end(&a, GUEST_FEATURES);
	start_end(&b, BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_NET_F_MRG_RXBUF));
	CHECK(meet(&a, &b));
	CHECK(guest_tx(&a, 0, &gso, f, 65000));
	CHECK(guest_tx(&a, 0, &plain, f, 100));
	CHECK(guest_rx(&b, 0, &h, buf, 5000) == 100);
	guest_exit(&a);
	guest_exit(&b);
	PASS();
}

static void either_end_returns(void)
{
	struct guest a, b;

	name_link();
	start_end(&a, GUEST_FEATURES);
	start_end(&b, GUEST_FEATURES);
	CHECK(meet(&a, &b) && meet(&b, &a));
	for (int round = 0; round < 4; round++) {
		struct guest *g = round & 1 ? &a : &b;

		kill(g->netd, SIGKILL);
		waitpid(g->netd, NULL, 0);
		g->netd = 0;
		guest_exit(g);
		start_end(g, GUEST_FEATURES);
		CHECK(meet(&a, &b), "round %d", round);
		CHECK(meet(&b, &a), "round %d", round);
	}
	guest_exit(&a);
	guest_exit(&b);
	CHECK(access(link_arg + 5, F_OK)); /* the last one took its socket file away */
	PASS();
}

/* Design 4a.4: at saturation neither kicks nor calls grow with the packets. */
static void few_kicks_at_saturation(void)
{
	const char *args[] = { "--fd", "@FD", "--net", "sink", NULL };
	net_hdr h = { 0 };
	u8 f[64] = { 0 };
	struct guest g;
	u64 count;

	guest_init(&g, 1, 2048);
	guest_spawn(&g, args);
	CHECK(guest_start(&g, GUEST_FEATURES) == 0);
	*(volatile u16 *)&g.q[1].avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	for (u32 i = 0; i < SATURATE; i++)
		CHECK(guest_tx(&g, 0, &h, f, sizeof(f)), "frame %u", i);
	CHECK(guest_tx_drain(&g, 0));
	if (read(g.q[1].call, &count, sizeof(count)) == sizeof(count))
		g.q[1].calls_seen += count;
	CHECK(g.q[1].kicks_sent < SATURATE / 16, "%lu kicks", g.q[1].kicks_sent);
	CHECK(g.q[1].calls_seen < SATURATE / 16, "%lu calls", g.q[1].calls_seen);
	printf("# %lu kicks, %lu calls for %u frames\n", g.q[1].kicks_sent, g.q[1].calls_seen,
	       SATURATE);
	guest_exit(&g);
	PASS();
}

/* One frame at a time, so that netd runs dry after each: kicks follow the clock, not the frames. */
static void ping_pong(u64 features, u32 pause_us, u32 count)
{
	const char *args[] = { "--fd", "@FD", "--net", "echo", "--spin", "0", NULL };
	u8 f[64] = { 0 }, buf[GUEST_FRAME_MAX];
	net_hdr h = { 0 };
	struct guest g;
	u64 allowed;
	s64 start;

	guest_init(&g, 1, 2048);
	guest_spawn(&g, args);
	start = t_now_ms();
	CHECK(guest_start(&g, features) == 0);
	for (u32 i = 0; i < count; i++) {
		CHECK(guest_tx(&g, 0, &h, f, sizeof(f)));
		CHECK(guest_rx(&g, 0, &h, buf, 5000) == sizeof(f));
		if (pause_us)
			usleep(pause_us);
	}
	allowed = KICKS_BURST + 8 + (t_now_ms() - start + 1) * KICKS_PER_S / 1000;
	printf("# %u frames in %ld ms: %lu kicks of %lu allowed\n", count, t_now_ms() - start,
	       g.q[1].kicks_sent, allowed);
	CHECK(g.q[1].kicks_sent <= allowed && g.q[1].kicks_sent > 1, "%lu of %lu",
	      g.q[1].kicks_sent, allowed);
	guest_exit(&g);
	PASS();
}

static void kicks_follow_the_clock(void)
{
	ping_pong(GUEST_FEATURES | BIT(VIRTIO_RING_F_EVENT_IDX), 0, 10000);
	ping_pong(GUEST_FEATURES | BIT(VIRTIO_RING_F_EVENT_IDX), 100, 2000);
	ping_pong(GUEST_FEATURES, 0, 10000);
}

/* A driver that lies about wanting calls, or kicks all the time, costs events, nothing else. */
static void kick_storm(void)
{
	const char *args[] = { "--fd", "@FD", "--net", "echo", NULL };
	u8 f[64] = { 0 }, buf[GUEST_FRAME_MAX];
	net_hdr h = { 0 };
	struct guest g;
	u64 one = 1;

	guest_init(&g, 1, 2048);
	guest_spawn(&g, args);
	CHECK(guest_start(&g, GUEST_FEATURES) == 0);
	for (u32 i = 0; i < 20000; i++)
		CHECK(write(g.q[i & 1].kick, &one, 8) == 8);
	CHECK(guest_tx(&g, 0, &h, f, sizeof(f)));
	CHECK(guest_rx(&g, 0, &h, buf, 5000) == sizeof(f));
	guest_exit(&g);
	PASS();
}

static void capture(void)
{
	static const char canary[] = "CANARY-4f1d2c";
	char path[64];
	const char *args[] = { "--fd", "@FD", "--net", "user", "--pcap", path, NULL };
	static u8 file[65536];
	struct guest g;
	struct net n;
	u8 udp[8 + sizeof(canary)] = { 0x30, 0x39, 0, 9, 0, 8 + sizeof(canary), 0, 0 };
	ssize_t size, at = 24, frames = 0;
	int fd;

	snprintf(path, sizeof(path), "/tmp/netd-pcap-%d", getpid());
	unlink(path);
	for (int round = 0; round < 2; round++) { /* the second netd appends */
		guest_init(&g, 1, 2048);
		guest_spawn(&g, args);
		CHECK(guest_start(&g, GUEST_FEATURES) == 0);
		net_init(&n, &g, "10.0.2.15", "10.0.2.2");
		CHECK(net_resolve(&n));
		memcpy(udp + 8, canary, sizeof(canary));
		net_send_ip(&n, 17, udp, sizeof(udp), 6);
		CHECK(guest_tx_drain(&g, 0));
		guest_exit(&g);
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	size = read(fd, file, sizeof(file));
	close(fd);
	unlink(path);
	CHECK(size > 24 && *(u32 *)file == 0xa1b23c4d);
	CHECK(memmem(file, size, canary, sizeof(canary)));
	for (; at < size; frames++)
		at += 16 + *(u32 *)(file + at + 8);
	CHECK(at == size, "%zd of %zd", at, size);
	/* Twice: ARP there and back, the datagram (an answer may follow). */
	CHECK(frames >= 6, "%zd", frames);
	PASS();
}

int main(void)
{
	back_to_back();
	weaker_peer();
	either_end_returns();
	few_kicks_at_saturation();
	kicks_follow_the_clock();
	kick_storm();
	capture();
	return t_end();
}
