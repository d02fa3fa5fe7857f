// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* I/O commands of the NVM command set (1.0; 1.4 section 6), with PRPs (2.0 4.1.1). */
#include "enclave/nvme/internal.h"

#define WRITE_ZEROES_BLOCKS_MAX 65536u
#define PAGE_MASK_ ((u64)NVME_PAGE_SIZE - 1)

static struct host_addr list_addr(const struct nvme_queue *q, u16 index)
{
	return host_addr_add(q->lists, (u64)index * q->list_size);
}

static u64 list_iova(const struct nvme_queue *q, u16 index)
{
	return q->lists_iova + (u64)index * q->list_size;
}

static bool seg_aligned(u64 addr, u32 i)
{
	return !(addr & (i ? PAGE_MASK_ : 3));
}

/* The PRP rules, and that the pieces make up exactly the transfer. */
static bool segs_valid(const struct nvme_io *io, u32 bytes)
{
	u64 sum = 0;

	for (u32 i = 0; i < io->seg_count; i++) {
		const struct nvme_seg *s = &io->segs[i];
		bool last = i + 1 == io->seg_count;

		if (!s->len || !seg_aligned(s->iova, i))
			return false;
		if (!last && (s->iova + s->len) & PAGE_MASK_)
			return false;
		sum += s->len;
	}
	return sum == bytes;
}

/*
 * One entry per page touched. The list of a tracker has room for all but the first
 * page of the largest transfer, whatever the offset in it.
 */
static void prp_fill(struct nvme_queue *q, u16 index, const struct nvme_io *io,
		     struct nvme_sqe *sqe)
{
	struct host_addr list = list_addr(q, index);
	u64 second = 0;
	u32 n = 0;

	for (u32 i = 0; i < io->seg_count; i++) {
		u64 addr = io->segs[i].iova;
		u64 end = addr + io->segs[i].len;

		for (; addr < end; addr = (addr | PAGE_MASK_) + 1, n++) {
			if (n == 0) {
				sqe->prp1 = addr;
			} else if (n == 1) {
				second = addr;
			} else {
				if (n == 2)
					host_put64(list, second);
				ASSERT(n * 8 <= q->list_size);
				host_put64(host_addr_add(list, (n - 1) * 8), addr);
			}
		}
	}
	sqe->prp2 = n > 2 ? list_iova(q, index) : second;
}

static int check_range(const struct nvme_io *io)
{
	if (!io->blocks)
		return -EINVAL;
	if (io->lba >= io->ns->blocks || io->blocks > io->ns->blocks - io->lba)
		return -ERANGE;
	return 0;
}

static void fill_range(struct nvme_sqe *sqe, const struct nvme_io *io)
{
	sqe->cdw10 = (u32)io->lba;
	sqe->cdw11 = io->lba >> 32;
	sqe->cdw12 = (io->blocks - 1) | (io->fua ? NVME_RW_FUA : 0);
}

static int submit_rw(struct nvme_queue *q, const struct nvme_io *io, void *cookie,
		     struct nvme_sqe *sqe)
{
	u64 bytes = (u64)io->blocks << io->ns->lba_shift;
	int err = check_range(io);
	int index;

	if (err)
		return err;
	if (bytes > q->ctrl->transfer_max)
		return -EMSGSIZE;
	if (!segs_valid(io, bytes))
		return -EINVAL;
	index = nvme_tracker_get(q, cookie, io->opcode, bytes);
	if (index < 0)
		return index;
	fill_range(sqe, io);
	prp_fill(q, index, io, sqe);
	return index;
}

static int submit_zeroes(struct nvme_queue *q, const struct nvme_io *io, void *cookie,
			 struct nvme_sqe *sqe)
{
	int err = check_range(io);

	if (!q->ctrl->has_write_zeroes)
		return -EOPNOTSUPP;
	if (err)
		return err;
	if (io->blocks > WRITE_ZEROES_BLOCKS_MAX)
		return -EMSGSIZE;
	fill_range(sqe, io);
	return nvme_tracker_get(q, cookie, io->opcode, 0);
}

static int check_dsm(const struct nvme_queue *q, const struct nvme_io *io)
{
	if (!q->ctrl->has_deallocate)
		return -EOPNOTSUPP;
	if (!io->range_count)
		return -EINVAL;
	if (io->range_count > NVME_DSM_RANGES_MAX ||
	    io->range_count * sizeof(*io->ranges) > q->list_size)
		return -EMSGSIZE;
	for (u32 i = 0; i < io->range_count; i++)
		if (io->ranges[i].lba >= io->ns->blocks ||
		    io->ranges[i].blocks > io->ns->blocks - io->ranges[i].lba)
			return -ERANGE;
	return 0;
}

static int submit_dsm(struct nvme_queue *q, const struct nvme_io *io, void *cookie,
		      struct nvme_sqe *sqe)
{
	int err = check_dsm(q, io);
	int index;

	if (err)
		return err;
	index = nvme_tracker_get(q, cookie, io->opcode, 0);
	if (index < 0)
		return index;
	host_write(list_addr(q, index), io->ranges, io->range_count * sizeof(*io->ranges));
	sqe->prp1 = list_iova(q, index);
	sqe->cdw10 = io->range_count - 1;
	sqe->cdw11 = NVME_DSM_AD;
	return index;
}

static int submit_by_opcode(struct nvme_queue *q, const struct nvme_io *io, void *cookie,
			    struct nvme_sqe *sqe)
{
	switch (io->opcode) {
	case NVME_IO_READ:
		return submit_rw(q, io, cookie, sqe);
	case NVME_IO_FLUSH:
		return nvme_tracker_get(q, cookie, io->opcode, 0);
	case NVME_IO_WRITE:
	case NVME_IO_WRITE_ZEROES:
	case NVME_IO_DSM:
		break;
	default:
		return -EOPNOTSUPP;
	}
	if (io->ns->read_only)
		return -EROFS;
	if (io->opcode == NVME_IO_WRITE)
		return submit_rw(q, io, cookie, sqe);
	if (io->opcode == NVME_IO_WRITE_ZEROES)
		return submit_zeroes(q, io, cookie, sqe);
	return submit_dsm(q, io, cookie, sqe);
}

int nvme_submit(struct nvme_queue *q, const struct nvme_io *io, void *cookie)
{
	struct nvme_sqe sqe = { .opcode = io->opcode, .nsid = io->ns->id };
	int index;

	if (!nvme_queue_live(q))
		return -ESHUTDOWN;
	index = submit_by_opcode(q, io, cookie, &sqe);
	if (index < 0)
		return index;
	nvme_queue_push(q, &sqe, index);
	return 0;
}
