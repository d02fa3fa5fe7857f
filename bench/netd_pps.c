/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What netd's rings cost: frames per second of one core, as ratio to a plain memcpy ring.
 *
 * Both ends run in one thread on one core, so that the figure is CPU time and not luck with the
 * scheduler. "tx" is guest to sink (netd takes chains, checks them, completes them), "rx" is
 * netd to guest (copy into mergeable buffers), both with the driver's own work. The reference
 * is a single-producer ring of fixed slots: one copy in by the producer and, for rx, the same
 * bytes; no checks, no descriptors. Runs alternate; the median of the paired ratios counts.
 *
 *   netd_pps [ROUNDS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "host/netd/dev.h"
#include "host/netd/slave.h"

#define BIT(n) (1ull << (n))
#define NUM 256
#define ROOM 4096
#define BURST 32
#define SLOTS 256
#define ARENA (64u << 20)

static struct loop loop;
static struct dev dev;
static u8 *arena;
static u8 frame[FRAME_MAX];

struct ring {
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	u16 idx, seen;
	u64 buffers;
	u32 room;
};

static struct ring rx, tx;

static u64 cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* --- set-up --------------------------------------------------------------------------- */

static void message(u32 request, const void *payload, u32 size, int fd)
{
	struct vu_msg m = { .hdr = { request, VU_VERSION, size },
			    .fds = { fd },
			    .fd_count = fd >= 0 };
	struct vu_msg reply;

	memcpy(&m.payload, payload, size);
	if (slave_handle(&dev, &m, &reply) < 0)
		abort();
}

static void set_up_queue(u32 i, struct ring *r, u64 base, u32 room)
{
	struct vu_vring_addr a = { i, 0, base, base + 16384, base + 8192, 0 };
	u64 u;

	r->desc = (void *)(arena + base);
	r->avail = (void *)(arena + base + 8192);
	r->used = (void *)(arena + base + 16384);
	r->buffers = base + 65536;
	r->room = room;
	r->avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	message(VU_SET_VRING_NUM, &(struct vu_vring_state){ i, NUM }, 8, -1);
	message(VU_SET_VRING_BASE, &(struct vu_vring_state){ i, 0 }, 8, -1);
	message(VU_SET_VRING_ADDR, &a, sizeof(a), -1);
	u = i;
	message(VU_SET_VRING_CALL, &u, 8, eventfd(0, EFD_CLOEXEC));
	message(VU_SET_VRING_KICK, &u, 8, eventfd(0, EFD_CLOEXEC));
	message(VU_SET_VRING_ENABLE, &(struct vu_vring_state){ i, 1 }, 8, -1);
}

static void set_up(void)
{
	u64 features = BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_NET_F_MRG_RXBUF) |
		       BIT(VU_F_PROTOCOL_FEATURES);
	int fd = memfd_create("bench", MFD_CLOEXEC);
	struct vu_memory mem = { 1, 0, { { 0, ARENA, 0, 0 } } };
	struct backend *be;

	if (ftruncate(fd, ARENA) || loop_init(&loop, 0))
		abort();
	arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	be = sink_open(&loop);
	if (arena == MAP_FAILED || !be || dev_init(&dev, &loop, be, 1))
		abort();
	message(VU_SET_FEATURES, &features, 8, -1);
	message(VU_SET_MEM_TABLE, &mem, 40, fd);
	set_up_queue(0, &rx, 0, ROOM);
	set_up_queue(1, &tx, 16u << 20, 69632);
}

/* --- the two sides -------------------------------------------------------------------- */

static void post(struct ring *r, u32 len, u16 flags)
{
	u16 id = r->idx % NUM;

	r->desc[id] = (struct vring_desc){ r->buffers + (u64)id * r->room, len, flags, 0 };
	r->avail->ring[id] = id;
	r->idx++;
}

static void show(struct ring *r)
{
	__atomic_store_n(&r->avail->idx, r->idx, __ATOMIC_RELEASE);
}

static void reap(struct ring *r)
{
	r->seen = __atomic_load_n(&r->used->idx, __ATOMIC_ACQUIRE);
}

static void bench_tx(u32 len, u64 frames)
{
	static const net_hdr hdr;

	for (u64 n = 0; n < frames; n += BURST) {
		for (unsigned i = 0; i < BURST; i++) {
			u8 *buf = arena + tx.buffers + (u64)(tx.idx % NUM) * tx.room;

			memcpy(buf, &hdr, sizeof(hdr));
			memcpy(buf + sizeof(hdr), frame, len);
			post(&tx, sizeof(hdr) + len, 0);
		}
		show(&tx);
		while (tx.seen != tx.idx) {
			dev.client.poll(&dev.client);
			reap(&tx);
		}
	}
}

static void bench_rx(u32 len, u64 frames)
{
	unsigned burst = len > ROOM ? 4 : BURST;

	for (u64 n = 0; n < frames; n += burst) {
		while ((u16)(rx.idx - rx.seen) < NUM)
			post(&rx, ROOM, VRING_DESC_F_WRITE);
		show(&rx);
		for (unsigned i = 0; i < burst; i++) {
			net_hdr hdr = { 0 };

			dev_rx(&dev, &hdr, frame, len);
		}
		dev.client.poll(&dev.client);
		reap(&rx);
	}
}

static void bench_plain(u32 len, u64 frames)
{
	static u8 *slots;
	static volatile u32 lens[SLOTS];
	static u32 head, tail;
	static volatile u64 sum;

	if (!slots)
		slots = mmap(NULL, (u64)SLOTS * 69632, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	for (u64 n = 0; n < frames; n += BURST) {
		for (unsigned i = 0; i < BURST; i++) {
			memcpy(slots + (u64)(head % SLOTS) * 69632, frame, len);
			lens[head % SLOTS] = len;
			__atomic_store_n(&head, head + 1, __ATOMIC_RELEASE);
		}
		while (__atomic_load_n(&tail, __ATOMIC_RELAXED) != head)
			sum += lens[tail++ % SLOTS];
	}
}

typedef void (*side)(u32 len, u64 frames);

static double ns_per_frame(side fn, u32 len, u64 frames)
{
	u64 start = cpu_ns();

	fn(len, frames);
	return (double)(cpu_ns() - start) / frames;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void run(const char *name, side fn, u32 len, unsigned rounds)
{
	u64 frames = len > 16384 ? 8192 : 262144;
	double ratio[64], ns[64], plain[64];

	ns_per_frame(fn, len, frames / 8);
	ns_per_frame(bench_plain, len, frames / 8);
	for (unsigned i = 0; i < rounds; i++) {
		plain[i] = ns_per_frame(bench_plain, len, frames);
		ns[i] = ns_per_frame(fn, len, frames);
		ratio[i] = plain[i] / ns[i];
	}
	qsort(ratio, rounds, sizeof(double), compare);
	qsort(ns, rounds, sizeof(double), compare);
	qsort(plain, rounds, sizeof(double), compare);
	printf("%s %5u B: %8.1f ns/frame, %6.2f Mpps, %6.1f Gbit/s per core; plain ring %8.1f ns; "
	       "ratio %.2f\n",
	       name, len, ns[rounds / 2], 1000 / ns[rounds / 2], len * 8 / ns[rounds / 2],
	       plain[rounds / 2], ratio[rounds / 2]);
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? atoi(argv[1]) : 9;
	static const u32 sizes[] = { 64, 1500, 65000 };

	if (rounds < 1 || rounds > 64)
		return 2;
	set_up();
	for (int i = 0; i < 3; i++) {
		run("tx", bench_tx, sizes[i], rounds);
		run("rx", bench_rx, sizes[i], rounds);
	}
	/* Nothing may have been dropped: the figures are of delivered frames. */
	if (dev.stats.tx_bad || dev.stats.rx_full || dev.stats.rx_too_big || dev.stats.rx_down) {
		dev_print_stats(&dev);
		return 1;
	}
	return 0;
}
