/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A guest and a front end that lie. For each lie: netd notices it (its counters say so), stops
 * no more than the queue or connection concerned, and neither crashes nor leaks descriptors.
 * Run with a netd built with ASan and UBSan.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "host/device/vu_msg.h"
#include "test/netd/guest.h"

#define TX 1
#define RX 0

static char output[65536];

static void start_netd(struct guest *g, const char *net)
{
	const char *args[] = { "--fd", "@FD", "--net", net, "--queues", "2", "--stats", NULL };

	if (t_netd_stderr >= 0)
		close(t_netd_stderr);
	t_netd_stderr = memfd_create("netd-stderr", MFD_CLOEXEC);
	guest_init(g, 2, 2048);
	guest_spawn(g, args);
}

/* Ends netd and reads what it printed. Returns its exit status, or -1 if it crashed. */
static int finish(struct guest *g)
{
	int status = end_netd(g->netd);
	ssize_t n;

	g->netd = 0;
	n = pread(t_netd_stderr, output, sizeof(output) - 1, 0);
	output[n > 0 ? n : 0] = 0;
	if (strstr(output, "Sanitizer") || strstr(output, "runtime error"))
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static long counter(const char *name)
{
	char key[64];
	char *p;

	snprintf(key, sizeof(key), "\"%s\":", name);
	p = strstr(output, key);
	return p ? strtol(p + strlen(key), NULL, 10) : -1;
}

/* Sends a good frame on pair 1 of an echo device and waits for it: the other queues work. */
static bool others_work(struct guest *g)
{
	u8 f[60] = { 0xff, [12] = 0x88, [13] = 0xb5 }, buf[GUEST_FRAME_MAX];
	net_hdr h = { 0 };

	return guest_tx(g, 1, &h, f, sizeof(f)) &&
	       (guest_rx(g, 0, &h, buf, 2000) == 60 || guest_rx(g, 1, &h, buf, 2000) == 60);
}

/* --- lies in the rings ---------------------------------------------------------------- */

/* Makes descriptor id available on the queue as it is. */
static void offer(struct guest *g, unsigned q, u16 id)
{
	struct gqueue *gq = &g->q[q];

	gq->avail->ring[gq->avail_idx % gq->num] = id;
	gq->avail_idx++;
	__atomic_store_n(&gq->avail->idx, gq->avail_idx, __ATOMIC_RELEASE);
	guest_kick(g, q);
}

static void fill_desc(struct guest *g, u16 id, u64 addr, u32 len, u16 flags, u16 next)
{
	g->q[TX].desc[id] = (struct vring_desc){ addr, len, flags, next };
}

typedef void (*lie)(struct guest *g);

static void head_beyond(struct guest *g)
{
	offer(g, TX, GUEST_NUM);
}

static void head_far_beyond(struct guest *g)
{
	offer(g, TX, 65535);
}

static void next_beyond(struct guest *g)
{
	fill_desc(g, 0, g->q[TX].buffers, 100, VRING_DESC_F_NEXT, GUEST_NUM);
	offer(g, TX, 0);
}

static void circle(struct guest *g)
{
	fill_desc(g, 0, g->q[TX].buffers, 100, VRING_DESC_F_NEXT, 1);
	fill_desc(g, 1, g->q[TX].buffers, 100, VRING_DESC_F_NEXT, 0);
	offer(g, TX, 0);
}

static void circle_of_empty(struct guest *g)
{
	fill_desc(g, 0, g->q[TX].buffers, 0, VRING_DESC_F_NEXT, 0);
	offer(g, TX, 0);
}

static void too_long(struct guest *g)
{
	for (u16 i = 0; i < 100; i++)
		fill_desc(g, i, g->q[TX].buffers, 10, i < 99 ? VRING_DESC_F_NEXT : 0, i + 1);
	offer(g, TX, 0);
}

static void indirect(struct guest *g)
{
	fill_desc(g, 0, g->q[TX].buffers, 32, VRING_DESC_F_INDIRECT, 0);
	offer(g, TX, 0);
}

static void writable_tx(struct guest *g)
{
	fill_desc(g, 0, g->q[TX].buffers, 100, VRING_DESC_F_WRITE, 0);
	offer(g, TX, 0);
}

static void outside(struct guest *g)
{
	fill_desc(g, 0, g->size, 100, 0, 0);
	offer(g, TX, 0);
}

static void past_the_end(struct guest *g)
{
	fill_desc(g, 0, g->size - 99, 100, 0, 0);
	offer(g, TX, 0);
}

static void wraps_around(struct guest *g)
{
	fill_desc(g, 0, ~0ull - 49, 100, 0, 0);
	offer(g, TX, 0);
}

static void huge_buffer(struct guest *g)
{
	fill_desc(g, 0, 0, 0xffffffff, 0, 0);
	offer(g, TX, 0);
}

static void sum_wraps(struct guest *g)
{
	for (u16 i = 0; i < 64; i++)
		fill_desc(g, i, 0, 128 << 20, i < 63 ? VRING_DESC_F_NEXT : 0, i + 1);
	offer(g, TX, 0);
}

static void index_runs_ahead(struct guest *g)
{
	g->q[TX].avail_idx += GUEST_NUM + 1;
	__atomic_store_n(&g->q[TX].avail->idx, g->q[TX].avail_idx, __ATOMIC_RELEASE);
	guest_kick(g, TX);
}

static void index_runs_back(struct guest *g)
{
	__atomic_store_n(&g->q[TX].avail->idx, 65535, __ATOMIC_RELEASE);
	guest_kick(g, TX);
}

static const struct {
	const char *name;
	lie tell;
	const char *why; /* what netd must say */
} ring_lies[] = {
	{ "head_beyond", head_beyond, "index beyond the ring" },
	{ "head_far_beyond", head_far_beyond, "index beyond the ring" },
	{ "next_beyond", next_beyond, "index beyond the ring" },
	{ "circle", circle, "circular" },
	{ "circle_of_empty", circle_of_empty, "circular" },
	{ "too_long", too_long, "too long" },
	{ "indirect", indirect, "indirect" },
	{ "writable_tx", writable_tx, "wrong direction" },
	{ "outside", outside, "outside of the shared memory" },
	{ "past_the_end", past_the_end, "outside of the shared memory" },
	{ "wraps_around", wraps_around, "outside of the shared memory" },
	{ "huge_buffer", huge_buffer, "outside of the shared memory" },
	{ "sum_wraps", sum_wraps, "longer than 4 GiB" },
	{ "index_runs_ahead", index_runs_ahead, "runs ahead" },
	{ "index_runs_back", index_runs_back, "runs ahead" },
};

static void tell_one(const char *name, lie tell, const char *why)
{
	struct guest g;
	int ret;

	start_netd(&g, "echo");
	CHECK(guest_start(&g, GUEST_FEATURES) == 0, "%s", name);
	tell(&g);
	CHECK(others_work(&g), "%s", name);
	/* The front end sets the queue up again: past lies are forgiven. */
	guest_reset_rings(&g);
	guest_fill_rx(&g);
	CHECK(vhost_user_start(g.vu, GUEST_FEATURES, g.vq, 4) == 0, "%s", name);
	CHECK(others_work(&g), "%s", name);
	ret = finish(&g);
	CHECK(ret == 0, "%s: status %d: %s", name, ret, output);
	CHECK(strstr(output, why), "%s: %s", name, output);
	CHECK(strstr(output, "GUEST: queue stopped"), "%s", name);
	guest_exit(&g);
	printf("ok lie_%s\n", name);
	t_passed++;
}

static void rx_lies(void)
{
	static const struct {
		u64 addr;
		u32 len;
		u16 flags;
		const char *why;
	} bad[] = {
		{ 0, 2048, 0, "wrong direction" },
		{ 0, 11, VRING_DESC_F_WRITE, "smaller than its header" },
		{ ~0ull - 10, 2048, VRING_DESC_F_WRITE, "outside of the shared memory" },
	};
	u8 f[60] = { 0 };
	net_hdr h = { 0 };
	struct guest g;

	for (unsigned i = 0; i < 3; i++) {
		start_netd(&g, "echo");
		guest_reset_rings(&g);
		g.q[RX].desc[0] = (struct vring_desc){ bad[i].addr, bad[i].len, bad[i].flags, 0 };
		offer(&g, RX, 0);
		CHECK(vhost_user_start(g.vu, GUEST_FEATURES, g.vq, 4) == 0);
		CHECK(guest_tx(&g, 0, &h, f, sizeof(f)) && guest_tx_drain(&g, 0));
		CHECK(finish(&g) == 0, "%s", output);
		CHECK(strstr(output, bad[i].why), "%u: %s", i, output);
		CHECK(counter("broken") == 1);
		guest_exit(&g);
	}
	PASS();
}

/* Where the guest wants calls is its business, and nonsense there costs calls or a late guest. */
static void event_idx_lies(void)
{
	u8 f[60] = { 0xff, [12] = 0x88, [13] = 0xb5 }, buf[GUEST_FRAME_MAX];
	net_hdr h = { 0 };
	struct guest g;
	u32 seed = 1;

	start_netd(&g, "echo");
	CHECK(guest_start(&g, GUEST_FEATURES | BIT(VIRTIO_RING_F_EVENT_IDX)) == 0);
	for (unsigned i = 0; i < 5000; i++) {
		seed = seed * 1664525 + 1013904223;
		for (unsigned q = 0; q < 4; q++) {
			*(volatile u16 *)guest_used_event(&g.q[q]) = seed >> (8 + q);
			*(volatile u16 *)&g.q[q].avail->flags = seed >> q;
			*(volatile u16 *)guest_avail_event(&g.q[q]) = seed >> 3; /* netd's own */
		}
		/* Kick, whatever it says: 0xffff buffers ago was the last one, and only the next one is not due. */
		g.q[TX].kick_idx = g.q[TX].avail_idx + 2;
		if (*(volatile u16 *)guest_avail_event(&g.q[TX]) == (u16)(g.q[TX].avail_idx + 1))
			*(volatile u16 *)guest_avail_event(&g.q[TX]) = 0;
		CHECK(guest_tx(&g, 0, &h, f, sizeof(f)));
		CHECK(guest_rx(&g, 0, &h, buf, 5000) == 60, "%u", i);
	}
	CHECK(finish(&g) == 0, "%s", output);
	CHECK(counter("broken") == 0 && counter("tx_frames") == 5000, "%s", output);
	guest_exit(&g);
	PASS();
}

/* --- frames that make no sense -------------------------------------------------------- */

/* flags, GSO type, header length, GSO size, checksum start and offset; frame length; good? */
static const struct {
	struct virtio_net_hdr h;
	u32 len;
	bool good;
} frames[] = {
	{ { 0 }, 13, false },
	{ { 0 }, 14, true },
	{ { 0 }, 65535 + 18, true },
	{ { 0 }, 65535 + 19, false },
	{ { 1, 0, 0, 0, 34, 16 }, 60, true },
	{ { 1, 0, 0, 0, 34, 24 }, 60, true },
	{ { 1, 0, 0, 0, 34, 25 }, 60, false },
	{ { 1, 0, 0, 0, 65535, 65535 }, 60, false },
	{ { 1, 0, 0, 0, 2, 16 }, 60, false },
	{ { 0, 1, 0, 100, 0, 0 }, 1000, false }, /* GSO without checksum */
	{ { 0, 1, 0, 100, 34, 16 }, 1000, false },
	{ { 1, 1, 0, 0, 34, 16 }, 1000, false },
	{ { 1, 1, 0, 9, 34, 6 }, 1000, false }, /* not TCP's checksum field */
	{ { 1, 1, 0, 9, 41, 16 }, 60, false }, /* TCP header cut off */
	{ { 1, 1, 0, 9, 34, 16 }, 1000, true },
	{ { 1, 1 | 0x80, 0, 9, 34, 16 }, 1000, false }, /* ECN, which was not negotiated */
	{ { 1, 3, 0, 9, 34, 6 }, 1000, false }, /* UDP fragmentation */
	{ { 1, 77, 0, 9, 34, 16 }, 1000, false },
	{ { 0xfe, 0, 0, 0, 0, 0 }, 60, true }, /* flags without meaning are cleared */
};

static void bad_frames(void)
{
	static u8 f[66000];
	unsigned good = 0, bad = 0;
	struct guest g;

	start_netd(&g, "sink");
	CHECK(guest_start(&g, GUEST_FEATURES) == 0);
	for (unsigned i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		net_hdr h = { .hdr = frames[i].h };

		CHECK(guest_tx(&g, 0, &h, f, frames[i].len) && guest_tx_drain(&g, 0));
		good += frames[i].good;
		bad += !frames[i].good;
	}
	CHECK(finish(&g) == 0);
	CHECK(counter("tx_frames") == good, "%ld, not %u", counter("tx_frames"), good);
	CHECK(counter("tx_bad") == bad, "%ld, not %u", counter("tx_bad"), bad);
	CHECK(counter("broken") == 0);
	guest_exit(&g);
	PASS();
}

static void offloads_not_negotiated(void)
{
	net_hdr csum = {
		.hdr = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16 }
	};
	net_hdr gso = csum;
	u8 f[1000] = { 0 };
	struct guest g;

	gso.hdr.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
	gso.hdr.gso_size = 100;
	start_netd(&g, "sink");
	CHECK(guest_start(&g, BIT(VIRTIO_F_VERSION_1)) == 0);
	CHECK(guest_tx(&g, 0, &csum, f, 1000) && guest_tx_drain(&g, 0));
	CHECK(guest_start(&g, BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_NET_F_CSUM)) == 0);
	CHECK(guest_tx(&g, 0, &gso, f, 1000) && guest_tx_drain(&g, 0));
	CHECK(finish(&g) == 0);
	CHECK(counter("tx_bad") == 2 && counter("tx_frames") == 0, "%s", output);
	guest_exit(&g);
	PASS();
}

/* Header and frame in pieces of one byte: legal, and the same frame comes back. */
static void header_in_pieces(void)
{
	u8 buf[GUEST_FRAME_MAX];
	struct guest g;
	net_hdr h;

	start_netd(&g, "echo");
	CHECK(guest_start(&g, GUEST_FEATURES) == 0);
	for (u16 i = 0; i < 60; i++) {
		g.arena[g.q[TX].buffers + i] = i < 12 ? 0 : i;
		fill_desc(&g, i, g.q[TX].buffers + i, 1, i < 59 ? VRING_DESC_F_NEXT : 0, i + 1);
	}
	offer(&g, TX, 0);
	CHECK(guest_rx(&g, 0, &h, buf, 2000) == 48);
	for (u16 i = 0; i < 48; i++)
		CHECK(buf[i] == i + 12);
	CHECK(finish(&g) == 0, "%s", output);
	guest_exit(&g);
	PASS();
}

/* --- lies in messages ----------------------------------------------------------------- */

static int raw_connect(pid_t *pid)
{
	const char *args[] = { "--fd", "@FD", "--net", "sink", "--queues", "2", NULL };
	int sv[2];

	if (t_netd_stderr >= 0)
		close(t_netd_stderr);
	t_netd_stderr = memfd_create("netd-stderr", MFD_CLOEXEC);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv))
		exit(1);
	*pid = spawn_netd(args, sv[1]);
	close(sv[1]);
	return sv[0];
}

static bool raw_reply(int s, struct vu_msg *m)
{
	struct pollfd p = { s, POLLIN, 0 };
	struct vu_rx rx = { 0 };
	int ret;

	do {
		if (poll(&p, 1, 3000) <= 0)
			return false;
		ret = vu_recv(&rx, s);
	} while (!ret);
	*m = rx.msg;
	return ret > 0;
}

/* With REPLY_ACK: a refused message is answered with an error and the connection goes on. */
static u64 raw_request(int s, struct vu_msg m)
{
	m.hdr.flags = VU_VERSION | VU_FLAG_NEED_REPLY;
	if (vu_send(s, &m) || !raw_reply(s, &m))
		return ~0ull;
	return m.payload.u64;
}

static void negotiate(int s)
{
	struct vu_msg m = { .hdr = { VU_SET_PROTOCOL_FEATURES, VU_VERSION, 8 },
			    .payload.u64 = BIT(VU_PROTOCOL_F_MQ) | BIT(VU_PROTOCOL_F_REPLY_ACK) };

	vu_send(s, &m);
	m = (struct vu_msg){ .hdr = { .request = VU_SET_FEATURES, .size = 8 },
			     .payload.u64 = GUEST_FEATURES | BIT(VU_F_PROTOCOL_FEATURES) };
	raw_request(s, m);
}

static unsigned fd_count(pid_t pid)
{
	char path[64];
	unsigned n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	d = opendir(path);
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static struct vu_msg mem_msg(u32 count, int fd, unsigned fds)
{
	struct vu_msg m = { .hdr = { .request = VU_SET_MEM_TABLE }, .fd_count = fds };

	m.payload.memory.count = count;
	m.hdr.size = 8 + 32 * (count < 8 ? count : 8);
	for (unsigned i = 0; i < 8; i++) {
		m.payload.memory.regions[i] = (struct vu_region){ i << 20, 65536, i << 20, 0 };
		m.fds[i] = fd;
	}
	return m;
}

static void bad_memory_tables(void)
{
	int s, memfd = memfd_create("m", MFD_CLOEXEC), dir = open("/tmp", O_RDONLY | O_CLOEXEC),
	       p[2];
	int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
	struct vu_msg m;
	struct vu_region *r = m.payload.memory.regions;
	pid_t pid;
	unsigned fds;

	CHECK(ftruncate(memfd, 65536) == 0 && pipe2(p, O_CLOEXEC) == 0);
	s = raw_connect(&pid);
	negotiate(s);
	fds = fd_count(pid);
	m = mem_msg(1, memfd, 1);
	CHECK(raw_request(s, m) == 0);
	m = mem_msg(0, memfd, 0);
	CHECK(raw_request(s, m));
	m = mem_msg(9, memfd, 8);
	CHECK(raw_request(s, m));
	m = mem_msg(2, memfd, 1);
	CHECK(raw_request(s, m));
	m = mem_msg(1, memfd, 2);
	CHECK(raw_request(s, m));
	m = mem_msg(1, dir, 1);
	CHECK(raw_request(s, m));
	m = mem_msg(1, p[0], 1);
	CHECK(raw_request(s, m));
	m = mem_msg(1, zero, 1);
	CHECK(raw_request(s, m));
	m = mem_msg(1, memfd, 1);
	r[0].size = 65537;
	CHECK(raw_request(s, m));
	r[0].size = 0;
	CHECK(raw_request(s, m));
	r[0].size = ~0ull;
	CHECK(raw_request(s, m));
	m = mem_msg(1, memfd, 1);
	r[0].mmap_offset = 1;
	r[0].size = 4096;
	CHECK(raw_request(s, m));
	r[0].mmap_offset = ~0ull - 4095;
	r[0].size = 8192;
	CHECK(raw_request(s, m));
	m = mem_msg(1, memfd, 1);
	r[0].guest_addr = ~0ull - 4095;
	CHECK(raw_request(s, m));
	m = mem_msg(1, memfd, 1);
	r[0].user_addr = ~0ull - 4095;
	CHECK(raw_request(s, m));
	m = mem_msg(2, memfd, 2);
	r[1].guest_addr = r[0].guest_addr + 65535;
	CHECK(raw_request(s, m));
	m = mem_msg(2, memfd, 2);
	r[1].user_addr = r[0].user_addr;
	CHECK(raw_request(s, m));
	m = mem_msg(2, memfd, 2);
	m.hdr.size = 8 + 32 + 31; /* shorter than its count */
	CHECK(raw_request(s, m));
	m = mem_msg(8, memfd, 8);
	CHECK(raw_request(s, m) == 0);
	CHECK(fd_count(pid) == fds, "%u, not %u", fd_count(pid), fds);
	close(s);
	CHECK(waitpid(pid, NULL, 0) == pid);
	close(memfd);
	close(dir);
	close(zero);
	close(p[0]);
	close(p[1]);
	PASS();
}

static struct vu_msg state_msg(u32 request, u32 index, u32 num)
{
	return (struct vu_msg){ .hdr = { .request = request, .size = 8 },
				.payload.state = { index, num } };
}

static struct vu_msg addr_msg(u32 index, u64 desc, u64 avail, u64 used)
{
	return (struct vu_msg){ .hdr = { .request = VU_SET_VRING_ADDR, .size = 40 },
				.payload.addr = { index, 0, desc, used, avail, 0 } };
}

static struct vu_msg fd_msg(u32 request, u64 value, int fd)
{
	return (struct vu_msg){ .hdr = { .request = request, .size = 8 },
				.payload.u64 = value,
				.fds = { fd },
				.fd_count = fd >= 0 };
}

static void bad_queue_messages(void)
{
	int s, memfd = memfd_create("m", MFD_CLOEXEC), p[2], efd = eventfd(0, EFD_CLOEXEC);
	struct vu_msg m;
	pid_t pid;
	unsigned fds;

	CHECK(ftruncate(memfd, 65536) == 0 && pipe2(p, O_CLOEXEC) == 0);
	s = raw_connect(&pid);
	negotiate(s);
	fds = fd_count(pid);
	CHECK(raw_request(s, state_msg(VU_SET_VRING_ENABLE, 0, 1)) == 0); /* nothing is set up */
	CHECK(raw_request(s, addr_msg(0, 0, 0, 0)));
	m = mem_msg(1, memfd, 1);
	CHECK(raw_request(s, m) == 0);
	CHECK(raw_request(s, addr_msg(0, 0, 4096, 8192))); /* before NUM */
	CHECK(raw_request(s, state_msg(VU_SET_VRING_NUM, 0, 0)));
	CHECK(raw_request(s, state_msg(VU_SET_VRING_NUM, 0, 3)));
	CHECK(raw_request(s, state_msg(VU_SET_VRING_NUM, 0, 65536)));
	CHECK(raw_request(s, state_msg(VU_SET_VRING_NUM, 4, 256)));
	CHECK(raw_request(s, state_msg(VU_SET_VRING_NUM, 0xffffffff, 256)));
	CHECK(raw_request(s, state_msg(VU_SET_VRING_NUM, 0, 256)) == 0);
	CHECK(raw_request(s, addr_msg(0, 8, 4096, 8192)));
	CHECK(raw_request(s, addr_msg(0, 0, 4097, 8192)));
	CHECK(raw_request(s, addr_msg(0, 0, 4096, 8194)));
	CHECK(raw_request(s, addr_msg(0, 65536 - 4080, 4096, 8192)));
	CHECK(raw_request(s, addr_msg(0, 0, 65534, 8192)));
	CHECK(raw_request(s, addr_msg(0, 0, 4096, ~0ull - 3)));
	CHECK(raw_request(s, addr_msg(0, 0, 4096, 8192)) == 0);
	CHECK(raw_request(s, state_msg(VU_SET_VRING_BASE, 0, 65536)));
	CHECK(raw_request(s, state_msg(VU_SET_VRING_BASE, 9, 0)));
	CHECK(raw_request(s, state_msg(VU_SET_VRING_ENABLE, 0, 2)));
	CHECK(raw_request(s, fd_msg(VU_SET_VRING_KICK, 0, p[0])));
	CHECK(raw_request(s, fd_msg(VU_SET_VRING_KICK, 0, -1)));
	CHECK(raw_request(s, fd_msg(VU_SET_VRING_KICK, VU_VRING_NOFD, efd)));
	CHECK(raw_request(s, fd_msg(VU_SET_VRING_KICK, 1ull << 40, efd)));
	CHECK(raw_request(s, fd_msg(VU_SET_VRING_KICK, 77, efd)));
	CHECK(raw_request(s, fd_msg(VU_SET_VRING_CALL, 0, p[1])));
	m = state_msg(VU_SET_VRING_NUM, 0, 256); /* a descriptor where none belongs */
	m.fds[0] = efd;
	m.fd_count = 1;
	CHECK(raw_request(s, m));
	m = state_msg(VU_SET_VRING_NUM, 0, 256);
	m.hdr.size = 4;
	CHECK(raw_request(s, m));
	m.hdr.size = 12;
	CHECK(raw_request(s, m));
	m = state_msg(63, 0, 0);
	CHECK(raw_request(s, m));
	m = state_msg(0x7fffffff, 0, 0);
	CHECK(raw_request(s, m));
	m = (struct vu_msg){ .hdr = { .request = VU_SET_FEATURES, .size = 8 },
			     .payload.u64 = ~0ull };
	CHECK(raw_request(s, m));
	m.payload.u64 = 0;
	CHECK(raw_request(s, m));
	CHECK(fd_count(pid) == fds, "%u, not %u", fd_count(pid), fds);
	/* All of it refused, none of it fatal. */
	CHECK(raw_request(s, fd_msg(VU_SET_VRING_KICK, 0, efd)) == 0);
	close(s);
	CHECK(waitpid(pid, NULL, 0) == pid);
	PASS();
}

/* Ends the connection at once: what = bytes to send, then optional descriptors. */
static void bad_streams(void)
{
	static const struct vu_header bad[] = {
		{ VU_GET_FEATURES, VU_VERSION, 0xffffffff },
		{ VU_GET_FEATURES, VU_VERSION, sizeof(union vu_payload) + 1 },
		{ VU_GET_FEATURES, 0, 0 },
		{ VU_GET_FEATURES, VU_VERSION | VU_FLAG_REPLY, 0 },
		{ 0xffffffff, VU_VERSION, 0 },
	};
	int s, status;
	char byte;
	pid_t pid;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		s = raw_connect(&pid);
		CHECK(write(s, &bad[i], sizeof(bad[i])) == sizeof(bad[i]));
		CHECK(read(s, &byte, 1) == 0, "%u", i); /* netd hung up */
		CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status));
		close(s);
	}
	/* Cut off at every byte of a message. */
	for (unsigned n = 1; n < 20; n++) {
		struct vu_msg m = state_msg(VU_SET_VRING_NUM, 0, 256);
		u8 wire[20];

		m.hdr.flags = VU_VERSION;
		memcpy(wire, &m.hdr, 12);
		memcpy(wire + 12, &m.payload, 8);
		s = raw_connect(&pid);
		CHECK(write(s, wire, n) == n);
		close(s);
		CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status));
	}
	PASS();
}

/* A message in single bytes is still that message; half of one does not make netd spin. */
static void slow_stream(void)
{
	struct vu_header h = { VU_GET_FEATURES, VU_VERSION, 0 };
	struct vu_msg m;
	pid_t pid;
	int s = raw_connect(&pid);

	for (unsigned i = 0; i < sizeof(h); i++) {
		CHECK(write(s, (u8 *)&h + i, 1) == 1);
		usleep(500);
	}
	CHECK(raw_reply(s, &m) && m.hdr.request == VU_GET_FEATURES);
	close(s);
	CHECK(waitpid(pid, NULL, 0) == pid);
	PASS();
}

static void flood_of_descriptors(void)
{
	char control[CMSG_SPACE(sizeof(int) * 200)] = { 0 };
	struct vu_header h = { VU_SET_MEM_TABLE, VU_VERSION, 8 };
	u8 wire[20] = { 0 };
	struct iovec iov = { wire, sizeof(wire) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control };
	struct cmsghdr *c = (struct cmsghdr *)control;
	unsigned counts[] = { 9, 64, 65, 200 };
	char path[64];
	const char *args[] = { "--socket", path, "--net", "sink", NULL };
	struct vhost_user_config cfg = { .path = path, .arena_fd = -1 };
	struct vhost_user *vu;
	int efd = eventfd(0, EFD_CLOEXEC);
	unsigned fds = 0;
	pid_t pid;

	snprintf(path, sizeof(path), "/tmp/netd-flood-%d.sock", getpid());
	pid = spawn_netd(args, -1);
	memcpy(wire, &h, sizeof(h));
	for (unsigned i = 0; i < 4; i++) {
		int s, zero = 0;

		CHECK(vhost_user_new(&vu, &cfg) == 0 && vhost_user_connect(vu) == 0);
		if (!fds)
			fds = fd_count(pid);
		s = vhost_user_fd(vu);
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * counts[i]);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * counts[i]);
		for (unsigned k = 0; k < counts[i]; k++)
			memcpy(CMSG_DATA(c) + k * sizeof(int), &efd, sizeof(int));
		CHECK(sendmsg(s, &mh, 0) == sizeof(wire));
		while (vhost_user_check(vu) && zero++ < 300)
			usleep(10000);
		CHECK(vhost_user_fd(vu) < 0);
		vhost_user_free(vu);
		/* The connection itself is one less. */
		for (zero = 0; fd_count(pid) != fds - 1 && zero < 300; zero++)
			usleep(10000);
		CHECK(fd_count(pid) == fds - 1, "%u, not %u", fd_count(pid), fds - 1);
	}
	close(efd);
	CHECK(end_netd(pid) == 0);
	PASS();
}

static void memory_goes_away(void)
{
	struct guest g;
	int status;

	start_netd(&g, "sink");
	CHECK(guest_start(&g, GUEST_FEATURES) == 0);
	CHECK(ftruncate(g.arena_fd, 0) == 0);
	CHECK(write(g.q[TX].kick, &(u64){ 1 }, 8) == 8);
	CHECK(waitpid(g.netd, &status, 0) == g.netd);
	g.netd = 0;
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1, "%x", status);
	CHECK(pread(t_netd_stderr, output, sizeof(output) - 1, 0) > 0);
	CHECK(strstr(output, "netd: MEMORY: "), "%s", output);
	guest_exit(&g);
	PASS();
}

/* The rings move to a table that does not hold them: the queues stop, nothing else. */
static void memory_is_replaced(void)
{
	int s, small = memfd_create("s", MFD_CLOEXEC);
	struct vu_msg m;
	struct guest g;

	start_netd(&g, "echo");
	CHECK(ftruncate(small, 4096) == 0);
	CHECK(guest_start(&g, GUEST_FEATURES) == 0);
	s = vhost_user_fd(g.vu);
	m = mem_msg(1, small, 1);
	m.payload.memory.regions[0].size = 4096;
	CHECK(raw_request(s, m));
	offer(&g, TX, 0);
	CHECK(raw_request(s, state_msg(VU_SET_VRING_ENABLE, 1, 1)) == 0);
	/* And back. */
	CHECK(vhost_user_start(g.vu, GUEST_FEATURES, g.vq, 4) == 0);
	guest_reset_rings(&g);
	guest_fill_rx(&g);
	CHECK(vhost_user_start(g.vu, GUEST_FEATURES, g.vq, 4) == 0);
	CHECK(others_work(&g));
	CHECK(finish(&g) == 0, "%s", output);
	close(small);
	guest_exit(&g);
	PASS();
}

int main(void)
{
	t_extra_arena = 128 << 20; /* sparse; sum_wraps needs large buffers */
	for (unsigned i = 0; i < sizeof(ring_lies) / sizeof(ring_lies[0]); i++)
		tell_one(ring_lies[i].name, ring_lies[i].tell, ring_lies[i].why);
	rx_lies();
	event_idx_lies();
	bad_frames();
	offloads_not_negotiated();
	header_in_pieces();
	bad_memory_tables();
	bad_queue_messages();
	bad_streams();
	slow_stream();
	flood_of_descriptors();
	memory_goes_away();
	memory_is_replaced();
	return t_end();
}
