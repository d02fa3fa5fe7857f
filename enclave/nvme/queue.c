// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Queue pairs: rings, trackers, doorbells. 2.0 3.3.3 and PCIe transport 3.1.2. */
#include "enclave/nvme/internal.h"

#define CID_INDEX_BITS 10
#define CID_INDEX_MASK ((1u << CID_INDEX_BITS) - 1)
#define GENERATION_MASK ((1u << (16 - CID_INDEX_BITS)) - 1)
#define NO_TRACKER 0xffffu

/* The largest index is depth - 2, so that 0xffff, which 2.0 reserves, never occurs. */
_Static_assert(NVME_DEPTH_MAX <= CID_INDEX_MASK + 1, "identifiers hold every index");

int nvme_queue_alloc(struct nvme_queue *q, u16 depth_max, u32 list_size)
{
	int err = dma_alloc(&q->sq_mem, (size_t)depth_max * NVME_SQE_SIZE, NVME_PAGE_SIZE);

	if (err)
		return err;
	err = dma_alloc(&q->cq_mem, (size_t)depth_max * NVME_CQE_SIZE, NVME_PAGE_SIZE);
	if (err)
		goto free_sq;
	if (list_size) {
		err = dma_alloc(&q->list_mem, (size_t)depth_max * list_size, NVME_PAGE_SIZE);
		if (err)
			goto free_cq;
	}
	q->sq = q->sq_mem.addr;
	q->cq = q->cq_mem.addr;
	q->lists = q->list_mem.addr;
	q->lists_iova = q->list_mem.iova;
	q->list_size = list_size;
	q->depth_max = depth_max;
	return 0;

free_cq:
	dma_free(&q->cq_mem);
free_sq:
	dma_free(&q->sq_mem);
	return err;
}

void nvme_queue_free(struct nvme_queue *q)
{
	if (q->list_size)
		dma_free(&q->list_mem);
	dma_free(&q->cq_mem);
	dma_free(&q->sq_mem);
	q->depth_max = 0;
}

void nvme_queue_reset(struct nvme_queue *q, u16 depth)
{
	ASSERT(q->inflight == 0 && depth >= NVME_DEPTH_MIN && depth <= q->depth_max);
	/* A phase of an earlier life must not look like a completion. */
	host_zero(q->cq, (size_t)q->depth_max * NVME_CQE_SIZE);
	host_zero(q->sq, (size_t)q->depth_max * NVME_SQE_SIZE);
	q->depth = depth;
	q->sq_tail = q->sq_rung = 0;
	q->cq_head = q->cq_unreported = 0;
	q->phase = 1;
	q->lied = false;
	q->tick = 0;
	for (u16 i = 0; i < depth - 1; i++)
		q->trackers[i].next_free = i + 1;
	q->trackers[depth - 2].next_free = NO_TRACKER;
	q->free_head = 0;
}

int nvme_tracker_get(struct nvme_queue *q, void *cookie, u8 opcode, u32 bytes)
{
	u16 index = q->free_head;
	struct nvme_tracker *t;

	if (index == NO_TRACKER)
		return -EBUSY;
	t = &q->trackers[index];
	q->free_head = t->next_free;
	t->cookie = cookie;
	t->bytes = bytes;
	t->tick = q->tick;
	t->opcode = opcode;
	t->busy = 1;
	q->inflight++;
	return index;
}

static void tracker_put(struct nvme_queue *q, u16 index)
{
	struct nvme_tracker *t = &q->trackers[index];

	t->busy = 0;
	t->generation = (t->generation + 1) & GENERATION_MASK;
	t->next_free = q->free_head;
	q->free_head = index;
	q->inflight--;
}

void nvme_queue_push(struct nvme_queue *q, struct nvme_sqe *sqe, u16 index)
{
	struct host_addr slot = host_addr_add(q->sq, (u64)q->sq_tail * NVME_SQE_SIZE);
	u64 words[NVME_SQE_SIZE / 8];

	sqe->cid = (u16)(q->trackers[index].generation << CID_INDEX_BITS | index);
	memcpy(words, sqe, sizeof(words));
	for (u32 i = 0; i < NVME_SQE_SIZE / 8; i++)
		host_put64(host_addr_add(slot, i * 8), words[i]);
	q->sq_tail = q->sq_tail + 1 == q->depth ? 0 : q->sq_tail + 1;
	q->stats.commands++;
}

static void doorbell(struct nvme_queue *q, u32 is_cq, u16 value)
{
	const struct nvme_transport *t = q->ctrl->transport;
	u32 off = (2u * q->id + is_cq) * q->ctrl->doorbell_stride;

	host_wmb(); /* ring entries before the doorbell that announces them */
	if (t->doorbells.va)
		host_put32(host_addr_add(t->doorbells, off), value);
	else
		t->wr32(t->ctx, NVME_REG_DOORBELLS + off, value);
	if (t->rung)
		t->rung(t->ctx);
}

void nvme_ring(struct nvme_queue *q)
{
	if (q->sq_rung == q->sq_tail || !nvme_queue_live(q))
		return;
	q->sq_rung = q->sq_tail;
	q->stats.sq_doorbells++;
	doorbell(q, 0, q->sq_tail);
}

/*
 * The controller needs to know the CQ head only before the ring is full, so it
 * hears of it every quarter: a ring that it found full holds more than that.
 */
static void report_consumed(struct nvme_queue *q, u16 count)
{
	q->cq_unreported += count;
	if (q->cq_unreported * 4 < q->depth)
		return;
	q->cq_unreported = 0;
	q->stats.cq_doorbells++;
	doorbell(q, 1, q->cq_head);
}

static int status_error(u16 status)
{
	switch (status) {
	case NVME_SC_SUCCESS:
		return 0;
	case NVME_SC_INVALID_OPCODE:
		return -EOPNOTSUPP;
	case NVME_SC_LBA_RANGE:
		return -ENXIO;
	case NVME_SC_CAPACITY:
		return -ENOSPC;
	case NVME_SC_NS_WRITE_PROTECTED:
	case NVME_SC_READ_ONLY_RANGE:
		return -EROFS;
	case NVME_SC_READ_ERROR:
		return -ENODATA;
	case NVME_SC_ABORT_REQUESTED:
	case NVME_SC_ABORT_SQ_DELETED:
	case NVME_SC_POWER_LOSS:
	case NVME_SC_NS_NOT_READY:
		return -ECANCELED;
	default:
		return -EIO;
	}
}

static bool cid_plausible(const struct nvme_queue *q, u16 cid)
{
	u16 index = cid & CID_INDEX_MASK;

	return CHECK_HOST(index < q->depth - 1) && CHECK_HOST(q->trackers[index].busy) &&
	       CHECK_HOST(q->trackers[index].generation == cid >> CID_INDEX_BITS);
}

static void account(struct nvme_queue *q, const struct nvme_tracker *t, int error)
{
	q->stats.completions++;
	if (t->opcode == NVME_IO_READ)
		q->stats.read_bytes += t->bytes;
	else
		q->stats.write_bytes += t->bytes;
	if (error)
		q->stats.errors++;
}

/* 1: one taken; 0: nothing new; -EPROTO: a lie. */
static int take(struct nvme_queue *q, struct nvme_completion *out)
{
	struct host_addr cqe = host_addr_add(q->cq, (u64)q->cq_head * NVME_CQE_SIZE);
	u32 dw3 = host_get32(host_addr_add(cqe, 12));
	u32 dw2;
	u16 index, status;

	if ((dw3 >> 16 & 1) != q->phase)
		return 0;
	host_rmb(); /* the phase before the rest of the entry */
	dw2 = host_get32(host_addr_add(cqe, 8));
	/*
	 * The SQ head is only bounded, not ordered: a controller may create entries in
	 * parallel, and nothing depends on it, since trackers limit what is in the ring.
	 */
	if (!CHECK_HOST(dw2 >> 16 == q->id) || !CHECK_HOST((dw2 & 0xffff) < q->depth) ||
	    !cid_plausible(q, dw3 & 0xffff))
		return -EPROTO;

	index = dw3 & CID_INDEX_MASK;
	status = dw3 >> 16;
	out->cookie = q->trackers[index].cookie;
	out->status = NVME_STATUS_CODE(status);
	out->error = status_error(out->status);
	out->result = host_get32(cqe);
	account(q, &q->trackers[index], out->error);
	tracker_put(q, index);
	if (++q->cq_head == q->depth) {
		q->cq_head = 0;
		q->phase ^= 1;
	}
	return 1;
}

bool nvme_pending(const struct nvme_queue *q)
{
	u64 entry = (u64)q->cq_head * NVME_CQE_SIZE;

	if (!q->inflight || !nvme_queue_live(q))
		return false;
	return (host_get16(host_addr_add(q->cq, entry + 14)) & 1) == q->phase;
}

static void report_fault(struct nvme_ctrl *c, enum nvme_health fault)
{
	u8 old = __atomic_load_n(&c->fault, __ATOMIC_RELAXED);

	while (old < fault && !__atomic_compare_exchange_n(&c->fault, &old, fault, false,
							   __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

int nvme_poll(struct nvme_queue *q, struct nvme_completion *out, u32 budget)
{
	u32 n = 0;
	int r = 0;

	if (q->lied)
		return -EPROTO;
	if (!nvme_queue_live(q))
		return -ESHUTDOWN;
	while (n < budget && (r = take(q, &out[n])) > 0)
		n++;
	if (r < 0) {
		q->lied = true;
		nvme_queue_set_live(q, false);
		report_fault(q->ctrl, NVME_DEAD);
		return n ? (int)n : r;
	}
	if (n)
		report_consumed(q, n);
	return n;
}

int nvme_tick(struct nvme_queue *q)
{
	u32 age_max = q->ctrl->params.io_ticks;
	u32 left = q->inflight;

	q->tick++;
	if (!nvme_queue_live(q))
		return 0;
	for (u16 i = 0; left && i < q->depth - 1; i++) {
		if (!q->trackers[i].busy)
			continue;
		left--;
		if (q->tick - q->trackers[i].tick <= age_max)
			continue;
		report_fault(q->ctrl, NVME_NEEDS_RESET);
		return -ETIMEDOUT;
	}
	return 0;
}

bool nvme_reap(struct nvme_queue *q, struct nvme_completion *out)
{
	enum nvme_state s = q->ctrl->state;

	ASSERT(s == NVME_DRAIN || s == NVME_FAILED || s == NVME_OFF);
	for (u16 i = 0; q->inflight && i < q->depth - 1; i++) {
		if (!q->trackers[i].busy)
			continue;
		out->cookie = q->trackers[i].cookie;
		out->error = s == NVME_DRAIN ? -ECANCELED : -EIO;
		out->status = NVME_SC_ABORT_SQ_DELETED;
		out->result = 0;
		tracker_put(q, i);
		return true;
	}
	return false;
}

void nvme_sleep_prepare(struct nvme_queue *q)
{
	const struct nvme_transport *t = q->ctrl->transport;

	if (t->need_event)
		t->need_event(t->ctx, q->id, true);
	host_mb(); /* the wish before the caller's last look at the ring */
}

void nvme_sleep_finish(struct nvme_queue *q)
{
	const struct nvme_transport *t = q->ctrl->transport;

	if (t->need_event)
		t->need_event(t->ctx, q->id, false);
}
