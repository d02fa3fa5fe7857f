/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only way in and the only way out of the TEE (abi/tee.h).
 *
 * Everything in registers and flags at an entry is the host's: rax (CSSA) and
 * rbx (TCS) alone are vouched for by the processor. rsp, rbp and rcx are kept
 * only to be given back; flags are set anew before any other work; no memory
 * is read through a register that the host gave.
 */
#include <linux/linkage.h>
#include "abi/hostcall.h"
#include <asm/asm-offsets.h>
#include "enclave/entry/thread.h"

#define ENCLU_EEXIT 4
/* offset of the thread's private page from its other pages */
#define FROM_THREAD(block_offset) ((block_offset) - TEE_BLOCK_THREAD)

	.section .entry.text, "ax"

/* Sanitise flags: DF, AC, TF, NT and all others off. Uses the private stack. */
.macro CLEAN_FLAGS
	pushq	$2
	popfq
.endm

SYM_CODE_START(tee_entry)
	cld
	testq	%rax, %rax
	jnz	.Lexception
	cmpq	$TEE_ENTER_RETURN, %rdi
	je	.Lreturn

	/* First entry. vCPU 0 is known by its place: the block right behind the image. */
	cmpq	$THREAD_NEW, %gs:THREAD_STATE
	jne	.Labort
	movq	$THREAD_INSIDE, %gs:THREAD_STATE
	movq	%rsp, %gs:THREAD_HOST_RSP
	movq	%rbp, %gs:THREAD_HOST_RBP
	movq	%rcx, %gs:THREAD_HOST_RET
	movq	%rdx, %r8
	rdgsbase %rdx
	leaq	_end+TEE_BLOCK_THREAD(%rip), %rax
	cmpq	%rax, %rdx
	je	.Lboot
	xorl	%eax, %eax
	xchgq	%rax, %gs:THREAD_START_STACK	/* taken once, by us or back by the kernel */
	testq	%rax, %rax
	jz	.Labort			/* the kernel did not ask for this vCPU */
	movq	%rax, %rsp
	CLEAN_FLAGS
	xorl	%ebp, %ebp
	movq	%rdx, %rdi
	call	rkt_secondary_start
	jmp	.Labort
.Lboot:
	leaq	FROM_THREAD(TEE_BLOCK_STACK_END)(%rdx), %rsp
	CLEAN_FLAGS
	movq	%rsi, %rdi
	movq	%r8, %rsi
	xorl	%ebp, %ebp
	jmp	rkt_boot_entry		/* rdi = window, rsi = size, rdx = thread */

	/* Result of an exit: only if one is outstanding, and only once. */
.Lreturn:
	cmpq	$THREAD_OUTSIDE, %gs:THREAD_STATE
	jne	.Labort
	movq	$THREAD_INSIDE, %gs:THREAD_STATE
	movq	%rsp, %gs:THREAD_HOST_RSP
	movq	%rbp, %gs:THREAD_HOST_RBP
	movq	%rcx, %gs:THREAD_HOST_RET
	movq	%gs:THREAD_KERNEL_RSP, %rsp
	movq	%rsi, %rax
	CLEAN_FLAGS
	movq	%gs:THREAD_USER_FS, %rcx
	wrfsbase %rcx
	movq	%gs:THREAD_KERNEL_GS, %rcx
	wrgsbase %rcx
	xorl	%ecx, %ecx
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret

	/* The state-save area holds an interrupted context of ours. */
.Lexception:
	cmpq	$1, %rax
	jne	.Lnested
	cmpq	$0, %gs:THREAD_IN_EXCEPTION
	jne	.Lnested
	movq	$1, %gs:THREAD_IN_EXCEPTION
	movq	%rsp, %gs:THREAD_EXC_HOST_RSP
	movq	%rbp, %gs:THREAD_EXC_HOST_RBP
	movq	%rcx, %gs:THREAD_EXC_HOST_RET
	movq	%rdi, %rsi
	rdgsbase %rdi
	leaq	FROM_THREAD(TEE_BLOCK_STACK_END)(%rdi), %rsp
	CLEAN_FLAGS
	movq	%gs:THREAD_KERNEL_GS, %rax
	wrgsbase %rax
	pushq	%rdi
	pushq	%rdi
	xorl	%ebp, %ebp
	call	rkt_exception
	popq	%rdi
	wrgsbase %rdi
	movq	%gs:THREAD_EXC_HOST_RSP, %rsp
	movq	%gs:THREAD_EXC_HOST_RBP, %rbp
	movq	%gs:THREAD_EXC_HOST_RET, %rbx
	movq	$0, %gs:THREAD_IN_EXCEPTION
	jmp	.Lresume

	/*
	 * Interrupted while phase 1 runs: a tick has nothing to add, so resume at
	 * once. An exception there is our bug; the frame of CSSA says which it was.
	 */
.Lnested:
	cmpq	$TEE_SSA_COUNT, %rax
	jae	.Labort
	rdgsbase %rdx
	decl	%eax
	shll	$12, %eax
	testl	$TEE_EXIT_INFO_VALID, FROM_THREAD(TEE_BLOCK_SSA + TEE_SSA_GPR + 160)(%rdx, %rax)
	jnz	.Labort
	movq	%rcx, %rbx
.Lresume:
	movl	$TEE_EXIT_RESUME, %edi
	xorl	%esi, %esi
	jmp	.Lexit_one

.Labort:
	movq	%rcx, %rbx
	movl	$TEE_EXIT_HALT, %edi
	movl	$TEE_HALT_ABORT, %esi
.Lexit_one:
	xorl	%edx, %edx
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d

	/*
	 * Leave. rdi, rsi, rdx, r8, r9 carry code and arguments, rbx the target, rsp and rbp
	 * are the host's own. Everything else is cleared.
	 */
.Lexit:
	xorl	%ecx, %ecx
	xorl	%r10d, %r10d
	xorl	%r11d, %r11d
	xorl	%r12d, %r12d
	xorl	%r13d, %r13d
	xorl	%r14d, %r14d
	xorl	%r15d, %r15d
	movl	$ENCLU_EEXIT, %eax
	.balign	16, 0x90
SYM_INNER_LABEL(tee_exit_site, SYM_L_GLOBAL)
	.byte	0x0f, 0x01, 0xd7	/* enclu */
	ud2
	.balign	16, 0xcc
SYM_CODE_END(tee_entry)

/* long tee_exit(code, a0, a1, a2, a3) */
SYM_FUNC_START(tee_exit)
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%r8, %r9
	movq	%rcx, %r8
	rdfsbase %rcx
	movq	%gs:vcpu+VCPU_THREAD(%rip), %rax
	wrgsbase %rax
	movq	%rcx, %gs:THREAD_USER_FS
	movq	%rsp, %gs:THREAD_KERNEL_RSP
	movq	%gs:THREAD_HOST_RSP, %rsp
	movq	%gs:THREAD_HOST_RBP, %rbp
	movq	%gs:THREAD_HOST_RET, %rbx
	movq	$THREAD_OUTSIDE, %gs:THREAD_STATE
	jmp	.Lexit
SYM_FUNC_END(tee_exit)

	.section .note.GNU-stack, "", @progbits
