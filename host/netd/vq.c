/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "host/netd/log.h"
#include "host/netd/vq.h"

#define READ_SHARED(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_SHARED(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

void vq_init(struct vq *vq, const struct regions *mem)
{
	memset(vq, 0, sizeof(*vq));
	vq->mem = mem;
	vq->kick_fd = vq->call_fd = vq->err_fd = -1;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void vq_reset(struct vq *vq)
{
	close_fd(vq->kick_fd);
	close_fd(vq->call_fd);
	close_fd(vq->err_fd);
	vq_init(vq, vq->mem);
}

/* VIRTIO 1.2, 2.7.10: avail_event is ours, used_event the driver's. */
static u16 *avail_event(struct vq *vq)
{
	return (u16 *)&vq->used->ring[vq->num];
}

static u16 used_event(struct vq *vq)
{
	return READ_SHARED(vq->avail->ring[vq->num]);
}

static void ask_for_kick(struct vq *vq)
{
	vq->kick_wanted = true;
	WRITE_SHARED(vq->used->flags, 0);
	if (vq->event_idx)
		WRITE_SHARED(*avail_event(vq), vq->next_avail);
}

int vq_map(struct vq *vq)
{
	const struct vu_vring_addr *a = &vq->addr;
	void *desc, *avail, *used;

	vq->used = NULL;
	if (!vq->num || a->desc % 16 || a->avail % 2 || a->used % 4)
		return -EPROTO;
	desc = region_at_user(vq->mem, a->desc, 16ull * vq->num);
	avail = region_at_user(vq->mem, a->avail, 6 + 2ull * vq->num);
	used = region_at_user(vq->mem, a->used, 6 + 8ull * vq->num);
	if (!desc || !avail || !used)
		return -EPROTO;
	/* A mapping starts on a page, but a region's addresses need not: check the pointers. */
	if ((uintptr_t)desc % 16 || (uintptr_t)avail % 2 || (uintptr_t)used % 4)
		return -EPROTO;
	vq->desc = desc;
	vq->avail = avail;
	vq->used = used;
	ask_for_kick(vq);
	return 0;
}

void vq_set_base(struct vq *vq, u16 base)
{
	vq->next_avail = vq->avail_seen = base;
	vq->next_used = vq->published = vq->called = base;
	if (vq->used)
		ask_for_kick(vq);
}

void vq_set_event_idx(struct vq *vq, bool on)
{
	vq->event_idx = on;
	if (vq->used)
		ask_for_kick(vq);
}

int vq_break(struct vq *vq, const char *why)
{
	u64 one = 1;

	if (!vq->broken) {
		vq->broken = true;
		vq->broken_why = why;
		log_error("GUEST", "queue stopped: %s", why);
		if (vq->err_fd >= 0 && write(vq->err_fd, &one, sizeof(one)) < 0)
			log_warn("GUEST", "cannot tell the front end: %s", strerror(errno));
	}
	return -EPROTO;
}

bool vq_has_avail(struct vq *vq)
{
	u16 idx;

	if (vq->next_avail != vq->avail_seen)
		return true;
	idx = READ_SHARED(vq->avail->idx);
	if (idx == vq->avail_seen)
		return false;
	if ((u16)(idx - vq->avail_seen) > vq->num) {
		vq_break(vq, "avail index runs ahead of the ring");
		return false;
	}
	vq->avail_seen = idx;
	/* Pairs with the driver's write barrier: its ring entries before its index. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return true;
}

static int take_desc(struct vq *vq, struct vq_chain *chain, const struct vring_desc *d,
		     enum vq_dir dir)
{
	void *buf;

	if (d->flags & VRING_DESC_F_INDIRECT)
		return vq_break(vq, "indirect descriptor, which was not offered");
	if (!!(d->flags & VRING_DESC_F_WRITE) != (dir == VQ_WRITE))
		return vq_break(vq, "buffer has the wrong direction");
	if (!d->len)
		return 0;
	buf = region_at(vq->mem, d->addr, d->len);
	if (!buf)
		return vq_break(vq, "buffer outside of the shared memory");
	if (chain->size + d->len < chain->size)
		return vq_break(vq, "chain longer than 4 GiB");
	chain->size += d->len;
	chain->iov[chain->count++] = (struct iovec){ buf, d->len };
	return 0;
}

static int walk(struct vq *vq, struct vq_chain *chain, enum vq_dir dir)
{
	u16 idx = chain->head;
	struct vring_desc d;

	for (unsigned i = 0; i < VQ_CHAIN_MAX; i++) {
		if (idx >= vq->num)
			return vq_break(vq, "descriptor index beyond the ring");
		d.addr = READ_SHARED(vq->desc[idx].addr);
		d.len = READ_SHARED(vq->desc[idx].len);
		d.flags = READ_SHARED(vq->desc[idx].flags);
		d.next = READ_SHARED(vq->desc[idx].next);
		if (take_desc(vq, chain, &d, dir))
			return -EPROTO;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return 0;
		idx = d.next;
	}
	return vq_break(vq, "chain too long or circular");
}

int vq_pop(struct vq *vq, struct vq_chain *chain, enum vq_dir dir)
{
	if (vq->broken)
		return -EPROTO;
	if (!vq_has_avail(vq))
		return vq->broken ? -EPROTO : 0;
	chain->head = READ_SHARED(vq->avail->ring[vq->next_avail & (vq->num - 1)]);
	chain->count = 0;
	chain->size = 0;
	if (walk(vq, chain, dir))
		return -EPROTO;
	vq->next_avail++;
	vq->stats.chains++;
	return 1;
}

void vq_unpop(struct vq *vq, u16 count)
{
	vq->next_avail -= count;
	vq->stats.chains -= count;
}

void vq_push(struct vq *vq, u16 head, u32 written)
{
	struct vring_used_elem *e = &vq->used->ring[vq->next_used++ & (vq->num - 1)];

	WRITE_SHARED(e->id, head);
	WRITE_SHARED(e->len, written);
}

void vq_publish(struct vq *vq)
{
	if (vq->published == vq->next_used)
		return;
	vq->published = vq->next_used;
	/* Orders our ring entries and buffer contents before the index that shows them. */
	__atomic_store_n(&vq->used->idx, vq->next_used, __ATOMIC_RELEASE);
}

static bool call_wanted(struct vq *vq, u16 old)
{
	if (vq->event_idx)
		return vring_need_event(used_event(vq), vq->published, old);
	return !(READ_SHARED(vq->avail->flags) & VRING_AVAIL_F_NO_INTERRUPT);
}

void vq_call(struct vq *vq)
{
	u16 old = vq->called;
	u64 one = 1;

	if (old == vq->published)
		return;
	vq->called = vq->published;
	/* Orders our used->idx before the driver's word: it writes them the other way. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!call_wanted(vq, old)) {
		vq->stats.calls_muted++;
		return;
	}
	if (vq->call_fd < 0)
		return;
	vq->stats.calls++;
	/* EAGAIN: the counter is full, so the driver has been woken and did not look yet. */
	if (write(vq->call_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_debug("CALL", "cannot wake the driver: %s", strerror(errno));
}

void vq_want_kick(struct vq *vq, bool want)
{
	if (want == vq->kick_wanted)
		return;
	vq->kick_wanted = want;
	/* An event that has just passed keeps the driver quiet for 65535 entries. */
	if (want)
		ask_for_kick(vq);
	else if (vq->event_idx)
		WRITE_SHARED(*avail_event(vq), vq->next_avail - 1);
	else
		WRITE_SHARED(vq->used->flags, VRING_USED_F_NO_NOTIFY);
	/* Orders our wish before reading avail->idx: the driver does the opposite. */
	if (want)
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
