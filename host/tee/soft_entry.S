/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Entering and leaving in software, and the only instructions by which a vCPU
 * thread can reach the host's kernel: one page, whose syscall sites the jail
 * (soft_jail.c) knows one by one.
 */
#include "abi/tee.h"

/* struct tee_vcpu, host/tee/tee.h */
#define V_TCS 0
#define V_ENTRY 8
#define V_HOST_FS 16
#define V_HOST_RSP 24
#define V_EXIT 32

/* struct tee_tcs */
#define TCS_CSSA 24
#define TCS_OFSBASE 48
#define TCS_OGSBASE 56

#define GPR(n) (TEE_SSA_GPR + (n))

	.section .text.soft_page, "ax"
	.balign	4096
	.globl	soft_page
soft_page:

/* void soft_enter(struct tee_vcpu *v, u64 leaf, u64 a0, u64 a1) */
	.globl	soft_enter
	.type	soft_enter, @function
soft_enter:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushq	%rdi
	movq	%rsp, V_HOST_RSP(%rdi)
	rdfsbase %rax
	movq	%rax, V_HOST_FS(%rdi)
	movq	V_TCS(%rdi), %rbx
	movq	V_ENTRY(%rdi), %r8
	movq	TCS_OFSBASE(%rbx), %rax
	wrfsbase %rax
	movq	TCS_OGSBASE(%rbx), %rax
	wrgsbase %rax
	xorl	%eax, %eax		/* CSSA */
	movq	%rsi, %rdi
	movq	%rdx, %rsi
	movq	%rcx, %rdx
	leaq	soft_exit(%rip), %rcx
	jmp	*%r8

/* The image's exit site jumps here: rsp is the host's again, v on top of it. */
	.globl	soft_exit
soft_exit:
	testl	%edi, %edi
	jz	soft_resume
	movq	(%rsp), %rax
	movq	%rdi, V_EXIT(%rax)
	movq	%rsi, V_EXIT+8(%rax)
	movq	%rdx, V_EXIT+16(%rax)
	movq	%r8, V_EXIT+24(%rax)
	movq	%r9, V_EXIT+32(%rax)
	movq	V_HOST_FS(%rax), %rcx
	wrfsbase %rcx
	addq	$8, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret

/* ERESUME: everything comes from the topmost state-save frame (SDM vol. 3D, ERESUME). */
soft_resume:
	movq	(%rsp), %rcx
	movq	V_TCS(%rcx), %rbx
	decl	TCS_CSSA(%rbx)
	movl	TCS_CSSA(%rbx), %ecx
	shlq	$12, %rcx
	leaq	TEE_BLOCK_SSA(%rbx, %rcx), %rbx
	movl	$TEE_XFRM, %eax
	xorl	%edx, %edx
	xrstor64 (%rbx)
	movq	GPR(168)(%rbx), %rax
	wrfsbase %rax
	movq	GPR(176)(%rbx), %rax
	wrgsbase %rax
	pushq	$0x2b
	pushq	GPR(32)(%rbx)		/* rsp */
	pushq	GPR(128)(%rbx)		/* rflags */
	pushq	$0x33
	pushq	GPR(136)(%rbx)		/* rip */
	movq	GPR(0)(%rbx), %rax
	movq	GPR(8)(%rbx), %rcx
	movq	GPR(16)(%rbx), %rdx
	movq	GPR(40)(%rbx), %rbp
	movq	GPR(48)(%rbx), %rsi
	movq	GPR(56)(%rbx), %rdi
	movq	GPR(64)(%rbx), %r8
	movq	GPR(72)(%rbx), %r9
	movq	GPR(80)(%rbx), %r10
	movq	GPR(88)(%rbx), %r11
	movq	GPR(96)(%rbx), %r12
	movq	GPR(104)(%rbx), %r13
	movq	GPR(112)(%rbx), %r14
	movq	GPR(120)(%rbx), %r15
	movq	GPR(24)(%rbx), %rbx
	iretq

/* Host calls of a jailed thread: each site has its own address, number and arguments. */
.macro SITE name, nr
	.globl	soft_\name
	.type	soft_\name, @function
soft_\name:
	movq	%rcx, %r10
	movl	$\nr, %eax
	syscall
	.globl	soft_\name\()_ip
soft_\name\()_ip:
	cmpb	$0, soft_page(%rip)	/* a fault where this memory is denied: with emu, inside */
	ret
.endm

	SITE	read, 0		/* (fd, buffer, 8) */
	SITE	write, 1	/* (fd, buffer, 8) */
	SITE	mprotect, 10	/* (addr, size, prot) */
	SITE	pwrite, 18	/* (fd, buffer, size, offset) */
	SITE	yield, 24
	SITE	madvise, 28	/* (addr, size, advice) */
	SITE	tgkill, 234	/* (process, thread, signal) */
	SITE	thread_exit, 60
	SITE	pkey_mprotect, 329	/* (addr, size, prot, key) */
	SITE	ppoll, 271	/* (fds, 1, timeout, NULL, 0) */

	.globl	soft_sigreturn
soft_sigreturn:
	movl	$15, %eax
	syscall
	.globl	soft_sigreturn_ip
soft_sigreturn_ip:
	ud2

	.balign	4096, 0xcc
	.section .note.GNU-stack, "", @progbits
