/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_PTRACE_H
#define _ASM_RKT_PTRACE_H
#include <uapi/asm/ptrace.h>
#define PTRACE_GETFDPIC 0x4640
#define PTRACE_GETFDPIC_EXEC 0
#define PTRACE_GETFDPIC_INTERP 1

/* Selectors that a ucontext shows; the kernel's value only marks its own frames. */
#define RKT_USER_CS 0x33
#define RKT_USER_DS 0x2b
#define RKT_KERNEL_CS 0x10
/* Flags that a program starts with, and those that it may set through a ucontext. */
#define RKT_USER_FLAGS 0x202
#define RKT_USER_FLAGS_MASK 0x240dd5 /* ID AC OF DF TF SF ZF AF PF CF */
/* Of these, what the kernel must not run with, or popfq alone can restore. */
#define RKT_RARE_FLAGS 0x244400 /* ID AC NT DF */

#ifndef __ASSEMBLY__
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx;
	unsigned long r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long orig_ax, ip, cs, flags, sp, ss;
};

#define user_mode(regs) ((regs)->cs == RKT_USER_CS)
#define instruction_pointer(regs) ((regs)->ip)
#define user_stack_pointer(regs) ((regs)->sp)
#define kernel_stack_pointer(regs) ((regs)->sp)
#define profile_pc(regs) instruction_pointer(regs)
#define frame_pointer(regs) ((regs)->bp)

static inline void instruction_pointer_set(struct pt_regs *regs, unsigned long val)
{
	regs->ip = val;
}

static inline unsigned long regs_return_value(struct pt_regs *regs)
{
	return regs->ax;
}

static inline void regs_set_return_value(struct pt_regs *regs, unsigned long val)
{
	regs->ax = val;
}

static inline bool regs_irqs_disabled(struct pt_regs *regs)
{
	return false;
}
#define current_user_stack_pointer() (current_pt_regs()->sp)
#endif
#endif
