// SPDX-License-Identifier: GPL-2.0-only
/* Memory that user space may have, and the kernel's version of pages_port.h. */
#define pr_fmt(fmt) "rkt-mm: " fmt

#include <linux/init.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include "mm_internal.h"
#include "pages_port.h"

static unsigned long limit_pages = SZ_1G >> PAGE_SHIFT;
static atomic_long_t committed = ATOMIC_LONG_INIT(0);

unsigned long rkt_state_blocks[BITS_TO_LONGS(STATE_BLOCKS)];
static DEFINE_RAW_SPINLOCK(prepare_lock);

static struct mutex chunk_locks[64];

void rkt_mm_set_limit(unsigned long size)
{
	limit_pages = size >> PAGE_SHIFT;
}

static int __init set_limit_param(char *s)
{
	rkt_mm_set_limit(memparse(s, NULL));
	return 0;
}
early_param("rkt_user_mem", set_limit_param);

static int __init init_chunk_locks(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(chunk_locks); i++)
		mutex_init(&chunk_locks[i]);
	return 0;
}
early_initcall(init_chunk_locks);

struct mutex *rkt_chunk_lock(unsigned long addr)
{
	return &chunk_locks[(addr >> 22) % ARRAY_SIZE(chunk_locks)];
}

unsigned long rkt_limit_pages(void)
{
	return limit_pages;
}

unsigned long rkt_free_pages(void)
{
	long n = limit_pages - atomic_long_read(&committed);

	return max(n, 0L);
}

/* Never counts too much, even for a moment: somebody else would be refused for it. */
static bool charge(size_t count)
{
	long old = atomic_long_read(&committed);

	do {
		if (old + count > limit_pages)
			return false;
	} while (!atomic_long_try_cmpxchg(&committed, &old, old + count));
	return true;
}

int pages_charge(size_t count)
{
	if (charge(count))
		return 0;
	uspace_reclaim();
	return charge(count) ? 0 : -ENOMEM;
}

void pages_uncharge(size_t count)
{
	atomic_long_sub(count, &committed);
}

/*
 * Like Linux: 1 = always, 2 = the sum of all promises stays below the limit.
 * 0 (guess) refuses what could not be touched now: unlike Linux it looks at
 * free memory, because there is neither swap nor a page cache to take from.
 */
int rkt_vm_enough(unsigned long pages)
{
	long promised;

	switch (sysctl_overcommit_memory) {
	case OVERCOMMIT_ALWAYS:
		return 0;
	case OVERCOMMIT_NEVER:
		promised = percpu_counter_sum_positive(&vm_committed_as) + pages;
		return promised > limit_pages ? -ENOMEM : 0;
	default:
		if (pages <= rkt_free_pages())
			return 0;
		uspace_reclaim();
		return pages <= rkt_free_pages() ? 0 : -ENOMEM;
	}
}

/* ---- state bytes and struct pages ---- */

static int prepare_block(unsigned long b)
{
	unsigned long first = b << (STATE_BLOCK_SHIFT - PAGE_SHIFT);
	unsigned long count = 1UL << (STATE_BLOCK_SHIFT - PAGE_SHIFT);
	unsigned long states = (unsigned long)page_state(b << STATE_BLOCK_SHIFT);
	int ret;

	ret = tee_mem_commit((unsigned long)pfn_to_page(first), count * sizeof(struct page),
			     MEM_R | MEM_W);
	if (ret)
		return ret;
	ret = tee_mem_commit(states, count, MEM_R | MEM_W);
	if (ret)
		tee_mem_trim((unsigned long)pfn_to_page(first), count * sizeof(struct page));
	else
		set_bit(b, rkt_state_blocks);
	return ret;
}

int page_states_prepare(u64 start, u64 end)
{
	unsigned long b, flags;
	int ret = 0;

	BUILD_BUG_ON(sizeof(struct page) != TEE_STRUCT_PAGE_SIZE);
	if (!tee_mem_backed(start, end - start))
		return -ENOMEM;
	for (b = start >> STATE_BLOCK_SHIFT; b <= (end - 1) >> STATE_BLOCK_SHIFT && !ret; b++) {
		if (test_bit(b, rkt_state_blocks))
			continue;
		raw_spin_lock_irqsave(&prepare_lock, flags);
		if (!test_bit(b, rkt_state_blocks))
			ret = prepare_block(b);
		raw_spin_unlock_irqrestore(&prepare_lock, flags);
	}
	return ret;
}

void page_struct_init(u64 addr)
{
	struct page *page = pfn_to_page(addr >> PAGE_SHIFT);

	memset(page, 0, sizeof(*page));
	set_page_links(page, 0, 0, addr >> PAGE_SHIFT);
	init_page_count(page);
	atomic_set(&page->_mapcount, -1);
	INIT_LIST_HEAD(&page->lru);
}
