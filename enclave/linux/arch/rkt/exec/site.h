/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the files that rewrite syscall sites inside the kernel. */
#ifndef RKT_EXEC_SITE_H
#define RKT_EXEC_SITE_H

#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/xarray.h>
#include <asm/rkt_exec.h>
#include "install.h"

#define STUB_AREA_SIZE RW_WINDOW_SIZE
#define STUB_GRANULE 16
#define STUB_AREA_HEAD 64 /* the kernel's entry, in the first eight bytes */

/* A stretch of user memory that holds stubs; lives as long as the mm. */
struct stub_area {
	struct stub_area *next;
	unsigned long start;
	DECLARE_BITMAP(used, STUB_AREA_SIZE / STUB_GRANULE);
};

/* A rewritten site. Never freed before the mm: a thread may be in its stub. */
struct site {
	struct site *next;
	bool removed; /* the original bytes are back */
	bool gone; /* so is the text; set without the lock. The stub may still be on the way */
	struct rw_stub stub;
};

/*
 * Of one address space. @lock serialises everything that writes; the lists only
 * grow, so that rkt_report_ip() reads them without it.
 */
struct rkt_exec {
	struct mutex lock;
	struct stub_area *areas;
	struct site *sites;
	struct xarray traps; /* by address: TRAP_* */
	struct xarray hidden; /* by address: CPUID with another first byte; has its own lock */
	bool hides; /* there has been one */
};

/* Values of rkt_exec.traps. */
#define TRAP_COUNT(v) ((v)&0xffffffff)
#define TRAP_SKIP(v) (((v) >> 32) & 0xff) /* ways not to take: bits 1 << enum rw_kind */
#define TRAP_REFUSED (1ul << 40)
#define TRAP_SKIP_BIT(kind) (1ul << (32 + (kind)))

/**
 * stub_place - find or allocate stub memory that suits a plan
 *
 * Context: exec->lock held; takes mmap_lock for writing when it allocates.
 * Return: the address (reserve it with stub_take()), or 0.
 */
unsigned long stub_place(struct rkt_exec *exec, const struct rw_plan *plan);

/* Reserves what a stub of @len bytes at @addr covers. */
void stub_take(struct rkt_exec *exec, unsigned long addr, size_t len);

static inline unsigned long stub_entry(unsigned long addr, const struct rkt_exec *exec)
{
	const struct stub_area *a = exec->areas;

	while (addr - a->start >= STUB_AREA_SIZE)
		a = a->next;
	return a->start;
}

/* What is kept of an address space; NULL: out of memory. Context: sleeps. */
struct rkt_exec *site_exec(struct mm_struct *mm);

/* For struct rw_reader: exactly @size bytes of a struct file. */
int site_read_file(void *file, void *dst, u64 offset, size_t size);

/**
 * site_bounds - the functions around a byte of a file, as rw_bounds_find() knows them
 *
 * Context: sleeps (reads the file). Return: whether anything is known.
 */
bool site_bounds(struct rw_bounds *bounds, u64 *vaddr, struct file *file, u64 offset);

/*
 * Has rkt_exec_hide_cpuid() changed instructions of this program? It may have copied them since: an
 * mremap(), text that is moved to huge pages, a debugger that steps over a breakpoint.
 */
bool site_hides_cpuid(void);

/**
 * site_rewrite - try to rewrite the syscall instruction at @regs->ip, which just trapped
 *
 * Context: current->mm, no locks held; sleeps.
 */
void site_rewrite(struct pt_regs *regs);

/*
 * If the bytes at @regs->ip, behind a syscall, have been replaced, makes it the
 * address of their copy: that spares one trap.
 */
void site_resume_at(struct pt_regs *regs);

/* A trap at @regs->ip that a rewritten site causes: moves on. Return: was it one? */
bool site_resume(struct pt_regs *regs);

#endif
