/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The host's side of an enclave's border with the real instructions: EENTER, the place where
 * exits come out, the AEP, ERESUME. Nothing here is an emulation.
 */
#include "abi/hostcall.h"
#include "abi/sgx.h"

/* struct tee_vcpu, host/tee/tee.h */
#define V_TCS 0
#define V_HOST_RSP 24
#define V_EXIT 32

.macro ENCLU
	.byte	0x0f, 0x01, 0xd7
.endm

	.text
	.globl	enclu_begin
enclu_begin:

/* void enclu_enter(struct tee_vcpu *v, u64 leaf, u64 a0, u64 a1) */
	.globl	enclu_enter
	.type	enclu_enter, @function
enclu_enter:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushq	%rdi
	movq	%rsp, V_HOST_RSP(%rdi)
	movq	V_TCS(%rdi), %rbx
	movq	%rsi, %rdi
	movq	%rdx, %rsi
	movq	%rcx, %rdx
.Lenter:
	leaq	enclu_aep(%rip), %rcx
	movl	$ENCLU_EENTER, %eax
	ENCLU
	/* an exit: rdi, rsi, rdx, r8, r9; rsp is what we had at EENTER, v on top of it */
	.globl	enclu_exit
enclu_exit:
	pushq	$2			/* the enclave's flags, or hostile ones of ours */
	popfq
	movq	(%rsp), %rax
	testl	%edi, %edi
	jz	.Lresume
	movq	%rdi, V_EXIT(%rax)
	movq	%rsi, V_EXIT+8(%rax)
	movq	%rdx, V_EXIT+16(%rax)
	movq	%r8, V_EXIT+24(%rax)
	movq	%r9, V_EXIT+32(%rax)
	addq	$8, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret

/* TEE_EXIT_RESUME, or nothing to tell the enclave at the AEP. */
.Lresume:
	movq	V_TCS(%rax), %rbx
	leaq	enclu_aep(%rip), %rcx
	movl	$ENCLU_ERESUME, %eax
	ENCLU
	ud2

/* Where asynchronous exits come out (table 40-1: rax = ERESUME, rbx = TCS, rcx = AEP). */
	.globl	enclu_aep
enclu_aep:
	pushq	$2
	popfq
	movq	(%rsp), %rdi
	call	enclu_at_aep		/* 0: resume, else the leaf to enter with */
	movq	(%rsp), %rdx
	movq	V_TCS(%rdx), %rbx
	movl	%eax, %edi
	movq	%rdx, %rax
	testl	%edi, %edi
	jz	.Lresume
	xorl	%esi, %esi
	xorl	%edx, %edx
	jmp	.Lenter

/* EENTER or ERESUME has faulted. */
	.globl	enclu_refused
enclu_refused:
	movl	$TEE_EXIT_HALT, %edi
	movl	$(TEE_HALT_ABORT | TEE_ABORT_ENTRY), %esi
	jmp	enclu_exit

/* void enclu_nothing(void) */
	.globl	enclu_nothing
	.type	enclu_nothing, @function
enclu_nothing:
	pushq	%rbx
	xorl	%ebx, %ebx
	movl	$-1, %eax
	ENCLU
	popq	%rbx
	ret
	.globl	enclu_end
enclu_end:

	.section .note.GNU-stack, "", @progbits
