// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The ways in and out of an enclave: EENTER, ERESUME, EEXIT (SDM vol. 3D, 41.4) and the
 * asynchronous exit (39.2 to 39.4, AEX operational detail).
 */
#include <string.h>

#include "host/tee/emu/enclave.h"

/* XSAVE area, standard format (SDM vol. 1, 13.4) */
#define XSAVE_SW_RESERVED 464 /* the processor neither reads nor writes these 48 bytes */
#define XSAVE_HEADER 512
#define XSAVE_HEADER_SIZE 64
#define MXCSR_OFFSET 24
#define MXCSR_KNOWN 0x2ffff /* bit 17: AMD's misaligned mode */

#define RFLAGS_CLEARED_BY_AEX 0x10cd5ull /* CF, PF, AF, ZF, SF, DF, OF, RF (table 40-1) */
#define RFLAGS_TF 0x100ull
#define RFLAGS_USER 0x254dd5ull /* what code of ring 3 may have set */

static struct emu_thread *find_thread(struct emu_enclave *e, u64 page)
{
	u32 i;

	for (i = 0; i < e->thread_count; i++)
		if (e->threads[i].page == page)
			return &e->threads[i];
	return NULL;
}

static u64 frame_at(const struct emu_enclave *e, const struct emu_thread *t, u32 cssa)
{
	return e->secs.base + t->tcs.ossa + (u64)cssa * e->secs.ssa_frame_size * TEE_PAGE_SIZE;
}

static struct tee_ssa_gpr *gpr_of(u64 frame)
{
	return (void *)(frame + TEE_SSA_GPR); /* one page: TEE_SSA_FRAME_PAGES */
}

/* What EENTER and ERESUME check of RBX and RCX, in their order. */
static struct emu_fault check_tcs(struct emu_enclave *e, const struct emu_regs *r,
				  struct emu_thread **thread)
{
	struct emu_thread *t;
	u32 entry;

	if (r->rbx % TEE_PAGE_SIZE || !emu_canonical(r->rcx))
		return emu_gp();
	if (!emu_in_range(e, r->rbx))
		return emu_pf(r->rbx, 0);
	entry = atomic_load(emu_entry(e, r->rbx));
	if ((entry & (EPCM_VALID | EPCM_PENDING | EPCM_MODIFIED | EPCM_TYPE_MASK)) !=
	    (EPCM_VALID | EPCM_TYPE(PT_TCS)))
		return emu_pf(r->rbx, 0);
	t = find_thread(e, r->rbx);
	if (!t || !e->initialised)
		return emu_gp();
	*thread = t;
	return t->active ? emu_gp() : emu_done();
}

static struct emu_fault check_frame(const struct emu_enclave *e, u64 frame)
{
	u32 i;

	for (i = 0; i < e->secs.ssa_frame_size; i++, frame += TEE_PAGE_SIZE)
		if (!emu_usable(e, frame, SECINFO_R | SECINFO_W))
			return emu_pf(frame, 2);
	return emu_done();
}

static void inside(struct emu_enclave *e, struct emu_thread *t, struct emu_regs *r, u64 frame)
{
	t->tcs.aep = r->rcx;
	t->host_tf = r->rflags & RFLAGS_TF;
	t->host_fs = r->fsbase;
	t->host_gs = r->gsbase;
	gpr_of(frame)->ursp = r->rsp;
	gpr_of(frame)->urbp = r->rbp;
	t->active = true;
}

/*
 * 41.4, EENTER. Registers and flags but those below are the host's as they are; so is the vector
 * state. RCX says where an exit goes: behind the instruction, 3 bytes.
 */
struct emu_fault emu_eenter(struct emu_enclave *e, struct emu_regs *r, struct emu_thread **thread)
{
	struct emu_thread *t = NULL;
	struct emu_fault f;
	u64 frame;

	emu_tally(e, EMU_COUNT_EENTER);
	emu_lock(e);
	f = check_tcs(e, r, &t);
	if (f.vector == EMU_NO_FAULT && t->tcs.cssa >= t->tcs.nssa)
		f = emu_gp();
	if (f.vector == EMU_NO_FAULT)
		f = check_frame(e, frame_at(e, t, t->tcs.cssa));
	if (f.vector != EMU_NO_FAULT)
		goto out;
	frame = frame_at(e, t, t->tcs.cssa);
	inside(e, t, r, frame);
	r->fsbase = e->secs.base + t->tcs.ofsbase;
	r->gsbase = e->secs.base + t->tcs.ogsbase;
	r->rax = t->tcs.cssa;
	r->rcx = r->rip + 3;
	r->rip = e->secs.base + t->tcs.oentry;
	*thread = t;
out:
	emu_unlock(e);
	return f;
}

/* Vector state of XFRM; the header is the caller's. */
static void copy_state(const struct emu_enclave *e, u8 *to, const u8 *from)
{
	const struct emu_component *c;

	memcpy(to, from, XSAVE_SW_RESERVED);
	for (c = e->component; c < e->component + EMU_COMPONENT_MAX; c++)
		memcpy(to + c->offset, from + c->offset, c->size);
}

static u64 *state_bv(u8 *area)
{
	return (u64 *)(area + XSAVE_HEADER);
}

/* XRSTOR's checks (SDM vol. 1, 13.8) for an area in the SSA; the enclave may have written it. */
static bool xsave_ok(const struct emu_enclave *e, const u8 *x)
{
	u64 header[8];
	u32 mxcsr;
	int i;

	memcpy(header, x + XSAVE_HEADER, sizeof(header));
	memcpy(&mxcsr, x + MXCSR_OFFSET, sizeof(mxcsr));
	for (i = 1; i < 8; i++)
		if (header[i])
			return false;
	return !(header[0] & ~e->secs.attributes.xfrm) && !(mxcsr & ~MXCSR_KNOWN);
}

static void load_regs(struct emu_regs *r, const struct tee_ssa_gpr *g)
{
	u64 kept = r->rflags & ~RFLAGS_USER;

	*r = *g;
	r->rflags = (g->rflags & RFLAGS_USER) | kept | 2;
}

/* 41.4, ERESUME. */
struct emu_fault emu_eresume(struct emu_enclave *e, struct emu_regs *r, const struct emu_xsave *x,
			     struct emu_thread **thread)
{
	struct emu_thread *t = NULL;
	struct emu_fault f;
	u64 frame = 0;

	emu_tally(e, EMU_COUNT_ERESUME);
	emu_lock(e);
	f = check_tcs(e, r, &t);
	if (f.vector == EMU_NO_FAULT && !t->tcs.cssa)
		f = emu_gp();
	if (f.vector == EMU_NO_FAULT) {
		frame = frame_at(e, t, t->tcs.cssa - 1);
		f = check_frame(e, frame);
	}
	if (f.vector == EMU_NO_FAULT &&
	    (!xsave_ok(e, (u8 *)frame) || !emu_canonical(gpr_of(frame)->rip) ||
	     !emu_canonical(gpr_of(frame)->fsbase) || !emu_canonical(gpr_of(frame)->gsbase)))
		f = emu_gp();
	if (f.vector != EMU_NO_FAULT)
		goto out;
	inside(e, t, r, frame);
	copy_state(e, x->area, (u8 *)frame);
	*state_bv(x->area) = (*state_bv(x->area) & ~e->secs.attributes.xfrm) |
			     *state_bv((u8 *)frame);
	load_regs(r, gpr_of(frame));
	t->tcs.cssa--;
	*thread = t;
out:
	emu_unlock(e);
	return f;
}

/* 41.4, EEXIT: RBX is the target; RCX gets the AEP; nothing is cleared. */
struct emu_fault emu_eexit(struct emu_enclave *e, struct emu_regs *r, struct emu_thread *t)
{
	emu_tally(e, EMU_COUNT_EEXIT);
	if (!emu_canonical(r->rbx))
		return emu_gp();
	r->rip = r->rbx;
	r->rcx = t->tcs.aep;
	r->rflags = (r->rflags & ~RFLAGS_TF) | t->host_tf;
	r->fsbase = t->host_fs;
	r->gsbase = t->host_gs;
	t->active = false;
	return emu_done();
}

/* Table 38-10: the vectors that EXITINFO reports; #GP and #PF if MISCSELECT.EXINFO is set. */
static u32 exit_info(const struct emu_enclave *e, u32 vector)
{
	const u32 always = 1u << 0 | 1u << 1 | 1u << 3 | 1u << 5 | 1u << 6 | 1u << 16 | 1u << 17 |
			   1u << 19 | 1u << 21;
	u32 known = always;

	if (e->secs.misc_select & SGX_MISC_EXINFO)
		known |= 1u << EMU_GP | 1u << EMU_PF;
	if (vector > 31 || !(known & 1u << vector))
		return 0;
	return TEE_EXIT_INFO_VALID | vector |
	       (vector == 3 ? TEE_EXIT_INFO_SOFTWARE : TEE_EXIT_INFO_HARDWARE);
}

static void save_exinfo(const struct emu_enclave *e, u64 frame, const struct emu_fault *f)
{
	struct tee_ssa_exinfo *x = (void *)(frame + TEE_SSA_EXINFO);

	if (!(e->secs.misc_select & SGX_MISC_EXINFO) ||
	    (f->vector != EMU_PF && f->vector != EMU_GP))
		return;
	x->maddr = f->vector == EMU_PF ? f->addr : 0;
	x->errcd = f->error;
	x->reserved = 0;
}

/* Vector state to the frame, the initial one (XFRM's part) to the machine. */
static void save_xstate(const struct emu_enclave *e, u64 frame, const struct emu_xsave *x)
{
	u8 *to = (u8 *)frame;

	copy_state(e, to, x->area);
	memset(to + XSAVE_SW_RESERVED, 0, XSAVE_HEADER + XSAVE_HEADER_SIZE - XSAVE_SW_RESERVED);
	*state_bv(to) = *state_bv(x->area) & e->secs.attributes.xfrm;
	*state_bv(x->area) &= ~e->secs.attributes.xfrm;
	*(u16 *)x->area = 0x37f;
	*(u32 *)(x->area + MXCSR_OFFSET) = 0x1f80; /* loaded whatever the header says */
}

/*
 * The synthetic state of table 40-1. Return: 0, or -1 if the frame's pages are gone: then
 * nothing has changed, and there is no way on for this thread.
 */
int emu_aex(struct emu_enclave *e, struct emu_regs *r, const struct emu_xsave *x,
	    struct emu_thread *t, const struct emu_fault *f)
{
	u64 frame = frame_at(e, t, t->tcs.cssa), ursp, urbp;
	struct tee_ssa_gpr *g = gpr_of(frame);

	emu_lock(e);
	if (check_frame(e, frame).vector != EMU_NO_FAULT) {
		emu_unlock(e);
		return -1;
	}
	ursp = g->ursp;
	urbp = g->urbp;
	save_xstate(e, frame, x);
	save_exinfo(e, frame, f);
	*g = *r;
	g->ursp = ursp;
	g->urbp = urbp;
	g->exit_info = exit_info(e, f->vector);
	g->reserved = 0;
	t->tcs.cssa++;
	t->active = false;
	*r = (struct emu_regs){
		.rax = ENCLU_ERESUME,
		.rbx = t->page,
		.rcx = t->tcs.aep,
		.rsp = ursp,
		.rbp = urbp,
		.rip = t->tcs.aep,
		.rflags = (r->rflags & ~(RFLAGS_CLEARED_BY_AEX | RFLAGS_TF)) | t->host_tf,
		.fsbase = t->host_fs,
		.gsbase = t->host_gs,
	};
	emu_unlock(e);
	return 0;
}
