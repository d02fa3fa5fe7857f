// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>

#include "test/model/virtio_back.h"

#define DESC_NEXT 1
#define DESC_WRITE 2

void model_offer(struct model_back *b, u64 features, u16 pairs, u16 ring_size)
{
	b->ctl->host.magic = NICDEV_MAGIC;
	b->ctl->host.features = features;
	b->ctl->host.pairs_max = pairs;
	b->ctl->host.ring_size_max = ring_size;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	b->ctl->host.generation = (b->ctl->host.generation + 1) | 1;
}

void model_lose(struct model_back *b)
{
	b->ctl->host.generation = (b->ctl->host.generation + 1) & ~1U;
}

u8 *model_bytes(struct model_back *b, u64 addr, u32 len)
{
	if (addr > b->arena_size || len > b->arena_size - addr)
		return NULL;
	return b->arena + addr;
}

static int attach_ring(struct model_back *b, struct model_ring *r, volatile struct nicdev_vring *v)
{
	u16 size = v->size;

	if (size < NICDEV_RING_SIZE_MIN || size > NICDEV_RING_SIZE_MAX || (size & (size - 1)))
		return -1;
	if (v->desc % 16 || v->avail % 2 || v->used % 4 || v->reserved)
		return -1;
	*r = (struct model_ring){
		.size = size,
		.desc = (void *)model_bytes(b, v->desc, 16 * size),
		.avail = (void *)model_bytes(b, v->avail, 6 + 2 * size),
		.used = (void *)model_bytes(b, v->used, 6 + 8 * size),
	};
	r->used_ring = (void *)(r->used + 2);
	return r->desc && r->avail && r->used ? 0 : -1;
}

int model_attach(struct model_back *b)
{
	volatile struct nicdev_tee *tee = &b->ctl->tee;
	unsigned int i;

	if (tee->generation != b->ctl->host.generation || tee->state != NICDEV_TEE_UP)
		return -1;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	b->features = tee->features;
	b->pairs = tee->pairs;
	if ((b->features & ~b->ctl->host.features) || !b->pairs ||
	    b->pairs > b->ctl->host.pairs_max)
		return -1;
	for (i = 0; i < 2U * b->pairs; i++)
		if (attach_ring(b, &b->ring[i], &b->ctl->vring[i]))
			return -1;
	return 0;
}

u16 model_waiting(const struct model_ring *r)
{
	return r->avail[1] - r->avail_at;
}

volatile u16 *model_used_event(const struct model_ring *r)
{
	return &r->avail[2 + r->size];
}

volatile u16 *model_avail_event(const struct model_ring *r)
{
	return &r->used[2 + 4 * r->size];
}

int model_take(struct model_ring *r)
{
	if (!model_waiting(r))
		return -1;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return r->avail[2 + (r->avail_at++ & (r->size - 1))];
}

void model_give(struct model_ring *r, u32 id, u32 len)
{
	volatile struct model_used *u = &r->used_ring[r->used_at++ & (r->size - 1)];

	u->id = id;
	u->len = len;
}

void model_show(struct model_ring *r)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
	r->used[1] = r->used_at;
}

int model_receive(struct model_back *b, unsigned int pair, const struct model_hdr *hdr,
		  const void *data, u32 len)
{
	struct model_ring *r = &b->ring[2 * pair];
	const u8 *src = data;
	struct model_hdr *first = NULL;
	u16 count = 0;
	u32 left = len;

	do {
		int id = model_take(r);
		u32 room, skip = first ? 0 : sizeof(*hdr), n;
		u8 *p;

		if (id < 0)
			return -1;
		room = r->desc[id].len;
		p = model_bytes(b, r->desc[id].addr, room);
		if (!p || !(r->desc[id].flags & DESC_WRITE) || room < skip)
			return -1;
		if (!first) {
			first = (void *)p;
			memcpy(p, hdr, sizeof(*hdr));
		}
		n = left < room - skip ? left : room - skip;
		memcpy(p + skip, src, n);
		src += n;
		left -= n;
		count++;
		model_give(r, id, skip + n);
	} while (left);
	first->num_buffers = count;
	model_show(r);
	return count;
}

/* Copies a chain of device-readable buffers. Its length, or -1. */
static int gather(struct model_back *b, struct model_ring *r, u16 id, u8 *out, u32 size)
{
	u32 at = 0, hops = 0;

	for (;;) {
		struct model_desc d = r->desc[id];
		u8 *p = model_bytes(b, d.addr, d.len);

		if (!p || (d.flags & ~DESC_NEXT) || d.len > size - at || ++hops > r->size)
			return -1;
		memcpy(out + at, p, d.len);
		at += d.len;
		if (!(d.flags & DESC_NEXT))
			return at;
		id = d.next;
		if (id >= r->size)
			return -1;
	}
}

int model_transmit(struct model_back *b, unsigned int pair, struct model_hdr *hdr, void *data,
		   u32 size)
{
	static _Thread_local u8 buf[NICDEV_FRAME_MAX + sizeof(struct model_hdr)];
	struct model_ring *r = &b->ring[2 * pair + 1];
	int id = model_take(r), n;

	if (id < 0)
		return 0;
	n = gather(b, r, id, buf, sizeof(buf));
	model_give(r, id, 0);
	model_show(r);
	if (n < (int)sizeof(*hdr) || n - sizeof(*hdr) > size)
		return -1;
	memcpy(hdr, buf, sizeof(*hdr));
	memcpy(data, buf + sizeof(*hdr), n - sizeof(*hdr));
	return n - sizeof(*hdr);
}
