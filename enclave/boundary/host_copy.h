/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * host_read() and host_write() for code that may use vector registers: inside a
 * kernel_fpu bracket, compiled with SSE (enclave/nic). Same contract as there: each
 * byte of the host is read or written once, private side private. Inline, because a
 * 64-byte packet costs less than the calls.
 */
#ifndef BOUNDARY_HOST_COPY_H
#define BOUNDARY_HOST_COPY_H

#include "enclave/boundary/host_mem.h"

/* From here on the processor's own copy loop is faster. */
#define HOST_COPY_STRING_MIN 512

typedef long long host_v16 __attribute__((vector_size(16), aligned(1), may_alias));
typedef u64 host_u64u __attribute__((aligned(1), may_alias));
typedef u32 host_u32u __attribute__((aligned(1), may_alias));
typedef u16 host_u16u __attribute__((aligned(1), may_alias));

#define HOST_COPY_STEP(type)                                                               \
	do {                                                                               \
		*(volatile type *)d = *(const volatile type *)s;                           \
		d += sizeof(type);                                                         \
		s += sizeof(type);                                                         \
	} while (0)

static inline void host_copy(u8 *d, const u8 *s, size_t size)
{
	if (size >= HOST_COPY_STRING_MIN) {
		__asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(size) : : "memory");
		return;
	}
	for (; size >= 16; size -= 16)
		HOST_COPY_STEP(host_v16);
	if (size & 8)
		HOST_COPY_STEP(host_u64u);
	if (size & 4)
		HOST_COPY_STEP(host_u32u);
	if (size & 2)
		HOST_COPY_STEP(host_u16u);
	if (size & 1)
		HOST_COPY_STEP(u8);
}

static inline void host_copy_in(void *dst, struct host_addr src, size_t size)
{
	host_copy(dst, (const u8 *)(unsigned long)src.va, size);
	HOST_MEM_OBSERVE(src.va, size);
}

static inline void host_copy_out(struct host_addr dst, const void *src, size_t size)
{
	host_copy((u8 *)(unsigned long)dst.va, src, size);
}

#undef HOST_COPY_STEP

#endif
