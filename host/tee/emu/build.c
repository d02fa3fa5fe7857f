// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* How an enclave comes to be: ECREATE, EADD, EINIT (SDM vol. 3D, 41.3). Nothing is measured. */
#include <cpuid.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "abi/tee_layout.h"
#include "host/tee/emu/enclave.h"

static u64 epcm_size(const struct emu_enclave *e)
{
	return e->secs.size / TEE_PAGE_SIZE * sizeof(*e->epcm);
}

/* What XFRM leaves out, such as PKRU, lies among them and is the host's. */
static int find_components(struct emu_enclave *e)
{
	u32 i, size, offset, c, d;

	for (i = EMU_COMPONENT_FIRST; i < EMU_COMPONENT_MAX; i++) {
		if (!(e->secs.attributes.xfrm & 1u << i))
			continue;
		__cpuid_count(0xd, i, size, offset, c, d);
		e->component[i] = (struct emu_component){ offset, size };
		if (offset + size > TEE_XSAVE_SIZE)
			return -EINVAL; /* no room in an SSA frame */
	}
	return 0;
}

/* Size is a power of two and the base naturally aligned (ECREATE's checks of the SECS). */
int emu_ecreate(struct emu_enclave *e, u64 base, u64 size, u64 xfrm)
{
	void *epcm;

	if (size < 2 * TEE_PAGE_SIZE || (size & (size - 1)) || (base & (size - 1)) ||
	    (xfrm & 3) != 3)
		return -EINVAL;
	e->secs.base = base;
	e->secs.size = size;
	e->secs.ssa_frame_size = TEE_SSA_FRAME_PAGES;
	e->secs.misc_select = TEE_MISC_SELECT;
	e->secs.attributes.flags = TEE_ATTRIBUTES;
	e->secs.attributes.xfrm = xfrm;
	if (find_components(e))
		return -EINVAL;
	e->epoch = 1;
	epcm = mmap(NULL, epcm_size(e), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (epcm == MAP_FAILED)
		return -errno;
	e->epcm = epcm;
	return 0;
}

void emu_destroy(struct emu_enclave *e)
{
	if (e->epcm)
		munmap((void *)e->epcm, epcm_size(e));
	e->epcm = NULL;
}

/* EADD for pages whose content is there already. */
int emu_eadd(struct emu_enclave *e, u64 addr, u64 count, u32 flags)
{
	u64 size = count * TEE_PAGE_SIZE, at;

	if (e->initialised || !count || addr % TEE_PAGE_SIZE || !emu_in_range(e, addr) ||
	    !emu_in_range(e, addr + size - 1))
		return -EINVAL;
	if ((flags & ~(EPCM_PERM | SECINFO_TYPE_MASK)) ||
	    (flags & SECINFO_TYPE_MASK) != SECINFO_TYPE(PT_REG) ||
	    (flags & (SECINFO_R | SECINFO_W)) == SECINFO_W)
		return -EINVAL;
	for (at = addr; at < addr + size; at += TEE_PAGE_SIZE)
		if (atomic_load(emu_entry(e, at)) & EPCM_VALID)
			return -EEXIST;
	return emu_set_run(e, addr, count, EPCM_VALID | flags);
}

/* The checks are EADD's on a TCS page: 41.3, and those that 38.8 leaves to it. */
static bool tcs_ok(const struct emu_enclave *e, const struct tee_tcs *t)
{
	return !t->state && !t->flags && !t->cssa && !t->aep && t->nssa &&
	       t->ossa % TEE_PAGE_SIZE == 0 && t->ofsbase % TEE_PAGE_SIZE == 0 &&
	       t->ogsbase % TEE_PAGE_SIZE == 0 && t->ossa < e->secs.size &&
	       (u64)t->nssa * TEE_SSA_FRAME_PAGES * TEE_PAGE_SIZE <= e->secs.size - t->ossa &&
	       t->oentry < e->secs.size && t->ofsbase < e->secs.size && t->ogsbase < e->secs.size &&
	       (t->ofslimit & 0xfff) == 0xfff && (t->ogslimit & 0xfff) == 0xfff;
}

int emu_eadd_tcs(struct emu_enclave *e, u64 addr, const struct tee_tcs *tcs)
{
	struct emu_thread *t = &e->threads[e->thread_count];

	if (e->initialised || addr % TEE_PAGE_SIZE || !emu_in_range(e, addr) ||
	    e->thread_count == TEE_VCPU_MAX || !tcs_ok(e, tcs))
		return -EINVAL;
	if (atomic_load(emu_entry(e, addr)) & EPCM_VALID)
		return -EEXIST;
	t->tcs = *tcs;
	t->page = addr;
	e->thread_count++;
	return emu_set_run(e, addr, 1, EPCM_VALID | EPCM_TYPE(PT_TCS));
}

int emu_einit(struct emu_enclave *e)
{
	if (e->initialised || !e->thread_count)
		return -EINVAL;
	e->secs.attributes.flags |= SGX_ATTR_INIT;
	e->initialised = true;
	return 0;
}
