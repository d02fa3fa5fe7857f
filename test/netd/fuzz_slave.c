/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fuzz target: vhost-user messages, ring contents and polling in any order.
 *
 * The input is a program of small steps: send a message (fields from the input, biased towards
 * valid ones), write bytes into shared memory, poll the device. Built with ASan and UBSan.
 *   fuzz_slave              a fixed number of pseudo-random programs (for meson test)
 *   fuzz_slave FILE...      replays inputs
 *   fuzz_slave -n COUNT -s SEED
 * With clang -fsanitize=fuzzer -DLIBFUZZER the same file is a libFuzzer target.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include "host/netd/dev.h"
#include "host/netd/log.h"
#include "host/netd/slave.h"

#define BIT(n) (1ull << (n))
#define ARENA (1 << 20)
#define PAIRS 2
#define FEATURES                                                                          \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VU_F_PROTOCOL_FEATURES) | BIT(VIRTIO_NET_F_CSUM) | \
	 BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_HOST_TSO6) |                      \
	 BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_GUEST_TSO4) |                    \
	 BIT(VIRTIO_NET_F_GUEST_TSO6))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const u8 *p, *end;
};

static u64 take(struct input *in, unsigned bytes)
{
	u64 v = 0;

	for (unsigned i = 0; i < bytes && in->p < in->end; i++)
		v |= (u64)*in->p++ << (8 * i);
	return v;
}

static struct loop loop;
static struct dev dev;
static int arena_fd, event_fd, odd_fd;
static u8 *arena;

static void init_once(void)
{
	static bool done;
	struct backend *be;

	if (done)
		return;
	done = true;
	log_level = LOG_NONE;
	arena_fd = memfd_create("fuzz", MFD_CLOEXEC);
	event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	odd_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (ftruncate(arena_fd, ARENA) || loop_init(&loop, 0))
		abort();
	arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_SHARED, arena_fd, 0);
	be = echo_open(&loop);
	if (arena == MAP_FAILED || !be || dev_init(&dev, &loop, be, PAIRS))
		abort();
}

static void send(struct vu_msg *m, int fd)
{
	struct vu_msg reply;
	struct vu_rx rx = { .msg = *m };

	rx.msg.hdr.flags |= VU_VERSION;
	if (fd >= 0) {
		rx.msg.fds[0] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		rx.msg.fd_count = 1;
	}
	if (slave_handle(&dev, &rx.msg, &reply) < 0)
		dev_reset(&dev); /* the connection would be dropped */
	vu_msg_close_fds(&rx.msg);
}

static void simple(u32 request, u64 value, u32 size, int fd)
{
	struct vu_msg m = { .hdr = { request, 0, size }, .payload.u64 = value };

	send(&m, fd);
}

/* Everything as an honest front end does it, so that the rest of the input meets live rings. */
static void set_up(u64 features, u16 num)
{
	struct vu_msg m = { .hdr = { VU_SET_MEM_TABLE, 0, 40 } };

	simple(VU_SET_PROTOCOL_FEATURES, 9, 8, -1);
	simple(VU_SET_FEATURES, features, 8, -1);
	m.payload.memory.count = 1;
	m.payload.memory.regions[0] = (struct vu_region){ 0, ARENA, 0, 0 };
	send(&m, arena_fd);
	for (u32 i = 0; i < 2 * PAIRS; i++) {
		struct vu_msg a = { .hdr = { VU_SET_VRING_ADDR, 0, 40 } };
		u64 base = i * 65536;

		simple(VU_SET_VRING_NUM, i | (u64)num << 32, 8, -1);
		simple(VU_SET_VRING_BASE, i, 8, -1);
		a.payload.addr = (struct vu_vring_addr){ i, 0, base, base + 8192, base + 4096, 0 };
		send(&a, -1);
		simple(VU_SET_VRING_CALL, i, 8, event_fd);
		simple(VU_SET_VRING_KICK, i, 8, event_fd);
		simple(VU_SET_VRING_ENABLE, i | BIT(32), 8, -1);
	}
}

static void any_message(struct input *in)
{
	static const int *const fds[] = { &arena_fd, &event_fd, &odd_fd };
	struct vu_msg m = { 0 };
	u8 kind = take(in, 1), size = take(in, 1);

	m.hdr.request = kind % 40;
	m.hdr.flags = kind & 0x80 ? VU_FLAG_NEED_REPLY : 0;
	m.hdr.size = size % (sizeof(m.payload) + 1);
	if (m.hdr.request == VU_SET_MEM_TABLE) {
		m.payload.memory.count = take(in, 1) % 10;
		m.hdr.size = 8 + 32 * (m.payload.memory.count % 9);
		for (unsigned i = 0; i < VU_REGION_MAX; i++) {
			m.payload.memory.regions[i] = (struct vu_region){ take(in, 3), take(in, 3),
									  take(in, 3),
									  take(in, 1) << 12 };
		}
	} else {
		if (size & 0x80)
			m.hdr.size = m.hdr.request == VU_SET_VRING_ADDR ? 40 : 8;
		for (unsigned i = 0; i < 40 && i < m.hdr.size; i += 4)
			*(u32 *)((u8 *)&m.payload + i) = take(in, i % 8 ? 1 : 3);
	}
	send(&m, size % 4 < 3 ? *fds[size % 4] : -1);
}

static void poke(struct input *in)
{
	u32 off = take(in, 3) % (ARENA - 16);
	u8 count = take(in, 1) % 16;

	for (u8 i = 0; i <= count; i++)
		arena[off + i] = take(in, 1);
}

/* A descriptor and its offer: what random bytes would rarely hit. */
static void offer(struct input *in, u16 num)
{
	u32 q = take(in, 1) % (2 * PAIRS), base = q * 65536;
	struct vring_desc *d = (struct vring_desc *)(arena + base);
	struct vring_avail *a = (struct vring_avail *)(arena + base + 4096);
	u16 id = take(in, 1) % num;

	u8 kind = take(in, 1);

	d[id].addr = kind & 0x80 ? take(in, 3) : take(in, 2) * 8 + 0x60000;
	d[id].len = kind & 0x40 ? take(in, 2) : take(in, 1) * 4;
	d[id].flags = kind & 0x20 ? take(in, 1) : (q % 2 ? 0 : VRING_DESC_F_WRITE) | (kind & 1);
	d[id].next = kind & 0x10 ? take(in, 1) : (id + 1) % num;
	a->ring[a->idx % num] = id;
	a->idx++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	u8 mode = take(&in, 1);
	u16 num = 1 << (mode % 9);
	int timeout = -1;

	init_once();
	memset(arena, 0, ARENA);
	dev_reset(&dev);
	if (mode & 0x80)
		set_up(FEATURES | (mode & 0x40 ? BIT(VIRTIO_NET_F_MRG_RXBUF) : 0) |
			       (mode & 0x20 ? BIT(VIRTIO_RING_F_EVENT_IDX) : 0),
		       num);
	while (in.p < in.end) {
		switch (take(&in, 1) % 8) {
		case 0:
			any_message(&in);
			break;
		case 1:
		case 2:
			poke(&in);
			break;
		case 3:
		case 4:
		case 5:
			offer(&in, num);
			break;
		case 6:
			dev.client.prepare_sleep(&dev.client, &timeout);
			dev.client.awake(&dev.client);
			break;
		default:
			dev.client.poll(&dev.client);
		}
	}
	dev.client.poll(&dev.client);
	return 0;
}

#ifndef LIBFUZZER
static u64 seed = 1;

static u8 random_byte(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed >> 24;
}

static void replay(const char *path)
{
	static u8 buf[1 << 20];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf));

	if (n < 0) {
		perror(path);
		exit(1);
	}
	close(fd);
	LLVMFuzzerTestOneInput(buf, n);
}

int main(int argc, char **argv)
{
	unsigned count = 20000;
	bool good;
	u8 buf[512];
	int c;

	while ((c = getopt(argc, argv, "n:s:")) != -1) {
		if (c == 'n')
			count = atoi(optarg);
		if (c == 's')
			seed = strtoull(optarg, NULL, 0) | 1;
	}
	for (int i = optind; i < argc; i++)
		replay(argv[i]);
	for (unsigned i = 0; i < count && optind == argc; i++) {
		size_t n = 1 + random_byte() + random_byte();

		for (size_t k = 0; k < n; k++)
			buf[k] = random_byte();
		buf[0] |= i % 4 ? 0x80 : 0;
		LLVMFuzzerTestOneInput(buf, n);
	}
	/* A fuzzer that reaches nothing proves nothing. */
	good = optind < argc ||
	       (dev.stats.tx_frames && dev.stats.rx_frames && dev.stats.tx_bad && dev.stats.broken);
	printf("%s fuzz_slave: %u programs, %lu frames in, %lu echoed, %lu bad, %lu queues stopped\n",
	       good ? "ok" : "not ok", count, dev.stats.tx_frames, dev.stats.rx_frames,
	       dev.stats.tx_bad, dev.stats.broken);
	printf("%d passed, %d failed, 0 skipped\n", good, !good);
	return !good;
}
#endif
