/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the files of the user memory manager.
 *
 *   urange.c   who owns which addresses        pages.c   what is committed
 *   uspace.c   allocation in the user windows  vma.c     split, merge, unmap
 *   mmap.c     mmap                            syscalls.c the rest of the family
 *   fault.c    faults and pinning              shared.c  shared file windows
 *   vmalloc.c  the kernel window               exec.c    stacks of new programs
 *
 * Locks, outermost first: mmap_lock of the mm; the window lock of a shared
 * file; rkt_chunk_lock() of the pages; the sweep mutex; the uspace mutex. State bytes of pages
 * are written under mmap_lock held for writing or under the chunk lock.
 */
#ifndef RKT_MM_INTERNAL_H
#define RKT_MM_INTERNAL_H

#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mutex.h>
#include <asm/rkt_mm.h>
#include <asm/uaccess.h>
#include "abi/layout.h"
#include "pages.h"
#include "urange.h"

/* Up to this size memory is committed when it is mapped, above it when it is touched. */
#define RKT_EAGER_MAX (256UL << 10)
#define RKT_FILE_EAGER_MAX (256UL << 10)
#define RKT_FAULT_AROUND_TEXT (32UL << 10)
#define RKT_FAULT_AROUND (64UL << 10)
#define RKT_FAULT_AROUND_MAX (256UL << 10)

/* ---- uspace.c: addresses ---- */

/* Owners other than an mm_struct. */
extern const char rkt_owner_cache, rkt_owner_quarantine;

/**
 * uspace_alloc - find and claim free addresses
 * @hint: 0, or where the caller would like it; ignored when not free or without memory
 * @place: where to look
 *
 * Return: the address or -ENOMEM.
 */
enum uspace_place {
	USPACE_TOP, /* highest free address, with a static layout of the low window if need be */
	USPACE_BOTTOM, /* lowest of the high window */
	USPACE_LOW, /* below 2 GiB (MAP_32BIT) */
	USPACE_RESERVE, /* as USPACE_TOP; else where there is no memory (tee_mem_end()) */
};

unsigned long uspace_alloc(const void *owner, unsigned long size, unsigned long hint,
			   enum uspace_place place);

/* Takes a recently freed, committed (stale) range of exactly that size; 0 if there is none. */
unsigned long uspace_alloc_cached(const void *owner, unsigned long size);

/**
 * uspace_claim - claim fixed addresses
 *
 * Parts that @owner has already are fine. Recently freed ranges are dropped.
 * Return: 0; -ENOMEM when another owner has a part, or outside the windows.
 */
int uspace_claim(const void *owner, unsigned long start, unsigned long end);

/* Like that, but no part may have an owner already, and all can have memory. */
int uspace_claim_free(const void *owner, unsigned long start, unsigned long end);

/* Gives back what @owner has of [start, end). Never fails. */
void uspace_release(const void *owner, unsigned long start, unsigned long end);

/**
 * uspace_free_pages - give back addresses with the memory behind them
 *
 * The range was @owner's. Small, wholly committed ranges are kept for reuse;
 * pages that are still referenced go to quarantine until released.
 */
void uspace_free_pages(const void *owner, unsigned long start, unsigned long end);

/* Like that, but the addresses stay the owner's (madvise, MAP_FIXED). Pinned pages are zeroed. */
void uspace_drop_pages(unsigned long start, unsigned long end);

/*
 * Frees at once what is kept for reuse, and what waits to be freed and is not referenced any more.
 * Context: as pages_charge(); the uspace mutex is not held.
 */
void uspace_reclaim(void);

/* Looks soon, and then ever more rarely, whether quarantined pages can go. */
void rkt_sweep_later(void);

/* ---- memory limit ---- */
unsigned long rkt_limit_pages(void);
unsigned long rkt_free_pages(void);
int rkt_vm_enough(unsigned long pages);

/*
 * Kills the process that has most user memory and waits until some is free (oom.c).
 * Return: true if it is worth another try; false if the caller's process is the one to go, is
 * dying, or the victim does not die. Context: may sleep; no mmap_lock held.
 */
bool rkt_out_of_memory(void);

/* ---- per-chunk lock of page states ---- */
struct mutex *rkt_chunk_lock(unsigned long addr);

/* ---- vma.c ---- */
static inline unsigned int rkt_prot(vm_flags_t f)
{
	unsigned int p = 0;

	if (f & VM_READ)
		p |= MEM_R;
	if (f & VM_WRITE)
		p |= MEM_R | MEM_W;
	if (f & VM_EXEC)
		p |= MEM_R | MEM_X;
	return p;
}

/* VMA whose memory is not ours: rings of io_uring and the like. */
static inline bool rkt_foreign(const struct vm_area_struct *vma)
{
	return vma->vm_flags & (VM_IO | VM_PFNMAP);
}

/**
 * rkt_vma_part - the next part of [*start, end) that one VMA holds
 * @start: in: where to look from; out: where the part begins
 * @next: out: where it ends
 * @hole: set to true when nothing is mapped right at *start
 *
 * Called with mmap_lock held. Return: the VMA, NULL when none is left.
 */
struct vm_area_struct *rkt_vma_part(struct mm_struct *mm, unsigned long *start, unsigned long *next,
				    unsigned long end, bool *hole);

extern const struct vm_operations_struct rkt_private_file_ops;

/* What keeps the addresses below a program's first stack free; Linux has no mapping there. */
#define RKT_STACK_GUARD_FLAGS (VM_MAYREAD | VM_MAYWRITE | VM_NORESERVE | VM_DONTEXPAND)

static inline bool rkt_is_stack_guard(const struct vm_area_struct *vma)
{
	return vma->vm_flags == RKT_STACK_GUARD_FLAGS && !vma->vm_file;
}

/* VMA that shows a file window, with its mapping count (MAP_SHARED of a file). */
bool rkt_is_window(const struct vm_area_struct *vma);

/* Is the memory of @vma anonymous or a private copy of a file? */
static inline bool rkt_owns_pages(const struct vm_area_struct *vma)
{
	return !rkt_foreign(vma) && !rkt_is_window(vma);
}

int rkt_vma_insert(struct mm_struct *mm, struct vm_area_struct *vma);
int rkt_vma_split(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long addr);
struct vm_area_struct *rkt_vma_merge(struct mm_struct *mm, struct vm_area_struct *vma);
/* Splits the VMAs that reach over start or end. */
int rkt_vma_cut(struct mm_struct *mm, unsigned long start, unsigned long end);
int rkt_vma_set_end(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long end);
struct vm_area_struct *rkt_expand_anon(struct mm_struct *mm, unsigned long start, unsigned long end,
				       vm_flags_t flags);
/*
 * do_munmap() that keeps the addresses claimed and trims the pages. Pinned ones stay, as zeros, and are
 * nobody's: who maps there counts them.
 */
int rkt_clear_range(struct mm_struct *mm, unsigned long start, unsigned long end);
/* After a failure: of the claimed range [start, end) only what is not mapped, with the memory. */
void rkt_give_back(struct mm_struct *mm, unsigned long start, unsigned long end);
/* After rkt_clear_range(): what stayed because it is pinned is not the program's any more. */
void rkt_give_back_pinned(struct mm_struct *mm, unsigned long start, unsigned long end);
int rkt_change_flags(struct mm_struct *mm, unsigned long start, unsigned long end, vm_flags_t clear,
		     vm_flags_t set);

/*
 * After uspace_drop_pages(), which leaves pages that are pinned readable and writable: the permissions of
 * the VMAs that they are in now, at once or when they are released.
 */
void rkt_reprotect(struct mm_struct *mm, unsigned long start, unsigned long end);

/*
 * mprotect() on pages that are referenced: the permissions of the back end
 * follow those of the VMA when the references are gone.
 */
void rkt_defer_protect(struct mm_struct *mm, unsigned long start, unsigned long end);
/* Return: whether some are still waiting. */
bool rkt_apply_deferred(void);

/* ---- syscalls.c ---- */
void rkt_release_brk(struct mm_struct *mm);
bool rkt_can_mlock(void);

/* ---- fault.c ---- */

/**
 * rkt_populate - commit the pages of [start, end), all inside @vma
 * @write: they are about to be written by the kernel
 *
 * Context: mmap_lock held. Return: 0, -ENOMEM, -EFAULT, -EIO (file not readable),
 * -ENXIO beyond the end of a shared file.
 */
int rkt_populate(struct vm_area_struct *vma, unsigned long start, unsigned long end, bool write);

/* Like that, but -ENXIO also when only the end of the range lies beyond the end of a private file. */
int rkt_populate_all(struct vm_area_struct *vma, unsigned long start, unsigned long end,
		     bool write);

/* rkt_populate() for a VMA that nobody knows of yet: mmap_lock held for writing. */
int rkt_populate_new(struct vm_area_struct *vma, unsigned long start, unsigned long end);

/*
 * Gives pages of a private file that are there already its bytes: those that uspace_drop_pages() could
 * only clear. Context: as rkt_populate_new(), or they were cleared under mmap_lock.
 */
int rkt_refill(struct vm_area_struct *vma, unsigned long start, unsigned long end);

/* Commits what can be committed of [start, end), errors ignored (MAP_POPULATE, mlock). */
int rkt_populate_range(struct mm_struct *mm, unsigned long start, unsigned long end);

/* ---- shared.c ---- */
/* One mapping less. Return: whether others of the same mm remain (then the VMA stays). */
bool rkt_window_put_mapping(struct vm_area_struct *vma);
unsigned long rkt_window_mmap(struct mm_struct *mm, struct file *file, unsigned long addr,
			      unsigned long len, unsigned long pgoff, vm_flags_t vm_flags,
			      unsigned long flags);
/* Around each change of a VMA's range, and for new and dying ones; others are left alone. */
void rkt_window_link(struct vm_area_struct *vma);
void rkt_window_unlink(struct vm_area_struct *vma);
/* For a VMA of a window that goes: out of its file's tree, its pages taken from the program. */
void rkt_window_leave(struct vm_area_struct *vma);
void rkt_window_set_end(struct vm_area_struct *vma, unsigned long end);
/* As what verify() in fault.c is to other pages. Any context. */
bool rkt_window_verify(unsigned long addr);
bool rkt_window_sweep(void);
int rkt_window_grow(struct vm_area_struct *vma, unsigned long end);
int rkt_window_populate(struct vm_area_struct *vma, unsigned long start, unsigned long end,
			bool write);

#endif
