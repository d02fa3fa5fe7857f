// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#ifdef __KERNEL__
#include <linux/errno.h>
#else
#include <errno.h>
#endif

#include "enclave/nic/virtio/ring.h"

/* VIRTIO 1.2, 2.7: alignments 16, 2 and 4; whole cache lines keep the sides apart. */
static u64 line_up(u64 v)
{
	return (v + 63) & ~63ULL;
}

static u64 avail_offset(u16 size)
{
	return line_up((u64)size * VRING_DESC_SIZE);
}

static u64 used_offset(u16 size)
{
	return avail_offset(size) + line_up(VRING_AVAIL_SIZE((u64)size));
}

int vring_init(struct vring *r, struct vring_slot *slot, u16 size)
{
	int ret;

	if (size < NICDEV_RING_SIZE_MIN || size > NICDEV_RING_SIZE_MAX || (size & (size - 1)))
		return -EINVAL;
	ret = dma_alloc(&r->mem, used_offset(size) + VRING_USED_SIZE((u64)size), 4096);
	if (ret)
		return ret;
	r->desc = r->mem.addr;
	r->avail = host_addr_add(r->mem.addr, avail_offset(size));
	r->used = host_addr_add(r->mem.addr, used_offset(size));
	r->slot = slot;
	r->size = size;
	r->mask = size - 1;
	vring_reset(r, false);
	return 0;
}

void vring_reset(struct vring *r, bool event_idx)
{
	u16 i;

	for (i = 0; i < r->size; i++)
		r->slot[i] = (struct vring_slot){ .next = (i + 1) & r->mask, .order = i };
	r->free_head = 0;
	r->free_count = r->size;
	r->avail_idx = 0;
	r->published = 0;
	r->used_idx = 0;
	r->kick_idx = 0;
	r->event_idx = event_idx;
	r->failed = false;
	host_zero(r->mem.addr, r->mem.size);
	if (event_idx)
		host_put16(vring_used_event(r), r->used_idx - 1); /* just passed: not soon */
	else
		host_put16(r->avail, VRING_AVAIL_F_NO_INTERRUPT);
}

void vring_fini(struct vring *r)
{
	if (r->size)
		dma_free(&r->mem);
	r->size = 0;
}

void vring_describe(const struct vring *r, struct nicdev_vring *out)
{
	*out = (struct nicdev_vring){
		.desc = r->mem.iova,
		.avail = r->mem.iova + avail_offset(r->size),
		.used = r->mem.iova + used_offset(r->size),
		.size = r->size,
	};
}

void *vring_take(struct vring *r, u16 *pos)
{
	while (*pos < r->size) {
		struct vring_slot *s = &r->slot[(*pos)++];

		if (s->chain) {
			s->chain = 0;
			return s->cookie;
		}
	}
	return NULL;
}
