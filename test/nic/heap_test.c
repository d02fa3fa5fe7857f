// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The private heap against a model: no overlap, alignment, everything comes back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enclave/nic/env/heap.c"
#include "test/lib/tap.h"

void boundary_bug(const char *cond, const char *file, int line)
{
	fprintf(stderr, "%s:%d: ASSERT(%s)\n", file, line, cond);
	abort();
}

#define LIVE 200

static struct {
	u8 *p;
	size_t size;
	u8 tag;
} live[LIVE];

static u32 next_random(void)
{
	static u32 seed = 7;

	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

static bool intact(int i)
{
	size_t k;

	for (k = 0; k < live[i].size; k++)
		if (live[i].p[k] != live[i].tag)
			return false;
	return true;
}

static unsigned int step(void)
{
	int i = next_random() % LIVE;
	size_t align = 1UL << (next_random() % 13);
	unsigned int bad = 0;

	if (live[i].p) {
		bad += !intact(i) || nic_heap_size(live[i].p) < live[i].size;
		nic_heap_free(live[i].p);
		live[i].p = NULL;
		return bad;
	}
	live[i].size = next_random() % 3000;
	live[i].tag = next_random();
	live[i].p = nic_heap_alloc(live[i].size, align);
	if (!live[i].p)
		return 0;
	bad += (uintptr_t)live[i].p % (align < 64 ? 64 : align) != 0;
	memset(live[i].p, live[i].tag, live[i].size);
	return bad;
}

int main(void)
{
	static u8 mem[1 << 18];
	unsigned int i, bad = 0;
	void *p;

	tap_case(nic_heap_init(NULL, 1 << 20) && nic_heap_init(mem, 100), "unusable heaps refused",
		 "taken");
	nic_heap_init(mem + 1, sizeof(mem) - 1);
	for (i = 0; i < 200000; i++)
		bad += step();
	tap_case(!bad, "200000 random steps keep every block", "%u bad", bad);
	for (i = 0; i < LIVE; i++) {
		nic_heap_free(live[i].p);
		live[i].p = NULL;
	}
	tap_case(nic_heap_used() == 0, "all given back", "%zu used", nic_heap_used());
	p = nic_heap_alloc(sizeof(mem) - 1024, 64);
	tap_case(!!p, "free blocks have merged into one", "fragmented");
	tap_case(!nic_heap_alloc(4096, 64) && !nic_heap_alloc(SIZE_MAX - 64, 64) &&
			 !nic_heap_alloc(64, 96),
		 "too much, overflow and odd alignment give NULL", "memory");
	return tap_end();
}
