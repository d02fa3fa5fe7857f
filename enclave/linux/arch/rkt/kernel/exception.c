// SPDX-License-Identifier: GPL-2.0-only
/*
 * Phase 1 of an exception: runs on the entry code's exception stack with the
 * interrupted context in the state-save area, decides what it was from the
 * area alone (never from what the host says), and redirects the context to
 * phase 2 (entry.S). It touches nothing that may fault and takes no lock.
 */
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/uaccess.h>
#include <asm/processor-flags.h>
#include <asm/ptrace.h>
#include <asm/sections.h>
#include <asm/stats.h>
#include "enclave/entry/thread.h"
#include "rkt.h"

#define FLAGS_CLEAN 0x2
#define PHASE1_STACK 4096 /* of the exception stack: ticks come while last words use the rest */

static bool in_kernel_text(unsigned long ip)
{
	return ip >= TEE_IMAGE_BASE && ip < (unsigned long)__text_end;
}

/* A program that jumped into the kernel's text is still a program: its stack tells. */
static bool runs_kernel(const struct tee_ssa_gpr *gpr)
{
	return in_kernel_text(gpr->rip) && !rkt_user_range(gpr->rsp, 1);
}

/*
 * A program that single-steps itself: popfq on its way back already traps, twice, before the
 * program's first instruction. Return: true if this trap is one of those.
 */
static bool step_on_return(const struct tee_ssa_gpr *gpr, u32 info)
{
	if ((info & TEE_EXIT_INFO_VECTOR) != 1 || !(gpr->rflags & X86_EFLAGS_TF))
		return false;
	if (gpr->rip >= (unsigned long)rkt_return_window &&
	    gpr->rip < (unsigned long)rkt_return_end) {
		this_cpu_write(vcpu.step_pending, 1);
		return true;
	}
	if (!this_cpu_read(vcpu.step_pending))
		return false;
	this_cpu_write(vcpu.step_pending, 0);
	return gpr->rip == this_cpu_read(vcpu.user_ip);
}

/*
 * The same program entered a system call: the kernel runs without TF, and the way back sets it
 * again. With a program's stack pointer it is the first instruction of the entry.
 */
static bool step_in_kernel(struct tee_ssa_gpr *gpr, u32 info)
{
	if ((info & TEE_EXIT_INFO_VECTOR) != 1 || !(gpr->rflags & X86_EFLAGS_TF) ||
	    !in_kernel_text(gpr->rip))
		return false;
	gpr->rflags &= ~(unsigned long)X86_EFLAGS_TF;
	set_thread_flag(TIF_OWED_STEP);
	return true;
}

static void redirect(struct tee_ssa_gpr *gpr, unsigned long vector, unsigned long addr,
		     unsigned long error, void (*to)(void))
{
	struct vcpu_exception *exc = this_cpu_ptr(&vcpu.exc);

	rkt_stat_inc(ENTRY_EXCEPTION);
	exc->ip = gpr->rip;
	exc->sp = gpr->rsp;
	exc->flags = gpr->rflags;
	exc->vector = vector;
	exc->addr = addr;
	exc->error = error;
	gpr->rip = (unsigned long)to;
	gpr->rflags = FLAGS_CLEAN;
}

/* A stack pointer with room for phase 2; without, the stack has overflowed into its guard. */
static bool kernel_stack_ok(unsigned long sp)
{
	unsigned long base = (unsigned long)task_stack_page(current);

	return sp > base + 1024 && sp <= base + THREAD_SIZE;
}

void rkt_exception(struct tee_thread *thread, unsigned long leaf)
{
	struct tee_ssa_exinfo *exinfo = tee_ssa_exinfo(thread, 0);
	struct tee_ssa_gpr *gpr = tee_ssa_gpr(thread, 0);
	u32 info = gpr->exit_info;

	rkt_note_deadline();
	if (!(info & TEE_EXIT_INFO_VALID)) {
		__atomic_or_fetch(this_cpu_ptr(&vcpu.pending), VCPU_PEND_TICK, __ATOMIC_SEQ_CST);
		if (!in_kernel_text(gpr->rip)) {
			rkt_stat_inc(ENTRY_PREEMPT);
			redirect(gpr,
				 leaf == TEE_ENTER_EXCEPTION ? VCPU_VECTOR_UNSHOWN
							     : VCPU_VECTOR_TICK,
				 0, 0, rkt_user_exception_entry);
		} else if (current && current->pid) { /* none yet in the first steps of the boot */
			set_tsk_need_resched(current); /* loops ask before cond_resched() */
		}
		return;
	}
	if (step_on_return(gpr, info) || step_in_kernel(gpr, info))
		return;
	if (!runs_kernel(gpr)) {
		redirect(gpr, info & TEE_EXIT_INFO_VECTOR, exinfo->maddr, exinfo->errcd,
			 rkt_user_exception_entry);
		return;
	}
	if (!kernel_stack_ok(gpr->rsp)) {
		gpr->rsp = (unsigned long)thread - TEE_BLOCK_THREAD + TEE_BLOCK_STACK_END -
			   PHASE1_STACK;
		redirect(gpr, info & TEE_EXIT_INFO_VECTOR, exinfo->maddr, exinfo->errcd,
			 rkt_kernel_exception_entry);
		this_cpu_write(vcpu.exc.vector, VCPU_VECTOR_STACK);
		return;
	}
	redirect(gpr, info & TEE_EXIT_INFO_VECTOR, exinfo->maddr, exinfo->errcd,
		 rkt_kernel_exception_entry);
}
