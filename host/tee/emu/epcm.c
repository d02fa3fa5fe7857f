// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The EPCM, and how its permissions become real: the host's page tables follow it. */
#include <string.h>
#include <sys/mman.h>

#include "host/tee/emu/enclave.h"

#define SPINS_BEFORE_YIELD 100

void emu_lock(struct emu_enclave *e)
{
	unsigned int spins = 0;

	while (atomic_flag_test_and_set_explicit(&e->lock, memory_order_acquire)) {
		__builtin_ia32_pause();
		if (++spins % SPINS_BEFORE_YIELD == 0)
			e->yield();
	}
}

void emu_unlock(struct emu_enclave *e)
{
	atomic_flag_clear_explicit(&e->lock, memory_order_release);
}

/* 38.19.1: pages that are pending or modified fault, whatever their permissions. */
static u32 epcm_allows(u32 entry)
{
	if ((entry & (EPCM_VALID | EPCM_PENDING | EPCM_MODIFIED | EPCM_TYPE_MASK)) !=
	    (EPCM_VALID | EPCM_TYPE(PT_REG)))
		return 0;
	return entry & EPCM_PERM;
}

static u32 allowed(u32 entry)
{
	return epcm_allows(entry) & ~(entry >> EMU_DENIED_SHIFT);
}

static int access_of(u32 entry)
{
	u32 perm = allowed(entry);
	int prot = PROT_NONE;

	if (perm & SECINFO_R)
		prot |= PROT_READ;
	if (perm & SECINFO_W)
		prot |= PROT_WRITE;
	if (perm & SECINFO_X)
		prot |= PROT_EXEC;
	return prot;
}

long emu_set_entry(struct emu_enclave *e, u64 addr, u32 entry)
{
	u32 old = atomic_load(emu_entry(e, addr));
	long ret;

	if (access_of(old) != access_of(entry)) {
		ret = e->set_access(addr, TEE_PAGE_SIZE, access_of(entry));
		if (ret)
			return ret;
	}
	atomic_store(emu_entry(e, addr), entry);
	return 0;
}

long emu_set_run(struct emu_enclave *e, u64 addr, u64 count, u32 entry)
{
	long ret = e->set_access(addr, count * TEE_PAGE_SIZE, access_of(entry));
	u64 i;

	for (i = 0; !ret && i < count; i++)
		atomic_store(emu_entry(e, addr + i * TEE_PAGE_SIZE), entry);
	return ret;
}

bool emu_usable(const struct emu_enclave *e, u64 addr, u32 perm)
{
	u32 entry;

	if (!emu_in_range(e, addr))
		return false;
	entry = atomic_load(emu_entry(e, addr));
	return epcm_allows(entry) && (allowed(entry) & perm) == perm;
}

#define PF_WRITE 2
#define PF_FETCH 0x10

u32 emu_refused_by_epcm(const struct emu_enclave *e, u64 addr, u32 error)
{
	u32 need = error & PF_FETCH ? SECINFO_X : error & PF_WRITE ? SECINFO_W : SECINFO_R, entry;

	if (!emu_in_range(e, addr))
		return 0;
	entry = atomic_load(emu_entry(e, addr));
	return (entry & EPCM_VALID) && !(epcm_allows(entry) & need) ? SGX_PF_SGX : 0;
}

bool emu_fetch(struct emu_enclave *e, void *to, u64 addr, u64 size)
{
	bool ok;

	if (size > TEE_PAGE_SIZE)
		return false;
	emu_lock(e);
	ok = emu_usable(e, addr, SECINFO_R) && emu_usable(e, addr + size - 1, SECINFO_R);
	if (ok)
		memcpy(to, (void *)addr, size);
	emu_unlock(e);
	return ok;
}
