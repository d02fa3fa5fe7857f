// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Commands: PRPs of every shape against a controller that follows them, and refusals. */
#include "test/lib/tap.h"
#include "test/nvme/fixture.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct fixture f;
static struct nvme_completion done;

static int run(struct nvme_io *io)
{
	int err;

	io->ns = &f.ctrl.ns[0];
	err = nvme_submit(&f.queues[0], io, NULL);
	if (err)
		return err;
	nvme_ring(&f.queues[0]);
	err = nvme_poll(&f.queues[0], &done, 1);
	return err == 1 ? done.error : err ? err : -EINPROGRESS;
}

static int rw(u8 opcode, u64 lba, u32 blocks, const struct nvme_seg *segs, u32 count)
{
	struct nvme_io io = {
		.opcode = opcode, .lba = lba, .blocks = blocks, .segs = segs, .seg_count = count
	};

	return run(&io);
}

static void fill(u8 *p, size_t n, u32 seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (i * 2654435761u + seed) >> 13;
}

/* Writes and reads back one contiguous buffer at an offset in its first page. */
static bool shape(u32 bytes, u32 offset)
{
	struct nvme_seg seg = { f.data.iova + offset, bytes };
	u8 *p = fix_data(&f);
	u8 *want = malloc(bytes);
	bool good;

	memset(p, 0xee, 2 * FIX_TRANSFER);
	fill(p + offset, bytes, bytes + offset);
	memcpy(want, p + offset, bytes);
	good = !rw(NVME_IO_WRITE, 3, bytes / 512, &seg, 1) &&
	       !memcmp(f.model.disk + 3 * 512, want, bytes);
	memset(p, 0xee, 2 * FIX_TRANSFER);
	good = good && !rw(NVME_IO_READ, 3, bytes / 512, &seg, 1) &&
	       !memcmp(p + offset, want, bytes);
	for (u32 i = 0; good && i < offset; i++)
		good = p[i] == 0xee;
	good = good && p[offset + bytes] == 0xee;
	free(want);
	return good;
}

static void test_shapes(void)
{
	bool good = true;
	u32 bytes, offset = 0;

	fix_up(&f, 9);
	for (bytes = 512; good && bytes <= FIX_TRANSFER; bytes += bytes < 16384 ? 512 : 11264)
		for (offset = 0; good && offset < 4096; offset += 508)
			good = shape(bytes, offset);
	tap_case(good, "prp-shapes", "bytes %u offset %u: %s", bytes, offset, boundary_last_lie);
	good = shape(FIX_TRANSFER, 0) && shape(FIX_TRANSFER, 4092) && shape(FIX_TRANSFER, 4);
	tap_case(good && boundary_lies == 0, "prp-largest", "differs");
	fix_close(&f);
}

static void test_segments(void)
{
	struct nvme_seg segs[4];
	u8 *p;
	int err;

	fix_up(&f, 12);
	p = fix_data(&f);
	/* out of order in memory, first with an offset, last ending inside a page */
	segs[0] = (struct nvme_seg){ f.data.iova + 5 * 4096 + 1024, 3072 };
	segs[1] = (struct nvme_seg){ f.data.iova + 2 * 4096, 8192 };
	segs[2] = (struct nvme_seg){ f.data.iova + 9 * 4096, 4096 };
	segs[3] = (struct nvme_seg){ f.data.iova + 7 * 4096, 1024 };
	fill(p, FIX_TRANSFER, 1);
	err = rw(NVME_IO_WRITE, 8, 4, segs, 4);
	tap_case(!err && !memcmp(f.model.disk + 8 * 4096, p + 5 * 4096 + 1024, 3072) &&
			 !memcmp(f.model.disk + 8 * 4096 + 3072, p + 2 * 4096, 8192) &&
			 !memcmp(f.model.disk + 8 * 4096 + 11264, p + 9 * 4096, 4096) &&
			 !memcmp(f.model.disk + 8 * 4096 + 15360, p + 7 * 4096, 1024),
		 "scattered-buffer", "error %d", err);
	fix_close(&f);
}

static void test_malformed(void)
{
	struct nvme_seg ok = { 0, 512 };
	struct nvme_seg segs[2];
	u64 io;
	bool good;

	fix_up(&f, 9);
	io = ok.iova = f.data.iova;
	segs[0] = (struct nvme_seg){ io + 2, 512 };
	good = rw(NVME_IO_READ, 0, 1, segs, 1) == -EINVAL;
	segs[0] = (struct nvme_seg){ io, 0 };
	good = good && rw(NVME_IO_READ, 0, 1, segs, 1) == -EINVAL;
	segs[0] = (struct nvme_seg){ io, 1024 }; /* not as long as the blocks */
	good = good && rw(NVME_IO_READ, 0, 1, segs, 1) == -EINVAL;
	segs[0] = (struct nvme_seg){ io, 512 }; /* a gap inside a page */
	segs[1] = (struct nvme_seg){ io + 4096, 512 };
	good = good && rw(NVME_IO_READ, 0, 2, segs, 2) == -EINVAL;
	segs[0] = (struct nvme_seg){ io + 3584, 512 };
	segs[1] = (struct nvme_seg){ io + 8192 + 512, 512 };
	good = good && rw(NVME_IO_READ, 0, 2, segs, 2) == -EINVAL;
	good = good && rw(NVME_IO_READ, 0, 1, NULL, 0) == -EINVAL;
	good = good && rw(NVME_IO_READ, 0, 0, &ok, 1) == -EINVAL;
	tap_case(good, "malformed-buffers", "accepted");

	ok.len = FIX_TRANSFER + 512;
	tap_case(rw(NVME_IO_READ, 0, ok.len / 512, &ok, 1) == -EMSGSIZE, "above-transfer-max",
		 "accepted");
	ok.len = 512;
	good = rw(NVME_IO_READ, FIX_BLOCKS, 1, &ok, 1) == -ERANGE &&
	       rw(NVME_IO_READ, ~0ull, 1, &ok, 1) == -ERANGE;
	ok.len = 1024;
	good = good && rw(NVME_IO_READ, FIX_BLOCKS - 1, 2, &ok, 1) == -ERANGE;
	tap_case(good, "beyond-the-end", "accepted");
	tap_case(rw(0x7f, 0, 1, &ok, 1) == -EOPNOTSUPP, "unknown-opcode", "accepted");
	tap_case(f.model.commands > 0 && f.queues[0].stats.commands == 0, "nothing-was-queued",
		 "%llu", (unsigned long long)f.queues[0].stats.commands);
	fix_close(&f);
}

static void test_flush_fua_zeroes(void)
{
	struct nvme_io io = { .opcode = NVME_IO_FLUSH };
	struct nvme_seg seg;
	bool good;

	fix_up(&f, 9);
	seg = (struct nvme_seg){ f.data.iova, 512 };
	tap_case(!run(&io) && f.model.flushes == 1 && f.model.last.nsid == 1, "flush", "%d",
		 done.error);
	io = (struct nvme_io){
		.opcode = NVME_IO_WRITE, .fua = true, .blocks = 1, .segs = &seg, .seg_count = 1
	};
	good = !run(&io) && f.model.fua_writes == 1;
	io.fua = false;
	tap_case(good && !run(&io) && f.model.fua_writes == 1, "fua", "%u", f.model.fua_writes);
	memset(f.model.disk, 0x55, 4 * 512);
	io = (struct nvme_io){ .opcode = NVME_IO_WRITE_ZEROES, .lba = 1, .blocks = 2 };
	tap_case(!run(&io) && f.model.disk[511] == 0x55 && !f.model.disk[512] &&
			 !f.model.disk[1535] && f.model.disk[1536] == 0x55,
		 "write-zeroes", "%d", done.error);
	io.blocks = 65537;
	io.lba = 0;
	f.ctrl.ns[0].blocks = 1 << 20;
	tap_case(run(&io) == -EMSGSIZE, "write-zeroes-too-many", "accepted");
	f.ctrl.ns[0].blocks = FIX_BLOCKS;
	fix_close(&f);
}

static void test_deallocate(void)
{
	struct nvme_dsm_range r[300] = { { .lba = 1, .blocks = 1 }, { .lba = 3, .blocks = 2 } };
	struct nvme_io io = { .opcode = NVME_IO_DSM, .ranges = r, .range_count = 2 };
	u32 room = 0;
	int err;

	fix_up(&f, 9);
	memset(f.model.disk, 0x55, 8 * 512);
	tap_case(!run(&io) && f.model.deallocates == 2 && f.model.disk[0] == 0x55 &&
			 !f.model.disk[512] && f.model.disk[1024] == 0x55 && !f.model.disk[2559] &&
			 f.model.disk[2560] == 0x55,
		 "deallocate", "%d", done.error);
	r[1].lba = FIX_BLOCKS;
	tap_case(run(&io) == -ERANGE, "deallocate-beyond-the-end", "accepted");
	r[1].lba = 3;
	io.range_count = 0;
	tap_case(run(&io) == -EINVAL, "deallocate-nothing", "accepted");
	for (io.range_count = 1; io.range_count <= 300; io.range_count++) {
		err = run(&io);
		if (err)
			break;
		room = io.range_count;
	}
	tap_case(room >= 16 && err == -EMSGSIZE, "deallocate-too-many", "room %u error %d", room,
		 err);
	fix_close(&f);
}

static void test_missing_features(void)
{
	struct nvme_dsm_range r = { .lba = 1, .blocks = 1 };
	struct nvme_io dsm = { .opcode = NVME_IO_DSM, .ranges = &r, .range_count = 1 };
	struct nvme_io wz = { .opcode = NVME_IO_WRITE_ZEROES, .blocks = 1 };
	struct nvme_seg seg;

	fix_open(&f, 9);
	f.model.ctrl.oncs = 0;
	fix_init(&f);
	fix_start(&f);
	tap_case(run(&dsm) == -EOPNOTSUPP && run(&wz) == -EOPNOTSUPP, "optional-commands-missing",
		 "accepted");
	fix_close(&f);

	fix_open(&f, 9);
	f.model.ns.nsattr = NVME_NSATTR_WRITE_PROTECTED;
	fix_init(&f);
	fix_start(&f);
	seg = (struct nvme_seg){ f.data.iova, 512 };
	tap_case(rw(NVME_IO_WRITE, 0, 1, &seg, 1) == -EROFS && run(&dsm) == -EROFS &&
			 run(&wz) == -EROFS && !rw(NVME_IO_READ, 0, 1, &seg, 1),
		 "read-only-namespace", "accepted");
	fix_close(&f);
}

static void test_byte_counters(void)
{
	struct nvme_seg seg;

	fix_up(&f, 9);
	seg = (struct nvme_seg){ f.data.iova, 4096 };
	rw(NVME_IO_WRITE, 0, 8, &seg, 1);
	rw(NVME_IO_READ, 0, 8, &seg, 1);
	rw(NVME_IO_READ, 8, 8, &seg, 1);
	tap_case(f.queues[0].stats.write_bytes == 4096 && f.queues[0].stats.read_bytes == 8192 &&
			 f.queues[0].stats.commands == 3 && f.queues[0].stats.completions == 3,
		 "bytes-counted-once", "%llu", (unsigned long long)f.queues[0].stats.read_bytes);
	fix_close(&f);
}

int main(void)
{
	test_shapes();
	test_segments();
	test_malformed();
	test_flush_fua_zeroes();
	test_deallocate();
	test_missing_features();
	test_byte_counters();
	return tap_end();
}
