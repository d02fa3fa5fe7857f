// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The enclave's half of dynamic memory: EACCEPT, EACCEPTCOPY, EMODPE. The order of checks is
 * that of the operation sections in SDM vol. 3D, 41.4.
 */
#include <string.h>

#include "host/tee/emu/enclave.h"

#define RFLAGS_ZF 0x40ull
#define RFLAGS_STATUS 0x8d5ull /* CF, PF, AF, ZF, SF, OF */

/*
 * What all three check of RBX; copies it, so that it can't change between check and use. Without
 * SGX2 none of them exists: ENCLU itself refuses (41.4, "invalid leaf number").
 */
static struct emu_fault get_secinfo(struct emu_enclave *e, u64 rbx, struct sgx_secinfo *out)
{
	u32 i;

	if (e->sgx1 || rbx % sizeof(*out) || !emu_in_range(e, rbx))
		return emu_gp();
	if (!emu_usable(e, rbx, SECINFO_R))
		return emu_pf(rbx, 0);
	memcpy(out, (void *)rbx, sizeof(*out));
	if (out->flags & ~(u64)SECINFO_KNOWN)
		return emu_gp();
	for (i = 0; i < sizeof(out->reserved); i++)
		if (out->reserved[i])
			return emu_gp();
	return emu_done();
}

static struct emu_fault check_target(struct emu_enclave *e, u64 addr)
{
	if (addr % TEE_PAGE_SIZE || !emu_in_range(e, addr))
		return emu_gp();
	return emu_done();
}

static void set_result(struct emu_regs *r, u64 code)
{
	r->rax = code;
	r->rflags &= ~RFLAGS_STATUS;
	if (code)
		r->rflags |= RFLAGS_ZF;
}

/* EACCEPT: the only combinations of type, PENDING, MODIFIED and PR that may be asked for. */
static bool accept_legal(u64 flags)
{
	u64 type = flags & SECINFO_TYPE_MASK;

	if (type == SECINFO_TYPE(PT_REG))
		return (flags & (SECINFO_PR | SECINFO_PENDING)) && !(flags & SECINFO_MODIFIED);
	return (type == SECINFO_TYPE(PT_TCS) || type == SECINFO_TYPE(PT_TRIM)) &&
	       !(flags & SECINFO_PENDING) && (flags & SECINFO_MODIFIED);
}

static struct emu_fault accept_locked(struct emu_enclave *e, struct emu_regs *r, u64 flags)
{
	const u32 compared = EPCM_PENDING | EPCM_MODIFIED | EPCM_PERM | EPCM_TYPE_MASK;
	u32 entry = atomic_load(emu_entry(e, r->rcx));
	bool changed = entry & (EPCM_MODIFIED | EPCM_PR);

	if (!(entry & EPCM_VALID))
		return emu_pf(r->rcx, 0);
	if ((entry & compared) != (flags & compared)) {
		set_result(r, SGX_PAGE_ATTRIBUTES_MISMATCH);
		return emu_done();
	}
	if (changed && entry >> EPCM_EPOCH_SHIFT == e->epoch) {
		set_result(r, SGX_NOT_TRACKED);
		return emu_done();
	}
	entry &= ~(EPCM_PENDING | EPCM_MODIFIED | EPCM_PR) & 0xffff;
	if (emu_set_entry(e, r->rcx, entry))
		return emu_gp(); /* as a page that is in use elsewhere: the host is out of memory */
	set_result(r, 0);
	return emu_done();
}

/* 41.4, EACCEPT. A TCS made at run time (PT_TCS) is refused: nothing here asks for one. */
struct emu_fault emu_eaccept(struct emu_enclave *e, struct emu_regs *r)
{
	struct sgx_secinfo info;
	struct emu_fault f;

	emu_tally(e, EMU_COUNT_EACCEPT);
	emu_lock(e);
	f = get_secinfo(e, r->rbx, &info);
	if (f.vector == EMU_NO_FAULT)
		f = check_target(e, r->rcx);
	if (f.vector == EMU_NO_FAULT && !accept_legal(info.flags))
		f = emu_gp();
	if (f.vector == EMU_NO_FAULT)
		f = accept_locked(e, r, info.flags);
	emu_unlock(e);
	return f;
}

static struct emu_fault copy_locked(struct emu_enclave *e, struct emu_regs *r, u64 flags)
{
	u32 entry = atomic_load(emu_entry(e, r->rcx));

	if ((entry & (EPCM_VALID | EPCM_PENDING | EPCM_MODIFIED | EPCM_TYPE_MASK)) !=
	    (EPCM_VALID | EPCM_PENDING | EPCM_TYPE(PT_REG)))
		return emu_pf(r->rcx, 2);
	if (!emu_usable(e, r->rdx, SECINFO_R))
		return emu_pf(r->rdx, 0);
	if ((entry & EPCM_PERM) != (SECINFO_R | SECINFO_W)) {
		set_result(r, SGX_PAGE_ATTRIBUTES_MISMATCH);
		return emu_done();
	}
	/* before anybody can touch the page: other threads see the whole content or fault */
	if (e->copy(r->rcx, r->rdx))
		return emu_gp();
	if (emu_set_entry(e, r->rcx, EPCM_VALID | EPCM_TYPE(PT_REG) | (flags & EPCM_PERM)))
		return emu_gp();
	set_result(r, 0);
	return emu_done();
}

/* 41.4, EACCEPTCOPY. */
struct emu_fault emu_eacceptcopy(struct emu_enclave *e, struct emu_regs *r)
{
	struct sgx_secinfo info;
	struct emu_fault f;

	emu_tally(e, EMU_COUNT_EACCEPTCOPY);
	emu_lock(e);
	f = get_secinfo(e, r->rbx, &info);
	if (f.vector == EMU_NO_FAULT)
		f = check_target(e, r->rcx);
	if (f.vector == EMU_NO_FAULT)
		f = check_target(e, r->rdx);
	if (f.vector == EMU_NO_FAULT &&
	    ((info.flags & (SECINFO_PENDING | SECINFO_MODIFIED | SECINFO_PR)) ||
	     (info.flags & SECINFO_TYPE_MASK) != SECINFO_TYPE(PT_REG) ||
	     (info.flags & (SECINFO_R | SECINFO_W)) == SECINFO_W))
		f = emu_gp();
	if (f.vector == EMU_NO_FAULT)
		f = copy_locked(e, r, info.flags);
	emu_unlock(e);
	return f;
}

static struct emu_fault extend_locked(struct emu_enclave *e, struct emu_regs *r, u64 flags)
{
	u32 entry = atomic_load(emu_entry(e, r->rcx));

	if ((entry & (EPCM_VALID | EPCM_PENDING | EPCM_MODIFIED | EPCM_TYPE_MASK)) !=
	    (EPCM_VALID | EPCM_TYPE(PT_REG)))
		return emu_pf(r->rcx, 0);
	entry |= flags & EPCM_PERM;
	if ((entry & (SECINFO_R | SECINFO_W)) == SECINFO_W)
		return emu_gp();
	return emu_set_entry(e, r->rcx, entry) ? emu_gp() : emu_done();
}

/* 41.4, EMODPE. No result and no flags: it extends or faults. */
struct emu_fault emu_emodpe(struct emu_enclave *e, struct emu_regs *r)
{
	struct sgx_secinfo info;
	struct emu_fault f;

	emu_tally(e, EMU_COUNT_EMODPE);
	emu_lock(e);
	f = get_secinfo(e, r->rbx, &info);
	if (f.vector == EMU_NO_FAULT)
		f = check_target(e, r->rcx);
	if (f.vector == EMU_NO_FAULT)
		f = extend_locked(e, r, info.flags);
	emu_unlock(e);
	return f;
}
