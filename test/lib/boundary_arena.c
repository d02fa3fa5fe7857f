// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "enclave/boundary/dma.h"
#include "test/lib/boundary_arena.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct test_arena test_arena = { .fd = -1 };

static size_t next_free, used;
static unsigned int fail_at;

void test_arena_map(int fd, u64 offset, size_t size, u64 iova)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);

	if (p == MAP_FAILED) {
		perror("test arena");
		exit(1);
	}
	test_arena = (struct test_arena){ .base = p, .iova = iova, .size = size, .fd = fd };
	test_arena_reset();
}

void test_arena_create(size_t size)
{
	int fd = memfd_create("test-arena", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, size)) {
		perror("test arena");
		exit(1);
	}
	test_arena_map(fd, 0, size, 0);
}

void test_arena_reset(void)
{
	next_free = 4096; /* an IOVA of 0 is never ours: a forgotten one shows */
	used = 0;
	fail_at = 0;
}

size_t test_arena_used(void)
{
	return used;
}

void test_arena_fail_at(unsigned int n)
{
	fail_at = n;
}

/* Freed memory is not used again before test_arena_reset(): late DMA then shows. */
int dma_alloc(struct dma_buf *buf, size_t size, size_t align)
{
	size_t at = (next_free + align - 1) & ~(align - 1);

	size = (size + 4095) & ~(size_t)4095;
	if ((fail_at && --fail_at == 0) || at + size > test_arena.size)
		return -ENOMEM;
	next_free = at + size;
	used += size;
	memset(test_arena.base + at, 0, size);
	buf->addr.va = (unsigned long)(test_arena.base + at);
	buf->iova = test_arena.iova + at;
	buf->size = size;
	return 0;
}

void dma_free(struct dma_buf *buf)
{
	used -= buf->size;
	memset(buf, 0, sizeof(*buf));
}
