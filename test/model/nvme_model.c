// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "test/model/nvme_model.h"
#include "test/lib/boundary_arena.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STRIDE 4u

static void *dma(u64 iova, size_t size)
{
	if (iova < test_arena.iova || iova - test_arena.iova > test_arena.size ||
	    size > test_arena.size - (iova - test_arena.iova))
		return NULL;
	return test_arena.base + (iova - test_arena.iova);
}

void model_post(struct nvme_model *m, u16 cqid, struct nvme_cqe cqe)
{
	struct model_queue *cq = &m->cq[cqid];
	u8 *entry = dma(cq->base + cq->tail * NVME_CQE_SIZE, NVME_CQE_SIZE);

	if (!cq->on || !entry)
		return;
	cqe.status = (cqe.status & ~1) | cq->phase;
	memcpy(entry, &cqe, 12);
	__atomic_store_n((u32 *)(entry + 12), (u32)cqe.status << 16 | cqe.cid, __ATOMIC_RELEASE);
	if (++cq->tail == cq->depth) {
		cq->tail = 0;
		cq->phase ^= 1;
	}
}

static void complete(struct nvme_model *m, u16 sqid, const struct nvme_sqe *sqe, u16 status,
		     u32 result)
{
	struct nvme_cqe cqe = { .result = result,
				.sq_head = m->sq[sqid].head,
				.sq_id = sqid,
				.cid = sqe->cid,
				.status = status << 1 };

	if (m->edit && (sqid == 0 || m->edit_after == 0))
		m->edit(m, sqid, sqe, &cqe);
	else if (m->edit_after && sqid)
		m->edit_after--;
	model_post(m, m->sq[sqid].cqid, cqe);
}

/* Copies size bytes between a buffer described by PRPs and mem. 2.0 4.1.1. */
static u16 prp_copy(const struct nvme_sqe *sqe, u8 *mem, u64 size, bool to_host)
{
	u64 addr = sqe->prp1;
	u64 list = sqe->prp2;
	u64 left = size;
	bool first = true;

	if (addr & 3)
		return NVME_SC_PRP_OFFSET;
	while (left) {
		u64 n = NVME_PAGE_SIZE - (addr & (NVME_PAGE_SIZE - 1));
		u8 *p;

		n = n < left ? n : left;
		p = dma(addr, n);
		if (!p)
			return NVME_SC_DATA_TRANSFER;
		memcpy(to_host ? p : mem, to_host ? mem : p, n);
		mem += n;
		left -= n;
		if (!left)
			break;
		if (first && left <= NVME_PAGE_SIZE) {
			addr = sqe->prp2;
		} else {
			u64 *e = dma(list, 8);

			if (!e)
				return NVME_SC_DATA_TRANSFER;
			addr = *e;
			list += 8;
		}
		if (addr & (NVME_PAGE_SIZE - 1))
			return NVME_SC_PRP_OFFSET;
		first = false;
	}
	return 0;
}

static u32 block_size(const struct nvme_model *m)
{
	return 1u << m->ns.lbaf[m->ns.flbas & 0xf].lbads;
}

static u16 do_range(struct nvme_model *m, const struct nvme_sqe *sqe)
{
	u64 lba = sqe->cdw10 | (u64)sqe->cdw11 << 32;
	u64 size = (u64)((sqe->cdw12 & 0xffff) + 1) * block_size(m);
	u64 at = lba * block_size(m);

	if (at > m->disk_size || size > m->disk_size - at)
		return NVME_SC_LBA_RANGE;
	if (sqe->opcode == NVME_IO_WRITE_ZEROES) {
		m->zeroes++;
		memset(m->disk + at, 0, size);
		return 0;
	}
	if (sqe->opcode == NVME_IO_WRITE && sqe->cdw12 & NVME_RW_FUA)
		m->fua_writes++;
	return prp_copy(sqe, m->disk + at, size, sqe->opcode == NVME_IO_READ);
}

static u16 do_dsm(struct nvme_model *m, const struct nvme_sqe *sqe)
{
	u32 count = (sqe->cdw10 & 0xff) + 1;
	struct nvme_dsm_range *r = dma(sqe->prp1, count * sizeof(*r));

	if (!r)
		return NVME_SC_DATA_TRANSFER;
	for (u32 i = 0; i < count; i++) {
		u64 at = r[i].lba * block_size(m);
		u64 size = (u64)r[i].blocks * block_size(m);

		if (at > m->disk_size || size > m->disk_size - at)
			return NVME_SC_LBA_RANGE;
		memset(m->disk + at, 0, size);
		m->deallocates++;
	}
	return 0;
}

static u16 io_status(struct nvme_model *m, const struct nvme_sqe *sqe)
{
	switch (sqe->opcode) {
	case NVME_IO_READ:
	case NVME_IO_WRITE:
	case NVME_IO_WRITE_ZEROES:
		return do_range(m, sqe);
	case NVME_IO_DSM:
		return do_dsm(m, sqe);
	case NVME_IO_FLUSH:
		m->flushes++;
		return 0;
	default:
		return NVME_SC_INVALID_OPCODE;
	}
}

static u16 do_identify(struct nvme_model *m, const struct nvme_sqe *sqe)
{
	void *page = dma(sqe->prp1, NVME_PAGE_SIZE);

	if (!page)
		return NVME_SC_DATA_TRANSFER;
	memset(page, 0, NVME_PAGE_SIZE);
	if (sqe->cdw10 == NVME_CNS_CTRL)
		memcpy(page, &m->ctrl, sizeof(m->ctrl));
	else if (sqe->cdw10 == NVME_CNS_NS)
		memcpy(page, &m->ns, sizeof(m->ns));
	else if (sqe->cdw10 == NVME_CNS_NS_LIST)
		memcpy(page, m->list, sizeof(m->list));
	else
		return NVME_SC_INVALID_FIELD;
	return 0;
}

static u16 create_queue(struct nvme_model *m, const struct nvme_sqe *sqe, bool cq)
{
	u16 id = sqe->cdw10 & 0xffff;
	struct model_queue *q = cq ? &m->cq[id] : &m->sq[id];

	if (id == 0 || id >= MODEL_QUEUES || q->on)
		return NVME_SC_QID_INVALID;
	if (!(sqe->cdw11 & NVME_QUEUE_PC) || (cq && sqe->cdw11 & 2))
		return NVME_SC_INVALID_FIELD;
	if ((sqe->cdw10 >> 16) > NVME_CAP_MQES(m->cap))
		return NVME_SC_QSIZE_INVALID;
	*q = (struct model_queue){ .on = true,
				   .depth = (sqe->cdw10 >> 16) + 1,
				   .base = sqe->prp1,
				   .cqid = sqe->cdw11 >> 16,
				   .phase = 1 };
	m->doorbells[2 * id + cq] = 0;
	return 0;
}

static u16 admin_status(struct nvme_model *m, const struct nvme_sqe *sqe, u32 *result)
{
	switch (sqe->opcode) {
	case NVME_ADMIN_IDENTIFY:
		return do_identify(m, sqe);
	case NVME_ADMIN_CREATE_CQ:
		return create_queue(m, sqe, true);
	case NVME_ADMIN_CREATE_SQ:
		return create_queue(m, sqe, false);
	case NVME_ADMIN_SET_FEATURES:
		*result = m->queue_result;
		return 0;
	default:
		return NVME_SC_INVALID_OPCODE;
	}
}

static void execute(struct nvme_model *m, u16 sqid, const struct nvme_sqe *sqe)
{
	u32 result = 0;
	u16 status;

	m->commands++;
	if (sqid)
		m->last = *sqe;
	if (sqid ? m->hold : m->hold_admin) {
		if (m->held_count < MODEL_HELD_MAX)
			m->held[m->held_count++] = (struct model_held){ sqid, *sqe };
		return;
	}
	status = sqid ? io_status(m, sqe) : admin_status(m, sqe, &result);
	complete(m, sqid, sqe, status, result);
}

void model_release(struct nvme_model *m, bool reverse)
{
	u32 count = m->held_count;

	m->held_count = 0;
	for (u32 i = 0; i < count; i++) {
		struct model_held *h = &m->held[reverse ? count - 1 - i : i];
		u32 result = 0;
		u16 status = h->sqid ? io_status(m, &h->sqe) : admin_status(m, &h->sqe, &result);

		complete(m, h->sqid, &h->sqe, status, result);
	}
}

static void run_queue(struct nvme_model *m, u16 id)
{
	struct model_queue *q = &m->sq[id];
	u32 tail = m->doorbells[2 * id];

	if (!q->on || tail >= q->depth) {
		m->bad_doorbells++;
		return;
	}
	while (q->head != tail) {
		struct nvme_sqe sqe;
		void *p = dma(q->base + q->head * NVME_SQE_SIZE, NVME_SQE_SIZE);

		if (!p)
			return;
		memcpy(&sqe, p, sizeof(sqe));
		q->head = q->head + 1 == q->depth ? 0 : q->head + 1;
		execute(m, id, &sqe);
	}
}

static void enable(struct nvme_model *m)
{
	memset(m->sq, 0, sizeof(m->sq));
	memset(m->cq, 0, sizeof(m->cq));
	memset(m->doorbells, 0, sizeof(m->doorbells));
	m->held_count = 0;
	m->enables++;
	m->sq[0] =
		(struct model_queue){ .on = true, .depth = (m->aqa & 0xfff) + 1, .base = m->asq };
	m->cq[0] = (struct model_queue){
		.on = true, .depth = (m->aqa >> 16 & 0xfff) + 1, .base = m->acq, .phase = 1
	};
	if (m->fatal_on_enable)
		m->csts |= NVME_CSTS_CFS;
	else
		m->csts |= NVME_CSTS_RDY;
}

static void write_cc(struct nvme_model *m, u32 val)
{
	u32 changed = m->cc ^ val;

	m->cc = val;
	if (val & NVME_CC_SHN_MASK && !m->never_shut_down)
		m->csts = (m->csts & ~NVME_CSTS_SHST_MASK) | NVME_CSTS_SHST_DONE;
	if (m->never_ready || !(changed & NVME_CC_EN))
		return;
	if (val & NVME_CC_EN)
		enable(m);
	else
		m->csts = 0;
}

static u32 model_rd32(void *ctx, u32 off)
{
	struct nvme_model *m = ctx;

	m->register_reads++;
	if (m->gone)
		return ~0u;
	switch (off) {
	case NVME_REG_VS:
		return m->vs;
	case NVME_REG_CC:
		return m->cc;
	case NVME_REG_CSTS:
		return m->csts;
	default:
		return 0;
	}
}

static u64 model_rd64(void *ctx, u32 off)
{
	struct nvme_model *m = ctx;

	return m->gone ? ~0ull : off == NVME_REG_CAP ? m->cap : 0;
}

static void model_wr32(void *ctx, u32 off, u32 val)
{
	struct nvme_model *m = ctx;
	u32 i = (off - NVME_REG_DOORBELLS) / STRIDE;

	if (off == NVME_REG_CC) {
		write_cc(m, val);
	} else if (off == NVME_REG_AQA) {
		m->aqa = val;
	} else if (off >= NVME_REG_DOORBELLS && i < 2 * MODEL_QUEUES) {
		m->doorbells[i] = val;
		if (!(i & 1))
			run_queue(m, i / 2);
	} else {
		m->bad_doorbells++;
	}
}

static void model_wr64(void *ctx, u32 off, u64 val)
{
	struct nvme_model *m = ctx;

	if (off == NVME_REG_ASQ)
		m->asq = val;
	else if (off == NVME_REG_ACQ)
		m->acq = val;
}

void model_init(struct nvme_model *m, u8 lba_shift, u64 blocks)
{
	memset(m, 0, sizeof(*m));
	m->cap = 255 | NVME_CAP_CQR | 4ull << 24 | NVME_CAP_CSS_NVM;
	m->vs = NVME_VERSION(1, 4);
	m->queue_result = (MODEL_QUEUES - 2) << 16 | (MODEL_QUEUES - 2);
	memcpy(m->ctrl.sn, "MODEL-1             ", 20);
	memcpy(m->ctrl.mn, "model controller                        ", 40);
	m->ctrl.mdts = 5;
	m->ctrl.sqes = 0x66;
	m->ctrl.cqes = 0x44;
	m->ctrl.nn = 1;
	m->ctrl.vwc = NVME_VWC_PRESENT;
	m->ctrl.oncs = NVME_ONCS_DSM | NVME_ONCS_WRITE_ZEROES;
	m->ns.nsze = m->ns.ncap = m->ns.nuse = blocks;
	m->ns.lbaf[0].lbads = lba_shift;
	m->list[0] = 1;
	m->disk_size = blocks << lba_shift;
	m->disk = calloc(1, m->disk_size);
	m->transport = (struct nvme_transport){ .rd32 = model_rd32,
						.rd64 = model_rd64,
						.wr32 = model_wr32,
						.wr64 = model_wr64,
						.ctx = m,
						.bar_size = NVME_REG_DOORBELLS +
							    2 * MODEL_QUEUES * STRIDE };
}

void model_fini(struct nvme_model *m)
{
	free(m->disk);
}
