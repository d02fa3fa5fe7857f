// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Single-step mode: an interrupt at each instruction, as a host makes with a timer (SGX-Step).
 * The trap flag stands for the timer, so the enclave must neither see nor clear it: the two
 * instructions that could, pushfq and popfq, are done here.
 */
#include <string.h>

#include "host/tee/emu/emu.h"

#define TF 0x100ull
#define POPFQ 0x9d
#define PUSHFQ 0x9c
#define FLAGS_USER 0x254cd5ull /* what popfq changes in ring 3, TF left out */

void emu_step_begin(struct emu_vcpu *v, struct emu_regs *r, u32 count)
{
	if (!v->thread || !count)
		return;
	v->steps = count;
	v->stepping = true;
	r->rflags |= TF;
}

/* Before the registers become visible to anybody. */
void emu_step_hide(struct emu_vcpu *v, struct emu_regs *r)
{
	if (!v->stepping)
		return;
	v->stepping = false;
	r->rflags &= ~TF;
}

static bool on_stack(struct emu_vcpu *v, u64 sp)
{
	return sp % 8 == 0 && emu_usable(v->enclave, sp, SECINFO_R | SECINFO_W);
}

/* The instructions that touch the trap flag. Return: true if one was done. */
static bool flag_insn(struct emu_vcpu *v, struct emu_regs *r)
{
	u64 value;
	u8 insn;

	if (!emu_fetch(v->enclave, &insn, r->rip, 1))
		return false;
	if (insn == POPFQ && on_stack(v, r->rsp)) {
		memcpy(&value, (void *)r->rsp, 8);
		r->rsp += 8;
		r->rflags = (r->rflags & ~FLAGS_USER) | (value & FLAGS_USER);
	} else if (insn == PUSHFQ && on_stack(v, r->rsp - 8)) {
		value = r->rflags & ~TF;
		r->rsp -= 8;
		memcpy((void *)r->rsp, &value, 8);
	} else {
		return false;
	}
	r->rip++;
	return true;
}

/* An instruction has been executed. Return: true if the enclave is to be interrupted here. */
bool emu_step_done(struct emu_vcpu *v, struct emu_regs *r)
{
	while (flag_insn(v, r))
		;
	if (v->steps && --v->steps)
		return true;
	emu_step_hide(v, r);
	return false;
}
