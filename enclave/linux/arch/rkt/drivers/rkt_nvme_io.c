// SPDX-License-Identifier: GPL-2.0-only
/* Requests of the block layer as NVMe commands; completions by polling. */
#include <asm/fpu/api.h>
#include <asm/stats.h>
#include "enclave/boundary/check.h"
#include "enclave/crypt/blk.h"
#include "rkt_nvme.h"

#define BATCH 16

static struct rkt_nvme_rq *pdu(struct request *rq)
{
	return blk_mq_rq_to_pdu(rq);
}

struct rkt_nvme_hwq *rkt_nvme_hwq_of(struct rkt_nvme *n, struct request *rq)
{
	return &n->hwq[rq->mq_hctx->queue_num];
}

/* ---- data buffers ---- */

int rkt_nvme_buffers_alloc(struct rkt_nvme *n, struct rkt_nvme_hwq *h)
{
	u16 i, count = h->q->depth - 1;
	int err = dma_alloc(&h->data, (size_t)count * n->ctrl.transfer_max, PAGE_SIZE);

	if (err)
		return err;
	for (i = 0; i < count; i++)
		h->free[i] = count - 1 - i;
	h->free_count = count;
	return 0;
}

static struct host_addr buffer_addr(struct rkt_nvme *n, struct rkt_nvme_hwq *h, u16 i)
{
	return host_addr_add(h->data.addr, (u64)i * n->ctrl.transfer_max);
}

static bool buffer_get(struct rkt_nvme_hwq *h, struct request *rq)
{
	unsigned long flags;
	bool got;

	spin_lock_irqsave(&h->lock, flags);
	got = h->free_count > 0;
	if (got)
		pdu(rq)->buffer = h->free[--h->free_count];
	spin_unlock_irqrestore(&h->lock, flags);
	return got;
}

void rkt_nvme_buffer_put(struct rkt_nvme_hwq *h, struct request *rq)
{
	unsigned long flags;

	if (pdu(rq)->buffer == RKT_NVME_NO_BUFFER)
		return;
	spin_lock_irqsave(&h->lock, flags);
	ASSERT(h->free_count < RKT_NVME_DEPTH - 1);
	h->free[h->free_count++] = pdu(rq)->buffer;
	spin_unlock_irqrestore(&h->lock, flags);
	pdu(rq)->buffer = RKT_NVME_NO_BUFFER;
}

/* ---- the one pass ---- */

static void count_crypt(const struct rkt_crypt_stats *s)
{
	rkt_stat_add(CRYPT_ENCRYPT_BYTES, s->encrypted);
	rkt_stat_add(CRYPT_DECRYPT_BYTES, s->decrypted);
	rkt_stat_add(BOUNDARY_IN_BYTES, s->decrypted + s->copied_in);
	rkt_stat_add(BOUNDARY_OUT_BYTES, s->encrypted + s->copied_out);
}

static int move_out(struct rkt_nvme_disk *d, struct rkt_nvme_hwq *h, struct request *rq)
{
	struct rkt_crypt_stats stats = {};
	int err = rkt_blk_out(rq, d->crypt, &stats, buffer_addr(d->n, h, pdu(rq)->buffer));

	count_crypt(&stats);
	return err;
}

static int move_in(struct rkt_nvme_disk *d, struct rkt_nvme_hwq *h, struct request *rq)
{
	struct rkt_crypt_stats stats = {};
	int err = rkt_blk_in(rq, d->crypt, &stats, buffer_addr(d->n, h, pdu(rq)->buffer));

	count_crypt(&stats);
	return err;
}

/* ---- submission ---- */

static int opcode_of(struct request *rq)
{
	switch (req_op(rq)) {
	case REQ_OP_READ:
		return NVME_IO_READ;
	case REQ_OP_WRITE:
		return NVME_IO_WRITE;
	case REQ_OP_FLUSH:
		return NVME_IO_FLUSH;
	case REQ_OP_DISCARD:
		return NVME_IO_DSM;
	case REQ_OP_WRITE_ZEROES:
		return NVME_IO_WRITE_ZEROES;
	default:
		return -EOPNOTSUPP;
	}
}

static void count_command(int opcode, unsigned int bytes)
{
	if (opcode == NVME_IO_READ) {
		rkt_stat_inc(DISK_READS);
		rkt_stat_add(DISK_READ_BYTES, bytes);
	} else if (opcode == NVME_IO_WRITE) {
		rkt_stat_inc(DISK_WRITES);
		rkt_stat_add(DISK_WRITE_BYTES, bytes);
	} else if (opcode == NVME_IO_FLUSH) {
		rkt_stat_inc(DISK_FLUSHES);
	}
}

static int submit(struct rkt_nvme_disk *d, struct rkt_nvme_hwq *h, struct request *rq, u8 opcode,
		  bool last)
{
	u64 at = (blk_rq_pos(rq) << SECTOR_SHIFT) + rkt_blk_offset(d->crypt);
	struct nvme_seg seg = { .len = blk_rq_bytes(rq) };
	struct nvme_io io = { .opcode = opcode,
			      .fua = rq->cmd_flags & REQ_FUA,
			      .ns = d->ns,
			      .lba = at >> d->ns->lba_shift,
			      .blocks = blk_rq_bytes(rq) >> d->ns->lba_shift };
	struct nvme_dsm_range range = { .lba = io.lba, .blocks = io.blocks };
	unsigned long flags;
	int err;

	if (pdu(rq)->buffer != RKT_NVME_NO_BUFFER) {
		seg.iova = h->data.iova + (u64)pdu(rq)->buffer * d->n->ctrl.transfer_max;
		io.segs = &seg;
		io.seg_count = 1;
	} else if (opcode == NVME_IO_DSM) {
		io.ranges = &range;
		io.range_count = 1;
	}
	spin_lock_irqsave(&h->lock, flags);
	err = nvme_submit(h->q, &io, rq);
	if (!err && last)
		nvme_ring(h->q);
	spin_unlock_irqrestore(&h->lock, flags);
	return err;
}

static blk_status_t failed(struct rkt_nvme_hwq *h, struct request *rq, int err)
{
	rkt_nvme_buffer_put(h, rq);
	if (err == -EBUSY)
		return BLK_STS_DEV_RESOURCE;
	return err == -EOPNOTSUPP ? BLK_STS_NOTSUPP : BLK_STS_IOERR;
}

static blk_status_t queue_rq(struct blk_mq_hw_ctx *hctx, const struct blk_mq_queue_data *bd)
{
	struct request *rq = bd->rq;
	struct rkt_nvme_disk *d = rq->q->queuedata;
	struct rkt_nvme_hwq *h = &d->n->hwq[hctx->queue_num];
	int opcode = opcode_of(rq), err = 0;
	unsigned int bytes = blk_rq_bytes(rq);

	if (opcode < 0)
		return BLK_STS_NOTSUPP;
	if (READ_ONCE(d->n->dead))
		return BLK_STS_IOERR;
	if (!(rq->rq_flags & RQF_DONTPREP)) {
		pdu(rq)->repeats = 0;
		rq->rq_flags |= RQF_DONTPREP;
	}
	pdu(rq)->buffer = RKT_NVME_NO_BUFFER;
	if ((opcode == NVME_IO_READ || opcode == NVME_IO_WRITE) && !buffer_get(h, rq))
		return BLK_STS_DEV_RESOURCE;
	blk_mq_start_request(rq);
	if (opcode == NVME_IO_WRITE)
		err = move_out(d, h, rq);
	if (!err)
		err = submit(d, h, rq, opcode, bd->last);
	if (err)
		return failed(h, rq, err);
	/* Another vCPU may have completed the request by now: it is not ours any more. */
	count_command(opcode, bytes);
	if (!READ_ONCE(d->n->watching))
		rkt_nvme_watch_start(d->n);
	return BLK_STS_OK;
}

static void commit_rqs(struct blk_mq_hw_ctx *hctx)
{
	struct rkt_nvme_hwq *h = hctx->driver_data;
	unsigned long flags;

	spin_lock_irqsave(&h->lock, flags);
	nvme_ring(h->q);
	spin_unlock_irqrestore(&h->lock, flags);
}

static int init_hctx(struct blk_mq_hw_ctx *hctx, void *data, unsigned int index)
{
	struct rkt_nvme *n = data;

	hctx->driver_data = &n->hwq[index];
	return 0;
}

static void map_queues(struct blk_mq_tag_set *set)
{
	struct blk_mq_queue_map *map = &set->map[HCTX_TYPE_DEFAULT];
	unsigned int cpu;

	for_each_possible_cpu (cpu)
		map->mq_map[cpu] = cpu % set->nr_hw_queues;
}

const struct blk_mq_ops rkt_nvme_mq_ops = {
	.queue_rq = queue_rq,
	.commit_rqs = commit_rqs,
	.init_hctx = init_hctx,
	.map_queues = map_queues,
	.timeout = rkt_nvme_timeout,
};

/* ---- completion ---- */

static blk_status_t status_of(int error)
{
	return error == -ENODATA ? BLK_STS_MEDIUM : errno_to_blk_status(error);
}

static void finish(struct rkt_nvme *n, struct rkt_nvme_hwq *h, const struct nvme_completion *c)
{
	struct request *rq = c->cookie;
	struct rkt_nvme_disk *d = rq->q->queuedata;
	int error = c->error;

	if (!error && req_op(rq) == REQ_OP_READ)
		error = move_in(d, h, rq);
	rkt_nvme_buffer_put(h, rq);
	if (error == -ECANCELED && pdu(rq)->repeats < RKT_NVME_REPEATS_MAX) {
		pdu(rq)->repeats++;
		blk_mq_requeue_request(rq, true);
		return;
	}
	if (error)
		rkt_stat_inc(DISK_ERRORS);
	blk_mq_end_request(rq, status_of(error));
}

static struct rkt_nvme_hwq *hwq_of_cpu(struct rkt_nvme *n, unsigned int cpu)
{
	return &n->hwq[cpu % n->hwq_count];
}

bool rkt_nvme_poll_pending(struct rkt_poller *p, unsigned int cpu)
{
	struct rkt_nvme *n = container_of(p, struct rkt_nvme, poller);

	return nvme_pending(hwq_of_cpu(n, cpu)->q);
}

/*
 * Interrupted code may be in the middle of a vector section, which can't be
 * nested; the next look is never far.
 */
void rkt_nvme_poll(struct rkt_poller *p, unsigned int cpu, unsigned int budget)
{
	struct rkt_nvme *n = container_of(p, struct rkt_nvme, poller);
	struct rkt_nvme_hwq *h = hwq_of_cpu(n, cpu);
	struct nvme_completion done[BATCH];
	unsigned long flags;
	int i, count;

	if (!irq_fpu_usable())
		return;
	do {
		spin_lock_irqsave(&h->lock, flags);
		count = nvme_poll(h->q, done, min_t(u32, budget, BATCH));
		spin_unlock_irqrestore(&h->lock, flags);
		rkt_stat_inc(DISK_POLLS);
		if (count == 0)
			rkt_stat_inc(DISK_POLLS_EMPTY);
		if (count == -EPROTO)
			mod_delayed_work(system_long_wq, &n->watch, 0);
		for (i = 0; i < count; i++)
			finish(n, h, &done[i]);
		budget -= max(count, 0);
	} while (count == BATCH && budget);
}

/* Always, not only with commands in flight: another vCPU may submit to this one's queue. */
void rkt_nvme_want_event(struct rkt_poller *p, unsigned int cpu, bool on)
{
	struct rkt_nvme *n = container_of(p, struct rkt_nvme, poller);
	struct rkt_nvme_hwq *h = hwq_of_cpu(n, cpu);

	if (cpu >= n->hwq_count && !on)
		return; /* a shared queue: who sleeps longer still needs it */
	if (on)
		nvme_sleep_prepare(h->q);
	else
		nvme_sleep_finish(h->q);
}
