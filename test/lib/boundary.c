// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What enclave/boundary provides in the image, for test programs; all but memory for DMA. */
#include "test/lib/boundary.h"
#include "enclave/boundary/check.h"
#include "enclave/boundary/host_mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned long boundary_lies;
char boundary_last_lie[256];

void boundary_lie(const char *cond, const char *file, int line, bool *seen)
{
	__atomic_fetch_add(&boundary_lies, 1, __ATOMIC_RELAXED);
	snprintf(boundary_last_lie, sizeof(boundary_last_lie), "%s:%d: %s", file, line, cond);
	*seen = true;
}

void boundary_bug(const char *cond, const char *file, int line)
{
	fprintf(stderr, "%s:%d: ASSERT(%s) failed\n", file, line, cond);
	abort();
}

void host_read(void *dst, struct host_addr src, size_t size)
{
	memcpy(dst, host_bytes(src), size);
	HOST_MEM_OBSERVE(src.va, size);
}

void host_write(struct host_addr dst, const void *src, size_t size)
{
	memcpy(host_bytes(dst), src, size);
}

void host_zero(struct host_addr dst, size_t size)
{
	memset(host_bytes(dst), 0, size);
}
