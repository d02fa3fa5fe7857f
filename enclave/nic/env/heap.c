// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* First-fit heap with boundary tags: bring-up and teardown only, so speed is no concern. */
#include <errno.h>

#include "enclave/boundary/check.h"
#include "enclave/nic/env/env.h"

#define HEAP_ALIGN 64
#define HEAP_USED 1UL

/* A block: header in its first cache line, payload behind it. */
struct heap_block {
	size_t size; /* with header, multiple of HEAP_ALIGN; bit 0: used */
	struct heap_block *prev; /* neighbour below, NULL for the first */
	size_t offset; /* in a line right before an aligned payload: back to the header */
	u8 pad[HEAP_ALIGN - 24];
};
_Static_assert(sizeof(struct heap_block) == HEAP_ALIGN, "payload alignment");

static struct heap_block *heap_first;
static char *heap_end;
static size_t heap_used;

static struct heap_block *block_next(struct heap_block *b)
{
	char *n = (char *)b + (b->size & ~HEAP_USED);

	return n < heap_end ? (struct heap_block *)n : NULL;
}

int nic_heap_init(void *heap, size_t size)
{
	size_t skip = -(uintptr_t)heap & (HEAP_ALIGN - 1);

	if (!heap || size < skip + 4096)
		return -EINVAL;
	heap_first = (struct heap_block *)((char *)heap + skip);
	heap_first->size = (size - skip) & ~(size_t)(HEAP_ALIGN - 1);
	heap_first->prev = NULL;
	heap_end = (char *)heap_first + heap_first->size;
	heap_used = 0;
	return 0;
}

/* Cuts what a used block of @size bytes doesn't need off @b. */
static void block_split(struct heap_block *b, size_t size)
{
	size_t rest = b->size - size;
	struct heap_block *tail, *after;

	if (rest < 2 * HEAP_ALIGN)
		return;
	after = block_next(b);
	b->size = size;
	tail = block_next(b);
	tail->size = rest;
	tail->prev = b;
	if (after)
		after->prev = tail;
}

static void *block_use(struct heap_block *b, size_t size, size_t align)
{
	uintptr_t data = (uintptr_t)(b + 1);
	size_t skip = -data & (align - 1);
	struct heap_block *mark;

	size += sizeof(*b) + skip;
	if ((b->size & HEAP_USED) || b->size < size)
		return NULL;
	block_split(b, size);
	heap_used += b->size;
	b->size |= HEAP_USED;
	mark = (struct heap_block *)(data + skip) - 1;
	mark->offset = skip;
	return mark + 1;
}

void *nic_heap_alloc(size_t size, size_t align)
{
	struct heap_block *b;
	void *p;

	if (align < HEAP_ALIGN)
		align = HEAP_ALIGN;
	if (!size)
		size = 1;
	if ((align & (align - 1)) || size > (size_t)(heap_end - (char *)heap_first))
		return NULL;
	size = (size + HEAP_ALIGN - 1) & ~(size_t)(HEAP_ALIGN - 1);
	for (b = heap_first; b; b = block_next(b)) {
		p = block_use(b, size, align);
		if (p)
			return p;
	}
	return NULL;
}

static struct heap_block *block_of(const void *p)
{
	const struct heap_block *mark = (const struct heap_block *)p - 1;

	return (struct heap_block *)((char *)mark - mark->offset);
}

size_t nic_heap_size(const void *p)
{
	struct heap_block *b = block_of(p);

	return (char *)b + (b->size & ~HEAP_USED) - (const char *)p;
}

static void block_merge_next(struct heap_block *b)
{
	struct heap_block *n = block_next(b);

	if (!n || (n->size & HEAP_USED))
		return;
	b->size += n->size;
	n = block_next(b);
	if (n)
		n->prev = b;
}

void nic_heap_free(void *p)
{
	struct heap_block *b;

	if (!p)
		return;
	b = block_of(p);
	ASSERT((char *)b >= (char *)heap_first && (char *)b < heap_end && (b->size & HEAP_USED));
	b->size &= ~HEAP_USED;
	heap_used -= b->size;
	block_merge_next(b);
	if (b->prev && !(b->prev->size & HEAP_USED))
		block_merge_next(b->prev);
}

size_t nic_heap_used(void)
{
	return heap_used;
}
