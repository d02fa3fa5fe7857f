/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ways between a program and the kernel, and between two tasks.
 *
 * Kernel and program run at the same privilege in one address space: a system
 * call is a jump. There is no instruction that restores everything at once
 * (iret is illegal in an enclave), so a full return ends in popfq and a jump
 * through the per-vCPU area.
 */
#include <linux/linkage.h>
#include <asm/thread_info.h>
#include <asm/unistd.h>
#include <asm/ptrace.h>
#include <asm/asm-offsets.h>

	.text

/* Frame layout while C code runs: 8 bytes of padding below the pt_regs. */
#define R(reg) (8 + PT_##reg)(%rsp)
/* In a system call the padding holds the program's flags. */
#define USER_FLAGS 0(%rsp)

.macro STORE_CALLEE_SAVED
	movq	%rbx, R(bx)
	movq	%rbp, R(bp)
	movq	%r12, R(r12)
	movq	%r13, R(r13)
	movq	%r14, R(r14)
	movq	%r15, R(r15)
.endm

/*
 * System call: rax = number, arguments in rdi rsi rdx r10 r8 r9, rcx = where to
 * return, rsp = the program's (its red zone is not touched); r11 is free.
 * Everything but rax, rcx and r11 is kept, as the syscall instruction would, the flags too: they
 * wait in the padding below the frame. popfq takes longer than the whole system call, so the
 * arithmetic ones come back through SAHF and an addition; the others are rare (.Lrare_flags).
 *
 * The frame is not whole while C code runs: callee-saved registers (C keeps them), cs, ss, flags
 * and ax are as the task's last full entry left them. Functions that need them are reached
 * through FULL_FRAME; .Lsyscall_work completes the frame for everybody else.
 */
SYM_CODE_START(rkt_syscall_entry)
	movq	%rsp, %r11
	movq	%gs:vcpu+VCPU_ENTRY_SP(%rip), %rsp
	pushfq
	movq	%r11, R(sp)
	testl	$RKT_RARE_FLAGS, USER_FLAGS
	jnz	.Lrare_flags
.Lflags_clean:
	movq	%rcx, R(ip)
	movq	%rax, R(orig_ax)
	movq	%rdi, R(di)
	movq	%rsi, R(si)
	movq	%rdx, R(dx)
	movq	%r10, R(r10)
	movq	%r8, R(r8)
	movq	%r9, R(r9)
	cmpq	$NR_syscalls, %rax
	jae	.Lodd_number
.Lnumber_good:
	movq	%gs:vcpu+VCPU_SYSCALL_TABLE(%rip), %r11
	movq	%r10, %rcx
	call	*(%r11, %rax, 8)
.Lsyscall_done:
	/* The sum is 0 if there is nothing to do: no flag, nothing pending, no borrow. */
	subl	$1, %gs:vcpu+VCPU_POLL_BUDGET(%rip)
	movq	%gs:vcpu+VCPU_CURRENT(%rip), %rdx
	movl	TASK_TI_FLAGS(%rdx), %edx
	adcl	%gs:vcpu+VCPU_PENDING(%rip), %edx
	jnz	.Lsyscall_work
.Lsyscall_return:
	movq	R(di), %rdi
	movq	R(si), %rsi
	movq	R(dx), %rdx
	movq	R(r10), %r10
	movq	R(r8), %r8
	movq	R(r9), %r9
	movq	%rax, %r11
	movb	USER_FLAGS, %ah
	addb	$0x76, 1+USER_FLAGS	/* of IF and OF: 0x02 stays positive, 0x0a overflows */
	sahf
	movq	%r11, %rax
	movq	R(ip), %rcx
	movq	R(sp), %rsp
	jmp	*%rcx

	/* The kernel's code needs DF and AC to be 0. */
.Lrare_flags:
	pushq	$2
	popfq
	movq	%gs:vcpu+VCPU_CURRENT(%rip), %r11
	lock orq $_TIF_RESTORE_FLAGS, TASK_TI_FLAGS(%r11)
	jmp	.Lflags_clean

	/* The number is 32 bits. */
.Lodd_number:
	movl	%eax, %eax
	movq	%rax, R(orig_ax)
	cmpl	$NR_syscalls, %eax
	jb	.Lnumber_good
	movq	$-38, %rax
	jmp	.Lsyscall_done

.Lsyscall_work:
	movq	%rax, R(ax)
	movq	%gs:vcpu+VCPU_CURRENT(%rip), %rdx
	testl	$_TIF_FULL_RESTORE, TASK_TI_FLAGS(%rdx)
	jnz	1f			/* the frame has the registers to return with */
	STORE_CALLEE_SAVED
	movq	USER_FLAGS, %rax
	movq	%rax, R(flags)
1:	leaq	8(%rsp), %rdi
	call	rkt_syscall_exit_work	/* true: registers were changed */
	testl	%eax, %eax
	movq	R(ax), %rax
	jz	.Lsyscall_return
	jmp	rkt_return_full
SYM_CODE_END(rkt_syscall_entry)

/* In rkt_entry_table instead of \target: that one looks at the whole frame. */
.macro FULL_FRAME name target
SYM_CODE_START(\name)
	popq	%r11
	STORE_CALLEE_SAVED
	movq	USER_FLAGS, %rax
	movq	%rax, R(flags)
	pushq	%r11
	jmp	\target
SYM_CODE_END(\name)
.endm
	FULL_FRAME rkt_full_clone sys_clone
	FULL_FRAME rkt_full_clone3 sys_clone3
	FULL_FRAME rkt_full_vfork sys_vfork
	FULL_FRAME rkt_full_fork sys_rkt_fork
	FULL_FRAME rkt_full_rt_sigreturn sys_rt_sigreturn
	FULL_FRAME rkt_full_traced rkt_traced

/* All registers of the frame at 8(%rsp) become the machine's. */
SYM_CODE_START(rkt_return_full)
	addq	$8, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rax
	popq	%rcx
	popq	%rdx
	popq	%rsi
	popq	%rdi
	addq	$8, %rsp				/* orig_ax */
	popq	%gs:vcpu+VCPU_USER_IP(%rip)
	addq	$8, %rsp				/* cs */
	pushq	8(%rsp)
	popq	%gs:vcpu+VCPU_USER_SP(%rip)
	popfq
SYM_INNER_LABEL(rkt_return_window, SYM_L_GLOBAL)
	movq	%gs:vcpu+VCPU_USER_SP(%rip), %rsp
	jmp	*%gs:vcpu+VCPU_USER_IP(%rip)
SYM_INNER_LABEL(rkt_return_end, SYM_L_GLOBAL)
SYM_CODE_END(rkt_return_full)

/* Stores all registers but those that phase 1 kept; rsp = frame - 8. */
.macro STORE_EXCEPTION_FRAME cs
	movq	%rax, R(ax)
	movq	%rcx, R(cx)
	movq	%rdx, R(dx)
	movq	%rsi, R(si)
	movq	%rdi, R(di)
	movq	%r8, R(r8)
	movq	%r9, R(r9)
	movq	%r10, R(r10)
	movq	%r11, R(r11)
	STORE_CALLEE_SAVED
	movq	%gs:vcpu+VCPU_EXC_IP(%rip), %rax
	movq	%rax, R(ip)
	movq	%gs:vcpu+VCPU_EXC_SP(%rip), %rax
	movq	%rax, R(sp)
	movq	%gs:vcpu+VCPU_EXC_FLAGS(%rip), %rax
	movq	%rax, R(flags)
	movq	$-1, R(orig_ax)
	movq	$\cs, R(cs)
	movq	$RKT_USER_DS, R(ss)
	leaq	8(%rsp), %rdi
.endm

/*
 * Phase 2 of an exception that interrupted a program (phase 1: kernel/exception.c). All
 * registers but rip are the program's.
 */
SYM_CODE_START(rkt_user_exception_entry)
	movq	%gs:vcpu+VCPU_ENTRY_SP(%rip), %rsp
	subq	$8, %rsp
	STORE_EXCEPTION_FRAME RKT_USER_CS
	xorl	%ebp, %ebp
	call	rkt_user_exception
	jmp	rkt_return_full
SYM_CODE_END(rkt_user_exception_entry)

/* Phase 2 of a fault of the kernel itself; runs on the faulting stack. */
SYM_CODE_START(rkt_kernel_exception_entry)
	leaq	-(PT_SIZE + 8)(%rsp), %rsp
	andq	$-16, %rsp
	STORE_EXCEPTION_FRAME RKT_KERNEL_CS
	call	rkt_kernel_exception
	jmp	rkt_return_full
SYM_CODE_END(rkt_kernel_exception_entry)

/* struct task_struct *__switch_to_asm(prev, next) */
SYM_FUNC_START(__switch_to_asm)
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, TASK_THREAD_SP(%rdi)
	movq	TASK_THREAD_SP(%rsi), %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	jmp	__switch_to
SYM_FUNC_END(__switch_to_asm)

/* First instruction of a new task: rax = prev, rbx = kernel function or 0, r12 = its argument. */
SYM_CODE_START(rkt_ret_from_fork)
	movq	%rax, %rdi
	call	schedule_tail
	testq	%rbx, %rbx
	jz	1f
	movq	%r12, %rdi
	call	*%rbx
1:	leaq	8(%rsp), %rdi
	call	rkt_exit_work
	jmp	rkt_return_full
SYM_CODE_END(rkt_ret_from_fork)

	.section .note.GNU-stack, "", @progbits
