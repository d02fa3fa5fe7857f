/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Private memory of the TEE's range (abi/layout.h) that comes and goes.
 *
 * An address is for ever the same memory: pages are only added, trimmed, or
 * given other permissions, exactly as SGX2 does it (EAUG + EACCEPT, EMODPR and
 * EMODPE, EMODT + EACCEPT + EREMOVE; SDM vol. 3D, 36.5). Who owns an address
 * and whether it is committed is known above this interface (user memory
 * manager, kernel window); a back end keeps no such table.
 *
 * All functions: addr and size are multiples of 4096, size > 0, the range lies
 * inside one window of abi/layout.h (low user, high user, memmap, page states, kernel
 * window). Any context, interrupts on or off; they never sleep. Ranges of
 * different callers never overlap at the same time. Prot is MEM_R | MEM_W |
 * MEM_X, 0 = no access; MEM_W implies reading.
 */
#ifndef BOUNDARY_MEM_H
#define BOUNDARY_MEM_H

#include "abi/types.h"

#define MEM_R 1u
#define MEM_W 2u
#define MEM_X 4u

/**
 * tee_mem_static - is this an enclave whose pages were all added before it ran (SGX1)?
 *
 * Then tee_mem_commit_copy() is not atomic, and not all addresses have memory: tee_mem_end().
 */
bool tee_mem_static(void);

/**
 * tee_mem_end - up to where a window can be committed
 * @addr: an address of the window
 *
 * Return: the end of the window, with a static layout of the part of it that is there.
 */
unsigned long tee_mem_end(unsigned long addr);

/* Can [addr, addr + size), which starts in a window, be committed? */
static inline bool tee_mem_backed(unsigned long addr, unsigned long size)
{
	unsigned long end = tee_mem_end(addr);

	return addr <= end && size <= end - addr;
}

/* At boot, before anything is committed. Stops the TEE if memory that was declared is not there. */
void tee_mem_start(void);

/**
 * tee_mem_commit - add zeroed pages
 *
 * No page of the range is committed before. Afterwards all of them are,
 * read as zero and have the permissions @prot.
 *
 * Return: 0, or -ENOMEM: then none of them is committed.
 */
int tee_mem_commit(unsigned long addr, unsigned long size, unsigned int prot);

/**
 * tee_mem_commit_copy - add pages with content
 * @src: @size bytes of private memory, any alignment
 *
 * Like tee_mem_commit(), but the pages hold a copy of @src. A thread that
 * touches them meanwhile faults or sees the whole content, never zeroes: SGX
 * does it with EACCEPTCOPY page by page; soft writes through /proc/self/mem,
 * which ignores permissions, and then makes the range accessible. With a static layout
 * (tee_mem_static()) nothing can hide them: whoever can, fills pages that nobody knows yet.
 *
 * Return: 0, or -ENOMEM: then none of them is committed.
 */
int tee_mem_commit_copy(unsigned long addr, unsigned long size, const void *src, unsigned int prot);

/**
 * tee_mem_protect - change permissions of committed pages
 *
 * All pages of the range are committed; their content is kept. When it returns
 * no vCPU uses the old permissions any more.
 *
 * Return: 0, or a negative errno: then the permissions of each page are the old
 * or the new ones.
 */
int tee_mem_protect(unsigned long addr, unsigned long size, unsigned int prot);

/**
 * tee_mem_trim - take committed pages away
 *
 * All pages of the range are committed before and none is afterwards: every
 * access faults, and the content is gone for good.
 *
 * Return: 0, or a negative errno: then nothing has changed.
 */
int tee_mem_trim(unsigned long addr, unsigned long size);

#endif
