// SPDX-License-Identifier: GPL-2.0-only
/*
 * What fs/binfmt_elf.c needs where all programs share one address space
 * (patches/0020): whole images are reserved by an inaccessible mapping before
 * their segments are put in place.
 */
#define pr_fmt(fmt) "rkt-exec: " fmt

#include <linux/uaccess.h>
#include <linux/binfmts.h>
#include <linux/elf.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>
#include <asm/rkt_exec.h>
#include <asm/rkt_mm.h>
#include "../mm/mm_internal.h"

#define RESERVED (VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_NORESERVE)

int setup_arg_pages(struct linux_binprm *bprm, unsigned long stack_top, int executable_stack)
{
	return rkt_setup_stack(bprm, executable_stack);
}

/* The stack is reserved in its full size: it never needs to be extended. */
struct vm_area_struct *find_extend_vma_locked(struct mm_struct *mm, unsigned long addr)
{
	return vma_lookup(mm, addr);
}

/* Return: whether there is a segment to load, and it makes sense. */
static bool image_range(const struct elf_phdr *phdr, int count, unsigned long *start,
			unsigned long *end)
{
	unsigned long segment_end;

	*start = ULONG_MAX;
	*end = 0;
	for (; count; phdr++, count--) {
		if (phdr->p_type != PT_LOAD)
			continue;
		if (check_add_overflow((unsigned long)phdr->p_vaddr, (unsigned long)phdr->p_memsz,
				       &segment_end))
			return false;
		*start = min(*start, phdr->p_vaddr & PAGE_MASK);
		*end = max(*end, segment_end);
	}
	if (*end > TASK_SIZE)
		return false;
	*end = PAGE_ALIGN(*end);
	return *start < *end;
}

/* Are they the caller's own, and gone as soon as the new program takes its place? */
static bool will_be_free(unsigned long start, unsigned long end)
{
	struct mm_struct *mm = current->mm;
	bool own;

	if (!mm || atomic_read(&mm->mm_users) > 1)
		return false;
	mmap_read_lock(mm);
	own = find_vma_intersection(mm, start, end);
	mmap_read_unlock(mm);
	return own;
}

int rkt_elf_claim_fixed(struct linux_binprm *bprm, const struct elf_phdr *phdr, int count)
{
	struct mm_struct *mm = bprm->mm;
	struct vm_area_struct *vma;
	unsigned long start, end;
	int ret;

	if (!image_range(phdr, count, &start, &end))
		return -ENOEXEC;
	if (!rkt_user_range(start, end - start) || !tee_mem_backed(start, end - start)) {
		pr_warn_ratelimited("%s: its fixed addresses %lx-%lx are not those of programs\n",
				    bprm->filename, start, end);
		return -ENOMEM;
	}
	ret = uspace_claim_free(mm, start, end);
	if (ret && will_be_free(start, end))
		return 0;
	if (ret) {
		pr_warn_ratelimited(
			"%s: not position-independent, and its addresses %lx-%lx are in use by another program\n",
			bprm->filename, start, end);
		return ret;
	}
	mmap_write_lock(mm);
	vma = rkt_expand_anon(mm, start, end, RESERVED);
	mmap_write_unlock(mm);
	if (!IS_ERR(vma))
		return 0;
	uspace_release(mm, start, end);
	return PTR_ERR(vma);
}

unsigned long rkt_elf_claim(unsigned long size, unsigned long align)
{
	unsigned long addr, aligned, slack = align > PAGE_SIZE ? align - PAGE_SIZE : 0;

	size = PAGE_ALIGN(size);
	if (!size || size > TASK_SIZE || slack > TASK_SIZE || !is_power_of_2(align ?: 1))
		return -ENOMEM;
	addr = vm_mmap(NULL, 0, size + slack, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, 0);
	if (IS_ERR_VALUE(addr) || !slack)
		return addr;
	aligned = ALIGN(addr, align);
	if (aligned > addr)
		vm_munmap(addr, aligned - addr);
	if (aligned < addr + slack)
		vm_munmap(aligned + size, addr + slack - aligned);
	return aligned;
}

/* mm/mseal.c needs an MMU. binfmt_elf asks for it on behalf of MMAP_PAGE_ZERO, and only warns. */
int do_mseal(unsigned long start, size_t len_in, unsigned long flags)
{
	return -ENOSYS;
}
