// SPDX-License-Identifier: GPL-2.0-only
/* Virtual interrupts, served where the kernel polls, and the idle loop. */
#include <linux/cpu.h>
#include <linux/cpuidle.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/sched.h>
#include <linux/sched/debug.h>
#include <linux/smp.h>
#include <asm/console.h>
#include <asm/irq_regs.h>
#include <asm/rkt_poll.h>
#include <asm/ptrace.h>
#include <asm/stats.h>
#include <asm/timex.h>
#include "rkt.h"

DEFINE_PER_CPU_ALIGNED(struct vcpu, vcpu) = {
	.irq_off = 1,
	.deadline = ~0ul,
};
EXPORT_PER_CPU_SYMBOL(vcpu);

/* Stands for "interrupted the kernel" where nobody gave registers. */
static DEFINE_PER_CPU(struct pt_regs, kernel_regs);

static void serve(unsigned int pending, struct pt_regs *regs)
{
	struct pt_regs *old = set_irq_regs(regs);

	irq_enter();
	if (this_cpu_read(vcpu.deadline) <= rkt_rdtsc())
		rkt_timer_interrupt();
	if (!smp_processor_id())
		rkt_console_poll();
	rkt_stats_tick();
	if (pending & VCPU_PEND_TICK)
		rkt_stat_inc(TIME_TICKS);
	if (pending & (VCPU_PEND_POLL | VCPU_PEND_TICK))
		rkt_poll_run(smp_processor_id());
	if (pending & VCPU_PEND_CALL)
		generic_smp_call_function_interrupt();
	if (pending & VCPU_PEND_RESCHED)
		scheduler_ipi();
	irq_exit();
	set_irq_regs(old);
}

/**
 * rkt_irq_poll_regs - serve what is pending
 * @regs: what was interrupted, for the accounting of time
 *
 * Context: interrupts enabled; enabled again at return.
 */
noinline void rkt_irq_poll_regs(struct pt_regs *regs)
{
	unsigned int pending;

	do {
		this_cpu_write(vcpu.irq_off, 1);
		trace_hardirqs_off();
		pending = xchg(this_cpu_ptr(&vcpu.pending), 0);
		if (pending)
			serve(pending, regs);
		trace_hardirqs_on();
		this_cpu_write(vcpu.irq_off, 0);
		barrier();
	} while (this_cpu_read(vcpu.pending));
}

void rkt_irq_poll(void)
{
	rkt_irq_poll_regs(this_cpu_ptr(&kernel_regs));
}
EXPORT_SYMBOL_GPL(rkt_irq_poll);

/*
 * cond_resched() is where loops of the kernel give way, but it only looks whether a tick has asked
 * for that. Ticks are polled here, so it has to look for the tick first: without, such a loop that
 * waits for another task (shrink_dcache_parent, io_uring's submission thread) never ends on one
 * vCPU.
 */
int __real___cond_resched(void);
int __wrap___cond_resched(void);

int __sched __wrap___cond_resched(void)
{
	if (unlikely(this_cpu_read(vcpu.pending)) && !arch_irqs_disabled())
		rkt_irq_poll();
	return __real___cond_resched();
}

void __init init_IRQ(void)
{
}

/* How long an idle vCPU looks for work before it sleeps in the host; ns. */
static unsigned long spin_ns __read_mostly = 20000;

static int __init spin_setup(char *arg)
{
	return kstrtoul(arg, 0, &spin_ns);
}
early_param("rkt.spin_ns", spin_setup);

static void set_pending(unsigned int what)
{
	__atomic_or_fetch(this_cpu_ptr(&vcpu.pending), what, __ATOMIC_SEQ_CST);
}

/* RCU does not watch the idle loop; what takes locks or wakes somebody needs it. */
static void idle_console(unsigned int cpu)
{
	if (cpu || !rkt_console_pending())
		return;
	ct_cpuidle_exit();
	rkt_console_poll();
	ct_cpuidle_enter();
}

static void idle_publish(void)
{
	ct_cpuidle_exit();
	rkt_stats_publish();
	ct_cpuidle_enter();
}

/* Return: true if there is something to do. */
static bool idle_spin(u64 start)
{
	unsigned int cpu = smp_processor_id();
	u64 end = start + spin_ns * rkt_machine.tsc_khz / 1000000;
	u64 deadline = this_cpu_read(vcpu.deadline);

	end = min(end, deadline);
	do {
		idle_console(cpu);
		if (rkt_poll_pending(cpu))
			set_pending(VCPU_PEND_POLL);
		if (this_cpu_read(vcpu.pending))
			return true;
		asm volatile("pause");
	} while (rkt_rdtsc() < end);
	return deadline <= rkt_rdtsc();
}

/* Publish that we sleep, full barrier, look once more, sleep (abi/hostcall.h). */
static void idle_sleep(void)
{
	unsigned int cpu = smp_processor_id();

	idle_publish(); /* nobody does it while all sleep */
	this_cpu_write(vcpu.sleeping, 1);
	rkt_poll_want_events(cpu, true);
	smp_mb();
	if (rkt_poll_pending(cpu))
		set_pending(VCPU_PEND_POLL);
	if (!this_cpu_read(vcpu.pending)) {
		rkt_exit(TEE_EXIT_WAIT, this_cpu_read(vcpu.deadline), 0, 0, 0);
		rkt_stat_inc(TIME_WAKES);
	}
	this_cpu_write(vcpu.sleeping, 0);
	rkt_poll_want_events(cpu, false);
	if (rkt_poll_pending(cpu))
		set_pending(VCPU_PEND_POLL);
	idle_console(cpu);
}

/* Context: idle task, interrupts disabled at call and return. */
void arch_cpu_idle(void)
{
	u64 start = rkt_rdtsc();

	bool work = idle_spin(start);
	u64 slept = rkt_rdtsc();

	this_cpu_add(vcpu.poll_cycles, slept - start);
	if (!work) {
		idle_sleep();
		this_cpu_add(vcpu.sleep_cycles, rkt_rdtsc() - slept);
	}
	if (this_cpu_read(vcpu.deadline) <= rkt_rdtsc())
		set_pending(VCPU_PEND_TICK);
	raw_local_irq_enable();
	raw_local_irq_disable();
}
