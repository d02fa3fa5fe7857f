// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Registers, queues, the loop. 2.0 3.1 and 3.3; sleeping as in abi/nvmed.h. */
#include "host/nvmed/nvmed.h"
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BURST 32u /* commands of one queue before the next queue's turn */
#define PEER_CHECK_TURNS 4096u
#define YIELD_TURNS 32u

_Static_assert(NVMED_DOORBELL_STRIDE == 4u << 4, "CAP.DSTRD below");
#define CAP_VALUE ((MQES_ENTRIES - 1) | NVME_CAP_CQR | 20ull << 24 | 4ull << 32 | NVME_CAP_CSS_NVM)

/* ---- registers: levels in shared memory ---- */

static volatile void *reg(const struct nvmed *d, u32 off)
{
	return d->peer.control + NVMED_BAR_OFFSET + off;
}

u32 reg_get(const struct nvmed *d, u32 off)
{
	return *(volatile u32 *)reg(d, off);
}

u64 reg_get64(const struct nvmed *d, u32 off)
{
	return *(volatile u64 *)reg(d, off);
}

void reg_put(struct nvmed *d, u32 off, u32 val)
{
	__atomic_store_n((u32 *)reg(d, off), val, __ATOMIC_RELEASE);
}

static void put_csts(struct nvmed *d, u32 csts)
{
	d->csts = csts;
	reg_put(d, NVME_REG_CSTS, csts);
}

volatile u32 *doorbell(const struct nvmed *d, u32 qid, bool cq)
{
	return reg(d, NVME_REG_DOORBELLS + (2 * qid + cq) * NVMED_DOORBELL_STRIDE);
}

static struct nvmed_flags *flags_of(const struct nvmed *d)
{
	return (struct nvmed_flags *)(d->peer.control + NVMED_FLAGS_OFFSET);
}

static void signal_event(struct nvmed *d, u32 qid)
{
	if (eventfd_write(d->peer.event_fds[qid], 1) && d->verbose)
		perror("nvmed: event");
}

void ctrl_fatal(struct nvmed *d, const char *why)
{
	if (d->state == CTRL_FATAL)
		return;
	fprintf(stderr, "nvmed: controller fatal status: %s\n", why);
	d->state = CTRL_FATAL;
	put_csts(d, d->csts | NVME_CSTS_CFS);
	for (u32 i = 0; i < d->peer.event_count; i++)
		signal_event(d, i);
}

/* ---- completions ---- */

void ctrl_forget(struct nvmed *d, struct req *r)
{
	d->sq[r->sqid].inflight--;
	d->inflight--;
	r->next = d->free_reqs;
	d->free_reqs = r;
}

static bool cq_has_room(struct nvmed *d, struct cq *cq, u32 cqid)
{
	u32 head = *doorbell(d, cqid, true);

	if (head >= cq->depth) {
		ctrl_fatal(d, "completion queue doorbell out of range");
		return false;
	}
	return (cq->tail + 1) % cq->depth != head;
}

static void post(struct nvmed *d, struct cq *cq, struct req *r)
{
	u8 *entry = peer_memory(&d->peer, cq->base + (u64)cq->tail * NVME_CQE_SIZE, NVME_CQE_SIZE);
	struct nvme_cqe cqe = { .result = r->result,
				.sq_head = d->sq[r->sqid].head,
				.sq_id = r->sqid,
				.cid = r->cid,
				.status = r->status << 1 | cq->phase };
	u32 words[4];

	memcpy(words, &cqe, sizeof(words));
	memcpy(entry, words, 12);
	/* The phase tells that the rest is there. */
	__atomic_store_n((u32 *)(entry + 12), words[3], __ATOMIC_RELEASE);
	if (++cq->tail == cq->depth) {
		cq->tail = 0;
		cq->phase ^= 1;
	}
	cq->signal = true;
	ctrl_forget(d, r);
}

void ctrl_complete(struct nvmed *d, struct req *r)
{
	u32 cqid = d->sq[r->sqid].cqid;
	struct cq *cq = &d->cq[cqid];

	if (d->state != CTRL_READY) { /* being reset: nobody waits for it */
		ctrl_forget(d, r);
		return;
	}
	if (!cq->backlog && cq_has_room(d, cq, cqid)) {
		post(d, cq, r);
		return;
	}
	r->next = NULL;
	*cq->backlog_end = r;
	cq->backlog_end = &r->next;
}

static bool drain_backlog(struct nvmed *d, u32 cqid)
{
	struct cq *cq = &d->cq[cqid];
	bool any = false;

	while (cq->backlog && d->state == CTRL_READY && cq_has_room(d, cq, cqid)) {
		struct req *r = cq->backlog;

		cq->backlog = r->next;
		if (!cq->backlog)
			cq->backlog_end = &cq->backlog;
		post(d, cq, r);
		any = true;
	}
	return any;
}

static void flush_events(struct nvmed *d)
{
	bool fenced = false;

	for (u32 i = 0; i < d->queue_limit; i++) {
		if (!d->cq[i].signal)
			continue;
		d->cq[i].signal = false;
		if (!fenced)
			__atomic_thread_fence(__ATOMIC_SEQ_CST); /* completion before need_event */
		fenced = true;
		if (__atomic_load_n(&flags_of(d)->need_event[i].word, __ATOMIC_RELAXED))
			signal_event(d, i);
	}
}

/* ---- submission ---- */

static struct req *get_req(struct nvmed *d, u32 sqid, const struct nvme_sqe *sqe)
{
	struct req *r = d->free_reqs;

	d->free_reqs = r->next;
	d->inflight++;
	d->sq[sqid].inflight++;
	r->disk = NULL;
	r->iov_count = r->iov_first = 0;
	r->result = 0;
	r->status = 0;
	r->fua = r->deac = r->direct = false;
	r->sqid = sqid;
	r->cid = sqe->cid;
	r->opcode = sqe->opcode;
	return r;
}

/* Copies the entry word by word: what is checked is what is used. */
static bool fetch(struct nvmed *d, struct sq *q, struct nvme_sqe *sqe)
{
	volatile u64 *entry =
		peer_memory(&d->peer, q->base + (u64)q->head * NVME_SQE_SIZE, NVME_SQE_SIZE);
	u64 words[NVME_SQE_SIZE / 8];

	if (!entry)
		return false;
	for (u32 i = 0; i < NVME_SQE_SIZE / 8; i++)
		words[i] = entry[i];
	memcpy(sqe, words, sizeof(*sqe));
	if (++q->head == q->depth)
		q->head = 0;
	return true;
}

static bool run_sq(struct nvmed *d, u32 sqid)
{
	struct sq *q = &d->sq[sqid];
	u32 tail = __atomic_load_n((u32 *)doorbell(d, sqid, false), __ATOMIC_ACQUIRE);
	struct nvme_sqe sqe;
	u32 n;

	if (tail >= q->depth) {
		ctrl_fatal(d, "submission queue doorbell out of range");
		return false;
	}
	for (n = 0; n < BURST && q->on && q->head != tail && d->free_reqs; n++) {
		struct req *r;

		if (!fetch(d, q, &sqe)) {
			ctrl_fatal(d, "submission queue outside of the arena");
			break;
		}
		d->commands++;
		r = get_req(d, sqid, &sqe);
		if (sqid == 0)
			admin_start(d, r, &sqe);
		else
			io_start(d, r, &sqe);
		if (d->state != CTRL_READY)
			break;
	}
	return n > 0;
}

/* ---- enable, disable, shut down ---- */

static void forget_queues(struct nvmed *d)
{
	for (u32 i = 0; i < NVMED_EVENT_MAX; i++) {
		while (d->cq[i].backlog) {
			struct req *r = d->cq[i].backlog;

			d->cq[i].backlog = r->next;
			ctrl_forget(d, r);
		}
		d->sq[i] = (struct sq){ 0 };
		d->cq[i] = (struct cq){ 0 };
		d->cq[i].backlog_end = &d->cq[i].backlog;
	}
	d->aer_count = 0;
}

static void enable(struct nvmed *d, u32 cc)
{
	u32 aqa = reg_get(d, NVME_REG_AQA);
	u64 asq = reg_get64(d, NVME_REG_ASQ), acq = reg_get64(d, NVME_REG_ACQ);
	u32 sq_depth = (aqa & 0xfff) + 1, cq_depth = (aqa >> 16 & 0xfff) + 1;

	forget_queues(d);
	d->shut_down = false;
	for (u32 i = 0; i < NVMED_EVENT_MAX; i++)
		*doorbell(d, i, false) = *doorbell(d, i, true) = 0;
	if (NVME_CC_CSS(cc) || NVME_CC_MPS(cc) || NVME_CC_IOSQES(cc) != 6 ||
	    NVME_CC_IOCQES(cc) != 4) {
		ctrl_fatal(d, "configuration not supported");
		return;
	}
	if (sq_depth < 2 || cq_depth < 2 || (asq | acq) & (NVME_PAGE_SIZE - 1) ||
	    !peer_memory(&d->peer, asq, (u64)sq_depth * NVME_SQE_SIZE) ||
	    !peer_memory(&d->peer, acq, (u64)cq_depth * NVME_CQE_SIZE)) {
		ctrl_fatal(d, "admin queue refused");
		return;
	}
	d->sq[0] = (struct sq){ .on = true, .depth = sq_depth, .base = asq };
	d->cq[0].on = true;
	d->cq[0].depth = cq_depth;
	d->cq[0].base = acq;
	d->cq[0].phase = 1;
	d->cq[0].sq_count = 1;
	d->state = CTRL_READY;
	put_csts(d, NVME_CSTS_RDY);
}

/* RDY goes to 0 only when nothing of ours can touch the peer's memory any more. */
static bool stop_when_idle(struct nvmed *d)
{
	if (d->engine_ops)
		return false;
	forget_queues(d);
	d->state = CTRL_OFF;
	put_csts(d, 0);
	return true;
}

static void shut_down(struct nvmed *d)
{
	for (u32 i = 0; i < d->disk_count; i++)
		if (!d->disks[i].read_only && d->disks[i].backend != BACKEND_MAP &&
		    fdatasync(d->disks[i].fd))
			fprintf(stderr, "nvmed: %s: %s\n", d->disks[i].path, strerror(errno));
	d->shut_down = true;
	put_csts(d, (d->csts & ~NVME_CSTS_SHST_MASK) | NVME_CSTS_SHST_DONE);
}

static bool cc_pending(const struct nvmed *d, u32 cc)
{
	bool en = cc & NVME_CC_EN;

	return d->state == CTRL_STOPPING ? d->engine_ops == 0 : en != (d->state != CTRL_OFF);
}

static bool check_cc(struct nvmed *d)
{
	u32 cc = reg_get(d, NVME_REG_CC);

	if (cc & NVME_CC_SHN_MASK && d->state == CTRL_READY && !d->shut_down && !d->inflight) {
		shut_down(d);
		return true;
	}
	/* The peer can write the register; what it says is ours all the same. */
	if (reg_get(d, NVME_REG_CSTS) != d->csts)
		reg_put(d, NVME_REG_CSTS, d->csts);
	if (!cc_pending(d, cc))
		return false;
	if (d->state == CTRL_OFF)
		enable(d, cc);
	else if (d->state == CTRL_STOPPING || !d->engine_ops)
		return stop_when_idle(d);
	else
		d->state = CTRL_STOPPING;
	return true;
}

/* ---- the loop ---- */

static bool turn(struct nvmed *d)
{
	bool work = check_cc(d);

	for (u32 i = 0; i < d->queue_limit && d->state == CTRL_READY; i++) {
		if (d->cq[i].backlog)
			work |= drain_backlog(d, i);
		if (d->sq[i].on && d->state == CTRL_READY)
			work |= run_sq(d, i);
	}
	work |= engine_poll(d);
	flush_events(d);
	return work;
}

static bool has_work(struct nvmed *d)
{
	if (cc_pending(d, reg_get(d, NVME_REG_CC)) || reg_get(d, NVME_REG_CSTS) != d->csts)
		return true;
	for (u32 i = 0; i < d->queue_limit && d->state == CTRL_READY; i++) {
		if (d->sq[i].on && d->free_reqs && *doorbell(d, i, false) != d->sq[i].head)
			return true;
		if (d->cq[i].backlog &&
		    (d->cq[i].tail + 1) % d->cq[i].depth != *doorbell(d, i, true))
			return true;
	}
	return reg_get(d, NVME_REG_CC) & NVME_CC_SHN_MASK && d->state == CTRL_READY &&
	       !d->shut_down && !d->inflight;
}

static u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void turn_away(struct nvmed *d)
{
	int sock = accept4(d->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (sock >= 0)
		peer_refuse(d, sock, -EBUSY);
}

/*
 * Waits for anything up to timeout_ns (negative: for ever). The socket carries nothing after the
 * start: readable means that the peer has gone.
 */
static bool peer_gone(struct nvmed *d, s64 timeout_ns)
{
	struct pollfd p[5] = { { .fd = d->peer.sock, .events = POLLIN },
			       { .fd = d->listen_fd, .events = POLLIN },
			       { .fd = d->stop_fd, .events = POLLIN },
			       { .fd = d->peer.kick_fd, .events = POLLIN },
			       { .fd = d->engine_ops ? d->ring.ring_fd : -1, .events = POLLIN } };
	struct timespec t = { 0, timeout_ns };
	eventfd_t count;

	if (ppoll(p, timeout_ns ? 5 : 2, timeout_ns < 0 ? NULL : &t, NULL) <= 0)
		return false;
	if (p[3].revents & POLLIN) {
		d->kicks++;
		kicks_charge(&d->kicks_free, 1, now_ns());
		eventfd_read(d->peer.kick_fd, &count);
	}
	if (!p[0].revents && p[1].revents)
		turn_away(d);
	return p[0].revents;
}

static bool sleep_until_kicked(struct nvmed *d)
{
	u32 *need_kick = &flags_of(d)->need_kick.word;
	bool gone = false;

	__atomic_store_n(need_kick, 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* need_kick before the last look */
	if (!has_work(d)) {
		d->sleeps++;
		gone = peer_gone(d, -1);
	}
	__atomic_store_n(need_kick, 0, __ATOMIC_RELAXED);
	return gone;
}

/* Without work: a kick is asked for only while the allowance lasts. */
static bool rest(struct nvmed *d, u64 now)
{
	if (kicks_allowed(&d->kicks_free, now))
		return sleep_until_kicked(d);
	d->naps++;
	return peer_gone(d, KICKS_NAP_US * 1000);
}

/* A peer that waits for this very core runs first. */
static void relax(u32 *turns)
{
	__builtin_ia32_pause();
	if (++*turns % YIELD_TURNS == 0)
		sched_yield();
}

void ctrl_attach(struct nvmed *d)
{
	u32 cc = reg_get(d, NVME_REG_CC);

	*(volatile u64 *)reg(d, NVME_REG_CAP) = CAP_VALUE;
	reg_put(d, NVME_REG_VS, NVME_VERSION(1, 4));
	d->queue_limit = d->peer.event_count;
	d->shut_down = false;
	forget_queues(d);
	d->state = CTRL_OFF;
	if (cc & NVME_CC_EN)
		ctrl_fatal(d, "started with the controller enabled: waiting for a reset");
	else
		put_csts(d, 0);
}

/* The arena must not be unmapped under the kernel's hands. */
static void detach(struct nvmed *d)
{
	d->state = CTRL_STOPPING;
	while (d->engine_ops) {
		struct pollfd p = { .fd = d->ring.ring_fd, .events = POLLIN };

		poll(&p, 1, 100);
		engine_poll(d);
	}
	forget_queues(d);
	flags_of(d)->need_kick.word = 0;
}

int ctrl_run(struct nvmed *d, volatile int *stop)
{
	u64 idle_since = 0, now;
	u32 turns = 0;
	bool gone = false;

	while (!*stop && !gone) {
		if (turn(d)) {
			idle_since = 0;
			if (++turns % PEER_CHECK_TURNS == 0)
				gone = peer_gone(d, 0);
			continue;
		}
		now = now_ns();
		if (!idle_since)
			idle_since = now;
		if (now - idle_since < d->spin_us * 1000ull) {
			relax(&turns);
			continue;
		}
		gone = rest(d, now);
		idle_since = 0;
	}
	detach(d);
	return *stop;
}
