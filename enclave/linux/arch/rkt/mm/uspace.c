// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) "rkt-mm: " fmt

#include <linux/init.h>
#include <linux/list.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include "enclave/boundary/check.h"
#include "mm_internal.h"
#include "pages_port.h"

#define CACHE_CHUNK_MAX (1UL << 20)
#define CACHE_ENTRIES_MAX 64
#define CACHE_SIZE_MAX (32UL << 20)
#define SWEEP_MIN (HZ / 50)
#define SWEEP_MAX HZ

struct uspace_range {
	struct urange r;
	struct list_head list; /* of the cache or of the quarantine */
};

const char rkt_owner_cache, rkt_owner_quarantine;

static DEFINE_MUTEX(uspace_mutex);
static DEFINE_MUTEX(sweep_mutex); /* who needs memory waits for what is being freed */
static struct urange_set uspace = URANGE_SET_INIT;
static LIST_HEAD(cache); /* newest first */
static unsigned long cache_size, cache_entries;
static LIST_HEAD(quarantine);
static unsigned long sweep_interval = SWEEP_MIN;

static void sweep(struct work_struct *work);
static DECLARE_DELAYED_WORK(sweep_work, sweep);

/* ---- the set, with allocated nodes; all under uspace_mutex ---- */

static struct uspace_range *node_of(struct urange *r)
{
	return container_of(r, struct uspace_range, r);
}

static struct uspace_range *add(const void *owner, u64 start, u64 end)
{
	/* Small, and unmapping can't fail: a TEE without kernel memory is over anyway. */
	struct uspace_range *n = kmalloc(sizeof(*n), GFP_KERNEL | __GFP_NOFAIL);

	n->r.start = start;
	n->r.end = end;
	n->r.owner = owner;
	INIT_LIST_HEAD(&n->list);
	urange_insert(&uspace, &n->r);
	return n;
}

static void del(struct urange *r)
{
	urange_erase(&uspace, r);
	kfree(node_of(r));
}

/* add(), joined with the owner's neighbours: heaps that grow stay one range. */
static void add_joined(const void *owner, u64 start, u64 end)
{
	struct urange *prev = urange_last(&uspace, start), *next = urange_first(&uspace, end);

	if (next && next->start == end && next->owner == owner) {
		end = next->end;
		del(next);
	}
	if (prev && prev->end == start && prev->owner == owner) {
		urange_erase(&uspace, prev);
		prev->end = end;
		urange_insert(&uspace, prev);
		return;
	}
	add(owner, start, end);
}

static void remove(const void *owner, u64 start, u64 end)
{
	struct urange *r;
	u64 at = start;

	while ((r = urange_first(&uspace, at)) && r->start < end) {
		u64 from = r->start, to = r->end;

		at = to;
		if (r->owner != owner)
			continue;
		del(r);
		if (from < start)
			add(owner, from, start);
		if (to > end)
			add(owner, end, to);
	}
}

/*
 * Takes the memory of a range away. Return: whether it is gone. What the host keeps may be read and
 * written as before, so nobody may get those addresses.
 */
static bool take_away(u64 start, u64 end)
{
	pages_trim(start, end);
	return CHECK_HOST(!pages_committed(start, end));
}

/* ---- committed ranges kept for reuse ---- */

static void cache_drop(struct uspace_range *n)
{
	cache_size -= n->r.end - n->r.start;
	cache_entries--;
	list_del(&n->list);
	if (take_away(n->r.start, n->r.end)) {
		del(&n->r);
		return;
	}
	n->r.owner = &rkt_owner_quarantine;
	list_add_tail(&n->list, &quarantine);
}

static void cache_add(u64 start, u64 end)
{
	struct uspace_range *n = add(&rkt_owner_cache, start, end);

	list_add(&n->list, &cache);
	cache_size += end - start;
	cache_entries++;
	while (cache_entries > CACHE_ENTRIES_MAX ||
	       cache_size > min(CACHE_SIZE_MAX, (rkt_limit_pages() / 8) << PAGE_SHIFT))
		cache_drop(list_last_entry(&cache, struct uspace_range, list));
}

static void drop_cache(void)
{
	struct uspace_range *n, *next;

	mutex_lock(&uspace_mutex);
	list_for_each_entry_safe (n, next, &cache, list)
		cache_drop(n);
	mutex_unlock(&uspace_mutex);
}

unsigned long uspace_alloc_cached(const void *owner, unsigned long size)
{
	struct uspace_range *n;
	unsigned long addr = 0;

	if (size > CACHE_CHUNK_MAX || !READ_ONCE(cache_entries))
		return 0;
	mutex_lock(&uspace_mutex);
	list_for_each_entry (n, &cache, list) {
		if (n->r.end - n->r.start != size)
			continue;
		list_del_init(&n->list);
		cache_size -= size;
		cache_entries--;
		n->r.owner = owner;
		addr = n->r.start;
		break;
	}
	mutex_unlock(&uspace_mutex);
	return addr;
}

/* ---- allocation ---- */

/* Drops kept ranges in the way, then says whether only @owner has parts of the range. */
static bool claimable(const void *owner, u64 start, u64 end)
{
	struct urange *r;
	u64 at = start;

	while ((r = urange_first(&uspace, at)) && r->start < end) {
		at = r->end;
		if (r->owner == &rkt_owner_cache)
			cache_drop(node_of(r));
		else if (r->owner != owner)
			return false;
	}
	return true;
}

static int claim(const void *owner, unsigned long start, unsigned long end, const void *may_have)
{
	int ret = -ENOMEM;

	if (end <= start || !rkt_user_range(start, end - start))
		return ret;
	mutex_lock(&uspace_mutex);
	if (claimable(may_have, start, end)) {
		remove(owner, start, end);
		add_joined(owner, start, end);
		ret = 0;
	}
	mutex_unlock(&uspace_mutex);
	return ret;
}

int uspace_claim(const void *owner, unsigned long start, unsigned long end)
{
	return claim(owner, start, end, owner);
}

int uspace_claim_free(const void *owner, unsigned long start, unsigned long end)
{
	if (!tee_mem_backed(start, end - start))
		return -ENOMEM;
	return claim(owner, start, end, NULL);
}

static bool find_low(u64 size, u64 end, u64 *addr)
{
	return urange_find(&uspace, size, PAGE_SIZE, SZ_1M, end, true, addr);
}

/* Where addresses are memory, the low window has a quarter of it: too much for a few programs. */
static bool find(u64 size, enum uspace_place place, u64 *addr)
{
	u64 low_end = tee_mem_end(SZ_1M), end = tee_mem_end(TEE_USER_HIGH_START);

	if (place == USPACE_LOW)
		return find_low(size, min(low_end, (u64)SZ_2G), addr);
	if (urange_find(&uspace, size, PAGE_SIZE, TEE_USER_HIGH_START + SZ_1M, end - SZ_1M,
			place != USPACE_BOTTOM, addr))
		return true;
	if (tee_mem_static() && place != USPACE_BOTTOM && find_low(size, low_end, addr))
		return true;
	return place == USPACE_RESERVE &&
	       urange_find(&uspace, size, PAGE_SIZE, end, TEE_USER_HIGH_END - SZ_1M, true, addr);
}

static bool alloc(const void *owner, unsigned long size, unsigned long hint,
		  enum uspace_place place, u64 *addr)
{
	bool ok;

	mutex_lock(&uspace_mutex);
	*addr = hint;
	ok = hint && rkt_user_range(hint, size) && tee_mem_backed(hint, size) &&
	     claimable(NULL, hint, hint + size);
	if (!ok)
		ok = find(size, place, addr);
	if (ok)
		add_joined(owner, *addr, *addr + size);
	mutex_unlock(&uspace_mutex);
	return ok;
}

unsigned long uspace_alloc(const void *owner, unsigned long size, unsigned long hint,
			   enum uspace_place place)
{
	u64 addr;

	if (!size || size > TEE_USER_HIGH_END)
		return -ENOMEM;
	if (alloc(owner, size, hint, place, &addr))
		return addr;
	uspace_reclaim();
	return alloc(owner, size, 0, place, &addr) ? addr : -ENOMEM;
}

void uspace_release(const void *owner, unsigned long start, unsigned long end)
{
	mutex_lock(&uspace_mutex);
	remove(owner, start, end);
	mutex_unlock(&uspace_mutex);
}

/* ---- freeing memory ---- */

static bool worth_keeping(u64 start, u64 end)
{
	return end - start <= CACHE_CHUNK_MAX && start >= TEE_USER_HIGH_START &&
	       pages_committed(start, end) == (end - start) >> PAGE_SHIFT;
}

static void put_in_quarantine(const void *owner, u64 start, u64 end)
{
	mutex_lock(&uspace_mutex);
	remove(owner, start, end);
	list_add_tail(&add(&rkt_owner_quarantine, start, end)->list, &quarantine);
	mutex_unlock(&uspace_mutex);
	rkt_sweep_later();
}

static void free_unpinned(const void *owner, u64 start, u64 end)
{
	size_t deferred = 0;
	bool keep;

	if (start >= end)
		return;
	keep = worth_keeping(start, end) && !pages_protect(start, end, 0, &deferred);
	if (keep) {
		pages_mark_stale(start, end);
	} else if (!take_away(start, end)) {
		put_in_quarantine(owner, start, end);
		return;
	}
	mutex_lock(&uspace_mutex);
	remove(owner, start, end);
	if (keep)
		cache_add(start, end);
	mutex_unlock(&uspace_mutex);
}

void uspace_free_pages(const void *owner, unsigned long start, unsigned long end)
{
	u64 from, to;

	while (pages_next_pinned(start, end, &from, &to)) {
		free_unpinned(owner, start, from);
		put_in_quarantine(owner, from, to);
		start = to;
	}
	free_unpinned(owner, start, end);
}

/* What stays, as it is pinned or the host keeps it, becomes zero. */
static void clear_pages(u64 start, u64 end)
{
	u64 a, b;

	for (; pages_next_run(start, end, &a, &b); start = b) {
		pages_mark_stale(a, b);
		if (pages_commit(a, b, MEM_R | MEM_W))
			pr_err_once("cannot clear pages that stay\n");
	}
}

static void drop_unpinned(u64 start, u64 end)
{
	if (!take_away(start, end))
		clear_pages(start, end);
}

void uspace_drop_pages(unsigned long start, unsigned long end)
{
	u64 from, to;

	while (pages_next_pinned(start, end, &from, &to)) {
		drop_unpinned(start, from);
		clear_pages(from, to);
		start = to;
	}
	drop_unpinned(start, end);
}

/* Never later than it was due: who frees all the time would put it off for ever. */
void rkt_sweep_later(void)
{
	if (sweep_interval == SWEEP_MIN)
		schedule_delayed_work(&sweep_work, SWEEP_MIN);
	else
		mod_delayed_work(system_wq, &sweep_work, SWEEP_MIN);
	sweep_interval = SWEEP_MIN;
}

/* Frees what nobody references any more. Return: whether some remains. */
static bool sweep_once(void)
{
	struct uspace_range *n, *next;
	u64 from, to;
	bool more;

	mutex_lock(&sweep_mutex);
	mutex_lock(&uspace_mutex);
	list_for_each_entry_safe (n, next, &quarantine, list) {
		if (pages_next_pinned(n->r.start, n->r.end, &from, &to) ||
		    !take_away(n->r.start, n->r.end))
			continue;
		list_del(&n->list);
		del(&n->r);
	}
	more = !list_empty(&quarantine);
	mutex_unlock(&uspace_mutex);
	more |= rkt_window_sweep();
	mutex_unlock(&sweep_mutex);
	return more;
}

static void sweep(struct work_struct *work)
{
	bool more = sweep_once();

	more |= rkt_apply_deferred();
	sweep_interval = min(2 * sweep_interval, (unsigned long)SWEEP_MAX);
	if (more)
		schedule_delayed_work(&sweep_work, sweep_interval);
}

void uspace_reclaim(void)
{
	drop_cache();
	sweep_once();
}
