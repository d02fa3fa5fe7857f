// SPDX-License-Identifier: GPL-2.0-only
/* madvise(): advice that changes memory is done at once, the rest is accepted. */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/falloc.h>
#include <linux/syscalls.h>
#include "internal.h"
#include "mm_internal.h"
#include "pages_port.h"

#define CLEAR_MAX (64UL << 10) /* up to here clearing is cheaper than trimming and a new fault */

/*
 * Clearing in place needs nothing of the back end, as the pages can be written. Would it fail all
 * the same, the pages count as nobody's and dropping them does the rest: advice is no place to be
 * told that there is no memory.
 */
static bool clear_in_place(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	if (end - start > CLEAR_MAX || vma->vm_file || !(vma->vm_flags & VM_WRITE) ||
	    pages_live(start, end) != (end - start) >> PAGE_SHIFT)
		return false;
	pages_mark_stale(start, end);
	return !pages_commit(start, end, rkt_prot(vma->vm_flags));
}

/* Pages read as zero afterwards, those of files and shared ones as what is shared. */
static int drop(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long start,
		unsigned long end)
{
	long live, left;
	int ret = 0;

	if (rkt_foreign(vma))
		return -EINVAL;
	if (!rkt_owns_pages(vma) || (!vma->vm_file && (vma->vm_flags & VM_SHARED)))
		return 0; /* the file has the content, or nobody else has */
	update_hiwater_rss(mm);
	live = pages_live(start, end);
	if (!clear_in_place(vma, start, end))
		uspace_drop_pages(start, end);
	left = pages_live(start, end); /* the pinned ones, or all in place */
	add_mm_counter(mm, MM_ANONPAGES, left - live);
	if (vma->vm_file)
		ret = rkt_refill(vma, start, end);
	if (left)
		rkt_reprotect(mm, start, end);
	return ret;
}

static int populate(struct vm_area_struct *vma, unsigned long start, unsigned long end, bool write)
{
	int ret;

	if (!(vma->vm_flags & (write ? VM_WRITE : VM_READ)) || rkt_foreign(vma))
		return -EINVAL;
	ret = rkt_populate_all(vma, start, end, write);
	return ret == -ENXIO || ret == -EIO ? -EFAULT : ret;
}

static int advise_vma(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long start,
		      unsigned long end, int advice)
{
	switch (advice) {
	case MADV_FREE:
		if (vma->vm_file || vma->vm_ops || (vma->vm_flags & VM_SHARED))
			return -EINVAL;
		fallthrough;
	case MADV_DONTNEED:
		if (vma->vm_flags & VM_LOCKED)
			return -EINVAL;
		fallthrough;
	case MADV_DONTNEED_LOCKED:
		return drop(mm, vma, start, end);
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		return populate(vma, start, end, advice == MADV_POPULATE_WRITE);
	case MADV_DONTFORK:
		return rkt_change_flags(mm, start, end, 0, VM_DONTCOPY);
	case MADV_DOFORK:
		return vma->vm_flags & VM_IO ? -EINVAL
					     : rkt_change_flags(mm, start, end, VM_DONTCOPY, 0);
	case MADV_WIPEONFORK:
		if (vma->vm_file || (vma->vm_flags & VM_SHARED))
			return -EINVAL;
		return rkt_change_flags(mm, start, end, 0, VM_WIPEONFORK);
	case MADV_KEEPONFORK:
		return rkt_change_flags(mm, start, end, VM_WIPEONFORK, 0);
	case MADV_DONTDUMP:
		return rkt_change_flags(mm, start, end, 0, VM_DONTDUMP);
	case MADV_DODUMP:
		return vma->vm_flags & VM_SPECIAL
			       ? -EINVAL
			       : rkt_change_flags(mm, start, end, VM_DONTDUMP, 0);
	default:
		return 0;
	}
}

static bool known(int advice)
{
	switch (advice) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_FREE:
	case MADV_REMOVE:
	case MADV_DONTFORK:
	case MADV_DOFORK:
	case MADV_WIPEONFORK:
	case MADV_KEEPONFORK:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
	case MADV_MERGEABLE:
	case MADV_UNMERGEABLE:
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
	case MADV_COLD:
	case MADV_PAGEOUT:
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		return true;
	default:
		return false;
	}
}

/* Frees file space; the lock can't be held meanwhile, so this takes one VMA only. */
static int advise_remove(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma;
	struct file *file = NULL;
	loff_t offset;
	int ret = -EINVAL;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, start);
	if (vma && vma->vm_end >= end && vma->vm_file && !(vma->vm_flags & VM_LOCKED)) {
		ret = (vma->vm_flags & (VM_SHARED | VM_WRITE)) == (VM_SHARED | VM_WRITE) ? 0
											 : -EACCES;
		file = get_file(vma->vm_file);
		offset = ((loff_t)vma->vm_pgoff << PAGE_SHIFT) + (start - vma->vm_start);
	}
	mmap_read_unlock(mm);
	if (!ret)
		ret = vfs_fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
				    end - start);
	if (file)
		fput(file);
	return ret;
}

static int advise_range(struct mm_struct *mm, unsigned long start, unsigned long end, int advice)
{
	struct vm_area_struct *vma;
	unsigned long next;
	bool hole = false,
	     populates = advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE;
	int ret = 0;

	for (; !ret && (vma = rkt_vma_part(mm, &start, &next, end, &hole)); start = next) {
		if (hole && populates) /* all others go on behind it */
			break;
		ret = advise_vma(mm, vma, start, next, advice);
	}
	return ret ?: hole ? -ENOMEM : 0;
}

SYSCALL_DEFINE3(madvise, unsigned long, start, size_t, len_in, int, advice)
{
	struct mm_struct *mm = current->mm;
	unsigned long len = PAGE_ALIGN(len_in), end = start + len;
	int ret;

	if (!known(advice) || offset_in_page(start) || (len_in && !len) || end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	if (advice == MADV_REMOVE)
		return advise_remove(mm, start, end);
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	ret = advise_range(mm, start, end, advice);
	mmap_write_unlock(mm);
	return ret;
}
