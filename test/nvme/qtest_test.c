// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The driver against somebody else's idea of NVMe: QEMU's controller in several
 * configurations. Skipped without QEMU (package qemu-system-x86).
 */
#include "test/lib/boundary_arena.h"
#include "test/lib/tap.h"
#include "test/nvme/qtest.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DISK_SIZE (4u << 20)
#define QUEUES 2u
#define DEPTH 32u
#define TRANSFER (128u << 10)

static struct qtest t;
static struct nvme_ctrl ctrl;
static struct nvme_queue queues[QUEUES];
static struct nvme_tracker trackers[QUEUES * DEPTH];
static struct dma_buf data;
static u16 last_status;
static u32 seed = 88172645;

static u32 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	return seed ^= seed << 5;
}

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static u8 *bytes(void)
{
	return (u8 *)(unsigned long)data.addr.va;
}

static int run(void)
{
	int err;

	while ((err = nvme_step(&ctrl, now_ns())) == -EINPROGRESS)
		poll(NULL, 0, 1);
	return err;
}

static int up(const char *const *args)
{
	struct nvme_params params = { .queues = queues,
				      .trackers = trackers,
				      .queue_count = QUEUES,
				      .depth = DEPTH,
				      .transfer_max = TRANSFER,
				      .admin_ms = 20000,
				      .ready_max_ms = 20000,
				      .io_ticks = 1000 };
	int err;

	memset(&ctrl, 0, sizeof(ctrl));
	memset(queues, 0, sizeof(queues));
	memset(trackers, 0, sizeof(trackers));
	boundary_lies = 0;
	if (qtest_start(&t, args))
		return -ECHILD;
	err = dma_alloc(&data, 2 * TRANSFER, 4096);
	if (!err)
		err = nvme_init(&ctrl, &t.transport, &params);
	if (!err)
		err = nvme_start(&ctrl, now_ns());
	return err ? err : run();
}

static int down(void)
{
	int err = 0;

	if (ctrl.transport && ctrl.state == NVME_LIVE) {
		nvme_shutdown_begin(&ctrl, now_ns());
		err = run();
	}
	qtest_stop(&t);
	return err;
}

static int io_ranges(u32 q, u8 opcode, u32 ns, u64 lba, u32 blocks, u64 offset,
		     const struct nvme_dsm_range *ranges, u32 range_count)
{
	struct nvme_seg seg = { data.iova + offset, blocks << ctrl.ns[ns].lba_shift };
	struct nvme_io io = { .opcode = opcode,
			      .ns = &ctrl.ns[ns],
			      .lba = lba,
			      .blocks = blocks,
			      .segs = &seg,
			      .seg_count = 1,
			      .ranges = ranges,
			      .range_count = range_count };
	struct nvme_completion done;
	int n = nvme_submit(&queues[q], &io, NULL);

	if (n)
		return n;
	nvme_ring(&queues[q]);
	while (!(n = nvme_poll(&queues[q], &done, 1)))
		poll(NULL, 0, 0);
	last_status = n == 1 ? done.status : 0;
	return n == 1 ? done.error : n;
}

static int io(u32 q, u8 opcode, u32 ns, u64 lba, u32 blocks, u64 offset)
{
	return io_ranges(q, opcode, ns, lba, blocks, offset, NULL, 0);
}

static int random_io(u8 *copy, u32 ops)
{
	u32 shift = ctrl.ns[0].lba_shift;

	while (ops--) {
		u32 blocks = 1 + rnd() % (ctrl.transfer_max >> shift);
		u64 lba = rnd() % ((DISK_SIZE >> shift) - blocks);
		u64 offset = rnd() % 64 * 64;
		size_t size = (size_t)blocks << shift;
		int write = rnd() & 1;
		int err;

		for (u32 i = 0; i < size; i++)
			bytes()[offset + i] = write ? rnd() >> 9 : 0xee;
		if (write)
			memcpy(copy + (lba << shift), bytes() + offset, size);
		err = io(rnd() % ctrl.queue_count, write ? NVME_IO_WRITE : NVME_IO_READ, 0, lba,
			 blocks, offset);
		if (err)
			return err;
		if (!write && memcmp(bytes() + offset, copy + (lba << shift), size))
			return -EILSEQ;
	}
	return 0;
}

static const char *disk_file(const char *name)
{
	static char path[2][96];
	static u32 next;
	char *p = path[next++ & 1];
	int fd;

	snprintf(p, sizeof(path[0]), "%s/%s", t.dir, name);
	fd = open(p, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, DISK_SIZE))
		exit(2);
	close(fd);
	return p;
}

static bool file_equals(const char *path, const u8 *copy)
{
	u8 *got = malloc(DISK_SIZE);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool same = fd >= 0 && read(fd, got, DISK_SIZE) == DISK_SIZE &&
		    !memcmp(got, copy, DISK_SIZE);

	close(fd);
	free(got);
	return same;
}

#define DRIVE "-drive", "if=none,id=d0,file=@/d0,format=raw"
#define NS(options) "-device", "nvme-ns,drive=d0,bus=nv0,nsid=1" options

static void test_data(const char *name, const char *device, const char *ns, u32 shift,
		      u32 queue_count, u32 transfer)
{
	const char *args[] = { DRIVE, "-device", device, "-device", ns, NULL };
	u8 *copy = calloc(1, DISK_SIZE);
	const char *path;
	int err, end;

	qtest_open(&t);
	path = disk_file("d0");
	err = up(args);
	if (!err && (ctrl.ns_count != 1 || ctrl.ns[0].lba_shift != shift ||
		     ctrl.queue_count != queue_count || ctrl.transfer_max != transfer))
		err = -EBADMSG;
	if (!err)
		err = random_io(copy, 60);
	if (!err)
		err = io(0, NVME_IO_FLUSH, 0, 0, 0, 0);
	end = down();
	if (!err && !file_equals(path, copy))
		err = -EILSEQ;
	tap_case(!err && !end && boundary_lies == 0, name,
		 "error %d end %d status %x shift %u queues %u transfer %u %s", err, end,
		 last_status, ctrl.ns[0].lba_shift, ctrl.queue_count, ctrl.transfer_max,
		 boundary_last_lie);
	qtest_close(&t);
	free(copy);
}

static void test_commands(void)
{
	const char *args[] = { DRIVE, "-device", "nvme,id=nv0,serial=Q,addr=3", NS(""), NULL };
	struct nvme_dsm_range range = { .lba = 16, .blocks = 8 };
	bool good;
	int err;

	qtest_open(&t);
	disk_file("d0");
	err = up(args);
	memset(bytes(), 0x55, 32768);
	err = err ? err : io(0, NVME_IO_WRITE, 0, 0, 64, 0);
	err = err ? err : io(0, NVME_IO_WRITE_ZEROES, 0, 4, 4, 0);
	err = err ? err : io_ranges(1, NVME_IO_DSM, 0, 0, 0, 0, &range, 1);
	err = err ? err : io(0, NVME_IO_READ, 0, 0, 64, 0);
	good = bytes()[3 * 512] == 0x55 && !bytes()[4 * 512] && !bytes()[8 * 512 - 1] &&
	       bytes()[8 * 512] == 0x55 && bytes()[15 * 512] == 0x55 && bytes()[24 * 512] == 0x55;
	tap_case(!err && good, "qemu-zeroes-and-deallocate", "error %d", err);
	if (!err) {
		ctrl.ns[0].blocks *= 2;
		tap_case(io(0, NVME_IO_READ, 0, DISK_SIZE / 512, 1, 0) == -ENXIO,
			 "qemu-beyond-the-end", "status %x", last_status);
		ctrl.ns[0].blocks /= 2;
	}
	nvme_reset_begin(&ctrl, now_ns());
	err = run();
	tap_case(!err && !io(0, NVME_IO_READ, 0, 0, 1, 0), "qemu-reset", "error %d", err);
	kill(t.pid, SIGKILL);
	waitpid(t.pid, NULL, 0);
	t.pid = 0;
	tap_case(nvme_watch(&ctrl) == NVME_DEAD && ctrl.error == -ENODEV, "qemu-unplugged",
		 "error %d", ctrl.error);
	qtest_close(&t);
}

static void test_media_error(void)
{
	const char *args[] = {
		"-drive",
		"if=none,id=d0,format=raw,file.driver=blkdebug,file.image.driver=file,"
		"file.image.filename=@/d0,file.inject-error.0.event=none,"
		"file.inject-error.0.iotype=read,file.inject-error.0.sector=7,"
		"file.inject-error.0.errno=5,file.inject-error.0.once=off",
		"-device",
		"nvme,id=nv0,serial=Q,addr=3",
		NS(""),
		NULL
	};
	int err, bad;

	qtest_open(&t);
	disk_file("d0");
	err = up(args);
	bad = err ? err : io(0, NVME_IO_READ, 0, 7, 1, 0);
	tap_case(!err && bad == -ENODATA && !io(0, NVME_IO_READ, 0, 9, 1, 0) &&
			 !io(0, NVME_IO_WRITE, 0, 7, 1, 0),
		 "qemu-media-error", "up %d read %d status %x", err, bad, last_status);
	down();
	qtest_close(&t);
}

static void test_namespaces(void)
{
	const char *args[] = { DRIVE,
			       "-drive",
			       "if=none,id=d1,file=@/d1,format=raw",
			       "-device",
			       "nvme,id=nv0,serial=Q,addr=3",
			       NS(""),
			       "-device",
			       "nvme-ns,drive=d1,bus=nv0,nsid=5,logical_block_size=4096,"
			       "physical_block_size=4096",
			       NULL };
	int err;

	qtest_open(&t);
	disk_file("d0");
	disk_file("d1");
	err = up(args);
	tap_case(!err && ctrl.ns_count == 2 && ctrl.ns[1].id == 5 && ctrl.ns[1].lba_shift == 12 &&
			 !io(0, NVME_IO_WRITE, 1, 3, 1, 0),
		 "qemu-namespaces", "error %d count %u", err, ctrl.ns_count);
	down();
	qtest_close(&t);
}

static void test_refused(const char *name, const char *ns, int want)
{
	const char *args[] = {
		DRIVE, "-device", "nvme,id=nv0,serial=Q,addr=3", "-device", ns, NULL
	};
	int err;

	qtest_open(&t);
	disk_file("d0");
	err = up(args);
	tap_case(err == want && boundary_lies == 0, name, "error %d", err);
	down();
	qtest_close(&t);
}

int main(void)
{
	if (!qtest_available()) {
		tap_skip("qtest", "no qemu-system-x86_64 (package qemu-system-x86)");
		return tap_end();
	}
	test_data("qemu-512", "nvme,id=nv0,serial=Q,addr=3", "nvme-ns,drive=d0,bus=nv0,nsid=1", 9,
		  2, TRANSFER);
	test_data(
		"qemu-4096", "nvme,id=nv0,serial=Q,addr=3,max_ioqpairs=8",
		"nvme-ns,drive=d0,bus=nv0,nsid=1,logical_block_size=4096,physical_block_size=4096",
		12, 2, TRANSFER);
	test_data("qemu-one-queue", "nvme,id=nv0,serial=Q,addr=3,max_ioqpairs=1",
		  "nvme-ns,drive=d0,bus=nv0,nsid=1", 9, 1, TRANSFER);
	test_data("qemu-mdts-8k", "nvme,id=nv0,serial=Q,addr=3,mdts=1",
		  "nvme-ns,drive=d0,bus=nv0,nsid=1", 9, 2, 8192);
	test_data("qemu-mdts-unlimited", "nvme,id=nv0,serial=Q,addr=3,mdts=0",
		  "nvme-ns,drive=d0,bus=nv0,nsid=1", 9, 2, TRANSFER);
	test_commands();
	test_media_error();
	test_namespaces();
	test_refused("qemu-metadata-refused", "nvme-ns,drive=d0,bus=nv0,nsid=1,ms=8", -EOPNOTSUPP);
	return tap_end();
}
