/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One-pass encryption for block drivers of the library kernel.
 *
 * A driver keeps one `struct rkt_sector_crypt *` per disk (NULL: plain), gives its ioctls to
 * rkt_blk_crypt_ioctl(), adds rkt_blk_offset() to each request's sector, and moves data with
 * rkt_blk_in()/rkt_blk_out(), which is all copying that there is.
 */
#ifndef CRYPT_BLK_H
#define CRYPT_BLK_H

#include "enclave/crypt/xts.h"
#include <linux/blk-mq.h>

/* RKT_CPU_* bits of this processor. Context: after rkt_cpu_init(). */
u32 rkt_crypt_cpu(void);

/**
 * rkt_blk_crypt_ioctl - RKT_BLK_SET_CRYPT of a block device
 * @bdev: the whole disk, opened exclusively by the caller
 * @slot: the driver's pointer; set once, under a frozen queue
 * @arg:  user pointer to struct rkt_crypt_params
 *
 * Checks the caller's right and the parameters, expands the keys, then shrinks the disk to the
 * crypt segment and raises its logical block size to the crypt sector's. Write-zeroes is turned
 * off (zeros on the device aren't zeros in the plaintext), and so is discard (it would tell the
 * host which sectors are unused).
 *
 * Context: process, sleeps. Return: 0, -ENOTTY for another command, -EPERM, -EBUSY, -EINVAL,
 * -EFAULT, -ENOMEM, -ENODEV.
 */
int rkt_blk_crypt_ioctl(struct block_device *bdev, struct rkt_sector_crypt **slot, unsigned int cmd,
			unsigned long arg);

/* The disk goes: wipes and frees the keys. No request may be in flight. */
void rkt_blk_crypt_free(struct rkt_sector_crypt **slot);

/* First byte of the plaintext view on the device. */
static inline u64 rkt_blk_offset(const struct rkt_sector_crypt *sc)
{
	return sc ? sc->data_offset : 0;
}

/**
 * rkt_blk_in - finish a read: from the DMA buffer to the request's pages
 * @dma: blk_rq_bytes(rq) bytes, contiguous for the CPU
 *
 * Decrypts (or copies) each byte once. Context: any that may use kernel_fpu_begin(); doesn't sleep.
 * Return: 0 or -EINVAL.
 */
int rkt_blk_in(struct request *rq, const struct rkt_sector_crypt *sc, struct rkt_crypt_stats *stats,
	       struct host_addr dma);

/* Starts a write: the mirror of rkt_blk_in(). */
int rkt_blk_out(struct request *rq, const struct rkt_sector_crypt *sc,
		struct rkt_crypt_stats *stats, struct host_addr dma);

#endif
