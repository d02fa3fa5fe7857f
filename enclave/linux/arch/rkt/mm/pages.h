/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which pages of the range are committed, and what the back end was told
 * about them: one byte of state per page.
 *
 * Every call of tee_mem_commit/protect/trim for user and kernel-window memory
 * comes from here, so that the contract of enclave/boundary/mem.h is kept in
 * one place: commit only what is not committed, everything else only what is,
 * and as few calls as there are contiguous runs.
 *
 * Pure code: compiled into the kernel and, with another pages_port.h, into
 * test/unit/mm. Callers serialise themselves per page (mmap_lock plus
 * rkt_chunk_lock() in the kernel); different pages need no common lock.
 * Addresses are page aligned, end is exclusive.
 */
#ifndef RKT_MM_PAGES_H
#define RKT_MM_PAGES_H

#include "abi/types.h"
#include "enclave/boundary/mem.h"

#define RKT_PAGE_SIZE 4096ULL

/* State of a page. */
#define PS_PROT 0x07 /* MEM_R | MEM_W | MEM_X that the back end was told */
#define PS_COMMITTED 0x08
#define PS_STALE 0x10 /* content is nobody's: zero it before the next owner sees it */
#define PS_STRUCT 0x20 /* struct page is valid (stays so for ever) */
#define PS_WINDOW 0x40 /* page of a shared file window: its content is page cache */

/**
 * pages_commit - make all pages of [start, end) committed, zeroed if new, with @prot
 *
 * Stale pages are zeroed and reused; pages that hold live content are left as
 * they are, permissions included.
 *
 * Return: 0, or -ENOMEM (memory limit or back end); pages before the failing
 * run stay committed: the caller releases the range or accepts that.
 */
int pages_commit(u64 start, u64 end, unsigned int prot);

/**
 * pages_commit_copy - commit pages with content
 *
 * No page of [start, end) is committed (or only stale ones are). Other threads
 * that touch them meanwhile fault or see the whole content.
 * Return: as pages_commit().
 */
int pages_commit_copy(u64 start, u64 end, const void *src, unsigned int prot);

/**
 * pages_protect - set the permissions of all committed pages of [start, end)
 * @deferred: incremented for each page that must keep more than @prot because
 *            somebody still holds a reference to it (I/O in flight)
 *
 * Return: 0 or the back end's error.
 */
int pages_protect(u64 start, u64 end, unsigned int prot, size_t *deferred);

/* Like that for all committed pages, referenced or not. Errors are ignored. */
void pages_protect_all(u64 start, u64 end, unsigned int prot);

/* Takes all committed pages of [start, end) away. None may be referenced. */
void pages_trim(u64 start, u64 end);

/* Says that the content of the committed pages of [start, end) is nobody's, keeps them. */
void pages_mark_stale(u64 start, u64 end);

/* Number of committed pages; the second without stale ones. */
size_t pages_committed(u64 start, u64 end);
size_t pages_live(u64 start, u64 end);

/**
 * pages_next_pinned - find pages that others hold references to
 * @run_start, @run_end: the first such run of [start, end)
 *
 * Return: whether there is one.
 */
bool pages_next_pinned(u64 start, u64 end, u64 *run_start, u64 *run_end);

/* First run of committed pages, as above; of pages without content: uncommitted or stale. */
bool pages_next_run(u64 start, u64 end, u64 *run_start, u64 *run_end);
bool pages_next_missing(u64 start, u64 end, u64 *run_start, u64 *run_end);

#endif
