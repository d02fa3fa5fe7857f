/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The only way to bytes that the host can change.
 *
 * A host address is a type, not a pointer, so that no code dereferences one by
 * accident. Every accessor reads or writes shared memory exactly once; what a
 * caller read is a private copy that it must check before use, and must never
 * read again. A host_addr is made only from memory that the TEE itself
 * allocated in its DMA arena (dma.h) or found valid at boot, never from a value
 * that the host wrote.
 *
 * Ordering is the caller's business: host_rmb()/host_wmb()/host_mb() order the
 * accessors as the device protocol asks.
 */
#ifndef BOUNDARY_HOST_MEM_H
#define BOUNDARY_HOST_MEM_H

#include "abi/types.h"

struct host_addr {
	u64 va; /* private to this file */
};

/* Test builds replace this to change fields after their first read. */
#ifndef HOST_MEM_OBSERVE
#define HOST_MEM_OBSERVE(va, size) ((void)0)
#endif

static inline struct host_addr host_addr_add(struct host_addr a, u64 offset)
{
	return (struct host_addr){ a.va + offset };
}

#define HOST_MEM_ACCESSORS(bits)                                             \
	static inline u##bits host_get##bits(struct host_addr a)             \
	{                                                                    \
		u##bits v = *(const volatile u##bits *)(unsigned long)a.va;  \
		HOST_MEM_OBSERVE(a.va, sizeof(v));                           \
		return v;                                                    \
	}                                                                    \
	static inline void host_put##bits(struct host_addr a, u##bits v)     \
	{                                                                    \
		*(volatile u##bits *)(unsigned long)a.va = v;                \
	}

HOST_MEM_ACCESSORS(8)
HOST_MEM_ACCESSORS(16)
HOST_MEM_ACCESSORS(32)
HOST_MEM_ACCESSORS(64)
#undef HOST_MEM_ACCESSORS

/*
 * The raw bytes, for one-pass primitives in assembly (enclave/crypt) that read
 * or write each byte exactly once. Nothing else may call it: a C compiler is
 * free to read twice through the pointer.
 */
static inline void *host_bytes(struct host_addr a)
{
	return (void *)(unsigned long)a.va;
}

/* Copies size bytes in (each read once) or out. The private side must be private. */
void host_read(void *dst, struct host_addr src, size_t size);
void host_write(struct host_addr dst, const void *src, size_t size);
void host_zero(struct host_addr dst, size_t size);

#define host_mb() __asm__ volatile("mfence" ::: "memory")
#define host_rmb() __asm__ volatile("" ::: "memory") /* x86: loads are ordered */
#define host_wmb() __asm__ volatile("" ::: "memory") /* x86: stores are ordered */

#endif
