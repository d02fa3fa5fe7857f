// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* env/heap.c on libc's heap, so that AddressSanitizer sees every object of DPDK by itself. */
#include <malloc.h>
#include <stdlib.h>

#include "enclave/nic/env/env.h"

static size_t used;

int nic_heap_init(void *heap, size_t size)
{
	return 0;
}

void *nic_heap_alloc(size_t size, size_t align)
{
	void *p;

	if (posix_memalign(&p, align < 64 ? 64 : align, size ? size : 1))
		return NULL;
	used += malloc_usable_size(p);
	return p;
}

void nic_heap_free(void *p)
{
	if (p)
		used -= malloc_usable_size(p);
	free(p);
}

size_t nic_heap_size(const void *p)
{
	return malloc_usable_size((void *)p);
}

size_t nic_heap_used(void)
{
	return used;
}
