// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program touched memory that was promised, and none is left: somebody must go. As elsewhere
 * that is the process that has most (oom_badness(), oom_score_adj), not the one that
 * happened to touch.
 */
#define pr_fmt(fmt) "rkt-mm: " fmt

#include <linux/init.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/oom.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include "mm_internal.h"

/* How long a victim may take to die before the one that needs the memory goes instead. */
#define PATIENCE (2 * HZ)

static struct task_struct *select_victim(void)
{
	struct task_struct *p, *worst = NULL;
	long points, most = LONG_MIN;

	rcu_read_lock();
	for_each_process(p)
	{
		points = oom_badness(p, rkt_limit_pages());
		if (points == LONG_MIN || points <= most)
			continue;
		most = points;
		worst = p;
	}
	if (worst)
		get_task_struct(worst);
	rcu_read_unlock();
	return worst;
}

static void kill_sharers(struct mm_struct *mm)
{
	struct task_struct *p, *t;

	rcu_read_lock();
	for_each_process(p)
	{
		t = find_lock_task_mm(p);
		if (!t)
			continue;
		if (t->mm == mm && !(t->flags & PF_KTHREAD) && !is_global_init(p))
			do_send_sig_info(SIGKILL, SEND_SIG_PRIV, p, PIDTYPE_TGID);
		task_unlock(t);
	}
	rcu_read_unlock();
}

static void kill_victim(struct task_struct *victim)
{
	struct task_struct *t;
	struct mm_struct *mm;

	if (!fatal_signal_pending(victim))
		pr_err("out of user memory (%lu MiB): killed %s[%d]\n",
		       rkt_limit_pages() >> (20 - PAGE_SHIFT), victim->comm, task_tgid_nr(victim));
	t = find_lock_task_mm(victim);
	if (!t)
		return;
	mm = t->mm;
	mmgrab(mm);
	task_unlock(t);
	kill_sharers(mm);
	mmdrop(mm);
}

/*
 * Sleeps in any case: others wait for the same memory, and who looks again and again
 * at what a dying process has freed so far runs out of attempts before it is gone.
 *
 * Return: true if memory is free within some time.
 */
static bool await_memory(unsigned long patience)
{
	unsigned long end = jiffies + patience;

	do {
		if (fatal_signal_pending(current) || time_after(jiffies, end))
			return false;
		schedule_timeout_killable(1);
	} while (!rkt_free_pages());
	return true;
}

static bool make_room(void)
{
	struct task_struct *victim;
	bool room = false;

	if (await_memory(1)) /* somebody may be on the way out */
		return true;
	victim = select_victim();
	if (!victim)
		return false;
	if (victim->signal != current->signal) {
		kill_victim(victim);
		room = await_memory(PATIENCE);
	}
	put_task_struct(victim);
	return room;
}

bool rkt_out_of_memory(void)
{
	bool room;

	if (mutex_lock_killable(&oom_lock))
		return false;
	room = make_room();
	mutex_unlock(&oom_lock);
	return room;
}

/* ---- the kernel's own memory ---- */

/*
 * What the kernel frees by RCU is back when each vCPU has been through a quiescent state, and the
 * host may let one wait for long. The kernel's OOM killer asks here before it chooses somebody:
 * nobody need go for memory that is on its way.
 *
 * Context: sleeps. The callbacks that it waits for take no lock that a sleeping caller may hold.
 */
static int await_rcu(struct notifier_block *nb, unsigned long action, void *data)
{
	unsigned long before = global_zone_page_state(NR_FREE_PAGES), now;
	unsigned long *freed = data;

	rcu_barrier();
	now = global_zone_page_state(NR_FREE_PAGES);
	if (now > before)
		*freed += now - before;
	return NOTIFY_OK;
}

static struct notifier_block rcu_notifier = { .notifier_call = await_rcu };

static int __init init_rcu_notifier(void)
{
	return register_oom_notifier(&rcu_notifier);
}
core_initcall(init_rcu_notifier);
