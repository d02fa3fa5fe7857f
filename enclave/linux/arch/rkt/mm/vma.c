// SPDX-License-Identifier: GPL-2.0-only
/* The list of mappings of an mm: insert, split, merge, change, unmap. */
#define pr_fmt(fmt) "rkt-mm: " fmt

#include <linux/export.h>
#include <linux/file.h>
#include <linux/list.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <asm/rkt_text.h>
#include "internal.h"
#include "mm_internal.h"

const struct vm_operations_struct rkt_private_file_ops = {};

/* Replaces what the tree says about [start, end); vma may be NULL. */
static int store(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long start,
		 unsigned long end)
{
	VMA_ITERATOR(vmi, mm, start);

	vma_iter_config(&vmi, start, end);
	if (vma_iter_prealloc(&vmi, vma))
		return -ENOMEM;
	mas_store_prealloc(&vmi.mas, vma);
	return 0;
}

int rkt_vma_insert(struct mm_struct *mm, struct vm_area_struct *vma)
{
	int ret = store(mm, vma, vma->vm_start, vma->vm_end);

	if (ret)
		return ret;
	mm->map_count++;
	vm_stat_account(mm, vma->vm_flags, vma_pages(vma));
	if (vma->vm_flags & VM_LOCKED)
		mm->locked_vm += vma_pages(vma);
	return 0;
}

/* Afterwards @vma ends at @addr and a new one starts there. */
int rkt_vma_split(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long addr)
{
	struct vm_area_struct *new;
	int ret;

	if (mm->map_count >= sysctl_max_map_count)
		return -ENOMEM;
	if (vma->vm_ops && vma->vm_ops->may_split) {
		ret = vma->vm_ops->may_split(vma, addr);
		if (ret)
			return ret;
	}
	new = vm_area_dup(vma);
	if (!new)
		return -ENOMEM;
	new->vm_start = addr;
	new->vm_pgoff += (addr - vma->vm_start) >> PAGE_SHIFT;
	ret = store(mm, new, addr, new->vm_end);
	if (ret) {
		vm_area_free(new);
		return ret;
	}
	if (new->vm_file)
		get_file(new->vm_file);
	rkt_window_link(new); /* first: the file stays mapped all the time */
	rkt_window_unlink(vma);
	vma->vm_end = addr;
	rkt_window_link(vma);
	if (new->vm_ops &&new->vm_ops->open)
		new->vm_ops->open(new);
	mm->map_count++;
	return 0;
}

static bool can_merge(struct vm_area_struct *a, struct vm_area_struct *b)
{
	if (!a || !b || a->vm_end != b->vm_start || a->vm_file != b->vm_file ||
	    a->vm_ops != b->vm_ops || a->vm_private_data != b->vm_private_data ||
	    a->anon_vma != b->anon_vma || ((a->vm_flags ^ b->vm_flags) & ~VM_SOFTDIRTY) ||
	    (a->vm_flags & VM_SPECIAL) || (a->vm_ops && a->vm_ops->close))
		return false;
	return !a->vm_file || a->vm_pgoff + vma_pages(a) == b->vm_pgoff;
}

/* a takes over b's range; without memory for that both simply stay. */
static bool absorb(struct mm_struct *mm, struct vm_area_struct *a, struct vm_area_struct *b)
{
	if (!can_merge(a, b) || store(mm, a, a->vm_start, b->vm_end))
		return false;
	rkt_window_unlink(a);
	a->vm_end = b->vm_end;
	rkt_window_link(a);
	rkt_window_unlink(b);
	mm->map_count--;
	if (b->vm_file)
		fput(b->vm_file);
	vm_area_free(b);
	return true;
}

/* Joins @vma with its neighbours where they are alike. Return: the VMA that holds its range. */
struct vm_area_struct *rkt_vma_merge(struct mm_struct *mm, struct vm_area_struct *vma)
{
	struct vm_area_struct *prev = NULL;

	if (vma->vm_start)
		prev = vma_lookup(mm, vma->vm_start - 1);
	absorb(mm, vma, vma_lookup(mm, vma->vm_end));
	return prev && absorb(mm, prev, vma) ? prev : vma;
}

/* Moves the end of @vma; what it grows over is free of VMAs. Statistics included. */
int rkt_vma_set_end(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long end)
{
	long pages = (long)(end - vma->vm_end) >> PAGE_SHIFT;
	int ret;

	if (end > vma->vm_end)
		ret = store(mm, vma, vma->vm_start, end);
	else
		ret = store(mm, NULL, end, vma->vm_end);
	if (ret)
		return ret;
	rkt_window_set_end(vma, end);
	vm_stat_account(mm, vma->vm_flags, pages);
	if (vma->vm_flags & VM_LOCKED)
		mm->locked_vm += pages;
	return 0;
}

/* A new or grown anonymous VMA over claimed, free addresses. */
struct vm_area_struct *rkt_expand_anon(struct mm_struct *mm, unsigned long start, unsigned long end,
				       vm_flags_t flags)
{
	struct vm_area_struct *vma = vma_lookup(mm, start - 1);
	int ret;

	if (vma && !vma->vm_file && !vma->vm_ops && vma->vm_flags == flags) {
		ret = rkt_vma_set_end(mm, vma, end);
		return ret ? ERR_PTR(ret) : vma;
	}
	if (mm->map_count >= sysctl_max_map_count)
		return ERR_PTR(-ENOMEM);
	vma = vm_area_alloc(mm);
	if (!vma)
		return ERR_PTR(-ENOMEM);
	vma_set_range(vma, start, end, start >> PAGE_SHIFT);
	vm_flags_init(vma, flags);
	vma_set_anonymous(vma);
	ret = rkt_vma_insert(mm, vma);
	if (!ret)
		return rkt_vma_merge(mm, vma);
	vm_area_free(vma);
	return ERR_PTR(ret);
}

/* ---- lookups that the rest of the kernel uses ---- */

struct vm_area_struct *find_vma_intersection(struct mm_struct *mm, unsigned long start_addr,
					     unsigned long end_addr)
{
	unsigned long index = start_addr;

	mmap_assert_locked(mm);
	return mt_find(&mm->mm_mt, &index, end_addr - 1);
}
EXPORT_SYMBOL(find_vma_intersection);

struct vm_area_struct *find_vma(struct mm_struct *mm, unsigned long addr)
{
	unsigned long index = addr;

	mmap_assert_locked(mm);
	return mt_find(&mm->mm_mt, &index, ULONG_MAX);
}
EXPORT_SYMBOL(find_vma);

struct vm_area_struct *find_vma_prev(struct mm_struct *mm, unsigned long addr,
				     struct vm_area_struct **pprev)
{
	struct vm_area_struct *vma;
	VMA_ITERATOR(vmi, mm, addr);

	vma = vma_iter_load(&vmi);
	*pprev = vma_prev(&vmi);
	return vma ?: vma_next(&vmi);
}

struct vm_area_struct *lock_mm_and_find_vma(struct mm_struct *mm, unsigned long addr,
					    struct pt_regs *regs)
{
	struct vm_area_struct *vma;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	if (!vma)
		mmap_read_unlock(mm);
	return vma;
}

/* Stacks have their full size from the start. */
int expand_stack_locked(struct vm_area_struct *vma, unsigned long addr)
{
	return -ENOMEM;
}

struct vm_area_struct *expand_stack(struct mm_struct *mm, unsigned long addr)
{
	mmap_read_unlock(mm);
	return NULL;
}

/* ---- unmap ---- */

int rkt_vma_cut(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma = vma_lookup(mm, start);
	int ret = 0;

	if (vma && vma->vm_start < start)
		ret = rkt_vma_split(mm, vma, start);
	vma = vma_lookup(mm, end - 1);
	if (!ret && vma && vma->vm_end > end)
		ret = rkt_vma_split(mm, vma, end);
	return ret;
}

static void free_vma(struct mm_struct *mm, struct vm_area_struct *vma)
{
	update_hiwater_vm(mm);
	vm_stat_account(mm, vma->vm_flags, -vma_pages(vma));
	if (vma->vm_flags & VM_ACCOUNT)
		vm_unacct_memory(vma_pages(vma));
	if (vma->vm_flags & VM_LOCKED)
		mm->locked_vm -= vma_pages(vma);
	vma_close(vma);
	if (rkt_is_window(vma))
		rkt_window_leave(vma);
	if (vma->vm_file)
		fput(vma->vm_file);
	vm_area_free(vma);
	mm->map_count--;
}

/* Contiguous memory of several VMAs goes back in one piece. */
struct run {
	unsigned long start, end;
	bool keep_addresses;
};

static void flush_run(struct mm_struct *mm, struct run *run)
{
	if (run->end == run->start)
		return;
	update_hiwater_rss(mm);
	add_mm_counter(mm, MM_ANONPAGES, -pages_live(run->start, run->end));
	if (run->keep_addresses)
		uspace_drop_pages(run->start, run->end);
	else
		uspace_free_pages(mm, run->start, run->end);
	run->start = run->end = 0;
}

static void add_to_run(struct mm_struct *mm, struct run *run, struct vm_area_struct *vma)
{
	if (run->end != vma->vm_start) {
		flush_run(mm, run);
		run->start = vma->vm_start;
	}
	run->end = vma->vm_end;
}

static int unmap_vma(struct mm_struct *mm, struct vm_area_struct *vma, struct run *run)
{
	int ret;

	if (rkt_window_put_mapping(vma))
		return 0; /* mapped more than once */
	ret = store(mm, NULL, vma->vm_start, vma->vm_end);
	if (ret)
		return ret;
	if (vma->vm_file)
		rkt_exec_forget(mm, vma->vm_start, vma->vm_end);
	if (rkt_owns_pages(vma))
		add_to_run(mm, run, vma);
	free_vma(mm, vma);
	return 0;
}

static int unmap_range(struct mm_struct *mm, unsigned long start, unsigned long end, bool keep)
{
	struct run run = { .keep_addresses = keep };
	struct vm_area_struct *vma;
	int ret = rkt_vma_cut(mm, start, end);

	while (!ret && start < end && (vma = find_vma_intersection(mm, start, end))) {
		start = vma->vm_end;
		ret = unmap_vma(mm, vma, &run);
		cond_resched();
	}
	flush_run(mm, &run);
	return ret;
}

int rkt_clear_range(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	return unmap_range(mm, start, end, true);
}

void rkt_give_back(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma;
	unsigned long next;

	for (; start < end; start = vma ? vma->vm_end : end) {
		vma = find_vma_intersection(mm, start, end);
		next = vma ? vma->vm_start : end;
		if (start < next)
			uspace_free_pages(mm, start, next);
	}
}

void rkt_give_back_pinned(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	u64 a, b;

	for (; pages_next_run(start, end, &a, &b); start = b)
		uspace_free_pages(mm, a, b);
}

int do_munmap(struct mm_struct *mm, unsigned long start, size_t len, struct list_head *uf)
{
	mmap_assert_write_locked(mm);
	if (offset_in_page(start) || start > TASK_SIZE || len > TASK_SIZE - start)
		return -EINVAL;
	len = PAGE_ALIGN(len);
	if (!len)
		return -EINVAL;
	return unmap_range(mm, start, start + len, false);
}

int vm_munmap(unsigned long addr, size_t len)
{
	struct mm_struct *mm = current->mm;
	int ret;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	ret = do_munmap(mm, addr, len, NULL);
	mmap_write_unlock(mm);
	return ret;
}
EXPORT_SYMBOL(vm_munmap);

void exit_mmap(struct mm_struct *mm)
{
	struct run run = {};
	struct vm_area_struct *vma;
	VMA_ITERATOR(vmi, mm, 0);

	mmap_write_lock(mm);
	for_each_vma (vmi, vma) {
		while (rkt_window_put_mapping(vma))
			;
		if (rkt_owns_pages(vma))
			add_to_run(mm, &run, vma);
		free_vma(mm, vma);
		cond_resched();
	}
	flush_run(mm, &run);
	rkt_release_brk(mm);
	__mt_destroy(&mm->mm_mt);
	mmap_write_unlock(mm);
}

/* ---- change flags ---- */

struct deferred {
	struct list_head list;
	struct mm_struct *mm; /* mm_count held */
	unsigned long start, end;
};

static DEFINE_SPINLOCK(deferred_lock);
static LIST_HEAD(deferred_list);

void rkt_defer_protect(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct deferred *d = kmalloc(sizeof(*d), GFP_KERNEL);

	if (!d)
		return; /* the pages keep more permissions than they should */
	mmgrab(mm);
	d->mm = mm;
	d->start = start;
	d->end = end;
	spin_lock(&deferred_lock);
	list_add_tail(&d->list, &deferred_list);
	spin_unlock(&deferred_lock);
	rkt_sweep_later();
}

static size_t protect_range(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma;
	size_t waiting = 0;
	VMA_ITERATOR(vmi, mm, start);

	for_each_vma_range (vmi, vma, end)
		if (rkt_owns_pages(vma))
			pages_protect(max(start, vma->vm_start), min(end, vma->vm_end),
				      rkt_prot(vma->vm_flags), &waiting);
	return waiting;
}

/* Return: whether it is done with. */
static bool apply_one(struct deferred *d)
{
	bool done;

	if (!mmget_not_zero(d->mm))
		return true;
	mmap_write_lock(d->mm);
	done = !protect_range(d->mm, d->start, d->end);
	mmap_write_unlock(d->mm);
	mmput(d->mm);
	return done;
}

bool rkt_apply_deferred(void)
{
	struct deferred *d, *next;
	LIST_HEAD(todo);

	spin_lock(&deferred_lock);
	list_splice_init(&deferred_list, &todo);
	spin_unlock(&deferred_lock);
	list_for_each_entry_safe (d, next, &todo, list) {
		if (!apply_one(d))
			continue;
		list_del(&d->list);
		mmdrop(d->mm);
		kfree(d);
	}
	spin_lock(&deferred_lock);
	list_splice(&todo, &deferred_list);
	spin_unlock(&deferred_lock);
	return !list_empty(&deferred_list);
}

void rkt_reprotect(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	if (protect_range(mm, start, end))
		rkt_defer_protect(mm, start, end);
}

static int apply_prot(struct mm_struct *mm, struct vm_area_struct *vma)
{
	size_t waiting = 0;
	int ret;

	if (!rkt_owns_pages(vma))
		return 0;
	ret = pages_protect(vma->vm_start, vma->vm_end, rkt_prot(vma->vm_flags), &waiting);
	if (waiting)
		rkt_defer_protect(mm, vma->vm_start, vma->vm_end);
	return ret;
}

/* Accounts memory that becomes privately writable. */
static int charge_writable(struct vm_area_struct *vma, vm_flags_t *flags)
{
	if (!(*flags & VM_WRITE) ||
	    (vma->vm_flags & (VM_ACCOUNT | VM_WRITE | VM_SHARED | VM_NORESERVE)))
		return 0;
	if (rkt_vm_enough(vma_pages(vma) - pages_live(vma->vm_start, vma->vm_end)))
		return -ENOMEM;
	vm_acct_memory(vma_pages(vma));
	*flags |= VM_ACCOUNT;
	return 0;
}

/* @vma lies wholly in the range. Return: 0 and the VMA that now covers it. */
static int change_vma(struct mm_struct *mm, struct vm_area_struct **pvma, vm_flags_t flags)
{
	struct vm_area_struct *vma = *pvma;
	vm_flags_t old = vma->vm_flags;
	int ret;

	ret = charge_writable(vma, &flags);
	if (ret)
		return ret;
	vm_stat_account(mm, old, -vma_pages(vma));
	vm_flags_reset(vma, flags);
	vm_stat_account(mm, flags, vma_pages(vma));
	if ((old ^ flags) & VM_LOCKED)
		mm->locked_vm += flags & VM_LOCKED ? vma_pages(vma) : -vma_pages(vma);
	if (rkt_prot(old) != rkt_prot(flags))
		ret = apply_prot(mm, vma);
	*pvma = rkt_vma_merge(mm, vma);
	return ret;
}

/**
 * rkt_change_flags - clear and set VM_* flags of [start, end)
 *
 * Return: 0; -ENOMEM when part of it is not mapped (what lies before is
 * changed, as in Linux); -EACCES when a permission is not allowed.
 */
int rkt_change_flags(struct mm_struct *mm, unsigned long start, unsigned long end, vm_flags_t clear,
		     vm_flags_t set)
{
	struct vm_area_struct *vma;
	vm_flags_t flags;
	int ret;

	while (start < end) {
		vma = vma_lookup(mm, start);
		if (!vma)
			return -ENOMEM;
		flags = (vma->vm_flags & ~clear) | set;
		if (flags == vma->vm_flags) {
			start = vma->vm_end;
			continue;
		}
		if ((flags & ~(flags >> 4)) & VM_ACCESS_FLAGS)
			return -EACCES;
		ret = rkt_vma_cut(mm, start, min(end, vma->vm_end));
		if (ret)
			return ret;
		vma = vma_lookup(mm, start);
		start = vma->vm_end;
		ret = change_vma(mm, &vma, flags);
		if (ret)
			return ret;
	}
	return 0;
}

struct vm_area_struct *rkt_vma_part(struct mm_struct *mm, unsigned long *start, unsigned long *next,
				    unsigned long end, bool *hole)
{
	struct vm_area_struct *vma;

	if (*start >= end)
		return NULL;
	vma = find_vma_intersection(mm, *start, end);
	if (!vma || vma->vm_start > *start)
		*hole = true;
	if (!vma)
		return NULL;
	*start = max(*start, vma->vm_start);
	*next = min(end, vma->vm_end);
	return vma;
}
