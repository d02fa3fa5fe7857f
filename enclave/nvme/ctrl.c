// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The controller: bring-up, recovery, shutdown. 2.0 3.5.1 step by step:
 *   1  wait for CSTS.RDY = 0                 NVME_SETTLE, NVME_DISABLE
 *   2  admin queue: AQA, ASQ, ACQ            NVME_ENABLE
 *   3  CC.CSS                                0: the NVM command set
 *   4  CC.AMS, MPS, IOSQES, IOCQES           round robin, 4 KiB, 64, 16
 *   5  CC.EN = 1                             NVME_ENABLE
 *   6  wait for CSTS.RDY = 1                 NVME_ENABLE
 *   7  identify controller                   NVME_IDENTIFY_CTRL
 *   8  I/O command sets (CNS 1Ch)            skipped: CSS 0 leaves only one
 *   9  identify namespaces                   NVME_IDENTIFY_LIST, _NS
 *  10  number of queues                      NVME_SET_QUEUES
 *  11  interrupts                            skipped: we poll
 *  12  completion queues                     NVME_CREATE_CQ, IEN = 0
 *  13  submission queues                     NVME_CREATE_SQ
 *  14  asynchronous events                   skipped: nvme_watch() reads CSTS
 */
#include "enclave/nvme/internal.h"

#define NS_PER_MS 1000000ull
#define BACKOFF_MS 50
#define ALL_ONES32 0xffffffffu
#define LIST_SIZE_MIN 256u /* room for 16 ranges to deallocate */

static u32 reg_get(struct nvme_ctrl *c, u32 off)
{
	return c->transport->rd32(c->transport->ctx, off);
}

static void reg_put(struct nvme_ctrl *c, u32 off, u32 val)
{
	c->transport->wr32(c->transport->ctx, off, val);
}

static struct nvme_queue *io_queue(struct nvme_ctrl *c, u16 i)
{
	return &c->params.queues[i];
}

static void set_io_live(struct nvme_ctrl *c, bool live)
{
	for (u16 i = 0; i < c->params.queue_count; i++)
		nvme_queue_set_live(io_queue(c, i), live && i < c->queue_count);
}

/* ---- memory ---- */

/* Bytes of a tracker's list: a power of two, so that no list crosses a page. */
static u32 list_size(u32 transfer_max)
{
	u32 need = transfer_max / NVME_PAGE_SIZE * 8;
	u32 size = LIST_SIZE_MIN;

	while (size < need)
		size *= 2;
	return size;
}

static bool params_valid(const struct nvme_params *p)
{
	return p->queue_count && p->queue_count < 0xffff && p->depth >= NVME_DEPTH_MIN &&
	       p->depth <= NVME_DEPTH_MAX && p->queues && p->trackers && p->transfer_max &&
	       !(p->transfer_max % NVME_PAGE_SIZE) && p->transfer_max <= NVME_TRANSFER_MAX &&
	       p->admin_ms && p->ready_max_ms && p->io_ticks;
}

static void setup_queue(struct nvme_ctrl *c, struct nvme_queue *q, u16 id,
			struct nvme_tracker *trackers)
{
	q->ctrl = c;
	q->id = id;
	q->trackers = trackers;
}

int nvme_init(struct nvme_ctrl *c, const struct nvme_transport *transport,
	      const struct nvme_params *params)
{
	u16 i;
	int err;

	if (!params_valid(params))
		return -EINVAL;
	c->transport = transport;
	c->params = *params;
	setup_queue(c, &c->admin, 0, c->admin_trackers);
	err = dma_alloc(&c->data, NVME_PAGE_SIZE, NVME_PAGE_SIZE);
	if (err)
		return err;
	err = nvme_queue_alloc(&c->admin, NVME_ADMIN_DEPTH, 0);
	if (err)
		goto free_data;
	for (i = 0; i < params->queue_count; i++) {
		setup_queue(c, io_queue(c, i), i + 1, params->trackers + (u32)i * params->depth);
		err = nvme_queue_alloc(io_queue(c, i), params->depth,
				       list_size(params->transfer_max));
		if (err)
			goto free_queues;
	}
	return 0;

free_queues:
	while (i--)
		nvme_queue_free(io_queue(c, i));
	nvme_queue_free(&c->admin);
free_data:
	dma_free(&c->data);
	return err;
}

void nvme_fini(struct nvme_ctrl *c)
{
	ASSERT(c->state == NVME_OFF || c->state == NVME_FAILED);
	for (u16 i = 0; i < c->params.queue_count; i++) {
		ASSERT(io_queue(c, i)->inflight == 0);
		nvme_queue_free(io_queue(c, i));
	}
	nvme_queue_free(&c->admin);
	dma_free(&c->data);
}

/* ---- states ---- */

static void enter(struct nvme_ctrl *c, enum nvme_state state)
{
	c->state = state;
	c->step_index = 0;
	c->admin_busy = false;
}

static void set_deadline(struct nvme_ctrl *c, u64 now_ns, u32 ms)
{
	c->deadline_ns = now_ns + ms * NS_PER_MS;
}

static int fail(struct nvme_ctrl *c, int err)
{
	nvme_queue_set_live(&c->admin, false);
	set_io_live(c, false);
	if (err != -ENODEV)
		reg_put(c, NVME_REG_CC, 0); /* it stops touching our memory, if honest */
	enter(c, NVME_FAILED);
	c->error = err;
	return err;
}

/* How long RDY may take to change: CAP.TO, bounded whatever it says. */
static u32 ready_ms(const struct nvme_ctrl *c)
{
	u32 units = NVME_CAP_TO(c->cap) ? NVME_CAP_TO(c->cap) : 1;
	u32 ms = units * NVME_CAP_TO_UNIT_MS;

	return ms < c->params.ready_max_ms ? ms : c->params.ready_max_ms;
}

static bool doorbells_fit(const struct nvme_ctrl *c, u32 queue_count)
{
	u64 end = NVME_REG_DOORBELLS + 2ull * (queue_count + 1) * c->doorbell_stride;

	return CHECK_HOST(end <= c->transport->bar_size);
}

static int read_capabilities(struct nvme_ctrl *c)
{
	u64 cap = c->transport->rd64(c->transport->ctx, NVME_REG_CAP);
	u32 version = reg_get(c, NVME_REG_VS);

	if (cap == ~0ull || version == ALL_ONES32)
		return -ENODEV;
	if (!CHECK_HOST(NVME_CAP_MQES(cap) + 1 >= NVME_DEPTH_MIN))
		return -EPROTO;
	/* The trackers and the block layer's tags were sized by the first answer. */
	if (c->known && !CHECK_HOST(NVME_CAP_MQES(cap) + 1 >= io_queue(c, 0)->depth))
		return -EPROTO;
	if (!(cap & NVME_CAP_CSS_NVM) || NVME_CAP_MPSMIN(cap) > 0 || version < NVME_VERSION(1, 1))
		return -EOPNOTSUPP;
	c->cap = cap;
	c->version = version;
	c->doorbell_stride = 4u << NVME_CAP_DSTRD(cap);
	return doorbells_fit(c, 0) ? 0 : -EPROTO;
}

static void begin_disable(struct nvme_ctrl *c, u64 now_ns)
{
	reg_put(c, NVME_REG_CC, 0);
	enter(c, NVME_DISABLE);
	set_deadline(c, now_ns, ready_ms(c));
}

/* One bring-up attempt. 2.0 figure 46: CC.EN must not go to 0 before RDY went to 1. */
static int begin_attempt(struct nvme_ctrl *c, u64 now_ns)
{
	int err = read_capabilities(c);
	u32 csts;

	if (err)
		return err;
	csts = reg_get(c, NVME_REG_CSTS);
	if ((reg_get(c, NVME_REG_CC) & NVME_CC_EN) && !(csts & (NVME_CSTS_RDY | NVME_CSTS_CFS))) {
		enter(c, NVME_SETTLE);
		set_deadline(c, now_ns, ready_ms(c));
		return 0;
	}
	begin_disable(c, now_ns);
	return 0;
}

/* 0: CSTS & mask == want; -EINPROGRESS; -ENODEV; -ETIMEDOUT. */
static int wait_csts(struct nvme_ctrl *c, u64 now_ns, u32 mask, u32 want)
{
	u32 csts = reg_get(c, NVME_REG_CSTS);

	if (csts == ALL_ONES32)
		return -ENODEV;
	if ((csts & mask) == want)
		return 0;
	return now_ns < c->deadline_ns ? -EINPROGRESS : -ETIMEDOUT;
}

static int step_settle(struct nvme_ctrl *c, u64 now_ns)
{
	int err = wait_csts(c, now_ns, NVME_CSTS_RDY, NVME_CSTS_RDY);

	if (err == -EINPROGRESS && !(reg_get(c, NVME_REG_CSTS) & NVME_CSTS_CFS))
		return err;
	if (err == -ENODEV)
		return err;
	begin_disable(c, now_ns); /* ready, fatal, or never: a reset is what is left */
	return 0;
}

/*
 * CFS too: after a fatal status RDY is 0 already, and a controller process that only sees
 * levels must see CC.EN = 0 before it is set again. Hardware may keep CFS: not for ever.
 */
static int step_disable(struct nvme_ctrl *c, u64 now_ns)
{
	int err = wait_csts(c, now_ns, NVME_CSTS_RDY | NVME_CSTS_CFS, 0);

	if (err == -ETIMEDOUT)
		err = wait_csts(c, now_ns, NVME_CSTS_RDY, 0);
	if (!err)
		enter(c, NVME_DRAIN);
	return err;
}

static void begin_enable(struct nvme_ctrl *c, u64 now_ns)
{
	const struct nvme_transport *t = c->transport;

	nvme_queue_reset(&c->admin, NVME_ADMIN_DEPTH);
	reg_put(c, NVME_REG_AQA, (NVME_ADMIN_DEPTH - 1) << 16 | (NVME_ADMIN_DEPTH - 1));
	t->wr64(t->ctx, NVME_REG_ASQ, c->admin.sq_mem.iova);
	t->wr64(t->ctx, NVME_REG_ACQ, c->admin.cq_mem.iova);
	reg_put(c, NVME_REG_CC, NVME_CC_EN | NVME_CC_IOSQES_64 | NVME_CC_IOCQES_16);
	enter(c, NVME_ENABLE);
	set_deadline(c, now_ns, ready_ms(c));
}

static int step_drain(struct nvme_ctrl *c, u64 now_ns)
{
	struct nvme_completion dropped;

	while (nvme_reap(&c->admin, &dropped))
		;
	for (u16 i = 0; i < c->params.queue_count; i++)
		if (io_queue(c, i)->inflight)
			return -EAGAIN;
	begin_enable(c, now_ns);
	return 0;
}

static int step_enable(struct nvme_ctrl *c, u64 now_ns)
{
	int err = wait_csts(c, now_ns, NVME_CSTS_RDY | NVME_CSTS_CFS, NVME_CSTS_RDY);

	if (err == -EINPROGRESS && (reg_get(c, NVME_REG_CSTS) & NVME_CSTS_CFS))
		return -EIO;
	if (!err) {
		nvme_queue_set_live(&c->admin, true);
		enter(c, NVME_IDENTIFY_CTRL);
	}
	return err;
}

/* ---- admin commands: one at a time ---- */

static void admin_send(struct nvme_ctrl *c, struct nvme_sqe *sqe, u64 now_ns)
{
	int index = nvme_tracker_get(&c->admin, NULL, sqe->opcode, 0);

	ASSERT(index >= 0); /* the one before has completed */
	nvme_queue_push(&c->admin, sqe, index);
	nvme_ring(&c->admin);
	set_deadline(c, now_ns, c->params.admin_ms);
	c->admin_busy = true;
}

static int admin_wait(struct nvme_ctrl *c, u64 now_ns, u32 *result)
{
	struct nvme_completion done;
	int n = nvme_poll(&c->admin, &done, 1);
	int err;

	if (n < 0)
		return n;
	if (n == 0) {
		err = wait_csts(c, now_ns, NVME_CSTS_CFS, NVME_CSTS_CFS);
		return err ? err : -EIO;
	}
	c->admin_busy = false;
	*result = done.result;
	return done.error ? -EIO : 0;
}

/* Sends sqe unless it is on its way, then looks for its completion. */
static int admin_do(struct nvme_ctrl *c, struct nvme_sqe *sqe, u64 now_ns, u32 *result)
{
	if (!c->admin_busy)
		admin_send(c, sqe, now_ns);
	return admin_wait(c, now_ns, result);
}

static int identify(struct nvme_ctrl *c, u64 now_ns, enum nvme_cns cns, u32 nsid)
{
	struct nvme_sqe sqe = {
		.opcode = NVME_ADMIN_IDENTIFY, .nsid = nsid, .prp1 = c->data.iova, .cdw10 = cns
	};
	u32 result;
	int err;

	if (!c->admin_busy)
		host_zero(c->data.addr, NVME_PAGE_SIZE);
	err = admin_do(c, &sqe, now_ns, &result);
	if (!err)
		host_read(c->page, c->data.addr, NVME_PAGE_SIZE);
	return err;
}

static int step_identify_ctrl(struct nvme_ctrl *c, u64 now_ns)
{
	int err = identify(c, now_ns, NVME_CNS_CTRL, 0);

	if (!err)
		err = nvme_identify_ctrl(c);
	if (!err)
		enter(c, NVME_IDENTIFY_LIST);
	return err;
}

static int step_identify_list(struct nvme_ctrl *c, u64 now_ns)
{
	int err = identify(c, now_ns, NVME_CNS_NS_LIST, 0);

	if (!err)
		err = nvme_identify_list(c);
	if (!err)
		enter(c, NVME_IDENTIFY_NS);
	return err;
}

static int step_identify_ns(struct nvme_ctrl *c, u64 now_ns)
{
	int err;

	if (c->step_index == c->list_count) {
		c->ns_count = c->list_count;
		enter(c, NVME_SET_QUEUES);
		return 0;
	}
	err = identify(c, now_ns, NVME_CNS_NS, c->list[c->step_index]);
	if (!err)
		err = nvme_identify_ns(c, c->step_index);
	if (!err)
		c->step_index++;
	return err;
}

static u16 min3(u32 a, u32 b, u32 c)
{
	u32 m = a < b ? a : b;

	return m < c ? m : c;
}

static int step_set_queues(struct nvme_ctrl *c, u64 now_ns)
{
	u32 wanted = c->params.queue_count;
	struct nvme_sqe sqe = { .opcode = NVME_ADMIN_SET_FEATURES,
				.cdw10 = NVME_FEAT_QUEUES,
				.cdw11 = (wanted - 1) << 16 | (wanted - 1) };
	u32 result;
	int err = admin_do(c, &sqe, now_ns, &result);
	u16 count;

	if (err)
		return err;
	count = min3((result & 0xffff) + 1, (result >> 16) + 1, wanted);
	if (c->known && !CHECK_HOST(count >= c->queue_count))
		return -EPROTO;
	if (!doorbells_fit(c, count))
		return -EPROTO;
	c->queue_count = c->known ? c->queue_count : count;
	enter(c, NVME_CREATE_CQ);
	return 0;
}

static u16 ring_depth(const struct nvme_ctrl *c)
{
	return c->params.depth <= NVME_CAP_MQES(c->cap) ? c->params.depth
							: NVME_CAP_MQES(c->cap) + 1;
}

static int step_create_cq(struct nvme_ctrl *c, u64 now_ns)
{
	struct nvme_queue *q = io_queue(c, c->step_index);
	u16 depth = c->known ? q->depth : ring_depth(c);
	struct nvme_sqe sqe = { .opcode = NVME_ADMIN_CREATE_CQ,
				.prp1 = q->cq_mem.iova,
				.cdw10 = (u32)(depth - 1) << 16 | q->id,
				.cdw11 = NVME_QUEUE_PC };
	u32 result;
	int err;

	if (!c->admin_busy)
		nvme_queue_reset(q, depth);
	err = admin_do(c, &sqe, now_ns, &result);
	if (!err && ++c->step_index == c->queue_count)
		enter(c, NVME_CREATE_SQ);
	return err;
}

static int step_create_sq(struct nvme_ctrl *c, u64 now_ns)
{
	struct nvme_queue *q = io_queue(c, c->step_index);
	struct nvme_sqe sqe = { .opcode = NVME_ADMIN_CREATE_SQ,
				.prp1 = q->sq_mem.iova,
				.cdw10 = (u32)(q->depth - 1) << 16 | q->id,
				.cdw11 = (u32)q->id << 16 | NVME_QUEUE_PC };
	u32 result;
	int err = admin_do(c, &sqe, now_ns, &result);

	if (err || ++c->step_index < c->queue_count)
		return err;
	enter(c, NVME_LIVE);
	c->known = true;
	c->error = 0;
	set_io_live(c, true);
	return 0;
}

static int step_backoff(struct nvme_ctrl *c, u64 now_ns)
{
	return now_ns < c->deadline_ns ? -EINPROGRESS : begin_attempt(c, now_ns);
}

static int step_shutdown(struct nvme_ctrl *c, u64 now_ns)
{
	int err = wait_csts(c, now_ns, NVME_CSTS_SHST_MASK, NVME_CSTS_SHST_DONE);

	if (err == -EINPROGRESS)
		return err;
	reg_put(c, NVME_REG_CC, 0);
	enter(c, NVME_OFF);
	return err;
}

static int (*const step_of[])(struct nvme_ctrl *c, u64 now_ns) = {
	[NVME_SETTLE] = step_settle,
	[NVME_DISABLE] = step_disable,
	[NVME_DRAIN] = step_drain,
	[NVME_ENABLE] = step_enable,
	[NVME_IDENTIFY_CTRL] = step_identify_ctrl,
	[NVME_IDENTIFY_LIST] = step_identify_list,
	[NVME_IDENTIFY_NS] = step_identify_ns,
	[NVME_SET_QUEUES] = step_set_queues,
	[NVME_CREATE_CQ] = step_create_cq,
	[NVME_CREATE_SQ] = step_create_sq,
	[NVME_BACKOFF] = step_backoff,
	[NVME_SHUTDOWN] = step_shutdown,
};

/* A lie, a missing device or feature is final; what may be a restart is tried again. */
static int attempt_failed(struct nvme_ctrl *c, u64 now_ns, int err)
{
	if ((err != -EIO && err != -ETIMEDOUT) || now_ns >= c->recover_until_ns)
		return fail(c, err);
	nvme_queue_set_live(&c->admin, false);
	enter(c, NVME_BACKOFF);
	c->error = err;
	set_deadline(c, now_ns, BACKOFF_MS);
	return -EINPROGRESS;
}

int nvme_step(struct nvme_ctrl *c, u64 now_ns)
{
	int err = 0;

	while (!err && c->state != NVME_LIVE && c->state != NVME_OFF && c->state != NVME_FAILED)
		err = step_of[c->state](c, now_ns);
	if (c->state == NVME_FAILED)
		return c->error;
	if (!err || err == -EINPROGRESS || err == -EAGAIN || c->state == NVME_OFF)
		return err;
	return attempt_failed(c, now_ns, err);
}

int nvme_start(struct nvme_ctrl *c, u64 now_ns)
{
	int err;

	ASSERT(c->state == NVME_OFF);
	c->recover_until_ns = now_ns + c->params.recover_ms * NS_PER_MS;
	err = begin_attempt(c, now_ns);
	return err ? fail(c, err) : 0;
}

enum nvme_health nvme_watch(struct nvme_ctrl *c)
{
	u8 fault = __atomic_load_n(&c->fault, __ATOMIC_ACQUIRE);
	u32 csts;

	if (c->state != NVME_LIVE)
		return c->state == NVME_FAILED ? NVME_DEAD : NVME_HEALTHY;
	csts = reg_get(c, NVME_REG_CSTS);
	if (fault == NVME_DEAD || csts == ALL_ONES32) {
		fail(c, fault == NVME_DEAD ? -EPROTO : -ENODEV);
		return NVME_DEAD;
	}
	if (fault || (csts & NVME_CSTS_CFS) || !(csts & NVME_CSTS_RDY))
		return NVME_NEEDS_RESET;
	return NVME_HEALTHY;
}

void nvme_reset_begin(struct nvme_ctrl *c, u64 now_ns)
{
	int err;

	if (c->state == NVME_FAILED)
		return;
	ASSERT(c->state == NVME_LIVE);
	nvme_queue_set_live(&c->admin, false);
	set_io_live(c, false);
	if (__atomic_exchange_n(&c->fault, NVME_HEALTHY, __ATOMIC_ACQUIRE) == NVME_DEAD) {
		fail(c, -EPROTO);
		return;
	}
	c->resets++;
	c->recover_until_ns = now_ns + c->params.recover_ms * NS_PER_MS;
	err = begin_attempt(c, now_ns);
	if (err)
		fail(c, err);
}

void nvme_shutdown_begin(struct nvme_ctrl *c, u64 now_ns)
{
	if (c->state == NVME_OFF || c->state == NVME_FAILED)
		return;
	if (c->state != NVME_LIVE) {
		fail(c, -ESHUTDOWN);
		return;
	}
	nvme_queue_set_live(&c->admin, false);
	set_io_live(c, false);
	reg_put(c, NVME_REG_CC,
		NVME_CC_EN | NVME_CC_IOSQES_64 | NVME_CC_IOCQES_16 | NVME_CC_SHN_NORMAL);
	enter(c, NVME_SHUTDOWN);
	set_deadline(c, now_ns, c->params.ready_max_ms);
}
