// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Copies across the boundary; each byte of the host is read or written once. */
#include "enclave/boundary/host_mem.h"
#include "enclave/boundary/string.h"

void host_read(void *dst, struct host_addr src, size_t size)
{
	HOST_MEM_OBSERVE(src.va, size);
	memcpy(dst, (const void *)(unsigned long)src.va, size);
	/* The compiler must not read again what the caller checks. */
	__asm__ volatile("" ::: "memory");
}

void host_write(struct host_addr dst, const void *src, size_t size)
{
	memcpy((void *)(unsigned long)dst.va, src, size);
	__asm__ volatile("" ::: "memory");
}

void host_zero(struct host_addr dst, size_t size)
{
	memset((void *)(unsigned long)dst.va, 0, size);
	__asm__ volatile("" ::: "memory");
}
