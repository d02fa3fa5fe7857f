/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/linkage.h>
#include <asm/thread_info.h>
#include "abi/tee.h"

	.section .head.text, "ax"

SYM_DATA_START(tee_image_header)
	.quad	TEE_IMAGE_MAGIC
	.long	TEE_IMAGE_VERSION
	.long	56
	.quad	tee_entry - tee_image_header
	.quad	tee_exit_site - tee_image_header
	.quad	_end - tee_image_header
	.quad	__text_end - tee_image_header
	.quad	__rodata_end - tee_image_header
SYM_DATA_END(tee_image_header)

/*
 * First steps of vCPU 0: rdi = control window, rsi = its size, rdx = thread.
 * The image is position independent with R_X86_64_RELATIVE relocations alone.
 */
SYM_CODE_START(rkt_boot_entry)
	leaq	tee_image_header(%rip), %rbx
	leaq	__rela_start(%rip), %r8
	leaq	__rela_end(%rip), %r9
1:	cmpq	%r9, %r8
	jae	3f
	cmpl	$8, 8(%r8)
	jne	2f
	movq	(%r8), %rax
	movq	16(%r8), %rcx
	addq	%rbx, %rcx
	movq	%rcx, (%rbx, %rax)
2:	addq	$24, %r8
	jmp	1b
3:	leaq	init_thread_union + THREAD_SIZE - 256(%rip), %rsp
	xorl	%ebp, %ebp
	call	rkt_boot
	ud2
SYM_CODE_END(rkt_boot_entry)

	.section .note.GNU-stack, "", @progbits
