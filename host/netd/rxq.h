/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Towards the guest: chains taken from a receive queue in advance, filled with frames.
 *
 * A chain is fetched and checked once, when it enters this cache; a burst of small frames does
 * not walk the descriptors of 64 KiB of buffers again for each of them.
 */
#ifndef HOST_NETD_RXQ_H
#define HOST_NETD_RXQ_H

#include "host/netd/frame.h"
#include "host/netd/vq.h"

#define RXQ_SLOTS 256
#define RXQ_IOV 512

struct rxq_slot {
	u16 head;
	u16 iov_count;
	u32 size;
};

struct rxq {
	struct vq *vq;
	bool mergeable; /* one frame may use several chains */
	unsigned first, count; /* slots in use */
	unsigned iov_first, iov_count;
	u64 room; /* bytes of all cached slots */
	struct rxq_slot slot[RXQ_SLOTS];
	struct iovec iov[RXQ_IOV];
};

void rxq_init(struct rxq *rxq, struct vq *vq);

/* Gives all cached chains back to the ring (before it is stopped or its memory changes). */
void rxq_drop_cache(struct rxq *rxq);

/**
 * rxq_reserve - have room for a frame of size bytes, header included
 *
 * Return: 0, -EAGAIN when the guest has to make buffers available first, -EMSGSIZE when a
 * frame of this size can't be received (no mergeable buffers, or all buffers of the ring
 * are too few), -EPROTO when the queue is broken.
 */
int rxq_reserve(struct rxq *rxq, u32 size);

/* The cached buffers that a frame may be written to; valid until the next call here. */
static inline const struct iovec *rxq_iov(const struct rxq *rxq, unsigned *count)
{
	*count = rxq->mergeable ? rxq->iov_count : rxq->slot[rxq->first].iov_count;
	return &rxq->iov[rxq->iov_first];
}

/**
 * rxq_commit - hand over a frame of which everything but the header is in the buffers
 * @hdr:  num_buffers is filled in here
 * @size: of header and frame; was reserved
 *
 * The guest sees it after the next vq_publish().
 */
void rxq_commit(struct rxq *rxq, net_hdr *hdr, u32 size);

/* Reserve, copy, commit. Errors of rxq_reserve(). */
int rxq_put(struct rxq *rxq, net_hdr *hdr, const u8 *frame, u32 len);

#endif
