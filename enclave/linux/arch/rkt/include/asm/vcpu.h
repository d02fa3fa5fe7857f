/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_VCPU_H
#define _ASM_RKT_VCPU_H
/*
 * The per-vCPU area. kernel/entry.S knows its fields through asm-offsets.
 * gs base == __per_cpu_offset[cpu] while kernel or program runs.
 */
#ifndef __ASSEMBLY__
#include <linux/compiler.h>
#include <linux/cache.h>
#include <asm/percpu.h>

struct task_struct;

/* Bits of vcpu.pending: virtual interrupts, served when polled. */
#define VCPU_PEND_TICK 1
#define VCPU_PEND_RESCHED 2
#define VCPU_PEND_CALL 4
#define VCPU_PEND_POLL 8 /* a device may have work */

/* What phase 1 of an exception hands over to phase 2 (enclave/entry/exception.c). */
struct vcpu_exception {
	unsigned long ip, sp, flags;
	unsigned long vector; /* VCPU_VECTOR_TICK: time slice */
	unsigned long addr; /* of #PF */
	unsigned long error;
};
#define VCPU_VECTOR_TICK 256
#define VCPU_VECTOR_STACK 257 /* the kernel stack overflowed */

struct vcpu {
	/* used by every system call */
	struct task_struct *current_task;
	unsigned long entry_sp; /* current's pt_regs: an entry from a program stores below */
	const void *syscall_table; /* of the entry: rkt_entry_table or, with --strace, its twin */
	/* Completed system calls are syscall_count - poll_budget; below 0 devices are polled. */
	unsigned long syscall_count;
	int poll_budget;
	unsigned int irq_off;
	unsigned int pending; /* other vCPUs set bits */
	int cpu_number;
	unsigned int sleeping; /* it is in TEE_EXIT_WAIT: a wake is needed */
	/* return to a program with all registers */
	unsigned long user_ip, user_sp;
	unsigned int step_pending; /* exception.c */
	struct vcpu_exception exc;
	unsigned long deadline; /* TSC of the next timer event, ~0 = none */
	unsigned long interrupted_at; /* TSC when another vCPU last had it interrupted */
	unsigned long poll_cycles, sleep_cycles; /* without work: looking for some, asleep */
	struct tee_thread *thread; /* private data of the entry code */
};

DECLARE_PER_CPU_ALIGNED(struct vcpu, vcpu);

/* Of any vCPU; another's may be off by RKT_POLL_SYSCALLS for a moment. */
static inline unsigned long vcpu_syscalls(const struct vcpu *v)
{
	return READ_ONCE(v->syscall_count) - READ_ONCE(v->poll_budget);
}

#endif
#endif
