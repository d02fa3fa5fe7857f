// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The driver over shared memory to a real nvmed on real files. argv[1]: nvmed. */
#include "test/lib/tap.h"
#include "host/lib/kicks.h"
#include "test/nvme/host.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define DISK_SIZE (8u << 20)

static struct host h;
static const char *nvmed_path;
static u32 seed = 2463534242u;

static u32 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	return seed ^= seed << 5;
}

static void fill(u8 *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = rnd() >> 11;
}

static bool file_equals(const char *path, const u8 *want, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	u8 *got = malloc(size);
	bool same = fd >= 0 && pread(fd, got, size, 0) == (ssize_t)size && !memcmp(got, want, size);

	close(fd);
	free(got);
	return same;
}

static const char *spec(const char *path, const char *options)
{
	static char s[4][160];
	static u32 next;
	char *p = s[next++ % 4];

	snprintf(p, sizeof(s[0]), "%s%s", path, options);
	return p;
}

/* ---- data: random writes and reads against a copy in memory, then against the file ---- */

static int random_op(u8 *copy, u32 shift)
{
	u32 blocks = 1 + rnd() % (rnd() & 1 ? 8 : HOST_TRANSFER >> shift);
	u64 lba = rnd() % ((DISK_SIZE >> shift) - blocks);
	u64 offset = rnd() % 8 * 512;
	u8 *p = host_data(&h) + offset;
	size_t size = (size_t)blocks << shift;
	int err;

	if (rnd() & 1) {
		fill(p, size);
		memcpy(copy + (lba << shift), p, size);
		return host_io(&h, rnd() % 2, NVME_IO_WRITE, 0, lba, blocks, offset, !(rnd() % 8));
	}
	memset(p, 0xee, size);
	err = host_io(&h, rnd() % 2, NVME_IO_READ, 0, lba, blocks, offset, false);
	return err ? err : memcmp(p, copy + (lba << shift), size) ? -EILSEQ : 0;
}

static void test_data(const char *base, const char *name, const char *option, const char *lba)
{
	u8 *copy = calloc(1, DISK_SIZE);
	const char *disk;
	int err, i;

	host_open(&h, nvmed_path, base);
	disk = host_disk(&h, "disk", DISK_SIZE);
	host_spawn(&h, "--disk", spec(disk, lba), option, NULL);
	err = host_up(&h);
	for (i = 0; !err && i < 400; i++)
		err = random_op(copy, h.ctrl.ns[0].lba_shift);
	if (!err)
		err = host_io(&h, 0, NVME_IO_FLUSH, 0, 0, 0, 0, false);
	if (!err && !file_equals(disk, copy, DISK_SIZE))
		err = -EILSEQ;
	tap_case(!err && boundary_lies == 0, name, "error %d status %x after %d", err,
		 host_last_status(), i);
	host_down(&h);
	host_close(&h);
	free(copy);
}

/* ---- many at once ---- */

struct slot {
	u64 lba;
	bool write, busy;
};

static int submit_slot(struct slot *s, u32 i, u8 *copy, u32 q)
{
	u8 *p = host_data(&h) + i * 4096;
	struct nvme_seg seg = { h.data.iova + i * 4096, 4096 };
	struct nvme_io io = { .ns = &h.ctrl.ns[0], .blocks = 8, .segs = &seg, .seg_count = 1 };

	s->write = rnd() & 1;
	s->lba = (rnd() % 8 * 64 + i) * 8; /* slots never meet on a block */
	if (s->write)
		fill(p, 4096);
	else
		memset(p, 0xee, 4096);
	io.opcode = s->write ? NVME_IO_WRITE : NVME_IO_READ;
	io.lba = s->lba;
	s->busy = true;
	return nvme_submit(&h.queues[q], &io, s);
}

static int finish_slot(struct slot *s, u32 i, u8 *copy, int error)
{
	u8 *p = host_data(&h) + i * 4096;

	s->busy = false;
	if (error)
		return error;
	if (s->write)
		memcpy(copy + s->lba * 512, p, 4096);
	else if (memcmp(p, copy + s->lba * 512, 4096))
		return -EILSEQ;
	return 0;
}

static int drain_slots(struct slot *slots, u8 *copy, u32 q, u32 *done)
{
	struct nvme_completion c[16];
	int n = nvme_poll(&h.queues[q], c, 16);
	int err = n < 0 ? n : 0;

	for (int k = 0; k < n && !err; k++) {
		struct slot *s = c[k].cookie;

		err = finish_slot(s, s - slots, copy, c[k].error);
		(*done)++;
	}
	return err;
}

static void test_parallel(const char *base, const char *name)
{
	struct slot slots[64] = { 0 };
	u8 *copy = calloc(1, DISK_SIZE);
	u32 done = 0;
	int err;

	host_open(&h, nvmed_path, base);
	host_spawn(&h, "--disk", host_disk(&h, "disk", DISK_SIZE), NULL);
	err = host_up(&h);
	while (!err && done < 6000) {
		for (u32 i = 0; i < 64 && !err; i++)
			if (!slots[i].busy && rnd() % 4)
				err = submit_slot(&slots[i], i, copy, i & 1);
		nvme_ring(&h.queues[0]);
		nvme_ring(&h.queues[1]);
		for (u32 q = 0; q < 2 && !err; q++)
			err = drain_slots(slots, copy, q, &done);
		sched_yield();
	}
	tap_case(!err && boundary_lies == 0, name, "error %d after %u", err, done);
	host_down(&h);
	host_close(&h);
	free(copy);
}

/* ---- kill -9 ---- */

struct killed {
	struct slot slots[64];
	u8 *copy;
	u32 done, resubmitted;
};

static void reap_all(struct killed *k)
{
	struct nvme_completion c;

	for (u32 q = 0; q < 2; q++)
		while (nvme_reap(&h.queues[q], &c)) {
			struct slot *s = c.cookie;

			/* A write may have happened or not; written again, it has. */
			s->busy = false;
			s->lba |= 1ull << 63;
		}
}

static int resubmit(struct killed *k)
{
	int err = 0;

	for (u32 i = 0; i < 64 && !err; i++) {
		struct slot *s = &k->slots[i];
		struct nvme_seg seg = { h.data.iova + i * 4096, 4096 };
		struct nvme_io io = {
			.ns = &h.ctrl.ns[0], .blocks = 8, .segs = &seg, .seg_count = 1
		};

		if (!(s->lba >> 63))
			continue;
		io.lba = s->lba &= ~(1ull << 63);
		io.opcode = s->write ? NVME_IO_WRITE : NVME_IO_READ;
		s->busy = true;
		err = nvme_submit(&h.queues[i & 1], &io, s);
		k->resubmitted++;
	}
	return err;
}

static int recover(struct killed *k)
{
	int err;

	while (nvmed_link_serve(&h.link) != 1)
		poll(NULL, 0, 5);
	if (nvme_watch(&h.ctrl) != NVME_NEEDS_RESET)
		return -ENOMSG;
	nvme_reset_begin(&h.ctrl, host_now_ns());
	while ((err = host_run(&h)) == -EAGAIN)
		reap_all(k);
	return err ? err : resubmit(k);
}

static int load_step(struct killed *k)
{
	int err = 0;

	for (u32 i = 0; i < 64 && !err; i++)
		if (!k->slots[i].busy)
			err = submit_slot(&k->slots[i], i, k->copy, i & 1);
	nvme_ring(&h.queues[0]);
	nvme_ring(&h.queues[1]);
	for (u32 q = 0; q < 2 && !err; q++)
		err = drain_slots(k->slots, k->copy, q, &k->done);
	sched_yield();
	return err;
}

static void test_kill(const char *base, const char *name)
{
	struct killed k = { .copy = calloc(1, DISK_SIZE) };
	const char *disk;
	int err, rounds;

	host_open(&h, nvmed_path, base);
	disk = host_disk(&h, "disk", DISK_SIZE);
	host_spawn(&h, "--disk", disk, NULL);
	err = host_up(&h);
	for (rounds = 0; rounds < 5 && !err; rounds++) {
		u32 until = k.done + 500 + rnd() % 500;

		while (!err && k.done < until)
			err = load_step(&k);
		host_stop(&h, SIGKILL);
		host_spawn(&h, "--disk", disk, NULL);
		if (!err)
			err = recover(&k);
	}
	while (!err && (h.queues[0].inflight || h.queues[1].inflight)) {
		nvme_ring(&h.queues[0]);
		nvme_ring(&h.queues[1]);
		err = drain_slots(k.slots, k.copy, 0, &k.done);
		if (!err)
			err = drain_slots(k.slots, k.copy, 1, &k.done);
	}
	if (!err)
		err = host_io(&h, 0, NVME_IO_FLUSH, 0, 0, 0, 0, false);
	if (!err && !file_equals(disk, k.copy, DISK_SIZE))
		err = -EILSEQ;
	tap_case(!err && boundary_lies == 0 && k.resubmitted > 0, name,
		 "error %d round %d done %u again %u %s", err, rounds, k.done, k.resubmitted,
		 boundary_last_lie);
	host_down(&h);
	host_close(&h);
	free(k.copy);
}

/* Without any command in flight, and with the TEE in the middle of its bring-up. */
static void test_kill_idle(void)
{
	struct killed k = { .copy = NULL };
	const char *disk;
	int err;

	host_open(&h, nvmed_path, "/dev/shm");
	disk = host_disk(&h, "disk", DISK_SIZE);
	host_spawn(&h, "--disk", disk, NULL);
	err = host_up(&h);
	host_stop(&h, SIGKILL);
	host_spawn(&h, "--disk", disk, NULL);
	if (!err)
		err = recover(&k);
	tap_case(!err, "killed-while-idle", "error %d", err);
	host_stop(&h, SIGKILL);
	nvme_reset_begin(&h.ctrl, host_now_ns()); /* nobody answers */
	for (u32 i = 0; i < 20; i++, poll(NULL, 0, 1))
		err = nvme_step(&h.ctrl, host_now_ns());
	host_spawn(&h, "--disk", disk, NULL);
	while (nvmed_link_serve(&h.link) != 1)
		poll(NULL, 0, 5);
	if (err == -EINPROGRESS)
		err = host_run(&h);
	tap_case(!err && !host_io(&h, 0, NVME_IO_READ, 0, 0, 1, 0, false), "killed-during-reset",
		 "error %d state %d", err, h.ctrl.state);
	host_down(&h);
	host_close(&h);
}

/* ---- commands without payload ---- */

static bool all(const u8 *p, size_t n, u8 v)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != v)
			return false;
	return true;
}

static int deallocate(u64 lba, u32 blocks)
{
	struct nvme_dsm_range r[2] = { { .lba = lba, .blocks = blocks },
				       { .lba = 0, .blocks = 0 } };
	struct nvme_io io = {
		.opcode = NVME_IO_DSM, .ns = &h.ctrl.ns[0], .ranges = r, .range_count = 2
	};
	struct nvme_completion done;
	int n = nvme_submit(&h.queues[0], &io, NULL);

	nvme_ring(&h.queues[0]);
	while (!n)
		n = nvme_poll(&h.queues[0], &done, 1);
	return n == 1 ? done.error : n;
}

static void test_zero(const char *base, const char *option, const char *name)
{
	u8 *p;
	int err;
	bool good;

	host_open(&h, nvmed_path, base);
	host_spawn(&h, "--disk", host_disk(&h, "disk", DISK_SIZE), option, NULL);
	err = host_up(&h);
	p = host_data(&h);
	memset(p, 0x55, HOST_TRANSFER);
	err = err ? err : host_io(&h, 0, NVME_IO_WRITE, 0, 0, HOST_TRANSFER / 512, 0, false);
	err = err ? err : host_io(&h, 0, NVME_IO_WRITE_ZEROES, 0, 5, 20, 0, true);
	err = err ? err : deallocate(101, 33);
	memset(p, 0xee, HOST_TRANSFER);
	err = err ? err : host_io(&h, 0, NVME_IO_READ, 0, 0, HOST_TRANSFER / 512, 0, false);
	good = all(p, 5 * 512, 0x55) && all(p + 5 * 512, 20 * 512, 0) &&
	       all(p + 25 * 512, 76 * 512, 0x55) && all(p + 101 * 512, 33 * 512, 0) &&
	       all(p + 134 * 512, HOST_TRANSFER - 134 * 512, 0x55);
	tap_case(!err && good, name, "error %d", err);
	host_down(&h);
	host_close(&h);
}

static void test_namespaces(void)
{
	const char *a, *b, *c;
	int err;

	host_open(&h, nvmed_path, "/dev/shm");
	a = host_disk(&h, "a", 1 << 20);
	b = host_disk(&h, "b", 2 << 20);
	c = host_disk(&h, "c", (3 << 20) + 700);
	host_spawn(&h, "--disk", spec(a, ",nsid=7"), "--disk", spec(b, ",lba=4096,nsid=3"),
		   "--disk", spec(c, ",ro,nsid=5"), NULL);
	err = host_up(&h);
	tap_case(!err && h.ctrl.ns_count == 3 && h.ctrl.ns[0].id == 3 && h.ctrl.ns[1].id == 5 &&
			 h.ctrl.ns[2].id == 7 && h.ctrl.ns[0].lba_shift == 12 &&
			 h.ctrl.ns[0].blocks == 512 && h.ctrl.ns[1].blocks == (3 << 11) + 1 &&
			 h.ctrl.ns[1].read_only && !h.ctrl.ns[2].read_only &&
			 memcmp(h.ctrl.ns[0].nguid, h.ctrl.ns[1].nguid, 16),
		 "namespaces", "error %d count %u", err, h.ctrl.ns_count);
	h.ctrl.ns[1].read_only = false; /* as a driver with a bug */
	tap_case(host_io(&h, 0, NVME_IO_WRITE, 1, 0, 1, 0, false) == -EROFS, "read-only-refuses",
		 "status %x", host_last_status());
	memset(host_data(&h), 1, 4096);
	tap_case(!host_io(&h, 0, NVME_IO_WRITE, 0, 511, 1, 0, false) &&
			 !host_io(&h, 1, NVME_IO_READ, 2, 2047, 1, 0, false) &&
			 all(host_data(&h), 512, 0),
		 "namespaces-are-apart", "status %x", host_last_status());
	host_down(&h);
	host_close(&h);
}

/* ---- disks that change under us ---- */

static void test_cut_file(const char *base, const char *name)
{
	const char *disk;
	int err, r, w;

	host_open(&h, nvmed_path, base);
	disk = host_disk(&h, "disk", DISK_SIZE);
	host_spawn(&h, "--disk", disk, NULL);
	err = host_up(&h);
	if (truncate(disk, 4096))
		err = -errno;
	r = host_io(&h, 0, NVME_IO_READ, 0, 1024, 8, 0, false);
	w = host_io(&h, 0, NVME_IO_READ, 0, 0, 8, 0, false);
	tap_case(!err && r == -ENODATA && !w, name, "error %d, beyond %d, before %d", err, r, w);
	host_down(&h);
	host_close(&h);
}

/* ---- what the TEE side gets wrong ---- */

static void test_refusals(void)
{
	int err;

	host_open(&h, nvmed_path, "/dev/shm");
	host_spawn(&h, "--disk", host_disk(&h, "disk", DISK_SIZE), NULL);
	err = host_up(&h);
	h.ctrl.ns[0].blocks *= 2;
	tap_case(!err && host_io(&h, 0, NVME_IO_READ, 0, DISK_SIZE / 512, 1, 0, false) == -ENXIO,
		 "beyond-the-end", "status %x", host_last_status());
	tap_case(host_io(&h, 0, NVME_IO_READ, 0, DISK_SIZE / 512 - 1, 2, 0, false) == -ENXIO,
		 "across-the-end", "status %x", host_last_status());
	h.ctrl.ns[0].id = 9;
	host_io(&h, 0, NVME_IO_READ, 0, 0, 1, 0, false);
	tap_case(host_last_status() == NVME_SC_INVALID_NS, "no-such-namespace", "status %x",
		 host_last_status());
	h.ctrl.ns[0].id = 1;
	h.ctrl.ns[0].blocks /= 2;
	host_io(&h, 0, NVME_IO_READ, 0, 0, 1, test_arena.size, false);
	tap_case(host_last_status() == NVME_SC_DATA_TRANSFER, "iova-beyond-arena", "status %x",
		 host_last_status());
	host_io(&h, 0, NVME_IO_READ, 0, 0, 1, 0 - h.data.iova - 8192, false);
	tap_case(host_last_status() == NVME_SC_DATA_TRANSFER, "iova-wraps", "status %x",
		 host_last_status());
	host_io(&h, 0, NVME_IO_READ, 0, 0, 500, test_arena.size - h.data.iova - 8192, false);
	tap_case(host_last_status() == NVME_SC_DATA_TRANSFER, "list-leaves-arena", "status %x",
		 host_last_status());
	host_put32(host_addr_add(h.shm.transport.doorbells, 2 * NVMED_DOORBELL_STRIDE), 5000);
	nvmed_link_kick(&h.link);
	while (nvme_watch(&h.ctrl) == NVME_HEALTHY)
		sched_yield();
	nvme_reset_begin(&h.ctrl, host_now_ns());
	err = host_run(&h);
	tap_case(!err && !host_io(&h, 0, NVME_IO_READ, 0, 0, 1, 0, false),
		 "bad-doorbell-then-reset", "error %d", err);
	host_down(&h);
	host_close(&h);
}

static void test_one_peer(void)
{
	struct nvmed_link other;
	int err;

	host_open(&h, nvmed_path, "/dev/shm");
	host_spawn(&h, "--disk", host_disk(&h, "disk", DISK_SIZE), NULL);
	err = host_up(&h);
	nvmed_link_create(&other, h.socket, test_arena.fd, test_arena.size, h.events, 1);
	tap_case(!err && nvmed_link_connect(&other) == -EBUSY, "second-peer-is-refused", "error %d",
		 err);
	host_down(&h);
	other.arena_size = 1ull << 40; /* more than the memfd has */
	for (u32 i = 0; i < 100 && (err = nvmed_link_connect(&other)) == -EBUSY; i++)
		poll(NULL, 0, 10);
	tap_case(err == -EINVAL, "arena-size-is-checked", "error %d", err);
	other.arena_size = test_arena.size;
	*(volatile u32 *)other.control = 0;
	err = nvmed_link_connect(&other);
	tap_case(err == -EPROTO, "control-region-is-checked", "error %d", err);
	nvmed_link_destroy(&other);
	host_close(&h);
}

/* ---- sleeping ---- */

static int read_asleep(u64 lba)
{
	struct nvme_seg seg = { h.data.iova, 512 };
	struct nvme_io io = { .opcode = NVME_IO_READ,
			      .ns = &h.ctrl.ns[0],
			      .lba = lba,
			      .blocks = 1,
			      .segs = &seg,
			      .seg_count = 1 };
	struct nvme_completion done;
	struct pollfd p = { .fd = h.events[1], .events = POLLIN };
	int n = nvme_submit(&h.queues[0], &io, NULL);
	eventfd_t count;

	nvme_ring(&h.queues[0]);
	while (!n) {
		nvme_sleep_prepare(&h.queues[0]);
		n = nvme_poll(&h.queues[0], &done, 1);
		if (!n && poll(&p, 1, 20000) == 0)
			n = -ETIMEDOUT;
		eventfd_read(h.events[1], &count);
		nvme_sleep_finish(&h.queues[0]);
	}
	return n == 1 ? done.error : n;
}

static u64 cpu_us(pid_t pid)
{
	char path[40], line[512] = "", *p;
	unsigned long long user = 0, sys = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, line, sizeof(line) - 1) < 0)
		return 0;
	close(fd);
	p = strrchr(line, ')');
	if (p)
		sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &sys);
	return (user + sys) * 1000000 / sysconf(_SC_CLK_TCK);
}

static void test_sleep(void)
{
	u64 before, after;
	int err, i;

	host_open(&h, nvmed_path, "/dev/shm");
	host_spawn(&h, "--spin-us", "0", "--disk", host_disk(&h, "disk", DISK_SIZE), NULL);
	err = host_up(&h);
	for (i = 0; i < 2000 && !err; i++)
		err = read_asleep(i);
	tap_case(!err && h.shm.kicks > 0, "both-sleep-between-commands",
		 "error %d after %d, %llu kicks", err, i, (unsigned long long)h.shm.kicks);
	before = cpu_us(h.pid);
	poll(NULL, 0, 500);
	after = cpu_us(h.pid);
	tap_case(after - before <= 20000, "idle-costs-nothing", "%llu us of CPU in 500 ms",
		 (unsigned long long)(after - before));
	host_down(&h);
	host_close(&h);
}

/* nvmed never spins, so each command finds it resting: kicks follow the clock, not the commands. */
static void test_kicks(const char *base, const char *name, u32 pause_us)
{
	volatile struct nvmed_flags *flags;
	u64 start, allowed;
	int err, i;

	host_open(&h, nvmed_path, base);
	host_spawn(&h, "--spin-us", "0", "--disk", host_disk(&h, "disk", DISK_SIZE), NULL);
	start = host_now_ns();
	err = host_up(&h);
	for (i = 0; i < 3000 && !err; i++) {
		err = host_io(&h, i % 2, NVME_IO_READ, 0, i, 1, 0, false);
		usleep(pause_us);
	}
	allowed = KICKS_BURST + 8 + (host_now_ns() - start) / 1000 * KICKS_PER_S / 1000000;
	printf("# %d commands, %llu kicks of %llu\n", i, (unsigned long long)h.shm.kicks,
	       (unsigned long long)allowed);
	tap_case(!err && h.shm.kicks > 1 && h.shm.kicks <= allowed, name,
		 "error %d after %d, %llu kicks of %llu", err, i, (unsigned long long)h.shm.kicks,
		 (unsigned long long)allowed);
	/* It asks for a kick again soon after the last command. */
	flags = (void *)(h.link.control + NVMED_FLAGS_OFFSET);
	while (!flags->need_kick.word)
		sched_yield();
	host_down(&h);
	host_close(&h);
}

static void test_orderly_end(void)
{
	int err, status;

	host_open(&h, nvmed_path, "/dev/shm");
	host_spawn(&h, "--disk", host_disk(&h, "disk", DISK_SIZE), NULL);
	err = host_up(&h);
	status = host_stop(&h, SIGTERM);
	tap_case(!err && WIFEXITED(status) && !WEXITSTATUS(status) && access(h.socket, F_OK),
		 "sigterm-ends-cleanly", "status %x", status);
	nvme_shutdown_begin(&h.ctrl, host_now_ns() - 30000000000ull);
	nvme_step(&h.ctrl, host_now_ns());
	host_down(&h);
	host_close(&h);
}

int main(int argc, char **argv)
{
	const char *disk_dir = getenv("NVMED_TEST_DIR") ? getenv("NVMED_TEST_DIR") : "/var/tmp";

	if (argc < 2) {
		fprintf(stderr, "usage: %s NVMED\n", argv[0]);
		return 2;
	}
	nvmed_path = argv[1];
	test_data("/dev/shm", "data-mapped-512", NULL, "");
	test_data("/dev/shm", "data-mapped-4096", NULL, ",lba=4096");
	test_data(disk_dir, "data-io_uring-512", NULL, "");
	test_data(disk_dir, "data-io_uring-4096", NULL, ",lba=4096");
	test_data(disk_dir, "data-sync", "--sync", "");
	test_parallel("/dev/shm", "parallel-mapped");
	test_parallel(disk_dir, "parallel-io_uring");
	test_kill("/dev/shm", "kill-mapped");
	test_kill(disk_dir, "kill-io_uring");
	test_kill_idle();
	test_zero("/dev/shm", NULL, "zero-mapped");
	test_zero(disk_dir, NULL, "zero-io_uring");
	test_namespaces();
	test_cut_file("/dev/shm", "file-cut-mapped");
	test_cut_file(disk_dir, "file-cut-io_uring");
	test_refusals();
	test_one_peer();
	test_sleep();
	test_kicks("/dev/shm", "kicks-follow-the-clock-mapped", 0);
	test_kicks(disk_dir, "kicks-follow-the-clock-io_uring", 0);
	test_kicks("/dev/shm", "kicks-follow-the-clock-paused", 100);
	test_orderly_end();
	return tap_end();
}
