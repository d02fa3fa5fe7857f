/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One split virtqueue, device side (VIRTIO 1.2, section 2.7).
 *
 * Who owns what in the shared ring: the driver (the TEE) writes desc[], avail->ring[],
 * avail->idx and avail->flags; we write used->ring[], used->idx and used->flags and read none
 * of them back. Everything that the driver writes is hostile: it is read once into private
 * memory, checked, and only the copy is used.
 *
 * A queue is "broken" after the first thing that no honest driver does. It then stays silent
 * until the front end sets it up again; other queues go on.
 */
#ifndef HOST_NETD_VQ_H
#define HOST_NETD_VQ_H

#include <linux/virtio_ring.h>
#include <sys/uio.h>
#include "host/netd/regions.h"

#define VQ_NUM_MAX 32768
#define VQ_CHAIN_MAX 64 /* descriptors that one chain may have */

enum vq_dir { VQ_READ, VQ_WRITE }; /* what we do with the buffers */

struct vq_stats {
	u64 chains;
	u64 kicks; /* wake-ups from the driver */
	u64 calls; /* wake-ups that we sent */
	u64 calls_muted; /* not sent because the driver polls */
};

struct vq {
	const struct regions *mem;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	u32 num;
	u16 next_avail; /* next entry of avail->ring that we take */
	u16 avail_seen; /* private copy of avail->idx, already checked */
	u16 next_used; /* next entry of used->ring that we fill */
	u16 published; /* used->idx as the driver sees it */
	u16 called; /* used->idx when we last asked whether the driver wants a call */
	bool enabled;
	bool broken;
	const char *broken_why;
	bool event_idx; /* VIRTIO_RING_F_EVENT_IDX: indexes instead of flags say when to wake */
	bool kick_wanted; /* what we told the driver last */
	bool no_kick_fd; /* the front end gave no kick descriptor: poll */
	int kick_fd;
	int call_fd;
	int err_fd;
	struct vu_vring_addr addr; /* as the front end gave it, for a new memory table */
	struct vq_stats stats;
};

struct vq_chain {
	u16 head;
	u16 count;
	u32 size; /* sum of all buffers */
	struct iovec iov[VQ_CHAIN_MAX];
};

void vq_init(struct vq *vq, const struct regions *mem);

/* Stops the queue, closes its descriptors, forgets everything. */
void vq_reset(struct vq *vq);

/**
 * vq_map - translate the three ring addresses of vq->addr
 *
 * Needs vq->num and the memory table. Checks alignment (2.7: 16, 2, 4) and that each part lies
 * wholly in one region. The parts may overlap one another: that harms the driver only.
 *
 * Return: 0 or -EPROTO; on failure the queue is not usable.
 */
int vq_map(struct vq *vq);

/* Sets where to go on (SET_VRING_BASE): both indexes, since we complete in order. */
void vq_set_base(struct vq *vq, u16 base);

/* Which way of asking for wake-ups was negotiated. Asks for a kick, as a fresh ring does. */
void vq_set_event_idx(struct vq *vq, bool on);

static inline bool vq_ready(const struct vq *vq)
{
	return vq->enabled && vq->used && !vq->broken && (vq->kick_fd >= 0 || vq->no_kick_fd);
}

/**
 * vq_pop - take the next available chain
 * @chain: filled in with a private, checked copy
 * @dir:   the direction that every buffer of the chain must have
 *
 * Checked: avail->idx runs ahead by at most num, the head and every next index are below num,
 * the chain has at most VQ_CHAIN_MAX descriptors (so it can't loop), no indirect table
 * (never offered), all buffers have the direction dir, each lies wholly in one region, and the
 * sum of the sizes fits 32 bits. Empty buffers are left out.
 *
 * Return: 1 for a chain, 0 when there is none, -EPROTO when the driver lied (the queue is
 * broken from then on).
 */
int vq_pop(struct vq *vq, struct vq_chain *chain, enum vq_dir dir);

/* Whether vq_pop() would find something. Reads avail->idx unless some is known already. */
bool vq_has_avail(struct vq *vq);

/* Gives back the count chains popped last: the next vq_pop() returns them again. */
void vq_unpop(struct vq *vq, u16 count);

/* Completes a chain with written bytes in it. Not visible before vq_publish(). */
void vq_push(struct vq *vq, u16 head, u32 written);

/* Makes all pushed chains visible at once. */
void vq_publish(struct vq *vq);

/**
 * vq_call - wake the driver if it asked for it
 *
 * Orders our used->idx before reading avail->flags or used_event (2.7.7). At most one write()
 * whatever was completed since the last call, none if nothing was or if the driver polls; with
 * event_idx one for each sleep of the driver.
 */
void vq_call(struct vq *vq);

/**
 * vq_want_kick - say whether the driver shall wake us
 *
 * With want set, includes the full barrier after which vq_has_avail() must be asked once
 * more before sleeping.
 */
void vq_want_kick(struct vq *vq, bool want);

/* Marks the queue broken, tells the front end through err_fd, logs once. Returns -EPROTO. */
int vq_break(struct vq *vq, const char *why);

#endif
