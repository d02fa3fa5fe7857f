// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of the range that comes and goes (enclave/boundary/mem.h). Where the host alone does
 * it, its word is taken; in an enclave every change is verified page by page (SDM vol. 3D, 41.4).
 * With a static layout (SGX1) every page is there for ever and can be verified only by use: page
 * tables hide what is not committed, and it is zero. So commit makes zeroes visible at once.
 */
#include <linux/cpumask.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include "abi/tee_layout.h"
#include "enclave/boundary/mem.h"
#include "enclave/entry/enclu.h"
#include "rkt.h"

static DEFINE_PER_CPU(u8[PAGE_SIZE], bounce) __aligned(PAGE_SIZE);

static long ask(unsigned long op, unsigned long addr, unsigned long size, unsigned int prot)
{
	return rkt_exit(TEE_EXIT_MEM, op, addr, size, prot);
}

static bool verified(void)
{
	return rkt_machine.memory == BOOT_MEMORY_SGX2;
}

bool tee_mem_static(void)
{
	return rkt_machine.memory == BOOT_MEMORY_SGX1;
}

/* Return: the first page for which the leaf did not succeed; end if it did for all. */
static unsigned long each(unsigned long leaf, unsigned long addr, unsigned long end, u64 flags)
{
	struct sgx_secinfo info = { .flags = flags };
	unsigned long ret;

	pagefault_disable();
	for (; addr < end; addr += PAGE_SIZE) {
		ret = enclu_page(leaf, &info, addr, 0);
		if (ret == ENCLU_FAULT || (ret && leaf != ENCLU_EMODPE))
			break;
	}
	pagefault_enable();
	return addr;
}

static bool accept(unsigned long addr, unsigned long end, u64 flags)
{
	return each(ENCLU_EACCEPT, addr, end, flags) == end;
}

/* All that can be verified of a static layout. Not by writing: other threads may do that by now. */
static bool readable(unsigned long addr, unsigned long end)
{
	unsigned long left = 0;
	u8 byte;

	pagefault_disable();
	for (; addr < end && !left; addr += PAGE_SIZE)
		left = raw_copy_from_user(&byte, (const void __user *)addr, 1);
	pagefault_enable();
	return !left;
}

static bool zero(unsigned long addr, unsigned long size)
{
	unsigned long left;

	if (ask(TEE_MEM_PROTECT, addr, size, MEM_R | MEM_W))
		return false;
	pagefault_disable();
	left = rkt_clear_user((void *)addr, size);
	pagefault_enable();
	return !left;
}

/*
 * Do program pages that were zeroed stay so? Until the host took the right to write, threads of
 * other vCPUs could; what they wrote is seen from here on.
 */
static bool stays_zero(unsigned long addr, unsigned long size)
{
	bool ok;

	if (num_online_cpus() == 1 || !rkt_user_range(addr, size))
		return true;
	if (ask(TEE_MEM_PROTECT, addr, size, MEM_R))
		return false;
	pagefault_disable();
	ok = check_zeroed_user((const void __user *)addr, size) > 0;
	pagefault_enable();
	return ok;
}

#define ZERO_TRIES 8 /* a thread that still writes faults between two, and waits */

/* Zeroed when it goes: later, a thread that may use it already would lose what it wrote. */
static int trim_static(unsigned long addr, unsigned long size)
{
	int i;

	for (i = 0; i < ZERO_TRIES && zero(addr, size); i++)
		if (stays_zero(addr, size))
			return ask(TEE_MEM_TRIM, addr, size, 0) ? -ENOMEM : 0;
	return -ENOMEM;
}

/* Once accepted, the pages are gone for us; whether the host takes them is its own affair. */
static int trim(unsigned long addr, unsigned long size)
{
	if (tee_mem_static())
		return trim_static(addr, size);
	if (ask(TEE_MEM_TRIM, addr, size, 0))
		return -ENOMEM;
	if (!verified())
		return 0;
	if (!accept(addr, addr + size, SECINFO_TYPE(PT_TRIM) | SECINFO_MODIFIED))
		return -ENOMEM;
	ask(TEE_MEM_REMOVE, addr, size, 0);
	return 0;
}

/* Pages that were accepted, but whose neighbours were not; none of them is counted. */
static int give_up(unsigned long addr, unsigned long end)
{
	if (addr < end)
		trim(addr, end - addr);
	return -ENOMEM;
}

int tee_mem_commit(unsigned long addr, unsigned long size, unsigned int prot)
{
	unsigned long end = addr + size, at;

	if (ask(TEE_MEM_COMMIT, addr, size, prot))
		return -ENOMEM;
	if (tee_mem_static() && (prot & MEM_R) && !readable(addr, end))
		return -ENOMEM;
	if (!verified())
		goto done;
	at = each(ENCLU_EACCEPT, addr, end,
		  SECINFO_TYPE(PT_REG) | SECINFO_PENDING | SECINFO_R | SECINFO_W);
	if (at != end)
		return give_up(addr, at);
	if (prot != (MEM_R | MEM_W) && tee_mem_protect(addr, size, prot))
		return give_up(addr, end);
done:
	rkt_mem_count(size);
	return 0;
}

/* A source that is not page aligned goes through this vCPU's own page. */
static unsigned long copy_page_in(unsigned long addr, const void *src, u64 flags)
{
	struct sgx_secinfo info = { .flags = flags };
	unsigned long ret;

	preempt_disable();
	if (!IS_ALIGNED((unsigned long)src, PAGE_SIZE)) {
		memcpy(this_cpu_ptr(bounce), src, PAGE_SIZE);
		src = this_cpu_ptr(bounce);
	}
	pagefault_disable();
	ret = enclu_page(ENCLU_EACCEPTCOPY, &info, addr, (unsigned long)src);
	pagefault_enable();
	preempt_enable_no_resched();
	return ret;
}

/* In a static layout the host may only have said that the pages can be written. */
static bool copy_in(unsigned long addr, const void *src, unsigned long size)
{
	unsigned long left;

	pagefault_disable();
	left = raw_copy_to_user((void __user *)addr, src, size);
	pagefault_enable();
	return !left;
}

/* A host that can't: another thread that reads the range at this very moment sees zeroes. */
static int commit_then_copy(unsigned long addr, unsigned long size, const void *src,
			    unsigned int prot)
{
	int ret = tee_mem_commit(addr, size, MEM_R | MEM_W);

	if (ret)
		return ret;
	if (copy_in(addr, src, size) &&
	    (prot == (MEM_R | MEM_W) || !tee_mem_protect(addr, size, prot)))
		return 0;
	if (tee_mem_trim(addr, size)) /* nobody will know that they are not zero */
		rkt_halt(TEE_HALT_ABORT | TEE_ABORT_MEMORY);
	return -ENOMEM;
}

/* The host reads the source: it must be memory that is present and readable. */
static int commit_copy_host(unsigned long addr, unsigned long size, const void *src,
			    unsigned int prot)
{
	unsigned int op = TEE_MEM_COMMIT_COPY | prot << TEE_MEM_COPY_PROT;

	if (!rkt_exit(TEE_EXIT_MEM, op, addr, size, (unsigned long)src)) {
		rkt_mem_count(size);
		return 0;
	}
	return commit_then_copy(addr, size, src, prot);
}

int tee_mem_commit_copy(unsigned long addr, unsigned long size, const void *src, unsigned int prot)
{
	unsigned long at;

	if (tee_mem_static())
		return commit_then_copy(addr, size, src, prot);
	if (!verified())
		return commit_copy_host(addr, size, src, prot);
	if (ask(TEE_MEM_COMMIT, addr, size, prot))
		return -ENOMEM;
	for (at = 0; at < size; at += PAGE_SIZE)
		if (copy_page_in(addr + at, src + at, SECINFO_TYPE(PT_REG) | prot))
			return give_up(addr, addr + at);
	rkt_mem_count(size);
	return 0;
}

/*
 * First more, then less: what the pages could do before is not known here, and a check that
 * succeeds at once saves the exit. So new code may be written for a moment, by its own program.
 */
static int protect_verified(unsigned long addr, unsigned long end, unsigned int prot)
{
	const u64 want = SECINFO_TYPE(PT_REG) | SECINFO_PR | prot;

	if (prot && each(ENCLU_EMODPE, addr, end, SECINFO_TYPE(PT_REG) | prot) != end)
		return -ENOMEM;
	addr = each(ENCLU_EACCEPT, addr, end, want);
	if (addr == end)
		return 0;
	if (ask(TEE_MEM_PROTECT, addr, end - addr, prot))
		return -ENOMEM;
	return accept(addr, end, want) ? 0 : -ENOMEM;
}

int tee_mem_protect(unsigned long addr, unsigned long size, unsigned int prot)
{
	if (verified())
		return protect_verified(addr, addr + size, prot);
	return ask(TEE_MEM_PROTECT, addr, size, prot) ? -ENOMEM : 0;
}

int tee_mem_trim(unsigned long addr, unsigned long size)
{
	int ret = trim(addr, size);

	if (!ret)
		rkt_mem_count(-(long)size);
	return ret;
}

static unsigned long ends[TEE_WINDOWS] __ro_after_init = {
	[TEE_WINDOW_LOW] = TEE_USER_LOW_END,
	[TEE_WINDOW_KERNEL] = TEE_STATES_START,
	[TEE_WINDOW_HIGH] = TEE_USER_HIGH_END,
};

unsigned long tee_mem_end(unsigned long addr)
{
	if (addr >= TEE_USER_HIGH_START)
		return ends[TEE_WINDOW_HIGH];
	if (addr >= TEE_KWIN_START)
		return ends[TEE_WINDOW_KERNEL];
	return addr < TEE_USER_LOW_END ? ends[TEE_WINDOW_LOW] : TEE_KWIN_START;
}

/* What the pages hold is what whoever added them liked, if they are there at all. */
void __init tee_mem_start(void)
{
	struct tee_region r;
	u32 i;

	for (i = 0; tee_static_region(&rkt_machine, i, &r); i++)
		if (trim_static(r.start, r.size))
			rkt_halt(TEE_HALT_ABORT | TEE_ABORT_MEMORY);
	for (i = 0; i < TEE_WINDOWS && tee_mem_static(); i++) {
		r = tee_static_window(&rkt_machine, i);
		ends[i] = r.start + r.size;
	}
}
