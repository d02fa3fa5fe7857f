/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* CPUID in places where a rewriter may or may not find it; see cpuid.c. */
	.text
	.macro fn name
	.globl \name
	.type \name, @function
\name:
	.cfi_startproc
	.endm
	.macro end name
	.cfi_endproc
	.size \name, . - \name
	.endm
	/* rdi, rsi = leaf, subleaf; rdx = struct regs */
	.macro body
	mov %rbx, %r8
	mov %rdx, %r9
	mov %edi, %eax
	mov %esi, %ecx
	.endm
	.macro done
	mov %eax, (%r9)
	mov %ebx, 4(%r9)
	mov %ecx, 8(%r9)
	mov %edx, 12(%r9)
	mov %r8, %rbx
	ret
	.endm

	.globl cpuid_site
fn cpuid_plain
	body
cpuid_site:
	cpuid
	done
end cpuid_plain

fn cpuid_branch		/* behind a return that a branch goes over */
	body
	test %rsp, %rsp
	jnz 1f
	ret
1:	cpuid
	done
end cpuid_branch

fn cpuid_switch		/* only an indirect jump leads there */
	body
	lea 1f(%rip), %r10
	jmp *%r10
1:	cpuid
	done
end cpuid_switch

/* The bytes as data between two functions, and as an immediate: not to be touched. */
	.globl cpuid_constants
cpuid_constants:
	.byte 0x0f, 0xa2, 0xb8, 0x0f, 0xa2

fn cpuid_immediate
	mov $0xa20fa20f, %eax
	ret
end cpuid_immediate

fn cpuid_registers	/* returns flags and a sum of the registers that it leaves alone */
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	mov $1, %ebp
	mov $2, %esi
	mov $4, %edi
	mov $8, %r8d
	mov $16, %r9d
	mov $32, %r10d
	mov $64, %r11d
	mov $128, %r12d
	mov $256, %r13d
	mov $512, %r14d
	mov $1024, %r15d
	mov $-1, %rax
	xor %eax, %eax
	mov $-1, %rcx
	std
	stc
	cpuid
	pushfq
	cld
	lea (%rbp, %rsi), %rdx
	add %rdi, %rdx
	add %r8, %rdx
	add %r9, %rdx
	add %r10, %rdx
	add %r11, %rdx
	add %r12, %rdx
	add %r13, %rdx
	add %r14, %rdx
	add %r15, %rdx
	pop %rax
	and $0x401, %eax
	shl $16, %rax
	add %rdx, %rax
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret
end cpuid_registers

fn cpuid_upper_halves	/* of the four registers, or-ed: the instruction clears them */
	push %rbx
	mov $-1, %rax
	mov %rax, %rbx
	mov %rax, %rcx
	mov %rax, %rdx
	cpuid
	or %rbx, %rax
	or %rcx, %rax
	or %rdx, %rax
	shr $32, %rax
	pop %rbx
	ret
end cpuid_upper_halves

	/* The two bytes lie on two pages. */
	.balign 4096
	.skip 4096 - 11
fn cpuid_page_border
	body
	cpuid
	done
end cpuid_page_border

	.section .note.GNU-stack, "", @progbits
