// SPDX-License-Identifier: GPL-2.0-only
/* Signal frames in the x86-64 layout (System V ABI supplement; uapi/asm/sigcontext.h). */
#include <linux/ptrace.h>
#include <linux/regset.h>
#include <linux/resume_user_mode.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/signal.h>
#include <linux/syscalls.h>
#include <linux/uaccess.h>
#include <asm/fpu/api.h>
#include <asm/rkt_exec.h>
#include <asm/ucontext.h>
#include "rkt.h"

#define RED_ZONE 128
#define XSAVE_SW_BYTES 464 /* struct _fpx_sw_bytes in the legacy area */
#define XSAVE_HEADER 512
#define XSAVE_MXCSR 24
#define XFEATURES_FPSSE 3 /* x87 and SSE */
#define MXCSR_MASK 0xffff
#define FPSTATE_SIZE (TEE_XSAVE_SIZE + FP_XSTATE_MAGIC2_SIZE)

struct rt_sigframe {
	char __user *pretcode;
	struct ucontext uc;
	struct siginfo info;
};

/*
 * The task's own save area serves as the buffer: its contents are about to be
 * replaced by the initial state for the handler.
 */
static int store_fpstate(u8 __user *to)
{
	struct rkt_fpu *fpu = &current->thread.fpu;
	struct _fpx_sw_bytes *sw = (void *)(fpu->xsave + XSAVE_SW_BYTES);

	preempt_disable();
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		rkt_fpu_load();
	rkt_fpu_store_standard(fpu);
	set_thread_flag(TIF_NEED_FPU_LOAD);
	preempt_enable();
	/* As in Linux: what a handler writes to the legacy area counts, even over the initial state. */
	*(u64 *)(fpu->xsave + XSAVE_HEADER) |= XFEATURES_FPSSE;
	memset(sw, 0, sizeof(*sw));
	sw->magic1 = FP_XSTATE_MAGIC1;
	sw->extended_size = FPSTATE_SIZE;
	sw->xfeatures = rkt_xfeatures;
	sw->xstate_size = TEE_XSAVE_SIZE;
	if (copy_to_user(to, fpu->xsave, TEE_XSAVE_SIZE) ||
	    put_user(FP_XSTATE_MAGIC2, (u32 __user *)(to + TEE_XSAVE_SIZE)))
		return -EFAULT;
	return 0;
}

/* From a frame that the program may have written: checked before it meets XRSTOR. */
static int load_fpstate(const u8 __user *from)
{
	struct rkt_fpu *fpu = &current->thread.fpu;
	const struct _fpx_sw_bytes *sw = (void *)(fpu->xsave + XSAVE_SW_BYTES);
	u64 *header = (u64 *)(fpu->xsave + XSAVE_HEADER);
	u32 magic2;

	set_thread_flag(TIF_NEED_FPU_LOAD);
	if (!from) {
		rkt_fpu_reset(current);
		return 0;
	}
	if (copy_from_user(fpu->xsave, from, XSAVE_HEADER))
		goto bad;
	*(u32 *)(fpu->xsave + XSAVE_MXCSR) &= MXCSR_MASK;
	if (sw->magic1 == FP_XSTATE_MAGIC1 && sw->xstate_size == TEE_XSAVE_SIZE) {
		if (get_user(magic2, (u32 __user *)(from + TEE_XSAVE_SIZE)) ||
		    magic2 != FP_XSTATE_MAGIC2 ||
		    copy_from_user(header, from + XSAVE_HEADER, TEE_XSAVE_SIZE - XSAVE_HEADER))
			goto bad;
		if ((header[0] & ~rkt_xfeatures) || memchr_inv(header + 1, 0, 56))
			goto bad;
	} else {
		memset(header, 0, 64);
		header[0] = XFEATURES_FPSSE;
	}
	return 0;
bad:
	rkt_fpu_reset(current);
	return -EFAULT;
}

static void save_sigcontext(struct sigcontext *c, const struct pt_regs *regs, unsigned long mask)
{
	struct thread_struct *t = &current->thread;

	*c = (struct sigcontext){
		.r8 = regs->r8,
		.r9 = regs->r9,
		.r10 = regs->r10,
		.r11 = regs->r11,
		.r12 = regs->r12,
		.r13 = regs->r13,
		.r14 = regs->r14,
		.r15 = regs->r15,
		.di = regs->di,
		.si = regs->si,
		.bp = regs->bp,
		.bx = regs->bx,
		.dx = regs->dx,
		.ax = regs->ax,
		.cx = regs->cx,
		.sp = regs->sp,
		.ip = regs->ip,
		.flags = regs->flags,
		.cs = regs->cs,
		.ss = regs->ss,
		.err = t->error_code,
		.trapno = t->trap_nr,
		.cr2 = t->cr2,
		.oldmask = mask,
	};
}

static int setup_frame(struct ksignal *ksig, sigset_t *set, struct pt_regs *regs)
{
	unsigned long sp, fp;
	struct rt_sigframe __user *frame;
	struct ucontext uc = {
		.uc_flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS,
		.uc_sigmask = *set,
	};

	if (!(ksig->ka.sa.sa_flags & SA_RESTORER))
		return -EFAULT; /* as on x86-64: there is no other way back */
	sp = sigsp(regs->sp - RED_ZONE, ksig);
	fp = ALIGN_DOWN(sp - FPSTATE_SIZE, 64);
	frame = (void __user *)(ALIGN_DOWN(fp - sizeof(*frame), 16) - 8);
	if (on_sig_stack(regs->sp) && !__on_sig_stack((unsigned long)frame))
		return -EFAULT; /* the alternate stack would overflow */
	if (!access_ok(frame, sp - (unsigned long)frame))
		return -EFAULT;
	save_sigcontext(&uc.uc_mcontext, regs, set->sig[0]);
	uc.uc_mcontext.fpstate = fp;
	uc.uc_stack.ss_sp = (void __user *)current->sas_ss_sp;
	uc.uc_stack.ss_flags = sas_ss_flags(regs->sp);
	uc.uc_stack.ss_size = current->sas_ss_size;
	if (store_fpstate((u8 __user *)fp) ||
	    put_user(ksig->ka.sa.sa_restorer, (__sigrestore_t __user *)&frame->pretcode) ||
	    copy_to_user(&frame->uc, &uc, sizeof(uc)) ||
	    copy_siginfo_to_user(&frame->info, &ksig->info))
		return -EFAULT;
	if (current->sas_ss_flags & SS_AUTODISARM)
		sas_ss_reset(current);
	rkt_fpu_reset(current);
	regs->di = ksig->sig;
	regs->si = (unsigned long)&frame->info;
	regs->dx = (unsigned long)&frame->uc;
	regs->ax = 0;
	regs->ip = (unsigned long)ksig->ka.sa.sa_handler;
	regs->sp = (unsigned long)frame;
	regs->flags = RKT_USER_FLAGS;
	return 0;
}

/* The syscall instruction, or the one that a rewritten site keeps, is 2 bytes before ip. */
static void restart(struct pt_regs *regs, unsigned long nr)
{
	regs->ax = nr;
	regs->ip -= 2;
	set_thread_flag(TIF_FULL_RESTORE);
}

static void restart_with_handler(struct pt_regs *regs, const struct ksignal *ksig)
{
	switch ((long)regs->ax) {
	case -ERESTART_RESTARTBLOCK:
	case -ERESTARTNOHAND:
		regs->ax = -EINTR;
		break;
	case -ERESTARTSYS:
		if (!(ksig->ka.sa.sa_flags & SA_RESTART)) {
			regs->ax = -EINTR;
			break;
		}
		fallthrough;
	case -ERESTARTNOINTR:
		restart(regs, regs->orig_ax);
		break;
	}
}

static void restart_without_handler(struct pt_regs *regs)
{
	switch ((long)regs->ax) {
	case -ERESTARTNOHAND:
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
		restart(regs, regs->orig_ax);
		break;
	case -ERESTART_RESTARTBLOCK:
		restart(regs, __NR_restart_syscall);
		break;
	}
}

void rkt_do_signal(struct pt_regs *regs)
{
	bool from_syscall = (long)regs->orig_ax >= 0;
	struct ksignal ksig;
	bool got;
	int err;

	current->thread.ksig = &ksig; /* get_signal() does not return if it is fatal */
	got = get_signal(&ksig);
	current->thread.ksig = NULL;
	if (got) {
		if (from_syscall)
			restart_with_handler(regs, &ksig);
		regs->ip = rkt_report_ip(regs->ip);
		rseq_signal_deliver(&ksig, regs);
		err = setup_frame(&ksig, sigmask_to_save(), regs);
		signal_setup_done(err, &ksig, 0);
		regs->orig_ax = -1;
		set_thread_flag(TIF_FULL_RESTORE);
		return;
	}
	if (from_syscall)
		restart_without_handler(regs);
	regs->orig_ax = -1;
	restore_saved_sigmask();
}

static void restore_sigcontext(struct pt_regs *regs, const struct sigcontext *c)
{
	regs->r8 = c->r8;
	regs->r9 = c->r9;
	regs->r10 = c->r10;
	regs->r11 = c->r11;
	regs->r12 = c->r12;
	regs->r13 = c->r13;
	regs->r14 = c->r14;
	regs->r15 = c->r15;
	regs->di = c->di;
	regs->si = c->si;
	regs->bp = c->bp;
	regs->bx = c->bx;
	regs->dx = c->dx;
	regs->ax = c->ax;
	regs->cx = c->cx;
	regs->sp = c->sp;
	regs->ip = c->ip;
	regs->flags = (c->flags & RKT_USER_FLAGS_MASK) | RKT_USER_FLAGS;
	regs->orig_ax = -1;
}

SYSCALL_DEFINE0(rt_sigreturn)
{
	struct pt_regs *regs = current_pt_regs();
	struct rt_sigframe __user *frame = (void __user *)(regs->sp - 8);
	struct ucontext uc;
	sigset_t set;

	current->restart_block.fn = do_no_restart_syscall;
	if (copy_from_user(&uc, &frame->uc, sizeof(uc)))
		goto bad;
	set = uc.uc_sigmask;
	set_current_blocked(&set);
	restore_sigcontext(regs, &uc.uc_mcontext);
	if (load_fpstate((const u8 __user *)uc.uc_mcontext.fpstate) ||
	    restore_altstack(&frame->uc.uc_stack))
		goto bad;
	set_thread_flag(TIF_FULL_RESTORE);
	return regs->ax;
bad:
	set_thread_flag(TIF_FULL_RESTORE);
	force_sig(SIGSEGV);
	return 0;
}

void ptrace_disable(struct task_struct *task)
{
}

/* A tracee stops for signals and exec alone: what would have to stop it at a system call is refused. */
long arch_ptrace(struct task_struct *task, long request, unsigned long addr, unsigned long data)
{
	if (request == PTRACE_SYSCALL)
		return -EIO;
	return ptrace_request(task, request, addr, data);
}

static const struct user_regset_view regset_view = { .name = "rkt", .e_machine = EM_X86_64 };

const struct user_regset_view *task_user_regset_view(struct task_struct *task)
{
	return &regset_view;
}
