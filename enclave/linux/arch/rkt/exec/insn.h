/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lengths and kinds of x86-64 instructions: just enough to walk over a
 * function, and to move single instructions elsewhere.
 *
 * Why not Zydis: what the rewriter needs is the length, the class of control
 * transfer and the place of a RIP-relative displacement. That is two hundred
 * lines; Zydis is a megabyte of tables in the measured image. The unit test
 * compares this decoder with Zydis over every instruction of real libraries
 * and over random bytes.
 *
 * Intel SDM vol. 2, chapter 2 and appendix A (opcode maps).
 */
#ifndef RKT_EXEC_INSN_H
#define RKT_EXEC_INSN_H

#include "abi/types.h"

#define INSN_LEN_MAX 15

enum insn_class {
	INSN_PLAIN, /* runs on to the next instruction; may be RIP-relative */
	INSN_NOP, /* the same, and has no effect */
	INSN_JCC, /* conditional branch, rel8 or rel32 */
	INSN_JMP, /* direct branch, rel8 or rel32 */
	INSN_CALL, /* direct call */
	INSN_JMP_IND,
	INSN_CALL_IND,
	INSN_RET,
	INSN_LOOP, /* loop, jrcxz: rel8 only */
	INSN_SYSCALL,
	INSN_STOP, /* ud2, hlt, int3: nothing runs on from here */
	INSN_OTHER, /* int n, far transfers, I/O, xbegin, cpuid: never moved */
};

struct insn {
	u8 len;
	u8 class; /* enum insn_class */
	u8 map; /* 0: one byte, 1: 0f, 2: 0f 38, 3: 0f 3a, 5, 6: EVEX only */
	u8 op; /* last opcode byte */
	u8 rel_len; /* 1 or 4 when the instruction is a relative branch */
	u8 rip_off; /* offset of a RIP-relative disp32, else 0 */
	u8 modrm_off; /* offset of the ModRM of a memory operand, else 0 */
	u8 rex; /* 0: none */
	bool vex; /* VEX or EVEX encoded */
	bool adsize; /* 67: addresses of 32 bits */
	bool segment; /* relative to fs or gs */
};

/**
 * insn_decode - decode one 64-bit mode instruction
 * @insn: filled in on success, undefined otherwise
 * @p:    code, trusted only to be readable
 * @size: bytes readable at @p; nothing behind is touched
 *
 * Says nothing about whether the processor would accept every operand: some
 * invalid encodings get a length too. What it does not know it refuses.
 *
 * Context: any; pure.
 * Return: the length (1 to 15), or -EINVAL (unknown or cut off).
 */
int insn_decode(struct insn *insn, const u8 *p, size_t size);

/* May the instruction be executed elsewhere without any change of meaning? */
static inline bool insn_is_straight(const struct insn *insn)
{
	return insn->class == INSN_PLAIN || insn->class == INSN_NOP;
}

/* Does control never run on to the byte behind it? (calls that do not return excepted) */
static inline bool insn_is_end(const struct insn *insn)
{
	return insn->class == INSN_JMP || insn->class == INSN_JMP_IND || insn->class == INSN_RET ||
	       insn->class == INSN_STOP;
}

#endif
