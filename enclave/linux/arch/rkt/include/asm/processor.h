/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_PROCESSOR_H
#define _ASM_RKT_PROCESSOR_H
#include <asm/ptrace.h>
#include <asm/page.h>
#include <asm/irqflags.h>
#include <asm/fpu/types.h>
#include <linux/math64.h>

#ifndef TASK_SIZE
#define TASK_SIZE _AC(TEE_USER_HIGH_END, UL)
#endif
#define TASK_UNMAPPED_BASE TEE_USER_HIGH_START
#define STACK_TOP TASK_SIZE
#define STACK_TOP_MAX TASK_SIZE

struct ksignal;
struct task_struct;

struct thread_struct {
	unsigned long sp;
	unsigned long fsbase;
	unsigned long trap_nr, error_code, cr2; /* of the last fault, for the ucontext */
	struct ksignal *ksig; /* while rkt_do_signal() takes one: for kernel/crash.c */
	struct rkt_fpu fpu; /* last: sized at boot */
};
#define INIT_THREAD { .sp = 0 }

#define task_pt_regs(t) ((struct pt_regs *)((unsigned long)task_stack_page(t) + THREAD_SIZE) - 1)
#define KSTK_EIP(t) (task_pt_regs(t)->ip)
#define KSTK_ESP(t) (task_pt_regs(t)->sp)

static __always_inline void cpu_relax(void)
{
	asm volatile("pause" ::: "memory");
	if (unlikely(this_cpu_read(vcpu.pending)) && !this_cpu_read(vcpu.irq_off))
		rkt_irq_poll();
}

#define ARCH_HAS_PREFETCH
static inline void prefetch(const void *x)
{
	__builtin_prefetch(x);
}

unsigned long __get_wchan(struct task_struct *p);
void start_thread(struct pt_regs *regs, unsigned long ip, unsigned long sp);
struct task_struct *__switch_to(struct task_struct *prev, struct task_struct *next);
extern unsigned long loops_per_jiffy;
#endif
