// SPDX-License-Identifier: GPL-2.0-only
/* Tasks: creation, switch, and the way back to a program. */
#include <linux/cpu.h>
#include <linux/interrupt.h>
#include <linux/pm.h>
#include <linux/reboot.h>
#include <linux/resume_user_mode.h>
#include <linux/sched.h>
#include <linux/sched/debug.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/syscalls.h>
#include <asm/fpu/api.h>
#include <asm/processor-flags.h>
#include <asm/rkt_poll.h>
#include <asm/syscall.h>
#include <asm/stats.h>
#include "rkt.h"

/* What __switch_to_asm pops. */
struct switch_frame {
	unsigned long r15, r14, r13, r12, bx, bp, ret;
};

__visible struct task_struct *__switch_to(struct task_struct *prev, struct task_struct *next)
{
	if (!(prev->flags & PF_KTHREAD) && !test_tsk_thread_flag(prev, TIF_NEED_FPU_LOAD)) {
		rkt_fpu_store(&prev->thread.fpu);
		set_tsk_thread_flag(prev, TIF_NEED_FPU_LOAD);
	}
	if (!(prev->flags & PF_KTHREAD))
		asm volatile("rdfsbase %0" : "=r"(prev->thread.fsbase));
	rkt_stat_inc(TIME_SWITCHES);
	this_cpu_write(vcpu.current_task, next);
	this_cpu_write(vcpu.entry_sp, (unsigned long)task_pt_regs(next));
	if (!(next->flags & PF_KTHREAD))
		asm volatile("wrfsbase %0" : : "r"(next->thread.fsbase));
	return prev;
}

static void fork_user_regs(struct task_struct *p, const struct kernel_clone_args *args,
			   struct pt_regs *regs)
{
	*regs = *current_pt_regs();
	regs->ax = 0;
	regs->cx = regs->ip;
	regs->cs = RKT_USER_CS;
	regs->ss = RKT_USER_DS;
	if (test_and_clear_tsk_thread_flag(p, TIF_OWED_STEP))
		regs->flags |= X86_EFLAGS_TF;
	regs->r11 = regs->flags;
	if (args->stack)
		regs->sp = args->stack;
	asm volatile("rdfsbase %0" : "=r"(p->thread.fsbase));
	if (args->flags & CLONE_SETTLS)
		p->thread.fsbase = args->tls;
	preempt_disable();
	rkt_fpu_save();
	p->thread.ksig = NULL;
	p->thread.fpu = current->thread.fpu;
	preempt_enable();
	set_tsk_thread_flag(p, TIF_NEED_FPU_LOAD);
}

/* A copy of the address space needs image exchange, which does not exist yet. */
static int no_fork(void)
{
	pr_warn_once("%s[%d]: fork() is not supported, use posix_spawn() or vfork()\n",
		     current->comm, current->pid);
	return -ENOSYS;
}

SYSCALL_DEFINE0(rkt_fork)
{
	return no_fork();
}

int copy_thread(struct task_struct *p, const struct kernel_clone_args *args)
{
	struct pt_regs *regs = task_pt_regs(p);
	struct switch_frame *frame = (void *)((unsigned long)regs - 8 - sizeof(*frame));

	if (!args->fn && !(args->flags & CLONE_VM))
		return no_fork();
	memset(frame, 0, sizeof(*frame));
	frame->ret = (unsigned long)rkt_ret_from_fork;
	p->thread.sp = (unsigned long)frame;
	if (!args->fn) {
		fork_user_regs(p, args, regs);
		return 0;
	}
	memset(regs, 0, sizeof(*regs));
	regs->cs = RKT_USER_CS;
	regs->ss = RKT_USER_DS;
	regs->flags = RKT_USER_FLAGS;
	frame->bx = (unsigned long)args->fn;
	frame->r12 = (unsigned long)args->fn_arg;
	p->thread.fsbase = 0;
	return 0;
}

/* exec: the new program starts with clean registers. */
void start_thread(struct pt_regs *regs, unsigned long ip, unsigned long sp)
{
	memset(regs, 0, sizeof(*regs));
	regs->ip = ip;
	regs->sp = sp;
	regs->cs = RKT_USER_CS;
	regs->ss = RKT_USER_DS;
	regs->flags = RKT_USER_FLAGS;
	set_thread_flag(TIF_FULL_RESTORE);
}

void flush_thread(void)
{
	current->thread.fsbase = 0;
	asm volatile("wrfsbase %0" : : "r"(0ul));
	rkt_fpu_reset(current);
}

static void exit_work_loop(struct pt_regs *regs)
{
	unsigned long work;

	for (;;) {
		if (this_cpu_read(vcpu.pending))
			rkt_irq_poll();
		work = READ_ONCE(current_thread_info()->flags) & _TIF_WORK_MASK;
		if (!work)
			break;
		if (work & _TIF_NEED_RESCHED)
			schedule();
		if (work & (_TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL))
			rkt_do_signal(regs);
		if (work & _TIF_NOTIFY_RESUME)
			resume_user_mode_work(regs);
	}
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		rkt_fpu_load();
}

/* Before a full return: everything that is due, then the vector state. */
__visible void rkt_exit_work(struct pt_regs *regs)
{
	exit_work_loop(regs);
	clear_thread_flag(TIF_FULL_RESTORE);
	clear_thread_flag(TIF_RESTORE_FLAGS);
	clear_thread_flag(TIF_OWED_STEP);
	regs->flags = (regs->flags & RKT_USER_FLAGS_MASK) | RKT_USER_FLAGS;
	lockdep_sys_exit();
}

/* Every so many system calls, so that a busy vCPU serves its devices too. */
static void poll_devices(void)
{
	int period = rkt_poll_period();

	this_cpu_add(vcpu.syscall_count, period);
	this_cpu_add(vcpu.poll_budget, period);
	if (rkt_poll_pending(raw_smp_processor_id()))
		__atomic_or_fetch(this_cpu_ptr(&vcpu.pending), VCPU_PEND_POLL, __ATOMIC_SEQ_CST);
}

/*
 * The slow way out of a system call. Return: true if registers beyond the
 * result were changed, so that all must be restored.
 */
__visible bool rkt_syscall_exit_work(struct pt_regs *regs)
{
	if (!test_thread_flag(TIF_FULL_RESTORE)) {
		if (test_thread_flag(TIF_OWED_STEP))
			regs->flags |= X86_EFLAGS_TF;
		regs->cx = regs->ip;
		regs->r11 = regs->flags;
	}
	if (this_cpu_read(vcpu.poll_budget) < 0)
		poll_devices();
	exit_work_loop(regs);
	lockdep_sys_exit();
	if (!(READ_ONCE(current_thread_info()->flags) & _TIF_FULL_RETURN))
		return false;
	rkt_exit_work(regs);
	return true;
}

unsigned long __get_wchan(struct task_struct *p)
{
	return 0;
}

void (*pm_power_off)(void);

/*
 * init tells how the program ended: reboot(2) with RESTART2 and "exit=N",
 * "signal=N", "exec=ERRNO" or "init=N".
 */
void machine_restart(char *cmd)
{
	static const struct {
		const char *key;
		unsigned long code;
	} ends[] = {
		{ "exit=", TEE_HALT_EXITED },
		{ "signal=", TEE_HALT_SIGNALED },
		{ "exec=", TEE_HALT_EXEC_FAILED },
		{ "init=", TEE_HALT_INIT_FAILED },
	};
	u8 value;
	int i;

	for (i = 0; cmd && i < ARRAY_SIZE(ends); i++)
		if (str_has_prefix(cmd, ends[i].key) &&
		    !kstrtou8(cmd + strlen(ends[i].key), 10, &value))
			rkt_halt(ends[i].code | value);
	rkt_halt(TEE_HALT_EXITED);
}

void machine_halt(void)
{
	rkt_halt(0);
}

void machine_power_off(void)
{
	rkt_halt(0);
}
