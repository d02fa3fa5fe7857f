// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* I/O commands. NVM command set 1.0 section 3 (1.4 section 6). */
#include "host/nvmed/nvmed.h"
#include <errno.h>
#include <string.h>

static void finish(struct nvmed *d, struct req *r, u16 status)
{
	r->status = status;
	ctrl_complete(d, r);
}

static u16 status_of(const struct req *r, int err)
{
	switch (err) {
	case -ENOSPC:
	case -EDQUOT:
		return NVME_SC_CAPACITY;
	case -EROFS:
	case -EPERM:
		return NVME_SC_NS_WRITE_PROTECTED;
	case -EFAULT:
		return NVME_SC_DATA_TRANSFER;
	case -EIO:
	case -ENODATA:
		return r->opcode == NVME_IO_READ ? NVME_SC_READ_ERROR : NVME_SC_WRITE_FAULT;
	default:
		return NVME_SC_INTERNAL;
	}
}

/* ---- PRPs, 2.0 4.1.1: entries are read once, each must lie in the arena ---- */

static u16 add_piece(struct nvmed *d, struct req *r, u64 iova, u64 size)
{
	u8 *p = peer_memory(&d->peer, iova, size);
	struct iovec *last = r->iov_count ? &r->iov[r->iov_count - 1] : NULL;

	if (!p)
		return NVME_SC_DATA_TRANSFER;
	if (last && (u8 *)last->iov_base + last->iov_len == p) {
		last->iov_len += size;
		return 0;
	}
	r->iov[r->iov_count++] = (struct iovec){ p, size };
	return 0;
}

static u16 add_page(struct nvmed *d, struct req *r, u64 iova, u64 *left)
{
	u64 size = *left < NVME_PAGE_SIZE ? *left : NVME_PAGE_SIZE;

	if (iova & (NVME_PAGE_SIZE - 1))
		return NVME_SC_PRP_OFFSET;
	*left -= size;
	return add_piece(d, r, iova, size);
}

/* A list ends at its page's end; if more is to come, its last entry is the next list. */
static u16 walk_list(struct nvmed *d, struct req *r, u64 list, u64 left)
{
	u16 status = 0;

	if (list & 7)
		return NVME_SC_PRP_OFFSET;
	while (left && !status) {
		volatile u64 *e = peer_memory(&d->peer, list, 8);
		bool last_of_page = (list & (NVME_PAGE_SIZE - 1)) == NVME_PAGE_SIZE - 8;

		if (!e)
			return NVME_SC_DATA_TRANSFER;
		if (last_of_page && left > NVME_PAGE_SIZE) {
			list = *e;
			/* Each further list holds 511 pages: at most one more for our MDTS. */
			if (list & (NVME_PAGE_SIZE - 1))
				return NVME_SC_PRP_OFFSET;
			continue;
		}
		status = add_page(d, r, *e, &left);
		list += 8;
	}
	return status;
}

static u16 map_prps(struct nvmed *d, struct req *r, const struct nvme_sqe *sqe)
{
	u64 left = r->left;
	u64 size = NVME_PAGE_SIZE - (sqe->prp1 & (NVME_PAGE_SIZE - 1));
	u16 status;

	if (sqe->prp1 & 3)
		return NVME_SC_PRP_OFFSET;
	size = size < left ? size : left;
	status = add_piece(d, r, sqe->prp1, size);
	left -= size;
	if (status || !left)
		return status;
	if (left <= NVME_PAGE_SIZE)
		return add_page(d, r, sqe->prp2, &left);
	return walk_list(d, r, sqe->prp2, left);
}

/* ---- read, write ---- */

static bool direct_possible(const struct req *r)
{
	u32 mask = r->disk->dio_align - 1;

	if (r->disk->fd_direct < 0 || (r->offset & mask) || (r->left & mask))
		return false;
	for (u32 i = 0; i < r->iov_count; i++)
		if (((u64)r->iov[i].iov_base | r->iov[i].iov_len) & 511)
			return false;
	return true;
}

static u16 set_range(struct req *r, const struct nvme_sqe *sqe)
{
	u64 lba = sqe->cdw10 | (u64)sqe->cdw11 << 32;
	u64 count = (sqe->cdw12 & 0xffff) + 1;

	if (lba >= r->disk->blocks || count > r->disk->blocks - lba)
		return NVME_SC_LBA_RANGE;
	r->offset = lba << r->disk->lba_shift;
	r->left = count << r->disk->lba_shift;
	r->fua = sqe->cdw12 & NVME_RW_FUA;
	return 0;
}

static void start_rw(struct nvmed *d, struct req *r, const struct nvme_sqe *sqe)
{
	u16 status = set_range(r, sqe);
	int err;

	if (!status && r->left > TRANSFER_PAGES * NVME_PAGE_SIZE)
		status = NVME_SC_INVALID_FIELD;
	if (!status)
		status = map_prps(d, r, sqe);
	if (status) {
		finish(d, r, status);
		return;
	}
	if (r->disk->backend == BACKEND_MAP) {
		err = disk_copy(r->disk, r->iov, r->iov_count, r->offset,
				r->opcode == NVME_IO_WRITE);
		finish(d, r, err ? status_of(r, err) : 0);
		return;
	}
	r->phase = REQ_DATA;
	r->direct = direct_possible(r);
	engine_data(d, r);
}

static void skip_done(struct req *r, u64 done)
{
	r->offset += done;
	r->left -= done;
	while (done) {
		struct iovec *v = &r->iov[r->iov_first];
		u64 n = done < v->iov_len ? done : v->iov_len;

		v->iov_base = (u8 *)v->iov_base + n;
		v->iov_len -= n;
		done -= n;
		if (!v->iov_len) {
			r->iov_first++;
			r->iov_count--;
		}
	}
}

static void data_progress(struct nvmed *d, struct req *r, int res)
{
	if (res == -EINVAL && r->direct) {
		/* The file system took O_DIRECT but not this alignment: never ask again. */
		r->disk->dio_align = 1u << 31;
		r->direct = false;
		engine_data(d, r);
		return;
	}
	if (res == -EINTR || res == -EAGAIN) {
		engine_data(d, r);
		return;
	}
	if (res > 0 && (u64)res < r->left) {
		skip_done(r, res);
		r->direct = direct_possible(r);
		engine_data(d, r);
		return;
	}
	/* 0: the file is shorter than it was. */
	finish(d, r, res > 0 ? 0 : status_of(r, res ? res : -EIO));
}

/* ---- flush, write zeroes, dataset management ---- */

static void start_sync(struct nvmed *d, struct req *r)
{
	r->phase = REQ_SYNC;
	engine_sync(d, r);
}

static void start_zeroes(struct nvmed *d, struct req *r, const struct nvme_sqe *sqe)
{
	u16 status = set_range(r, sqe);

	if (status) {
		finish(d, r, status);
		return;
	}
	r->deac = sqe->cdw12 & NVME_WZ_DEAC;
	r->phase = REQ_RANGES;
	r->pending = 1;
	engine_zero(d, r, r->offset, r->left);
}

static u16 read_ranges(struct nvmed *d, struct req *r, const struct nvme_sqe *sqe,
		       struct nvme_dsm_range *ranges, u32 count)
{
	u32 done = 0;

	r->left = count * sizeof(*ranges);
	if (map_prps(d, r, sqe))
		return NVME_SC_DATA_TRANSFER;
	for (u32 i = 0; i < r->iov_count; i++) {
		memcpy((u8 *)ranges + done, r->iov[i].iov_base, r->iov[i].iov_len);
		done += r->iov[i].iov_len;
	}
	for (u32 i = 0; i < count; i++)
		if (ranges[i].lba > r->disk->blocks ||
		    ranges[i].blocks > r->disk->blocks - ranges[i].lba)
			return NVME_SC_LBA_RANGE;
	return 0;
}

static void start_dsm(struct nvmed *d, struct req *r, const struct nvme_sqe *sqe)
{
	struct nvme_dsm_range ranges[NVME_DSM_RANGES_MAX];
	u32 count = (sqe->cdw10 & 0xff) + 1;
	u16 status = read_ranges(d, r, sqe, ranges, count);

	if (status || !(sqe->cdw11 & NVME_DSM_AD)) { /* other hints mean nothing to us */
		finish(d, r, status);
		return;
	}
	r->deac = true;
	r->phase = REQ_RANGES;
	r->pending = count;
	for (u32 i = 0; i < count; i++) {
		if (ranges[i].blocks)
			engine_zero(d, r, ranges[i].lba << r->disk->lba_shift,
				    (u64)ranges[i].blocks << r->disk->lba_shift);
		else
			io_progress(d, r, 0);
	}
}

static void ranges_progress(struct nvmed *d, struct req *r, int res)
{
	if (res < 0 && !r->status)
		r->status = status_of(r, res);
	if (--r->pending)
		return;
	if (!r->status && r->fua)
		start_sync(d, r);
	else
		ctrl_complete(d, r);
}

void io_progress(struct nvmed *d, struct req *r, int res)
{
	if (r->phase == REQ_DATA)
		data_progress(d, r, res);
	else if (r->phase == REQ_RANGES)
		ranges_progress(d, r, res);
	else
		finish(d, r, res ? status_of(r, res) : 0);
}

/* ---- ---- */

static struct disk *find_disk(struct nvmed *d, u32 nsid)
{
	for (u32 i = 0; i < d->disk_count; i++)
		if (d->disks[i].nsid == nsid)
			return &d->disks[i];
	return NULL;
}

static bool writes(u8 opcode)
{
	return opcode == NVME_IO_WRITE || opcode == NVME_IO_WRITE_ZEROES || opcode == NVME_IO_DSM;
}

void io_start(struct nvmed *d, struct req *r, const struct nvme_sqe *sqe)
{
	r->disk = find_disk(d, sqe->nsid);
	if (!r->disk)
		finish(d, r, NVME_SC_INVALID_NS);
	else if (sqe->flags & NVME_SQE_FUSE_PSDT)
		finish(d, r, NVME_SC_INVALID_FIELD);
	else if (writes(sqe->opcode) && r->disk->read_only)
		finish(d, r, NVME_SC_NS_WRITE_PROTECTED);
	else if (sqe->opcode == NVME_IO_READ || sqe->opcode == NVME_IO_WRITE)
		start_rw(d, r, sqe);
	else if (sqe->opcode == NVME_IO_FLUSH)
		start_sync(d, r);
	else if (sqe->opcode == NVME_IO_WRITE_ZEROES)
		start_zeroes(d, r, sqe);
	else if (sqe->opcode == NVME_IO_DSM)
		start_dsm(d, r, sqe);
	else
		finish(d, r, NVME_SC_INVALID_OPCODE);
}
