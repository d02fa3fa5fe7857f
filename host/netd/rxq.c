/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>
#include "host/netd/rxq.h"

void rxq_init(struct rxq *rxq, struct vq *vq)
{
	rxq->vq = vq;
	rxq->first = rxq->count = 0;
	rxq->iov_first = rxq->iov_count = 0;
	rxq->room = 0;
}

void rxq_drop_cache(struct rxq *rxq)
{
	vq_unpop(rxq->vq, rxq->count);
	rxq_init(rxq, rxq->vq);
}

/* Moves what is left to the start of the arrays, so that iov stays contiguous. */
static void compact(struct rxq *rxq)
{
	memmove(rxq->slot, rxq->slot + rxq->first, rxq->count * sizeof(rxq->slot[0]));
	memmove(rxq->iov, rxq->iov + rxq->iov_first, rxq->iov_count * sizeof(rxq->iov[0]));
	rxq->first = rxq->iov_first = 0;
}

static bool is_full(const struct rxq *rxq)
{
	return rxq->first + rxq->count == RXQ_SLOTS ||
	       rxq->iov_first + rxq->iov_count + VQ_CHAIN_MAX > RXQ_IOV;
}

static int pop_one(struct rxq *rxq)
{
	struct vq_chain c;
	int ret;

	if (is_full(rxq)) {
		compact(rxq);
		if (is_full(rxq))
			return -EMSGSIZE;
	}
	ret = vq_pop(rxq->vq, &c, VQ_WRITE);
	if (ret <= 0)
		return ret ? ret : -EAGAIN;
	if (c.size < sizeof(net_hdr))
		return vq_break(rxq->vq, "receive buffer smaller than its header");
	rxq->slot[rxq->first + rxq->count++] = (struct rxq_slot){ c.head, c.count, c.size };
	memcpy(&rxq->iov[rxq->iov_first + rxq->iov_count], c.iov, c.count * sizeof(c.iov[0]));
	rxq->iov_count += c.count;
	rxq->room += c.size;
	return 0;
}

int rxq_reserve(struct rxq *rxq, u32 size)
{
	int ret;

	while (!rxq->count || (rxq->mergeable && rxq->room < size)) {
		ret = pop_one(rxq);
		if (ret == -EAGAIN && rxq->count == rxq->vq->num)
			return -EMSGSIZE; /* the whole ring is cached: no more can come */
		if (ret)
			return ret;
	}
	return rxq->mergeable || rxq->slot[rxq->first].size >= size ? 0 : -EMSGSIZE;
}

static void copy_to_iov(const struct iovec *iov, u32 skip, const void *src, u32 size)
{
	const u8 *p = src;

	for (; size; iov++) {
		u32 n = iov->iov_len;

		if (skip >= n) {
			skip -= n;
			continue;
		}
		n -= skip;
		if (n > size)
			n = size;
		memcpy((u8 *)iov->iov_base + skip, p, n);
		p += n;
		size -= n;
		skip = 0;
	}
}

static u32 consume_slot(struct rxq *rxq, u32 size)
{
	const struct rxq_slot *s = &rxq->slot[rxq->first];
	u32 n = size < s->size ? size : s->size;

	vq_push(rxq->vq, s->head, n);
	rxq->first++;
	rxq->count--;
	rxq->iov_first += s->iov_count;
	rxq->iov_count -= s->iov_count;
	rxq->room -= s->size;
	return n;
}

static u16 buffers_for(const struct rxq *rxq, u32 size)
{
	u16 n = 0;

	for (u64 room = 0; room < size; n++)
		room += rxq->slot[rxq->first + n].size;
	return n;
}

void rxq_commit(struct rxq *rxq, net_hdr *hdr, u32 size)
{
	hdr->num_buffers = buffers_for(rxq, size);
	copy_to_iov(&rxq->iov[rxq->iov_first], 0, hdr, sizeof(*hdr));
	while (size)
		size -= consume_slot(rxq, size);
	if (!rxq->count)
		rxq->first = rxq->iov_first = 0;
}

int rxq_put(struct rxq *rxq, net_hdr *hdr, const u8 *frame, u32 len)
{
	int ret = rxq_reserve(rxq, len + sizeof(*hdr));

	if (ret)
		return ret;
	copy_to_iov(&rxq->iov[rxq->iov_first], sizeof(*hdr), frame, len);
	rxq_commit(rxq, hdr, len + sizeof(*hdr));
	return 0;
}
