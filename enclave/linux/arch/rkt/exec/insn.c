// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "insn.h"

#ifdef __KERNEL__
#include <linux/errno.h>
#else
#include <errno.h>
#endif

/*
 * What follows an opcode byte, sixteen to a line (SDM tables ):
 *   .  nothing        M  ModRM             m  ModRM, imm8      Z  ModRM, imm16/32
 *   b  imm8           w  imm16             z  imm16/32         v  imm16/32/64
 *   e  imm16, imm8    o  address           j  rel8             J  rel32
 *   g  ModRM, imm8 if /0 or /1             G  ModRM, imm16/32 if /0 or /1
 *   r  register ModRM whatever its mod     X  ModRM, two imm8 with 66 or f2 (SSE4a)
 *   p  prefix         E  escape to another map                V  VEX or EVEX
 *   x  not valid in 64-bit mode, or unknown
 */
static const char map_one[] = "MMMMbzxxMMMMbzxE"
			      "MMMMbzxxMMMMbzxx"
			      "MMMMbzpxMMMMbzpx"
			      "MMMMbzpxMMMMbzpx"
			      "pppppppppppppppp"
			      "................"
			      "xxVMppppzZbm...."
			      "jjjjjjjjjjjjjjjj"
			      "mZxmMMMMMMMMMMMM"
			      "..........x....."
			      "oooo....bz......"
			      "bbbbbbbbvvvvvvvv"
			      "mmw.VVmZe.w..bx."
			      "MMMMxxx.MMMMMMMM"
			      "jjjjbbbbJJxj...."
			      "p.pp..gG......MM";

static const char map_0f[] = "MMMMx.....x.xM.m"
			     "MMMMMMMMMMMMMMMM"
			     "rrrrxxxxMMMMMMMM"
			     "......x.ExExxxxx"
			     "MMMMMMMMMMMMMMMM"
			     "MMMMMMMMMMMMMMMM"
			     "MMMMMMMMMMMMMMMM"
			     "mmmmMMM.XMxxMMMM"
			     "JJJJJJJJJJJJJJJJ"
			     "MMMMMMMMMMMMMMMM"
			     "...MmMxx...MmMMM"
			     "MMMMMMMMMMmMMMMM"
			     "MMmMmmmM........"
			     "MMMMMMMMMMMMMMMM"
			     "MMMMMMMMMMMMMMMM"
			     "MMMMMMMMMMMMMMMM";

struct cursor {
	const u8 *p;
	size_t size;
	size_t at;
	u8 rex;
	u8 modrm;
	bool opsize; /* 66 */
	bool adsize; /* 67 */
	bool rep; /* f3 */
	bool repne; /* f2 */
	bool vex; /* VEX or EVEX encoded */
	bool segment; /* 64, 65 */
};

static int fetch(struct cursor *c)
{
	if (c->at >= c->size || c->at >= INSN_LEN_MAX)
		return -EINVAL;
	return c->p[c->at++];
}

static int skip(struct cursor *c, size_t count)
{
	if (c->at + count > c->size || c->at + count > INSN_LEN_MAX)
		return -EINVAL;
	c->at += count;
	return 0;
}

static bool legacy_prefix(struct cursor *c, u8 byte)
{
	switch (byte) {
	case 0x66:
		c->opsize = true;
		return true;
	case 0x67:
		c->adsize = true;
		return true;
	case 0xf2:
		c->repne = true;
		return true;
	case 0xf3:
		c->rep = true;
		return true;
	case 0x64:
	case 0x65:
		c->segment = true;
		return true;
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0xf0:
		return true;
	}
	return false;
}

/* Returns the first byte behind the prefixes; a REX counts only as the last of them. */
static int prefixes(struct cursor *c)
{
	int byte = fetch(c);

	while (byte >= 0 && legacy_prefix(c, byte))
		byte = fetch(c);
	if (byte >= 0x40 && byte <= 0x4f) {
		c->rex = byte;
		byte = fetch(c);
		/* a REX in front of further prefixes is legal, ignored, and emitted by nobody */
		if (byte >= 0 && map_one[byte] == 'p')
			return -EINVAL;
	}
	return byte;
}

/* SDM vol. 2, 2.3.5 and 2.7.1. Returns the opcode byte. */
static int vex_prefix(struct cursor *c, struct insn *insn, u8 first)
{
	int byte = fetch(c);

	if (byte < 0 || c->rex || c->opsize || c->rep || c->repne)
		return -EINVAL;
	c->vex = true;
	insn->map = 1;
	if (first == 0xc4) {
		insn->map = byte & 0x1f;
		if (insn->map < 1 || insn->map > 3)
			return -EINVAL;
		byte = fetch(c);
	} else if (first == 0x62) {
		insn->map = byte & 0x07;
		if ((byte & 0x08) || insn->map < 1 || insn->map == 4 || insn->map > 6)
			return -EINVAL;
		if (skip(c, 1) || !(c->p[c->at - 1] & 0x04))
			return -EINVAL;
		byte = fetch(c);
	}
	return byte < 0 ? byte : fetch(c);
}

/* SDM vol. 2, 2.1.5: ModRM, SIB and displacement. */
static int modrm(struct cursor *c, struct insn *insn)
{
	int byte = fetch(c), mod, rm;

	if (byte < 0)
		return byte;
	c->modrm = byte;
	mod = byte >> 6;
	rm = byte & 7;
	if (mod == 3)
		return 0;
	insn->modrm_off = c->at - 1;
	if (rm == 4) {
		int sib = fetch(c);

		if (sib < 0)
			return sib;
		if (mod == 0 && (sib & 7) == 5)
			return skip(c, 4);
	} else if (mod == 0 && rm == 5) {
		insn->rip_off = c->at;
		return skip(c, 4);
	}
	return mod == 1 ? skip(c, 1) : mod == 2 ? skip(c, 4) : 0;
}

static size_t imm_size(const struct cursor *c)
{
	return c->opsize && !(c->rex & 8) ? 2 : 4;
}

static int relative(struct cursor *c, struct insn *insn, int size)
{
	/* 66 in front of a near branch: Intel and AMD disagree about the length */
	if (size == 4 && c->opsize && !(c->rex & 8))
		return -EINVAL;
	insn->rel_len = size;
	return skip(c, size);
}

static int operands(struct cursor *c, struct insn *insn, char kind)
{
	int err;

	switch (kind) {
	case '.':
		return 0;
	case 'b':
		return skip(c, 1);
	case 'w':
		return skip(c, 2);
	case 'e':
		return skip(c, 3);
	case 'z':
		return skip(c, imm_size(c));
	case 'v':
		return skip(c, c->rex & 8 ? 8 : imm_size(c));
	case 'o':
		return skip(c, c->adsize ? 4 : 8);
	case 'j':
		return relative(c, insn, 1);
	case 'J':
		return relative(c, insn, 4);
	case 'r':
		return skip(c, 1);
	case 'x':
	case 'p':
	case 'E':
	case 'V':
		return -EINVAL;
	}
	err = modrm(c, insn);
	if (err)
		return err;
	switch (kind) {
	case 'm':
		return skip(c, 1);
	case 'Z':
		return skip(c, imm_size(c));
	case 'g':
		return c->modrm & 0x30 ? 0 : skip(c, 1);
	case 'G':
		return c->modrm & 0x30 ? 0 : skip(c, imm_size(c));
	case 'X':
		return c->opsize || c->repne ? skip(c, 2) : 0;
	}
	return 0;
}

static u8 class_ff(u8 reg)
{
	switch (reg) {
	case 2:
		return INSN_CALL_IND;
	case 4:
		return INSN_JMP_IND;
	case 3:
	case 5:
	case 7:
		return INSN_OTHER;
	}
	return INSN_PLAIN;
}

static u8 class_one(const struct cursor *c, u8 op)
{
	switch (op) {
	case 0x70 ... 0x7f:
		return INSN_JCC;
	case 0xe0 ... 0xe3:
		return INSN_LOOP;
	case 0xe8:
		return INSN_CALL;
	case 0xe9:
	case 0xeb:
		return INSN_JMP;
	case 0xc2:
	case 0xc3:
		return INSN_RET;
	case 0xcc:
	case 0xf4:
		return INSN_STOP;
	case 0x6c ... 0x6f:
	case 0xe4 ... 0xe7:
	case 0xec ... 0xef: /* port I/O */
	case 0xca:
	case 0xcb:
	case 0xcf:
	case 0xcd:
	case 0xf1:
	case 0x8e:
		return INSN_OTHER;
	case 0xfa:
	case 0xfb: /* cli, sti */
		return INSN_OTHER;
	case 0xc6:
	case 0xc7: /* xabort, xbegin */
		return c->modrm & 0x38 ? INSN_OTHER : INSN_PLAIN;
	case 0x90:
		return c->rex & 1 ? INSN_PLAIN : INSN_NOP;
	case 0xff:
		return class_ff((c->modrm >> 3) & 7);
	}
	return INSN_PLAIN;
}

static u8 class_0f(u8 op)
{
	switch (op) {
	case 0x05:
		return INSN_SYSCALL;
	case 0x0b:
	case 0xb9:
	case 0xff:
		return INSN_STOP;
	case 0x06 ... 0x09:
	case 0x20 ... 0x23:
	case 0x30:
	case 0x32:
	case 0x33:
	case 0x34:
	case 0x35:
	case 0x37:
	case 0x00:
	case 0xa2:
	case 0xaa:
		return INSN_OTHER;
	case 0x1f:
		return INSN_NOP;
	case 0x80 ... 0x8f:
		return INSN_JCC;
	}
	return INSN_PLAIN;
}

static int opcode(struct cursor *c, struct insn *insn)
{
	int op = prefixes(c);

	if (op < 0)
		return op;
	if (map_one[op] == 'V')
		return vex_prefix(c, insn, op);
	if (op != 0x0f)
		return op;
	insn->map = 1;
	op = fetch(c);
	if (op == 0x38 || op == 0x3a) {
		insn->map = op == 0x38 ? 2 : 3;
		op = fetch(c);
	}
	return op;
}

static char operand_kind(const struct cursor *c, const struct insn *insn)
{
	char kind;

	if (insn->map == 0)
		return map_one[insn->op];
	if (insn->map != 1)
		return insn->map == 3 ? 'm' : 'M';
	kind = map_0f[insn->op];
	if (!c->vex || kind == 'M' || kind == 'm' || insn->op == 0x77)
		return kind;
	return insn->op == 0x78 ? 'M' : insn->op == 0x7a || insn->op == 0x7b ? 'M' : 'x';
}

int insn_decode(struct insn *insn, const u8 *p, size_t size)
{
	struct cursor c = { .p = p, .size = size };
	int op, err;

	*insn = (struct insn){ 0 };
	op = opcode(&c, insn);
	if (op < 0)
		return op;
	insn->op = op;
	err = operands(&c, insn, operand_kind(&c, insn));
	if (err)
		return err;
	if (insn->map == 0)
		insn->class = class_one(&c, op);
	else if (insn->map == 1 && !c.vex)
		insn->class = class_0f(op);
	if (insn->map == 0 && op == 0x8f && (c.modrm & 0x38))
		return -EINVAL; /* XOP */
	insn->rex = c.rex;
	insn->vex = c.vex;
	insn->adsize = c.adsize;
	insn->segment = c.segment;
	insn->len = c.at;
	return insn->len;
}
