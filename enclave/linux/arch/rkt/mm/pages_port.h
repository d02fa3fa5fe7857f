/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What pages.c needs from its surroundings; this is the kernel's version,
 * test/unit/mm has its own.
 *
 * The state bytes of the whole range are an array at the end of the kernel
 * window, struct page of the whole range lies in the memmap: both are committed
 * block by block, with the first page that is committed in a block.
 */
#ifndef RKT_MM_PAGES_PORT_H
#define RKT_MM_PAGES_PORT_H

#include <linux/bitops.h>
#include <linux/mm.h>
#include "abi/tee_layout.h"
#include "pages.h"

/* One page of state bytes: 4096 pages, 16 MiB. */
#define STATE_BLOCK_SHIFT TEE_STATES_SHIFT
#define STATE_BLOCKS (1UL << (TEE_RANGE_BITS - STATE_BLOCK_SHIFT))

extern unsigned long rkt_state_blocks[BITS_TO_LONGS(STATE_BLOCKS)];

static inline bool page_states_present(u64 addr)
{
	return test_bit(addr >> STATE_BLOCK_SHIFT, rkt_state_blocks);
}

/* First address of a present block at or above addr (maybe beyond end). */
static inline u64 page_states_next(u64 addr, u64 end)
{
	u64 b = find_next_bit(rkt_state_blocks, STATE_BLOCKS, addr >> STATE_BLOCK_SHIFT);

	return b << STATE_BLOCK_SHIFT;
}

/* End of the block that holds addr. */
static inline u64 page_states_end(u64 addr)
{
	return ((addr >> STATE_BLOCK_SHIFT) + 1) << STATE_BLOCK_SHIFT;
}

static inline u8 *page_state(u64 addr)
{
	return (u8 *)TEE_STATES_START + (addr >> PAGE_SHIFT);
}

static inline void pages_zero(u64 start, u64 end)
{
	memset((void *)start, 0, end - start);
}

/* The arena itself holds one reference to each page, for ever. */
static inline bool page_extra_refs(u64 addr)
{
	return page_ref_count(pfn_to_page(addr >> PAGE_SHIFT)) > 1;
}

int page_states_prepare(u64 start, u64 end);
void page_struct_init(u64 addr);
int pages_charge(size_t count);
void pages_uncharge(size_t count);

#endif
