// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <asm/rkt_poll.h>
#include "rkt.h"

static LIST_HEAD(pollers);
static DEFINE_MUTEX(pollers_lock);

void rkt_poll_register(struct rkt_poller *p)
{
	mutex_lock(&pollers_lock);
	list_add_tail_rcu(&p->list, &pollers);
	mutex_unlock(&pollers_lock);
}

int rkt_poll_period(void)
{
	return list_empty(&pollers) ? RKT_POLL_SYSCALLS_NONE : RKT_POLL_SYSCALLS;
}

/* Pollers are never removed, so the list may be walked anywhere. */
bool rkt_poll_pending(unsigned int cpu)
{
	struct rkt_poller *p;

	list_for_each_entry_rcu(p, &pollers, list, true) if (p->pending(p, cpu)) return true;
	return false;
}

void rkt_poll_run(unsigned int cpu)
{
	struct rkt_poller *p;

	list_for_each_entry_rcu(p, &pollers, list, true) if (p->pending(p, cpu))
		p->poll(p, cpu, RKT_POLL_BUDGET);
}

void rkt_poll_want_events(unsigned int cpu, bool on)
{
	struct rkt_poller *p;

	list_for_each_entry_rcu(p, &pollers, list, true) if (p->want_event)
		p->want_event(p, cpu, on);
}
