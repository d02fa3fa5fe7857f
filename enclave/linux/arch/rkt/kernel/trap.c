// SPDX-License-Identifier: GPL-2.0-only
/* Phase 2 of exceptions: signals for programs, fix-ups and last words for the kernel. */
#include <linux/extable.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/uaccess.h>
#include <asm/fpu/api.h>
#include <asm/processor-flags.h>
#include <asm/rkt_exec.h>
#include <asm/rkt_mm.h>
#include <asm/sections.h>
#include <asm/syscall.h>
#include "rkt.h"

enum {
	VECTOR_DE = 0,
	VECTOR_DB = 1,
	VECTOR_BP = 3,
	VECTOR_UD = 6,
	VECTOR_SS = 12,
	VECTOR_GP = 13,
	VECTOR_PF = 14,
	VECTOR_MF = 16,
	VECTOR_AC = 17,
	VECTOR_XM = 19,
};

#define PF_ERROR_WRITE 2
#define PF_ERROR_EXEC 16

static unsigned int fault_flags(unsigned long error)
{
	unsigned int flags = FAULT_FLAG_DEFAULT | FAULT_FLAG_USER;

	if (error & PF_ERROR_WRITE)
		flags |= FAULT_FLAG_WRITE;
	if (error & PF_ERROR_EXEC)
		flags |= FAULT_FLAG_INSTRUCTION;
	return flags;
}

/* SDM vol. 1, 4.9 and 8.6, 11.5: which of the unmasked conditions are set. */
static int fpe_code(u32 conditions)
{
	if (conditions & 1)
		return FPE_FLTINV;
	if (conditions & 4)
		return FPE_FLTDIV;
	if (conditions & 8)
		return FPE_FLTOVF;
	if (conditions & 0x12)
		return FPE_FLTUND;
	if (conditions & 0x20)
		return FPE_FLTRES;
	return FPE_FLTUNK;
}

static int math_code(unsigned long vector)
{
	u16 cw, sw;
	u32 mxcsr;

	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		rkt_fpu_load();
	if (vector == VECTOR_XM) {
		asm volatile("stmxcsr %0" : "=m"(mxcsr));
		return fpe_code(~(mxcsr >> 7) & mxcsr & 0x3f);
	}
	asm volatile("fnstcw %0; fnstsw %1" : "=m"(cw), "=m"(sw));
	return fpe_code(~cw & sw & 0x3f);
}

/* Port I/O is an invalid opcode in an enclave only: programs get what they get elsewhere. */
static bool port_io(const struct pt_regs *regs)
{
	u8 insn;

	return !get_user(insn, (u8 __user *)regs->ip) &&
	       ((insn & 0xf4) == 0xe4 || (insn & 0xfc) == 0x6c);
}

/* Not an instruction that is served, or not mapped: SIGILL. */
static void invalid_opcode(struct pt_regs *regs)
{
	if (rkt_trap_opcode(regs))
		return;
	if (port_io(regs))
		force_sig(SIGSEGV);
	else
		force_sig_fault(SIGILL, ILL_ILLOPN, (void __user *)regs->ip);
}

/* icebp is told by its byte: without the trap flag no step was due, and nobody sets breakpoints. */
static int debug_code(const struct pt_regs *regs)
{
	u8 insn;

	if (regs->flags & X86_EFLAGS_TF)
		return TRAP_TRACE;
	return !get_user(insn, (u8 __user *)regs->ip - 1) && insn == 0xf1 ? TRAP_BRKPT : TRAP_TRACE;
}

static void page_fault(struct pt_regs *regs, unsigned long addr, unsigned long error)
{
	struct rkt_fault fault;

	if (!current->mm || !rkt_user_range(addr, 1)) {
		force_sig_fault(SIGSEGV, SEGV_MAPERR, (void __user *)addr);
		return;
	}
	fault = rkt_handle_fault(current->mm, addr, fault_flags(error), regs);
	if (fault.sig == SIGKILL)
		force_sig(SIGKILL);
	else if (fault.sig)
		force_sig_fault(fault.sig, fault.code, (void __user *)addr);
}

static void user_fault(struct pt_regs *regs, const struct vcpu_exception *exc)
{
	struct thread_struct *thread = &current->thread;
	void __user *ip = (void __user *)regs->ip;

	thread->trap_nr = exc->vector;
	thread->error_code = exc->error;
	if (exc->vector == VECTOR_PF)
		thread->cr2 = exc->addr;
	switch (exc->vector) {
	case VECTOR_PF:
		page_fault(regs, exc->addr, exc->error);
		break;
	case VECTOR_UD:
		invalid_opcode(regs);
		break;
	case VECTOR_DE:
		force_sig_fault(SIGFPE, FPE_INTDIV, ip);
		break;
	case VECTOR_MF:
	case VECTOR_XM:
		force_sig_fault(SIGFPE, math_code(exc->vector), ip);
		break;
	case VECTOR_DB:
		/* a handler would return to the site's beginning: its stub is one step */
		if (rkt_report_ip(regs->ip) == regs->ip)
			force_sig_fault(SIGTRAP, debug_code(regs), ip);
		break;
	case VECTOR_BP:
		force_sig(SIGTRAP);
		break;
	case VECTOR_AC:
		force_sig_fault(SIGBUS, BUS_ADRALN, NULL);
		break;
	case VECTOR_SS: /* where a back end shows it: SGX does not, kernel/unshown.c */
		force_sig(SIGBUS);
		break;
	default:
		force_sig(SIGSEGV);
	}
}

/* Context: the task's kernel stack, registers all in @regs, interrupts enabled. */
__visible void rkt_user_exception(struct pt_regs *regs)
{
	struct vcpu_exception exc = *this_cpu_ptr(&vcpu.exc);

	if (exc.vector < VCPU_VECTOR_TICK)
		user_fault(regs, &exc);
	else
		rkt_irq_poll_regs(regs);
	if (exc.vector == VCPU_VECTOR_UNSHOWN)
		rkt_unshown_exception(regs);
	rkt_exit_work(regs);
}

#define REP_MOVSB 0xa4f3 /* of both copies, from and to user memory */

/*
 * Is it a program's pointer that faulted, or the page cache's, which is the same memory for files that
 * are mapped shared? The page cache is written with page faults disabled, and read only for copies
 * to user memory.
 */
static bool is_programs(const struct exception_table_entry *fixup, const struct pt_regs *regs,
			unsigned int flags)
{
	if (!fixup || !current->mm || faulthandler_disabled())
		return false;
	return (flags & FAULT_FLAG_WRITE) || *(const u16 *)regs->ip != REP_MOVSB ||
	       !rkt_user_range(regs->di, 1);
}

/* Context: as interrupted; may sleep only if the faulting code may (a user copy does). */
__visible void rkt_kernel_exception(struct pt_regs *regs)
{
	struct vcpu_exception exc = *this_cpu_ptr(&vcpu.exc);
	const struct exception_table_entry *fixup;
	struct rkt_fault fault;

	if (exc.vector == VCPU_VECTOR_STACK)
		rkt_die("kernel stack overflow", regs);
	fixup = search_exception_tables(regs->ip);
	if (exc.vector == VECTOR_PF && rkt_user_range(exc.addr, 1) &&
	    !is_programs(fixup, regs, fault_flags(exc.error)) &&
	    rkt_window_kernel_fault(exc.addr, fault_flags(exc.error) & FAULT_FLAG_WRITE))
		return;
	if (fixup && exc.vector == VECTOR_PF && current->mm && !faulthandler_disabled() &&
	    rkt_user_range(exc.addr, 1)) {
		fault = rkt_handle_fault(current->mm, exc.addr,
					 fault_flags(exc.error) & ~FAULT_FLAG_USER, regs);
		if (!fault.sig)
			return;
	}
	if (fixup) {
		regs->ip = fixup->fixup;
		return;
	}
	current->thread.trap_nr = exc.vector;
	current->thread.cr2 = exc.addr;
	rkt_die("kernel fault", regs);
}
