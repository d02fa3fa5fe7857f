// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a hostile host does to registers at an entry, and what it looks for at an exit. Vector
 * state at an entry is known (initial or poison), so that anything else at the exit is the
 * enclave's.
 */
#include <string.h>

#include "host/tee/emu/emu.h"

#define XSAVE_HEADER 512
#define MXCSR_DEFAULT 0x1f80
#define FCW_DEFAULT 0x37f
#define POISON_BYTE 0xd1
#define POISON_WORD 0xd1d1d1d1d1d1d1d1ull

/* DF, AC and the arithmetic flags; and each alone. TF is the single step's. */
static const u32 flags[] = { 0x202, 0x40602, 0x40cd7, 0x602, 0x40202, 0x8d7 };
/* all exceptions unmasked, flush to zero, round up and down, denormals are zero, sticky bits */
static const u32 mxcsr[] = { 0x1f80, 0, 0x8000, 0x5f80, 0x3fc0, 0xffff };
/* unmasked, single precision, round to zero */
static const u16 fcw[] = { 0x37f, 0, 0x40, 0xc7f, 0x740 };

#define PICK(table, n) ((table)[(n) % (sizeof(table) / sizeof((table)[0]))])

/* Before an EENTER: the vector state is the initial one. */
void emu_clear_vectors(const struct emu_enclave *e, const struct emu_xsave *x)
{
	u64 *bv = (void *)(x->area + XSAVE_HEADER);

	*bv &= ~e->secs.attributes.xfrm;
	*(u16 *)x->area = FCW_DEFAULT;
	*(u32 *)(x->area + 24) = MXCSR_DEFAULT;
}

/* After an EENTER: whatever the enclave has no use for, in an order that varies with n. */
void emu_poison(const struct emu_enclave *e, struct emu_regs *r, const struct emu_xsave *x, u32 n)
{
	u64 *bv = (void *)(x->area + XSAVE_HEADER);
	u64 *regs[] = { &r->r8, &r->r9, &r->r10, &r->r11, &r->r12, &r->r13, &r->r14, &r->r15 };
	u32 i;

	for (i = 0; i < sizeof(regs) / sizeof(regs[0]); i++)
		*regs[i] = POISON_WORD;
	r->rflags = PICK(flags, n);
	memset(x->area + 32, POISON_BYTE, 464 - 32);
	for (i = EMU_COMPONENT_FIRST; i < EMU_COMPONENT_MAX; i++)
		memset(x->area + e->component[i].offset, POISON_BYTE, e->component[i].size);
	*bv |= e->secs.attributes.xfrm;
	*(u16 *)x->area = PICK(fcw, n);
	*(u16 *)(x->area + 2) = n & 1 ? 0x3800 : 0; /* top of stack */
	x->area[4] = 0xff; /* all registers of the x87 stack in use */
	*(u32 *)(x->area + 24) = PICK(mxcsr, n / 2);
}

static bool clean(const u8 *p, u32 size)
{
	while (size--) {
		if (*p && *p != POISON_BYTE)
			return false;
		p++;
	}
	return true;
}

/* Bytes of an XSAVE area that the header declares to be in their initial state are not looked at. */
static const char *check_vectors(const struct emu_enclave *e, const struct emu_xsave *x)
{
	u64 bv = *(u64 *)(x->area + XSAVE_HEADER);
	const struct emu_component *c;
	u32 i;

	if ((bv & 1) && !clean(x->area + 32, 128))
		return "x87 registers at EEXIT";
	if ((bv & 2) && !clean(x->area + 160, 256))
		return "xmm registers at EEXIT";
	for (i = EMU_COMPONENT_FIRST; i < EMU_COMPONENT_MAX; i++) {
		c = &e->component[i];
		if ((bv & 1u << i) && !clean(x->area + c->offset, c->size))
			return "wide vector registers at EEXIT";
	}
	return NULL;
}

/**
 * emu_check_exit - look for leftovers at an EEXIT
 * @e: the enclave: vector state outside of its XFRM is the host's
 * @r: registers at the instruction
 * @rsp, @rbp: the host's at the EENTER
 *
 * rdi, rsi, rdx, r8 and r9 carry the exit's code and arguments. Return: NULL, or what is wrong.
 */
const char *emu_check_exit(const struct emu_enclave *e, const struct emu_regs *r,
			   const struct emu_xsave *x, u64 rsp, u64 rbp)
{
	if (r->rcx || r->r10 || r->r11)
		return "rcx, r10 or r11 at EEXIT";
	if (r->r12 || r->r13 || r->r14 || r->r15)
		return "r12 to r15 at EEXIT";
	if (r->rsp != rsp || r->rbp != rbp)
		return "rsp or rbp at EEXIT is not the host's";
	if (r->rax != ENCLU_EEXIT)
		return "rax at EEXIT";
	if (r->rbx < TEE_RANGE_END)
		return "target of EEXIT lies inside";
	return check_vectors(e, x);
}
