/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * void vector_hold(const struct vector_state *in, struct vector_state *out,
 *                  const struct vector_op *op)
 *
 * Loads every vector, mask and x87 register and MXCSR from `in`, does what `op`
 * says (syscalls until a word changes, or a loop without syscalls), and stores
 * all of them to `out`. Offsets are asserted in vector.c.
 */
#define ZMM 0
#define KREG 2048
#define X87 2112
#define MXCSR 2240
#define FCW 2244

#define OP_LEVEL 0
#define OP_NR 8
#define OP_ARGS 16
#define OP_COUNT 40
#define OP_STOP 48
#define OP_GPR 56

	.text
	.altmacro
	.macro load512 n
	vmovdqu64 ZMM+64*\n(%rdi), %zmm\n
	.endm
	.macro store512 n
	vmovdqu64 %zmm\n, ZMM+64*\n(%rsi)
	.endm
	.macro load256 n
	vmovdqu ZMM+64*\n(%rdi), %ymm\n
	.endm
	.macro store256 n
	vmovdqu %ymm\n, ZMM+64*\n(%rsi)
	.endm
	.macro load128 n
	movdqu ZMM+64*\n(%rdi), %xmm\n
	.endm
	.macro store128 n
	movdqu %xmm\n, ZMM+64*\n(%rsi)
	.endm
	.macro loadk n
	kmovq KREG+8*\n(%rdi), %k\n
	.endm
	.macro storek n
	kmovq %k\n, KREG+8*\n(%rsi)
	.endm
	.macro loadst n
	fldt X87+16*(7-\n)(%rdi)
	.endm
	.macro storest n
	fstpt X87+16*\n(%rsi)
	.endm
	.macro forall mac, n
	.set i, 0
	.rept \n
	\mac %i
	.set i, i+1
	.endr
	.endm

	.globl vector_hold
	.type vector_hold, @function
vector_hold:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	push %rsi
	push %rdi
	push %rdx
	mov %rdx, %rbx
	fninit
	forall loadst, 8
	fldcw FCW(%rdi)
	ldmxcsr MXCSR(%rdi)
	cmpq $1, OP_LEVEL(%rbx)
	je 1f
	ja 2f
	forall load128, 16
	jmp 3f
1:	forall load256, 16
	jmp 3f
2:	forall load512, 32
	forall loadk, 8
3:
	/* Callee-saved and argument registers that a syscall must keep. */
	mov OP_COUNT(%rbx), %rbp
	mov $0x1212121212121212, %r12
	mov $0x1313131313131313, %r13
	mov $0x1414141414141414, %r14
	mov $0x1515151515151515, %r15
	mov $0x0808080808080808, %r8
	mov $0x0909090909090909, %r9
4:	cmpq $-1, OP_NR(%rbx)
	je 5f
	mov OP_ARGS(%rbx), %rdi
	mov OP_ARGS+8(%rbx), %rsi
	mov OP_ARGS+16(%rbx), %rdx
	mov $0x1010101010101010, %r10
	mov OP_NR(%rbx), %rax
	syscall
	cmp %rdi, OP_ARGS(%rbx)
	jne 9f
	cmp %rsi, OP_ARGS+8(%rbx)
	jne 9f
	cmp %rdx, OP_ARGS+16(%rbx)
	jne 9f
	mov $0x1010101010101010, %rax
	cmp %rax, %r10
	jne 9f
5:	mov OP_STOP(%rbx), %rax
	cmpl $0, (%rax)
	jne 6f
	pause
	dec %rbp
	jnz 4b
6:	/* rbp tells how far it came; check the others. */
	mov $0x1212121212121212, %rax
	cmp %rax, %r12
	jne 9f
	mov $0x1313131313131313, %rax
	cmp %rax, %r13
	jne 9f
	mov $0x1414141414141414, %rax
	cmp %rax, %r14
	jne 9f
	mov $0x1515151515151515, %rax
	cmp %rax, %r15
	jne 9f
	mov $0x0808080808080808, %rax
	cmp %rax, %r8
	jne 9f
	mov $0x0909090909090909, %rax
	cmp %rax, %r9
	jne 9f
	movq $0, OP_GPR(%rbx)
	jmp 10f
9:	movq $1, OP_GPR(%rbx)
10:	pop %rdx
	pop %rdi
	pop %rsi
	cmpq $1, OP_LEVEL(%rdx)
	je 1f
	ja 2f
	forall store128, 16
	jmp 3f
1:	forall store256, 16
	vzeroupper
	jmp 3f
2:	forall store512, 32
	forall storek, 8
	vzeroupper
3:	stmxcsr MXCSR(%rsi)
	fnstcw FCW(%rsi)
	forall storest, 8
	fninit
	ldmxcsr vector_default_mxcsr(%rip)
	cld
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret
	.size vector_hold, . - vector_hold

	.section .rodata
vector_default_mxcsr:
	.long 0x1f80
	.section .note.GNU-stack, "", @progbits
