// SPDX-License-Identifier: GPL-2.0-only
/* vCPUs: bring-up, wake-ups between them, and what a lock's waiter does. */
#include <linux/cpu.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/hotplug.h>
#include <linux/sched/mm.h>
#include <linux/sched/task_stack.h>
#include <linux/smp.h>
#include <asm/fpu/api.h>
#include <asm/sections.h>
#include <asm/syscall.h>
#include <asm/timex.h>
#include "enclave/entry/thread.h"
#include "rkt.h"

DEFINE_PER_CPU_READ_MOSTLY(unsigned long, this_cpu_off);
EXPORT_PER_CPU_SYMBOL(this_cpu_off);

static struct tee_thread *thread_of(int cpu)
{
	return (void *)((unsigned long)_end + cpu * (unsigned long)TEE_BLOCK_SIZE +
			TEE_BLOCK_THREAD);
}

/* gs base of kernel and program on this vCPU; the entry code sets it at each entry. */
void rkt_set_gs(unsigned long base)
{
	struct tee_thread *thread = this_cpu_read(vcpu.thread);

	thread->kernel_gs = base;
	asm volatile("wrgsbase %0" : : "r"(base) : "memory");
}

void __init smp_prepare_boot_cpu(void)
{
	int cpu;

	for_each_possible_cpu (cpu) {
		struct vcpu *v = &per_cpu(vcpu, cpu);

		per_cpu(this_cpu_off, cpu) = per_cpu_offset(cpu);
		v->cpu_number = cpu;
		v->deadline = ~0ul;
		v->thread = thread_of(cpu);
		v->syscall_table = this_cpu_read(vcpu.syscall_table);
	}
	rkt_set_gs(per_cpu_offset(0));
}

void __init smp_prepare_cpus(unsigned int max)
{
	int cpu;

	for_each_possible_cpu (cpu)
		if (cpu < max)
			set_cpu_present(cpu, true);
}

void __init smp_cpus_done(unsigned int max)
{
}

int __cpu_up(unsigned int cpu, struct task_struct *idle)
{
	struct tee_thread *thread = thread_of(cpu);
	struct vcpu *v = &per_cpu(vcpu, cpu);

	v->current_task = idle;
	v->entry_sp = (unsigned long)task_pt_regs(idle);
	v->irq_off = 1;
	v->pending = 0;
	task_thread_info(idle)->cpu = cpu;
	thread->kernel_gs = per_cpu_offset(cpu);
	smp_wmb(); /* all of it before the entry code finds a stack to start on */
	WRITE_ONCE(thread->start_stack, ALIGN_DOWN(v->entry_sp, 16));
	/* A vCPU that took its stack has started, whatever the host says. */
	if (rkt_exit(TEE_EXIT_START, cpu, 0, 0, 0) && xchg(&thread->start_stack, 0))
		return -EIO;
	while (!cpu_online(cpu))
		cpu_relax();
	return 0;
}

/* First C code of vCPU > 0, called once by the entry code on its idle task's stack. */
void rkt_secondary_start(struct tee_thread *thread)
{
	unsigned int cpu;

	asm volatile("wrgsbase %0" : : "r"(thread->kernel_gs) : "memory");
	rkt_fpu_clear_registers();
	cpu = smp_processor_id();
	mmgrab(&init_mm);
	current->active_mm = &init_mm;
	notify_cpu_starting(cpu);
	rkt_setup_clockevent();
	set_cpu_online(cpu, true);
	local_irq_enable();
	cpu_startup_entry(CPUHP_AP_ONLINE_IDLE);
}

#define INTERRUPT_GAP_US 1000

/*
 * A program that computes looks at the pending word at its next system call or tick only. The host
 * interrupts it, but not oftener than this, so that these exits don't grow with what
 * programs on different vCPUs do to each other. A vCPU without a program polls.
 */
static bool worth_an_interrupt(struct vcpu *v, int cpu)
{
	unsigned long now = rkt_rdtsc(), last = READ_ONCE(v->interrupted_at);

	if (READ_ONCE(v->current_task) == idle_task(cpu))
		return false;
	if (now - last < INTERRUPT_GAP_US * rkt_machine.tsc_khz / 1000)
		return false;
	return try_cmpxchg(&v->interrupted_at, &last, now);
}

static void interrupt(int cpu, unsigned int what)
{
	struct vcpu *v = &per_cpu(vcpu, cpu);

	__atomic_or_fetch(&v->pending, what, __ATOMIC_SEQ_CST);
	if (READ_ONCE(v->sleeping))
		rkt_exit(TEE_EXIT_WAKE, cpu, 0, 0, 0);
	else if (worth_an_interrupt(v, cpu))
		rkt_exit(TEE_EXIT_WAKE, cpu, TEE_WAKE_RUNNING, 0, 0);
}

void arch_smp_send_reschedule(int cpu)
{
	interrupt(cpu, VCPU_PEND_RESCHED);
}

void arch_send_call_function_single_ipi(int cpu)
{
	interrupt(cpu, VCPU_PEND_CALL);
}

void arch_send_call_function_ipi_mask(const struct cpumask *mask)
{
	int cpu;

	for_each_cpu (cpu, mask)
		interrupt(cpu, VCPU_PEND_CALL);
}

void smp_send_stop(void)
{
}

#define SPINS_BEFORE_YIELD 2000

void rkt_spin_slow(arch_spinlock_t *lock)
{
	int i;

	for (;;) {
		for (i = 0; i < SPINS_BEFORE_YIELD; i++) {
			if (arch_spin_trylock(lock))
				return;
			asm volatile("pause");
		}
		rkt_exit(TEE_EXIT_YIELD, 0, 0, 0, 0);
	}
}
EXPORT_SYMBOL_GPL(rkt_spin_slow);
