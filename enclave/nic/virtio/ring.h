/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The driver's side of a split virtqueue (VIRTIO 1.2, 2.7) against a device
 * that may lie.
 *
 * Descriptor table and available ring are written and never read back: which
 * descriptor is free, which chain it starts and whose it is stands in private
 * slots. Of the used ring each field is fetched once and checked before use. The
 * first lie fails the ring for good.
 *
 * Owner of the indices: avail_idx is ours (published with vring_publish()), the
 * used index is the device's (fetched in vring_used()).
 *
 * One caller at a time per ring. Pure C: compiles in the TEE and in tests.
 */
#ifndef NIC_VIRTIO_RING_H
#define NIC_VIRTIO_RING_H

#include "abi/nicdev.h"
#include "enclave/boundary/check.h"
#include "enclave/boundary/dma.h"
#include "enclave/boundary/host_mem.h"

#define VRING_DESC_SIZE 16
#define VRING_AVAIL_SIZE(n) (6 + 2 * (n))
#define VRING_USED_SIZE(n) (6 + 8 * (n))

/* VIRTIO 1.2, 2.7.5, 2.7.6, 2.7.8. */
#define VRING_DESC_F_NEXT 1
#define VRING_DESC_F_WRITE 2
#define VRING_AVAIL_F_NO_INTERRUPT 1
#define VRING_USED_F_NO_NOTIFY 1

/* Private: what descriptor i is to us. */
struct vring_slot {
	void *cookie; /* of the chain that starts here */
	u16 chain; /* its descriptors while the device owns it, else 0 */
	u16 next; /* next of the chain, or of the free list */
	u16 order; /* slot n: head of the chain that was added as the n-th, modulo size */
};

struct vring {
	struct host_addr desc;
	struct host_addr avail;
	struct host_addr used;
	struct vring_slot *slot;
	u16 size;
	u16 mask;
	u16 free_head;
	u16 free_count;
	u16 avail_idx; /* next entry that we write */
	u16 published; /* avail_idx as the device may know it */
	u16 used_idx; /* next entry that we read */
	u16 kick_idx; /* avail_idx at the last question whether a kick is wanted */
	bool event_idx; /* VIRTIO_F_EVENT_IDX: both sides say at which index to wake them */
	bool failed; /* the device lied: nothing is read from this ring any more */
	struct dma_buf mem;
};

/* One piece of a chain, in device addresses. */
struct vring_seg {
	u64 iova;
	u32 len;
};

/**
 * vring_init - allocate a ring and make all its descriptors free
 * @slot: private, @size elements, stays the caller's
 * @size: power of two within NICDEV_RING_SIZE_MIN .. NICDEV_RING_SIZE_MAX
 *
 * Return: 0, -EINVAL, or -ENOMEM when the arena is exhausted.
 */
int vring_init(struct vring *r, struct vring_slot *slot, u16 size);

/**
 * vring_reset - forget all chains and start over with zeroed memory
 * @event_idx: VIRTIO_F_EVENT_IDX was negotiated
 *
 * The device must be detached.
 */
void vring_reset(struct vring *r, bool event_idx);

/* Gives the memory back. Cookies of chains in flight are the caller's to collect first. */
void vring_fini(struct vring *r);

/* Addresses for the control block. */
void vring_describe(const struct vring *r, struct nicdev_vring *out);

/**
 * vring_take - collect the cookies of chains that the device still owns
 * @pos: start with 0; remembers where to go on
 *
 * For teardown, after the device is detached. Return: a cookie, or NULL at the end.
 */
void *vring_take(struct vring *r, u16 *pos);

static inline u16 vring_in_flight(const struct vring *r)
{
	return r->published - r->used_idx;
}

/* The cookie that comes @ahead places behind the next one if the device keeps the order, or NULL. */
static inline void *vring_posted(const struct vring *r, u16 ahead)
{
	const struct vring_slot *s;

	if (ahead >= vring_in_flight(r))
		return NULL;
	s = &r->slot[r->slot[(u16)(r->used_idx + ahead) & r->mask].order];
	return s->chain ? s->cookie : NULL;
}

/* Marks the ring failed; for lies that a caller found in what the ring carries. */
static inline void vring_fail(struct vring *r)
{
	r->failed = true;
}

static inline void vring_put_desc(struct vring *r, u16 i, const struct vring_seg *seg, u16 flags,
				  u16 next)
{
	struct host_addr d = host_addr_add(r->desc, (u64)i * VRING_DESC_SIZE);

	host_put64(d, seg->iova);
	host_put64(host_addr_add(d, 8), seg->len | (u64)flags << 32 | (u64)next << 48);
}

/**
 * vring_add - hand a chain to the device, not yet visible to it
 * @segs:   in device order, trusted
 * @count:  1 .. free_count, checked by the caller
 * @flags:  0, or VRING_DESC_F_WRITE when the device writes
 * @cookie: comes back from vring_pop(); not NULL
 */
static inline void vring_add(struct vring *r, const struct vring_seg *segs, u16 count, u16 flags,
			     void *cookie)
{
	u16 head = r->free_head, i = head, n;

	ASSERT(count && count <= r->free_count);
	for (n = 0; n < count; n++) {
		u16 next = r->slot[i].next;
		bool last = n == count - 1;

		vring_put_desc(r, i, &segs[n], last ? flags : flags | VRING_DESC_F_NEXT,
			       last ? 0 : next);
		i = next;
	}
	r->slot[head].cookie = cookie;
	r->slot[head].chain = count;
	r->free_head = i;
	r->free_count -= count;
	r->slot[r->avail_idx & r->mask].order = head;
	host_put16(host_addr_add(r->avail, 4 + 2 * (r->avail_idx & r->mask)), head);
	r->avail_idx++;
}

/* Makes all added chains visible. VIRTIO 1.2, 2.7.13.3: entries before the index. */
static inline void vring_publish(struct vring *r)
{
	if (r->published == r->avail_idx)
		return;
	host_wmb();
	host_put16(host_addr_add(r->avail, 2), r->avail_idx);
	r->published = r->avail_idx;
}

/**
 * vring_used - how many chains the device has given back
 *
 * Fetches the used index once; entries up to it may be popped.
 * Return: 0 .. chains in flight, or -1: the device lied, now or before.
 */
static inline int vring_used(struct vring *r)
{
	u16 n;

	if (r->failed)
		return -1;
	n = host_get16(host_addr_add(r->used, 2)) - r->used_idx;
	if (!CHECK_HOST(n <= vring_in_flight(r))) {
		r->failed = true;
		return -1;
	}
	host_rmb(); /* the index before the entries that it covers */
	return n;
}

/**
 * vring_pop - take back the next chain that the device gave back
 * @len: out: bytes that the device claims to have written. Not checked: it is
 *       the caller who knows the room
 *
 * Only for entries that vring_used() has announced.
 * Return: the chain's cookie, its descriptors being free again; NULL: the device lied.
 */
static inline void *vring_pop(struct vring *r, u32 *len)
{
	u64 e = host_get64(host_addr_add(r->used, 4 + 8 * (u64)(r->used_idx & r->mask)));
	u32 id = (u32)e;
	struct vring_slot *s;
	u16 last, n;

	if (!CHECK_HOST(id < r->size)) {
		r->failed = true;
		return NULL;
	}
	s = &r->slot[id];
	if (!CHECK_HOST(s->chain != 0)) {
		r->failed = true;
		return NULL;
	}
	*len = (u32)(e >> 32);
	for (last = id, n = 1; n < s->chain; n++)
		last = r->slot[last].next;
	r->free_count += s->chain;
	s->chain = 0;
	r->slot[last].next = r->free_head;
	r->free_head = id;
	r->used_idx++;
	return s->cookie;
}

/* Where the driver says at which used index it wants an event (2.7.10), */
static inline struct host_addr vring_used_event(const struct vring *r)
{
	return host_addr_add(r->avail, 4 + 2 * (u64)r->size);
}

/* and the device at which available index it wants a kick. */
static inline struct host_addr vring_avail_event(const struct vring *r)
{
	return host_addr_add(r->used, 4 + 8 * (u64)r->size);
}

/**
 * vring_kick_wanted - must the device be woken for what was published?
 *
 * Read once per burst, after vring_publish(). With event_idx a device that was woken once is
 * not woken again before it has said where it sleeps next (2.7.10). What the device says is a hint:
 * a lie costs at most one kick per question, or delays the liar; nothing else.
 */
static inline bool vring_kick_wanted(struct vring *r)
{
	u16 old = r->kick_idx, event;

	host_mb(); /* our index before its word: the device does the opposite */
	if (!r->event_idx)
		return !(host_get16(r->used) & VRING_USED_F_NO_NOTIFY);
	r->kick_idx = r->published;
	event = host_get16(vring_avail_event(r));
	return (u16)(r->published - event - 1) < (u16)(r->published - old);
}

#endif
