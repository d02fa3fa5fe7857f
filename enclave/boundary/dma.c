// SPDX-License-Identifier: GPL-2.0-only
/* The DMA arena's allocator: first fit over pages. Its map is private memory. */
#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/spinlock.h>
#include "enclave/boundary/check.h"
#include "enclave/boundary/dma.h"

static struct {
	spinlock_t lock;
	struct host_addr base;
	u64 iova;
	unsigned long *map;
	unsigned long pages;
	unsigned long touched; /* pages from here on were never handed out: still zero */
	unsigned long used;
} arena = { .lock = __SPIN_LOCK_UNLOCKED(arena.lock) };

int dma_init(struct host_addr base, u64 size, u64 iova)
{
	unsigned long *map = bitmap_zalloc(size >> PAGE_SHIFT, GFP_KERNEL);

	if (!map)
		return -ENOMEM;
	arena.base = base;
	arena.iova = iova;
	arena.map = map;
	arena.pages = size >> PAGE_SHIFT;
	return 0;
}

/*
 * Alignment counts for addresses and IOVAs alike, so the search aligns the page
 * number; both bases are then at least page aligned, which is all that rings need.
 */
static long take(unsigned long count, size_t align, bool *dirty)
{
	unsigned long mask = (align >> PAGE_SHIFT) - 1, flags, at;

	spin_lock_irqsave(&arena.lock, flags);
	at = bitmap_find_next_zero_area(arena.map, arena.pages, 0, count, mask);
	if (at < arena.pages) {
		bitmap_set(arena.map, at, count);
		arena.used += count;
		*dirty = at < arena.touched;
		arena.touched = max(arena.touched, at + count);
	}
	spin_unlock_irqrestore(&arena.lock, flags);
	return at < arena.pages ? at : -ENOMEM;
}

int dma_alloc(struct dma_buf *buf, size_t size, size_t align)
{
	unsigned long count = DIV_ROUND_UP(size, PAGE_SIZE);
	bool dirty;
	long at;

	ASSERT(size && align >= PAGE_SIZE && !(align & (align - 1)));
	if (!arena.map || size > arena.pages << PAGE_SHIFT)
		return -ENOMEM;
	at = take(count, align, &dirty);
	if (at < 0)
		return at;
	buf->addr = host_addr_add(arena.base, (u64)at << PAGE_SHIFT);
	buf->iova = arena.iova + ((u64)at << PAGE_SHIFT);
	buf->size = count << PAGE_SHIFT;
	if (dirty)
		host_zero(buf->addr, buf->size);
	return 0;
}

void dma_free(struct dma_buf *buf)
{
	unsigned long at = (buf->addr.va - arena.base.va) >> PAGE_SHIFT;
	unsigned long count = buf->size >> PAGE_SHIFT, flags;

	ASSERT(buf->addr.va >= arena.base.va && at + count <= arena.pages);
	spin_lock_irqsave(&arena.lock, flags);
	ASSERT(find_next_zero_bit(arena.map, at + count, at) == at + count);
	bitmap_clear(arena.map, at, count);
	arena.used -= count;
	spin_unlock_irqrestore(&arena.lock, flags);
	*buf = (struct dma_buf){ 0 };
}

u64 dma_used(void)
{
	return (u64)READ_ONCE(arena.used) << PAGE_SHIFT;
}
