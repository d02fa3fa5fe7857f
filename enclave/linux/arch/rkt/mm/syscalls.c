// SPDX-License-Identifier: GPL-2.0-only
/* The mmap family without mmap() itself, mremap() and madvise(). */
#define pr_fmt(fmt) "rkt-mm: " fmt

#include <linux/export.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/security.h>
#include <linux/sizes.h>
#include <linux/syscalls.h>
#include <linux/uaccess.h>
#include "internal.h"
#include "mm_internal.h"
#include "pages_port.h"

#define DATA_FLAGS (VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC)

/* ---- accounting that mm/mmap.c does with an MMU ---- */

bool may_expand_vm(struct mm_struct *mm, vm_flags_t flags, unsigned long npages)
{
	if (mm->total_vm + npages > rlimit(RLIMIT_AS) >> PAGE_SHIFT)
		return false;
	return !is_data_mapping(flags) || mm->data_vm + npages <= rlimit(RLIMIT_DATA) >> PAGE_SHIFT;
}

void vm_stat_account(struct mm_struct *mm, vm_flags_t flags, long npages)
{
	WRITE_ONCE(mm->total_vm, READ_ONCE(mm->total_vm) + npages);
	if (is_exec_mapping(flags))
		mm->exec_vm += npages;
	else if (is_data_mapping(flags))
		mm->data_vm += npages;
}

/* ---- brk ---- */

static int do_brk(struct mm_struct *mm, unsigned long start, unsigned long end, vm_flags_t flags)
{
	unsigned long pages = (end - start) >> PAGE_SHIFT;
	struct vm_area_struct *vma;
	int ret;

	flags |= DATA_FLAGS | VM_ACCOUNT | mm->def_flags;
	if (!may_expand_vm(mm, flags, pages) || rkt_vm_enough(pages))
		return -ENOMEM;
	ret = uspace_claim(mm, start, end);
	if (ret)
		return ret;
	ret = rkt_clear_range(mm, start, end);
	if (ret)
		return ret;
	vma = rkt_expand_anon(mm, start, end, flags);
	if (IS_ERR(vma))
		return PTR_ERR(vma);
	vm_acct_memory(pages);
	if (end - start <= RKT_EAGER_MAX || (flags & VM_LOCKED))
		ret = rkt_populate(vma, start, end, true);
	if (ret)
		rkt_clear_range(mm, start, end);
	return ret;
}

int vm_brk_flags(unsigned long addr, unsigned long request, unsigned long flags)
{
	struct mm_struct *mm = current->mm;
	unsigned long len = PAGE_ALIGN(request);
	int ret;

	if (len < request)
		return -ENOMEM;
	if (!len)
		return 0;
	if (flags & ~VM_EXEC)
		return -EINVAL;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	ret = do_brk(mm, addr, addr + len, flags);
	mmap_write_unlock(mm);
	return ret;
}
EXPORT_SYMBOL(vm_brk_flags);

/*
 * The heap has a range of its own: what lies behind the program may belong to
 * another one. Reserving addresses costs nothing, where not all of them are memory (SGX1).
 */
static void init_brk(struct mm_struct *mm)
{
	unsigned long room = tee_mem_end(TEE_USER_HIGH_START) - TEE_USER_HIGH_START, size, addr;

	for (size = min(4UL << 30, room / 32); size >= SZ_1M; size >>= 2) {
		addr = uspace_alloc(mm, size, 0, USPACE_BOTTOM);
		if (IS_ERR_VALUE(addr))
			continue;
		mm->start_brk = mm->brk = addr;
		mm->context.end_brk = addr + size;
		return;
	}
	mm->context.end_brk = mm->brk; /* none: malloc uses mmap then */
}

void rkt_release_brk(struct mm_struct *mm)
{
	if (mm->context.end_brk > mm->start_brk)
		uspace_release(mm, mm->start_brk & PAGE_MASK, mm->context.end_brk);
}

static void set_brk(struct mm_struct *mm, unsigned long brk)
{
	unsigned long old = PAGE_ALIGN(mm->brk), new = PAGE_ALIGN(brk);

	if (brk < mm->start_brk || new < brk || new > mm->context.end_brk)
		return;
	if (check_data_rlimit(rlimit(RLIMIT_DATA), brk, mm->start_brk, mm->end_data,
			      mm->start_data))
		return;
	if (new < old) {
		if (rkt_clear_range(mm, new, old))
			return;
		rkt_give_back_pinned(mm, new, old);
	}
	if (new > old && (find_vma_intersection(mm, old, new) || do_brk(mm, old, new, 0)))
		return;
	mm->brk = brk;
}

SYSCALL_DEFINE1(brk, unsigned long, brk)
{
	struct mm_struct *mm = current->mm;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	if (!mm->context.end_brk)
		init_brk(mm);
	set_brk(mm, brk);
	brk = mm->brk;
	mmap_write_unlock(mm);
	return brk;
}

/* ---- munmap, mprotect ---- */

SYSCALL_DEFINE2(munmap, unsigned long, addr, size_t, len)
{
	return vm_munmap(addr, len);
}

static vm_flags_t prot_flags(unsigned long prot)
{
	if ((prot & PROT_READ) && (current->personality & READ_IMPLIES_EXEC))
		prot |= PROT_EXEC;
	return calc_vm_prot_bits(prot, 0);
}

/* Memory that just became usable is wanted soon: the growth of a malloc arena. */
static void commit_small(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma = vma_lookup(mm, start);

	if (end - start <= RKT_EAGER_MAX && vma && vma->vm_end >= end && !vma->vm_file &&
	    (vma->vm_flags & VM_WRITE) && rkt_owns_pages(vma))
		rkt_populate(vma, start, end, true);
}

SYSCALL_DEFINE3(mprotect, unsigned long, start, size_t, len, unsigned long, prot)
{
	struct mm_struct *mm = current->mm;
	unsigned long end;
	int ret;

	if (offset_in_page(start) || (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM)))
		return -EINVAL;
	if (!len)
		return 0;
	end = start + PAGE_ALIGN(len);
	if (end <= start || (prot && !tee_mem_backed(start, end - start)))
		return -ENOMEM;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	ret = rkt_change_flags(mm, start, end, VM_ACCESS_FLAGS, prot_flags(prot));
	if (!ret && (prot & PROT_WRITE))
		commit_small(mm, start, end);
	mmap_write_unlock(mm);
	return ret;
}

/* ---- msync, mincore ---- */

static int msync_vma(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long start,
		     unsigned long end)
{
	struct file *file = get_file(vma->vm_file);
	loff_t from = ((loff_t)vma->vm_pgoff << PAGE_SHIFT) + (start - vma->vm_start);
	int ret;

	mmap_read_unlock(mm);
	ret = vfs_fsync_range(file, from, from + (end - start) - 1, 1);
	fput(file);
	mmap_read_lock(mm);
	return ret;
}

SYSCALL_DEFINE3(msync, unsigned long, start, size_t, len, int, flags)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	unsigned long end = start + PAGE_ALIGN(len), next;
	bool hole = false;
	int ret = 0;

	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || offset_in_page(start) ||
	    ((flags & MS_ASYNC) && (flags & MS_SYNC)))
		return -EINVAL;
	if (end < start)
		return -ENOMEM;
	mmap_read_lock(mm);
	for (; !ret && (vma = rkt_vma_part(mm, &start, &next, end, &hole)); start = next) {
		if ((flags & MS_INVALIDATE) && (vma->vm_flags & VM_LOCKED))
			ret = -EBUSY;
		else if ((flags & MS_SYNC) && vma->vm_file && (vma->vm_flags & VM_SHARED))
			ret = msync_vma(mm, vma, start, next);
	}
	mmap_read_unlock(mm);
	return ret ?: hole ? -ENOMEM : 0;
}

/* One page of answers. Return: how many, or -ENOMEM at a hole. */
static long mincore_part(struct mm_struct *mm, unsigned long start, unsigned long count, u8 *vec)
{
	struct vm_area_struct *vma;
	unsigned long i;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, start);
	if (vma)
		count = min(count, (vma->vm_end - start) >> PAGE_SHIFT);
	for (i = 0; vma && i < count; i++, start += PAGE_SIZE)
		vec[i] = rkt_foreign(vma) || pages_live(start, start + PAGE_SIZE);
	mmap_read_unlock(mm);
	return vma ? count : -ENOMEM;
}

SYSCALL_DEFINE3(mincore, unsigned long, start, size_t, len, unsigned char __user *, uvec)
{
	unsigned long count = PAGE_ALIGN(len) >> PAGE_SHIFT;
	u8 *vec;
	long n = 0;

	if (offset_in_page(start))
		return -EINVAL;
	if (len && !rkt_user_range(start, len))
		return -ENOMEM;
	if (!access_ok(uvec, count))
		return -EFAULT;
	vec = (u8 *)__get_free_page(GFP_USER);
	if (!vec)
		return -EAGAIN;
	while (count) {
		n = mincore_part(current->mm, start, min(count, PAGE_SIZE), vec);
		if (n > 0 && copy_to_user(uvec, vec, n))
			n = -EFAULT;
		if (n <= 0)
			break;
		count -= n;
		uvec += n;
		start += n << PAGE_SHIFT;
	}
	free_page((unsigned long)vec);
	return n < 0 ? n : 0;
}

/* ---- mlock ---- */

bool rkt_can_mlock(void)
{
	return rlimit(RLIMIT_MEMLOCK) != 0 || capable(CAP_IPC_LOCK);
}

static bool mlock_fits(struct mm_struct *mm, unsigned long pages)
{
	return pages <= rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT || capable(CAP_IPC_LOCK);
}

static int do_mlock(unsigned long start, size_t len, vm_flags_t set)
{
	struct mm_struct *mm = current->mm;
	unsigned long end;
	int ret = -ENOMEM;

	if (!rkt_can_mlock())
		return -EPERM;
	len = PAGE_ALIGN(len + offset_in_page(start));
	start &= PAGE_MASK;
	end = start + len;
	if (end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	if (mlock_fits(mm, mm->locked_vm + (len >> PAGE_SHIFT)))
		ret = rkt_change_flags(mm, start, end, VM_LOCKED | VM_LOCKONFAULT, set);
	if (!ret && !(set & VM_LOCKONFAULT))
		ret = rkt_populate_range(mm, start, end);
	mmap_write_unlock(mm);
	return ret == -EFAULT || ret == -ENXIO ? -ENOMEM : ret;
}

SYSCALL_DEFINE2(mlock, unsigned long, start, size_t, len)
{
	return do_mlock(start, len, VM_LOCKED);
}

SYSCALL_DEFINE3(mlock2, unsigned long, start, size_t, len, int, flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	return do_mlock(start, len, VM_LOCKED | (flags ? VM_LOCKONFAULT : 0));
}

SYSCALL_DEFINE2(munlock, unsigned long, start, size_t, len)
{
	struct mm_struct *mm = current->mm;
	unsigned long end = PAGE_ALIGN(start + len);
	int ret;

	start &= PAGE_MASK;
	if (end < start)
		return -EINVAL;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	ret = rkt_change_flags(mm, start, end, VM_LOCKED | VM_LOCKONFAULT, 0);
	mmap_write_unlock(mm);
	return ret;
}

static void change_all(struct mm_struct *mm, vm_flags_t set)
{
	struct vm_area_struct *vma;
	unsigned long start, at = 0;

	while ((vma = find_vma(mm, at))) {
		start = vma->vm_start;
		at = vma->vm_end;
		if (rkt_foreign(vma))
			continue;
		/* the VMA may be joined with its neighbour, and gone */
		rkt_change_flags(mm, start, at, VM_LOCKED | VM_LOCKONFAULT, set);
		if ((set & (VM_LOCKED | VM_LOCKONFAULT)) == VM_LOCKED)
			rkt_populate_range(mm, max(start, mmap_min_addr), at);
	}
}

SYSCALL_DEFINE1(mlockall, int, flags)
{
	struct mm_struct *mm = current->mm;
	vm_flags_t set = VM_LOCKED | (flags & MCL_ONFAULT ? VM_LOCKONFAULT : 0);

	if (!flags || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT)
		return -EINVAL;
	if (!rkt_can_mlock())
		return -EPERM;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	if ((flags & MCL_CURRENT) && !mlock_fits(mm, mm->total_vm)) {
		mmap_write_unlock(mm);
		return -ENOMEM;
	}
	mm->def_flags &= ~(VM_LOCKED | VM_LOCKONFAULT);
	if (flags & MCL_FUTURE)
		mm->def_flags |= set;
	if (flags & MCL_CURRENT)
		change_all(mm, set);
	mmap_write_unlock(mm);
	return 0;
}

SYSCALL_DEFINE0(munlockall)
{
	struct mm_struct *mm = current->mm;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	mm->def_flags &= ~(VM_LOCKED | VM_LOCKONFAULT);
	change_all(mm, 0);
	mmap_write_unlock(mm);
	return 0;
}
