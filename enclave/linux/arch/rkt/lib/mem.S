/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copying and clearing. "rep movsb" and "rep stosb" are the fastest way for long areas, but they
 * take tens of cycles to start, so that short ones are done by moves of eight bytes, the last of
 * which overlap what is done already. No vector registers: they are the program's.
 */
#include <linux/linkage.h>

#define COPY_MAX 128
#define SET_MAX 256

	.text
/* Up to 32 bytes, all are loaded before one is stored: memmove() relies on it. */
SYM_FUNC_START(__memcpy)
	movq	%rdi, %rax
	cmpq	$32, %rdx
	ja	.Lcopy_long
.Lcopy_32:
	cmpl	$16, %edx
	jb	.Lcopy_15
	movq	(%rsi), %rcx
	movq	8(%rsi), %r8
	movq	-16(%rsi, %rdx), %r9
	movq	-8(%rsi, %rdx), %r10
	movq	%rcx, (%rdi)
	movq	%r8, 8(%rdi)
	movq	%r9, -16(%rdi, %rdx)
	movq	%r10, -8(%rdi, %rdx)
	ret
.Lcopy_15:
	cmpl	$8, %edx
	jb	.Lcopy_7
	movq	(%rsi), %rcx
	movq	-8(%rsi, %rdx), %r8
	movq	%rcx, (%rdi)
	movq	%r8, -8(%rdi, %rdx)
	ret
.Lcopy_7:
	cmpl	$4, %edx
	jb	.Lcopy_3
	movl	(%rsi), %ecx
	movl	-4(%rsi, %rdx), %r8d
	movl	%ecx, (%rdi)
	movl	%r8d, -4(%rdi, %rdx)
	ret
.Lcopy_3:
	testl	%edx, %edx
	jz	1f
	movzbl	(%rsi), %ecx
	movzbl	-1(%rsi, %rdx), %r8d
	movl	%edx, %r10d
	shrl	$1, %r10d
	movzbl	(%rsi, %r10), %r9d
	movb	%cl, (%rdi)
	movb	%r9b, (%rdi, %r10)
	movb	%r8b, -1(%rdi, %rdx)
1:	ret
.Lcopy_long:
	movq	%rdx, %rcx
	cmpq	$COPY_MAX, %rdx
	ja	2f
1:	movq	(%rsi), %r8
	movq	8(%rsi), %r9
	movq	16(%rsi), %r10
	movq	24(%rsi), %r11
	movq	%r8, (%rdi)
	movq	%r9, 8(%rdi)
	movq	%r10, 16(%rdi)
	movq	%r11, 24(%rdi)
	addq	$32, %rsi
	addq	$32, %rdi
	subq	$32, %rcx
	cmpq	$32, %rcx
	ja	1b
	movq	-32(%rsi, %rcx), %r8
	movq	-24(%rsi, %rcx), %r9
	movq	-16(%rsi, %rcx), %r10
	movq	-8(%rsi, %rcx), %r11
	movq	%r8, -32(%rdi, %rcx)
	movq	%r9, -24(%rdi, %rcx)
	movq	%r10, -16(%rdi, %rcx)
	movq	%r11, -8(%rdi, %rcx)
	ret
2:	rep movsb
	ret
SYM_FUNC_END(__memcpy)
SYM_FUNC_ALIAS(memcpy, __memcpy)

SYM_FUNC_START(__memset)
	movq	%rdi, %rax
	movq	%rdx, %rcx
	movzbl	%sil, %r8d
	movabsq	$0x0101010101010101, %r9
	imulq	%r9, %r8
	cmpq	$SET_MAX, %rdx
	ja	2f
	cmpl	$8, %edx
	jb	3f
1:	cmpl	$8, %ecx
	jbe	4f
	movq	%r8, (%rdi)
	addq	$8, %rdi
	subl	$8, %ecx
	jmp	1b
4:	movq	%r8, -8(%rax, %rdx)
	ret
2:	movq	%rax, %r9
	movl	%r8d, %eax
	rep stosb
	movq	%r9, %rax
	ret
3:	testl	%edx, %edx
	jz	5f
	movb	%r8b, -1(%rdi, %rdx)
	decl	%edx
	jmp	3b
5:	ret
SYM_FUNC_END(__memset)
SYM_FUNC_ALIAS(memset, __memset)

SYM_FUNC_START(__memmove)
	movq	%rdi, %rax
	cmpq	$32, %rdx
	jbe	.Lcopy_32
	movq	%rdx, %rcx
	movq	%rdi, %r8
	subq	%rsi, %r8
	cmpq	%rdx, %r8
	jb	1f
	rep movsb
	ret
	/* upwards by less than its length: from the end, the first 32 bytes last */
1:	movq	-8(%rsi, %rcx), %r8
	movq	-16(%rsi, %rcx), %r9
	movq	-24(%rsi, %rcx), %r10
	movq	-32(%rsi, %rcx), %r11
	movq	%r8, -8(%rdi, %rcx)
	movq	%r9, -16(%rdi, %rcx)
	movq	%r10, -24(%rdi, %rcx)
	movq	%r11, -32(%rdi, %rcx)
	subq	$32, %rcx
	cmpq	$32, %rcx
	jae	1b
	movq	%rcx, %rdx
	jmp	.Lcopy_32
SYM_FUNC_END(__memmove)
SYM_FUNC_ALIAS(memmove, __memmove)

	.section .note.GNU-stack, "", @progbits
