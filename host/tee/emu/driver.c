// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The supervisor's half of dynamic memory (SDM vol. 3D, 41.3): what a driver does with ENCLS
 * when the launcher asks for it. Each takes a run of pages, checked page by page; a run is
 * changed as a whole or, where a page in its midst differs, up to that page.
 */
#include <errno.h>

#include "host/tee/emu/enclave.h"

static bool run_ok(const struct emu_enclave *e, u64 addr, u64 count)
{
	return e->initialised && count && addr % TEE_PAGE_SIZE == 0 && emu_in_range(e, addr) &&
	       count <= (e->secs.base + e->secs.size - addr) / TEE_PAGE_SIZE;
}

static u32 entry_at(const struct emu_enclave *e, u64 addr, u64 i)
{
	return atomic_load(emu_entry(e, addr + i * TEE_PAGE_SIZE));
}

static long each(struct emu_enclave *e, u64 addr, u64 count, long (*leaf)(u32 *entry, u32 arg),
		 u32 arg)
{
	u64 i, n;
	long ret = 0;
	u32 old, new;

	for (i = 0; !ret && i < count; i += n) {
		old = new = entry_at(e, addr, i);
		ret = leaf(&new, arg);
		for (n = 1; i + n < count && entry_at(e, addr, i + n) == old; n++)
			;
		new |= (u32)e->epoch << EPCM_EPOCH_SHIFT;
		if (!ret)
			ret = emu_set_run(e, addr + i * TEE_PAGE_SIZE, n, new);
	}
	return ret;
}

static long run(struct emu_enclave *e, u64 addr, u64 count, long (*leaf)(u32 *entry, u32 arg),
		u32 arg)
{
	long ret = -EINVAL;

	if (!run_ok(e, addr, count))
		return ret;
	emu_lock(e);
	ret = each(e, addr, count, leaf, arg);
	emu_unlock(e);
	return ret;
}

/* One of the leaves that came with SGX2. */
static long run_sgx2(struct emu_enclave *e, u64 addr, u64 count, long (*leaf)(u32 *entry, u32 arg),
		     u32 arg, enum emu_count c)
{
	if (e->sgx1)
		return -EOPNOTSUPP;
	if (run_ok(e, addr, count))
		atomic_fetch_add(&e->count[c], count);
	return run(e, addr, count, leaf, arg);
}

/* EAUG: RW, PENDING, zeroed: what EREMOVE or nobody left there is zero. */
static long eaug(u32 *entry, u32 arg)
{
	if (*entry & EPCM_VALID)
		return -EEXIST;
	*entry = EPCM_VALID | EPCM_PENDING | EPCM_TYPE(PT_REG) | SECINFO_R | SECINFO_W;
	return 0;
}

long emu_eaug(struct emu_enclave *e, u64 addr, u64 count)
{
	return run_sgx2(e, addr, count, eaug, 0, EMU_COUNT_EAUG);
}

/* EMODPR: permissions are a mask, the page stays usable, PR until EACCEPT. */
static long emodpr(u32 *entry, u32 perm)
{
	if (!(*entry & EPCM_VALID) || (*entry & EPCM_TYPE_MASK) != EPCM_TYPE(PT_REG))
		return -EFAULT;
	if (*entry & (EPCM_PENDING | EPCM_MODIFIED))
		return SGX_PAGE_NOT_MODIFIABLE;
	*entry = (*entry & 0xffff & (perm | ~EPCM_PERM)) | EPCM_PR;
	return 0;
}

long emu_emodpr(struct emu_enclave *e, u64 addr, u64 count, u32 perm)
{
	if ((perm & ~EPCM_PERM) || (perm & (SECINFO_R | SECINFO_W)) == SECINFO_W)
		return -EINVAL;
	return run_sgx2(e, addr, count, emodpr, perm, EMU_COUNT_EMODPR);
}

/* EMODT: to PT_TRIM or PT_TCS, without permissions, MODIFIED until EACCEPT. */
static long emodt(u32 *entry, u32 type)
{
	u32 now = *entry & EPCM_TYPE_MASK;

	if (!(*entry & EPCM_VALID) || (now != EPCM_TYPE(PT_REG) && now != EPCM_TYPE(PT_TCS)))
		return -EFAULT;
	if (*entry & (EPCM_PENDING | EPCM_MODIFIED))
		return SGX_PAGE_NOT_MODIFIABLE;
	*entry = EPCM_VALID | EPCM_MODIFIED | EPCM_TYPE(type);
	return 0;
}

/* TCS pages made while the TEE runs are refused: threads are known at start. */
long emu_emodt(struct emu_enclave *e, u64 addr, u64 count, u32 type)
{
	if (type != PT_TRIM)
		return -EINVAL;
	return run_sgx2(e, addr, count, emodt, type, EMU_COUNT_EMODT);
}

static bool threads_inside(const struct emu_enclave *e)
{
	u32 i;

	for (i = 0; i < e->thread_count; i++)
		if (e->threads[i].active || e->threads[i].tcs.cssa)
			return true;
	return false;
}

/* Threads inside: only what the enclave has given away (EACCEPT of PT_TRIM). */
static bool removable(u32 entry, bool inside)
{
	return !(entry & EPCM_VALID) || !inside ||
	       (entry & (EPCM_TYPE_MASK | EPCM_MODIFIED)) == EPCM_TYPE(PT_TRIM);
}

/* EREMOVE. All pages or none. */
long emu_eremove(struct emu_enclave *e, u64 addr, u64 count)
{
	bool inside = threads_inside(e);
	long ret = 0;
	u64 i;

	if (!run_ok(e, addr, count))
		return -EINVAL;
	atomic_fetch_add(&e->count[EMU_COUNT_EREMOVE], count);
	emu_lock(e);
	for (i = 0; i < count && !ret; i++)
		if (!removable(entry_at(e, addr, i), inside))
			ret = SGX_ENCLAVE_ACT;
	if (!ret)
		ret = emu_set_run(e, addr, count, 0);
	if (!ret)
		ret = e->discard(addr, count * TEE_PAGE_SIZE);
	emu_unlock(e);
	return ret;
}

/*
 * ETRACK: on silicon it starts a new epoch, and EACCEPT waits until every thread of the old one
 * has left. Here a change of page tables has reached every thread when mprotect() returns, so
 * that the driver's EMODPR or EMODT without a later ETRACK is what remains to be caught.
 */
void emu_etrack(struct emu_enclave *e)
{
	emu_tally(e, EMU_COUNT_ETRACK);
	emu_lock(e);
	e->epoch++;
	emu_unlock(e);
}

static long map(u32 *entry, u32 perm)
{
	if (!(*entry & EPCM_VALID) || (*entry & EPCM_TYPE_MASK) != EPCM_TYPE(PT_REG))
		return -EFAULT;
	*entry = (*entry & 0xffff & ~EMU_DENIED) | (~perm & EPCM_PERM) << EMU_DENIED_SHIFT;
	return 0;
}

/* No leaf: what mprotect() does to pages of an enclave. */
long emu_map(struct emu_enclave *e, u64 addr, u64 count, u32 perm)
{
	if ((perm & ~EPCM_PERM) || (perm & (SECINFO_R | SECINFO_W)) == SECINFO_W)
		return -EINVAL;
	return run(e, addr, count, map, perm);
}
