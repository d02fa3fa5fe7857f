/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of this folder share; grouped by the file that defines it. */
#ifndef RKT_KERNEL_H
#define RKT_KERNEL_H

#include <linux/types.h>
#include <asm/vcpu.h>
#include "abi/control.h"
#include "abi/cpuid.h"
#include "abi/hostcall.h"

struct pt_regs;
struct task_struct;
struct tee_thread;

/* entry.S */
void rkt_syscall_entry(void);
void rkt_return_full(void);
extern const char rkt_return_window[], rkt_return_end[]; /* behind its popfq */
void rkt_user_exception_entry(void);
void rkt_kernel_exception_entry(void);
void rkt_ret_from_fork(void);
struct task_struct *__switch_to_asm(struct task_struct *prev, struct task_struct *next);

/* boot.c: what the host said at start, copied once and checked */
extern struct boot_machine rkt_machine;
extern struct boot_control rkt_control;
extern struct boot_hostblk rkt_hostblk;
extern struct boot_cpuid rkt_boot_cpuid;
#define RKT_INIT_CONFIG_MAX 32768
extern char rkt_init_config[RKT_INIT_CONFIG_MAX]; /* NUL-terminated */
void rkt_boot_info_copy(unsigned long window, unsigned long size);
void *rkt_control_at(u64 offset, u64 size);
void __noreturn rkt_boot(unsigned long window, unsigned long size, struct tee_thread *thread);

/* exit.c: leaving the TEE */
long rkt_exit(unsigned long code, unsigned long a0, unsigned long a1, unsigned long a2,
	      unsigned long a3);
void __noreturn rkt_halt(unsigned long code);

/* irq.c */
void rkt_irq_poll_regs(struct pt_regs *regs);

/* process.c */
bool rkt_syscall_exit_work(struct pt_regs *regs);
void rkt_exit_work(struct pt_regs *regs);
void rkt_set_gs(unsigned long base);

/* trap.c: phase 2 of exceptions */
void rkt_user_exception(struct pt_regs *regs);
void rkt_kernel_exception(struct pt_regs *regs);

/* unshown.c: beside the vectors of asm/vcpu.h; only the host says that it was an exception */
#define VCPU_VECTOR_UNSHOWN 258
void rkt_unshown_exception(struct pt_regs *regs);

/* crash.c: the kernel's last words at every log level; see also crash.h */
void __noreturn rkt_die(const char *what, struct pt_regs *regs);

/* signal.c */
void rkt_do_signal(struct pt_regs *regs);

/* time.c */
void rkt_note_deadline(void);
void rkt_timer_interrupt(void);
void rkt_setup_clockevent(void);

/* cpu.c */
void rkt_cpu_init(void);

/* smp.c */
void rkt_secondary_start(struct tee_thread *thread);

/* stats.c: memory came (bytes > 0) or went; what the image began with is counted by setup_arch(). */
void rkt_mem_count(long bytes);

#endif
