/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_THREAD_INFO_H
#define _ASM_RKT_THREAD_INFO_H
#include <asm/page.h>
#ifdef CONFIG_PROVE_LOCKING /* lockdep and sanitizers want more */
#define THREAD_SIZE_ORDER 3
#else
#define THREAD_SIZE_ORDER 2
#endif
#define THREAD_SIZE (PAGE_SIZE << THREAD_SIZE_ORDER)
#define THREAD_ALIGN THREAD_SIZE

#ifndef __ASSEMBLY__
struct thread_info {
	unsigned long flags;
	int preempt_count;
	unsigned int cpu;
};
#define INIT_THREAD_INFO(tsk) { .flags = 0, .preempt_count = INIT_PREEMPT_COUNT, .cpu = 0 }
#endif

#define TIF_SYSCALL_TRACE 0
#define TIF_SIGPENDING 1
#define TIF_NEED_RESCHED 2
#define TIF_NOTIFY_SIGNAL 3
#define TIF_NOTIFY_RESUME 4
#define TIF_MEMDIE 5
#define TIF_RESTORE_SIGMASK 6
#define TIF_FULL_RESTORE 7 /* registers were changed: return with all of them */
#define TIF_POLLING_NRFLAG 8
#define TIF_SYSCALL_AUDIT 9
#define TIF_SECCOMP 10
#define TIF_SYSCALL_TRACEPOINT 11
#define TIF_NEED_FPU_LOAD 12 /* the program's vector state is in thread.fpu, not in registers */
#define TIF_RESTORE_FLAGS 13 /* the frame's flags are more than arithmetic: return with popfq */
#define TIF_OWED_STEP 14 /* TF was set when a system call began */
#define _TIF_SYSCALL_TRACE (1 << TIF_SYSCALL_TRACE)
#define _TIF_SIGPENDING (1 << TIF_SIGPENDING)
#define _TIF_NEED_RESCHED (1 << TIF_NEED_RESCHED)
#define _TIF_NOTIFY_SIGNAL (1 << TIF_NOTIFY_SIGNAL)
#define _TIF_NOTIFY_RESUME (1 << TIF_NOTIFY_RESUME)
#define _TIF_POLLING_NRFLAG (1 << TIF_POLLING_NRFLAG)
#define _TIF_FULL_RESTORE (1 << TIF_FULL_RESTORE)
#define _TIF_NEED_FPU_LOAD (1 << TIF_NEED_FPU_LOAD)
#define _TIF_RESTORE_FLAGS (1 << TIF_RESTORE_FLAGS)
#define _TIF_OWED_STEP (1 << TIF_OWED_STEP)
#define _TIF_FULL_RETURN (_TIF_FULL_RESTORE | _TIF_RESTORE_FLAGS | _TIF_OWED_STEP)
/* A system call returns the short way if no flag at all is set. Loop until these are gone. */
#define _TIF_WORK_MASK                                                       \
	(_TIF_NEED_RESCHED | _TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL | _TIF_NOTIFY_RESUME)
#endif
