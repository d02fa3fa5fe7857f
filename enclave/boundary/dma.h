/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The DMA arena: the one piece of shared memory that devices and device
 * processes may touch. The allocator's own state is private.
 */
#ifndef BOUNDARY_DMA_H
#define BOUNDARY_DMA_H

#include "enclave/boundary/host_mem.h"

struct dma_buf {
	struct host_addr addr; /* for the accessors */
	u64 iova; /* what a device is told: offset in the arena, or the VFIO address */
	size_t size;
};

/**
 * dma_alloc - allocate zeroed, physically usable device memory
 * @buf:   filled in
 * @size:  bytes, rounded up to whole 4 KiB pages
 * @align: power of two, at least 4096
 *
 * Context: may not be called from the data path. Takes a lock, does not sleep.
 * Return: 0, or -ENOMEM when the arena is exhausted (back-pressure, not a bug).
 */
int dma_alloc(struct dma_buf *buf, size_t size, size_t align);

/* Frees what dma_alloc() gave. The device must no longer use it. */
void dma_free(struct dma_buf *buf);

/**
 * dma_init - take over the arena that boot information names
 * @base: its first byte; found to lie outside of the TEE by the caller
 * @size: bytes, whole pages
 * @iova: what devices call its first byte
 *
 * Context: boot, once; before it dma_alloc() says -ENOMEM. Return: 0 or -ENOMEM.
 */
int dma_init(struct host_addr base, u64 size, u64 iova);

/* Bytes handed out now. */
u64 dma_used(void);

#endif
