// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "insn_stack.h"

#ifdef __KERNEL__
#include <linux/string.h>
#else
#include <string.h>
#endif

enum { RSP = 4, RBP = 5 };

static bool canonical(u64 addr)
{
	return (s64)(addr << 16) >> 16 == (s64)addr;
}

/* Instructions with a memory operand that they don't access, or not at the address alone. */
static bool is_no_access(const struct insn *insn)
{
	if (insn->map == 0)
		return insn->op == 0x8d; /* lea */
	if (insn->map != 1)
		return false;
	switch (insn->op) {
	case 0x00:
	case 0x01: /* system */
	case 0x0d: /* prefetch */
	case 0x18 ... 0x1f: /* hints, nop */
	case 0xa3:
	case 0xab:
	case 0xb3:
	case 0xbb: /* bit tests: a register adds to the address */
		return true;
	}
	return false;
}

/* The base register of a memory operand: only rsp and rbp mean the stack's segment. */
static bool operand_fault(const struct insn *insn, const u8 *code, const u64 reg[16])
{
	const u8 *p = code + insn->modrm_off;
	u8 mod = *p >> 6, base = *p & 7, index = RSP;
	u64 addr = 0;
	s32 disp = 0;

	p++;
	if (base == RSP) {
		index = (*p >> 3 & 7) | (insn->rex & 2) << 2;
		base = *p & 7;
		if (index != RSP)
			addr = reg[index] << (*p >> 6);
		p++;
	}
	base |= (insn->rex & 1) << 3;
	if ((base != RSP && base != RBP) || (base == RBP && mod == 0))
		return false;
	if (mod == 1)
		disp = (s8)*p;
	else if (mod == 2)
		memcpy(&disp, p, sizeof(disp));
	return !canonical(addr + reg[base] + disp);
}

/* push, pop, call, ret and their like: how many bytes below rsp they access; -1: none of them. */
static int stack_bytes(const struct insn *insn, const u8 *code)
{
	u8 op = insn->op, extension;

	if (insn->map == 1)
		return op == 0xa0 || op == 0xa8 ? 8 : op == 0xa1 || op == 0xa9 ? 0 : -1;
	if (insn->map)
		return -1;
	if ((op >= 0x50 && op <= 0x57) || op == 0x68 || op == 0x6a || op == 0x9c || op == 0xe8)
		return 8;
	if ((op >= 0x58 && op <= 0x5f) || op == 0x9d || op == 0xc2 || op == 0xc3)
		return 0;
	if (op != 0xff || insn->modrm_off)
		return -1; /* with an operand in memory that one is looked at */
	extension = code[insn->len - 1] >> 3 & 7; /* of a register form: ModRM is the last byte */
	return extension == 2 || extension == 6 ? 8 : -1;
}

bool insn_stack_fault(const struct insn *insn, const u8 *code, const u64 reg[16])
{
	int below;

	if (insn->vex || insn->adsize)
		return false;
	if (insn->map == 0 && insn->op == 0xc9) /* leave: its stack is where rbp points */
		return !canonical(reg[RBP]);
	below = stack_bytes(insn, code);
	if (below >= 0)
		return !canonical(reg[RSP] - below);
	return insn->modrm_off && !insn->segment && !is_no_access(insn) &&
	       operand_fault(insn, code, reg);
}
