/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Syscall sites of every shape that a rewriter meets; see sites.c. */
	.text
	.macro fn name
	.globl \name
	.type \name, @function
\name:
	.endm
	.macro end name
	.size \name, . - \name
	.endm

fn site_mov32		/* the common shape */
	mov $110, %eax
	syscall
	ret
end site_mov32

fn site_mov_rax		/* the number comes from a register */
	mov %rdi, %rax
	syscall
	ret
end site_mov_rax

fn site_bare		/* nothing before it: rax is set by the caller's jump */
	mov %rdi, %rax
	jmp 1f
	nop
1:	syscall
	ret
end site_bare

/* Two ways reach the same syscall bytes: through the mov, or past it. */
fn site_two_ways
	mov %rdi, %rax
	test %rsi, %rsi
	jnz 1f
	mov $110, %eax
1:	syscall
	ret
end site_two_ways

fn site_next_is_target	/* the instruction after the syscall is a loop's target */
	mov $3, %ecx
	mov %rcx, %r8
2:	mov $110, %eax
	syscall
1:	dec %r8
	jz 3f
	test $1, %r8b
	jnz 1b
	jmp 2b
3:	ret
end site_next_is_target

fn site_red_zone	/* 128 bytes below the stack pointer belong to the program */
	lea -128(%rsp), %rdx
	mov $0x5a5a5a5a5a5a5a5a, %rax
	mov $16, %ecx
	mov %rdx, %rdi
	rep stosq
	mov $110, %eax
	syscall
	mov $0x5a5a5a5a5a5a5a5a, %rsi
	mov $16, %ecx
	mov %rdx, %rdi
1:	cmp %rsi, (%rdi)
	jne 2f
	add $8, %rdi
	dec %ecx
	jnz 1b
	xor %eax, %eax
	ret
2:	mov $1, %eax
	ret
end site_red_zone

fn site_no_stack	/* musl and Go make syscalls without a usable stack */
	mov %rsp, %rdx
	mov %rdi, %rsp
	mov $110, %eax
	syscall
	mov %rdx, %rsp
	ret
end site_no_stack

fn site_flags		/* flags and direction survive; rcx and r11 are as the CPU leaves them */
	std
	stc
	mov $110, %eax
	syscall
	setc %al
	movzbl %al, %eax
	pushfq
	pop %rdx
	cld
	and $0x400, %edx
	or %edx, %eax
	ret
end site_flags

fn site_all_flags	/* rdi = flags to set; returns those that come back */
	pushq %rdi
	popfq
	mov $110, %eax
	syscall
	pushfq
	pop %rax
	pushq $0x202
	popfq
	ret
end site_all_flags

fn site_rcx		/* rcx is the address after the instruction */
	mov $110, %eax
	syscall
1:	lea 1b(%rip), %rdx
	xor %eax, %eax
	cmp %rdx, %rcx
	sete %al
	ret
end site_rcx

fn site_big_numbers	/* the kernel looks at the lower 32 bits' sign only as x86 does */
	mov %rdi, %rax
	syscall
	ret
end site_big_numbers

/* The bytes of syscall as data in .text, and as an immediate: not to be touched. */
	.globl site_constants
site_constants:
	.byte 0x0f, 0x05, 0xb8, 0x6e, 0, 0, 0, 0x0f, 0x05, 0xc3, 0x0f, 0x05

fn site_immediate
	mov $0x050f050f, %eax
	ret
end site_immediate

	/* The two bytes lie on two pages. */
	.balign 4096
	.skip 4096 - 6
fn site_page_border
	mov $110, %eax
	syscall
	ret
end site_page_border

	/* The mov lies on the page before. */
	.balign 4096
	.skip 4096 - 5
fn site_page_border2
	mov $110, %eax
	syscall
	ret
end site_page_border2

	.section .note.GNU-stack, "", @progbits
