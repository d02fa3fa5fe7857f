// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "pages.h"
#include "pages_port.h"

#ifndef __KERNEL__
#include <errno.h>
#else
#include <linux/errno.h>
#endif

static u8 state_of(u64 addr)
{
	return page_states_present(addr) ? *page_state(addr) : 0;
}

/* One page further, or over a block of states that nobody ever needed. */
static u64 step(u64 addr, u64 end)
{
	u64 next;

	if (page_states_present(addr))
		return addr + RKT_PAGE_SIZE;
	next = page_states_next(addr, end);
	return next < end ? next : end;
}

/* End of the run of pages from start whose state under mask equals value. */
static u64 run_end(u64 start, u64 end, u8 mask, u8 value)
{
	while (start < end && (state_of(start) & mask) == value)
		start = step(start, end);
	return start;
}

#define GROUP 8 /* pages whose states are looked at together */
#define GROUP_SIZE ((u64)GROUP * RKT_PAGE_SIZE)
#define GROUP_COMMITTED (PS_COMMITTED * 0x0101010101010101ul)

/* From an aligned group over those of the same block that have no committed page. */
static u64 skip_groups(u64 addr, u64 end)
{
	const u64 *states = (const u64 *)page_state(addr);

	if (end > page_states_end(addr))
		end = page_states_end(addr);
	for (; end - addr >= GROUP_SIZE && !(*states & GROUP_COMMITTED); states++)
		addr += GROUP_SIZE;
	return addr;
}

/* The first committed page; most of a thread's stack or a heap's reserve is not. */
static u64 skip_uncommitted(u64 addr, u64 end)
{
	while (addr < end && !(state_of(addr) & PS_COMMITTED)) {
		addr = step(addr, end);
		if (addr < end && addr % GROUP_SIZE == 0 && page_states_present(addr))
			addr = skip_groups(addr, end);
	}
	return addr;
}

static void set_states(u64 start, u64 end, u8 clear, u8 set)
{
	for (; start < end; start += RKT_PAGE_SIZE) {
		u8 *s = page_state(start);

		*s = (*s & ~clear) | set;
	}
}

static void init_structs(u64 start, u64 end)
{
	for (; start < end; start += RKT_PAGE_SIZE)
		if (!(*page_state(start) & PS_STRUCT))
			page_struct_init(start);
}

static int commit_run(u64 start, u64 end, const void *src, unsigned int prot)
{
	size_t count = (end - start) / RKT_PAGE_SIZE;
	int ret;

	ret = pages_charge(count);
	if (ret)
		return ret;
	if (src)
		ret = tee_mem_commit_copy(start, end - start, src, prot);
	else
		ret = tee_mem_commit(start, end - start, prot);
	if (ret) {
		pages_uncharge(count);
		return ret;
	}
	init_structs(start, end);
	set_states(start, end, PS_PROT | PS_STALE, PS_STRUCT | PS_COMMITTED | prot);
	return 0;
}

static int recycle_run(u64 start, u64 end, unsigned int old, unsigned int prot)
{
	int ret;

	if (!(old & MEM_W)) {
		old = MEM_R | MEM_W;
		ret = tee_mem_protect(start, end - start, old);
		if (ret)
			return ret;
		set_states(start, end, PS_PROT, old);
	}
	pages_zero(start, end);
	if (old != prot) {
		ret = tee_mem_protect(start, end - start, prot);
		if (ret)
			return ret;
	}
	set_states(start, end, PS_PROT | PS_STALE, prot);
	return 0;
}

int pages_commit(u64 start, u64 end, unsigned int prot)
{
	int ret;
	u64 next;

	ret = page_states_prepare(start, end);
	for (; !ret && start < end; start = next) {
		u8 s = state_of(start);

		if (!(s & PS_COMMITTED)) {
			next = run_end(start, end, PS_COMMITTED, 0);
			ret = commit_run(start, next, NULL, prot);
		} else if (s & PS_STALE) {
			next = run_end(start, end, PS_COMMITTED | PS_STALE | PS_PROT,
				       s & (PS_COMMITTED | PS_STALE | PS_PROT));
			ret = recycle_run(start, next, s & PS_PROT, prot);
		} else {
			next = start + RKT_PAGE_SIZE;
		}
	}
	return ret;
}

int pages_commit_copy(u64 start, u64 end, const void *src, unsigned int prot)
{
	int ret = page_states_prepare(start, end);

	if (ret)
		return ret;
	pages_trim(start, end); /* stale ones */
	if (pages_committed(start, end))
		return -ENOMEM; /* the back end keeps them */
	return commit_run(start, end, src, prot);
}

/* May the permissions of this committed page become prot now? */
static bool may_protect(u64 addr, unsigned int prot)
{
	unsigned int lost = state_of(addr) & PS_PROT & ~prot & (MEM_R | MEM_W);

	return !lost || !page_extra_refs(addr);
}

int pages_protect(u64 start, u64 end, unsigned int prot, size_t *deferred)
{
	u64 a = start, from;
	bool differs;
	int ret;

	while (a < end) {
		differs = false;
		for (from = a; a < end && (state_of(a) & PS_COMMITTED) && may_protect(a, prot);
		     a += RKT_PAGE_SIZE)
			differs |= (state_of(a) & PS_PROT) != prot;
		if (differs) {
			ret = tee_mem_protect(from, a - from, prot);
			if (ret)
				return ret;
			set_states(from, a, PS_PROT, prot);
		}
		if (a >= end)
			break;
		if (state_of(a) & PS_COMMITTED)
			++*deferred;
		a = step(a, end);
	}
	return 0;
}

void pages_protect_all(u64 start, u64 end, unsigned int prot)
{
	u64 a, b;

	for (; pages_next_run(start, end, &a, &b); start = b)
		if (!tee_mem_protect(a, b - a, prot))
			set_states(a, b, PS_PROT, prot);
}

/* In an enclave each page takes a while; who waits for memory gets it piece by piece. */
#define TRIM_SIZE_MAX (4ull << 20)

void pages_trim(u64 start, u64 end)
{
	u64 a, b;

	while (pages_next_run(start, end, &a, &b)) {
		if (b - a > TRIM_SIZE_MAX)
			b = a + TRIM_SIZE_MAX;
		/* A back end that refuses: the pages stay ours, for the next commit to reuse. */
		if (tee_mem_trim(a, b - a)) {
			set_states(a, b, PS_PROT | PS_WINDOW, PS_STALE);
		} else {
			set_states(a, b, PS_PROT | PS_STALE | PS_WINDOW | PS_COMMITTED, 0);
			pages_uncharge((b - a) / RKT_PAGE_SIZE);
		}
		start = b;
	}
}

void pages_mark_stale(u64 start, u64 end)
{
	u64 a, b;

	for (; pages_next_run(start, end, &a, &b); start = b)
		set_states(a, b, 0, PS_STALE);
}

static size_t count_pages(u64 start, u64 end, u8 mask)
{
	size_t count = 0;

	while ((start = skip_uncommitted(start, end)) < end) {
		count += (state_of(start) & mask) == PS_COMMITTED;
		start += RKT_PAGE_SIZE;
	}
	return count;
}

size_t pages_committed(u64 start, u64 end)
{
	return count_pages(start, end, PS_COMMITTED);
}

size_t pages_live(u64 start, u64 end)
{
	return count_pages(start, end, PS_COMMITTED | PS_STALE);
}

bool pages_next_pinned(u64 start, u64 end, u64 *from, u64 *to)
{
	u64 a = skip_uncommitted(start, end);

	while (a < end && !page_extra_refs(a))
		a = skip_uncommitted(a + RKT_PAGE_SIZE, end);
	if (a >= end)
		return false;
	*from = a;
	while (a < end && (state_of(a) & PS_COMMITTED) && page_extra_refs(a))
		a += RKT_PAGE_SIZE;
	*to = a;
	return true;
}

bool pages_next_run(u64 start, u64 end, u64 *from, u64 *to)
{
	*from = skip_uncommitted(start, end);
	*to = run_end(*from, end, PS_COMMITTED, PS_COMMITTED);
	return *from < end;
}

bool pages_next_missing(u64 start, u64 end, u64 *from, u64 *to)
{
	u64 a = run_end(start, end, PS_COMMITTED | PS_STALE, PS_COMMITTED);

	*from = a;
	while (a < end && (state_of(a) & (PS_COMMITTED | PS_STALE)) != PS_COMMITTED)
		a = step(a, end);
	*to = a;
	return *from < end;
}
