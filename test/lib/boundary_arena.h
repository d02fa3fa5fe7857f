/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * enclave/boundary for test programs whose DMA memory another party must find:
 * dma_alloc() hands out parts of one shared mapping. Goes with boundary.c.
 */
#ifndef TEST_BOUNDARY_ARENA_H
#define TEST_BOUNDARY_ARENA_H

#include "abi/types.h"
#include "test/lib/boundary.h"

struct test_arena {
	u8 *base;
	u64 iova; /* of base */
	size_t size;
	int fd;
};

extern struct test_arena test_arena;

/* A memfd of size bytes, iova 0. Exits on failure. */
void test_arena_create(size_t size);

/* size bytes at offset of an open file, seen by the device at iova. Exits on failure. */
void test_arena_map(int fd, u64 offset, size_t size, u64 iova);

/* Takes everything back that dma_alloc() gave. */
void test_arena_reset(void);

/* Bytes that dma_alloc() gave and dma_free() has not got back. */
size_t test_arena_used(void);

/* The n-th dma_alloc() from now fails; 0 = none. */
void test_arena_fail_at(unsigned int n);

#endif
