// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens when a controller loses a command, fails, restarts or lies. All of
 * it runs on one work item, which is armed only while commands are in flight.
 */
#include <linux/delay.h>
#include <linux/ktime.h>
#include <asm/stats.h>
#include "rkt_nvme.h"

static bool in_flight(struct rkt_nvme *n)
{
	unsigned int i;

	for (i = 0; i < n->hwq_count; i++)
		if (READ_ONCE(n->hwq[i].q->inflight))
			return true;
	return false;
}

void rkt_nvme_watch_start(struct rkt_nvme *n)
{
	if (!xchg(&n->watching, true))
		queue_delayed_work(system_long_wq, &n->watch, msecs_to_jiffies(RKT_NVME_TICK_MS));
}

enum blk_eh_timer_return rkt_nvme_timeout(struct request *rq)
{
	struct rkt_nvme_disk *d = rq->q->queuedata;

	mod_delayed_work(system_long_wq, &d->n->watch, 0);
	return BLK_EH_RESET_TIMER; /* it comes back with the reset */
}

/* No answer: repeated, so that device processes that die one after the other cost time only. */
static void give_back(struct rkt_nvme *n, const struct nvme_completion *c)
{
	struct request *rq = c->cookie;
	struct rkt_nvme_rq *r = blk_mq_rq_to_pdu(rq);

	rkt_nvme_buffer_put(rkt_nvme_hwq_of(n, rq), rq);
	if (c->error == -ECANCELED && r->repeats < RKT_NVME_REPEATS_MAX) {
		r->repeats++;
		blk_mq_requeue_request(rq, false);
		return;
	}
	rkt_stat_inc(DISK_ERRORS);
	blk_mq_end_request(rq, BLK_STS_IOERR);
}

static void reap(struct rkt_nvme *n)
{
	struct nvme_completion c;
	unsigned int i;

	for (i = 0; i < n->hwq_count; i++)
		while (nvme_reap(n->hwq[i].q, &c))
			give_back(n, &c);
}

int rkt_nvme_run(struct rkt_nvme *n)
{
	int err;

	for (;;) {
		err = nvme_step(&n->ctrl, ktime_get_ns());
		if (err == -EAGAIN)
			reap(n);
		else if (err == -EINPROGRESS)
			usleep_range(50, 200);
		else
			return err;
	}
}

/* Nobody polls or submits when this returns, and nobody starts before the queues are live. */
static void wait_for_pollers(struct rkt_nvme *n)
{
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < n->hwq_count; i++) {
		spin_lock_irqsave(&n->hwq[i].lock, flags);
		spin_unlock_irqrestore(&n->hwq[i].lock, flags);
	}
}

static void die(struct rkt_nvme *n, int err)
{
	pr_err("nvme%u: failed (%d), its disks are gone\n", n->index, err);
	WRITE_ONCE(n->dead, true);
	if (err == -EPROTO)
		rkt_stat_inc(BOUNDARY_DEAD);
	wait_for_pollers(n);
	reap(n);
}

static void kick_requeue(struct rkt_nvme *n)
{
	u32 i;

	for (i = 0; i < n->ctrl.ns_count; i++)
		if (n->disks[i].disk)
			blk_mq_kick_requeue_list(n->disks[i].disk->queue);
}

static void reset(struct rkt_nvme *n)
{
	int err;

	pr_warn("nvme%u: resetting the controller\n", n->index);
	rkt_stat_inc(DISK_RESETS);
	nvme_reset_begin(&n->ctrl, ktime_get_ns());
	wait_for_pollers(n);
	err = rkt_nvme_run(n);
	if (err)
		die(n, err);
	else
		pr_info("nvme%u: works again\n", n->index);
}

/* Submission is stopped first, so that only pollers are left to wait for. */
static void recover(struct rkt_nvme *n, enum nvme_health health)
{
	blk_mq_quiesce_tagset(&n->tags);
	if (health == NVME_NEEDS_RESET)
		reset(n);
	else
		die(n, n->ctrl.error);
	blk_mq_unquiesce_tagset(&n->tags);
	kick_requeue(n);
}

static void tick(struct rkt_nvme *n)
{
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < n->hwq_count; i++) {
		spin_lock_irqsave(&n->hwq[i].lock, flags);
		if (nvme_tick(n->hwq[i].q))
			rkt_stat_inc(DISK_TIMEOUTS);
		spin_unlock_irqrestore(&n->hwq[i].lock, flags);
	}
}

void rkt_nvme_watch(struct work_struct *work)
{
	struct rkt_nvme *n = container_of(to_delayed_work(work), struct rkt_nvme, watch);
	enum nvme_health health;

	if (n->dead)
		return;
	tick(n);
	health = nvme_watch(&n->ctrl);
	if (health != NVME_HEALTHY)
		recover(n, health);
	WRITE_ONCE(n->watching, false);
	smp_mb(); /* watching before in_flight, the reverse of queue_rq() */
	if (!n->dead && in_flight(n))
		rkt_nvme_watch_start(n);
}
