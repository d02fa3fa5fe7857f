/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "host/netd/dev.h"
#include "host/netd/log.h"

#define BIT(n) (1ull << (n))

/* --- set-up --------------------------------------------------------------------------- */

static u64 offered(unsigned pairs)
{
	u64 f = BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_IN_ORDER) | BIT(VIRTIO_RING_F_EVENT_IDX) |
		BIT(VU_F_PROTOCOL_FEATURES) | BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_NET_F_CSUM) |
		BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4) |
		BIT(VIRTIO_NET_F_HOST_TSO6) | BIT(VIRTIO_NET_F_GUEST_TSO4) |
		BIT(VIRTIO_NET_F_GUEST_TSO6);

	/* The control queue itself is the front end's; QEMU's guests need to see the bits. */
	f |= BIT(VIRTIO_NET_F_CTRL_VQ);
	if (pairs > 1)
		f |= BIT(VIRTIO_NET_F_MQ);
	return f;
}

static void kick_event(struct loop_source *src, u32 events)
{
	struct kick_source *k = (struct kick_source *)src;

	k->vq->stats.kicks++;
	k->loop->stats.kicks++;
}

static void pair_init(struct dev *dev, struct dev_pair *p)
{
	vq_init(&p->rx, &dev->mem);
	vq_init(&p->tx, &dev->mem);
	rxq_init(&p->rxq, &p->rx);
	p->rx_kick = (struct kick_source){ { -1, kick_event }, &p->rx, dev->loop };
	p->tx_kick = (struct kick_source){ { -1, kick_event }, &p->tx, dev->loop };
	p->backlog.tail = &p->backlog.head;
}

static bool dev_poll(struct loop_client *c);
static bool dev_prepare_sleep(struct loop_client *c, int *timeout_ms);
static void dev_awake(struct loop_client *c);

int dev_init(struct dev *dev, struct loop *loop, struct backend *be, unsigned pairs)
{
	*dev = (struct dev){
		.client = { dev_poll, dev_prepare_sleep, dev_awake },
		.loop = loop,
		.be = be,
		.name = be->ops->name,
		.pairs_max = pairs,
		.features_offered = offered(pairs),
	};
	dev->pair = calloc(pairs, sizeof(*dev->pair));
	dev->linear = malloc(FRAME_MAX);
	if (!dev->pair || !dev->linear)
		goto free_all;
	for (unsigned i = 0; i < pairs; i++)
		pair_init(dev, &dev->pair[i]);
	be->dev = dev;
	loop_add_client(loop, &dev->client);
	return 0;

free_all:
	free(dev->pair);
	free(dev->linear);
	return -ENOMEM;
}

struct vq *dev_vring(struct dev *dev, unsigned index)
{
	if (index / 2 >= dev->pairs_max)
		return NULL;
	return index % 2 ? &dev->pair[index / 2].tx : &dev->pair[index / 2].rx;
}

void dev_quiesce(struct dev *dev, struct vq *vq)
{
	for (unsigned i = 0; i < dev->pairs_max; i++) {
		struct dev_pair *p = &dev->pair[i];

		if (vq == &p->rx)
			rxq_drop_cache(&p->rxq);
	}
}

int dev_set_kick(struct dev *dev, unsigned index, int fd)
{
	struct dev_pair *p = &dev->pair[index / 2];
	struct kick_source *k = index % 2 ? &p->tx_kick : &p->rx_kick;
	int ret;

	if (k->src.fd >= 0) {
		loop_del(dev->loop, &k->src);
		close(k->src.fd);
	}
	k->src.fd = k->vq->kick_fd = -1;
	if (fd < 0)
		return 0;
	k->src.fd = fd;
	/* Edge triggered: each kick is an event, and the counter need not be read. */
	ret = loop_add(dev->loop, &k->src, EPOLLIN | EPOLLET);
	if (ret) {
		k->src.fd = -1;
		return ret;
	}
	k->vq->kick_fd = fd;
	return 0;
}

static void backlog_clear(struct backlog *b)
{
	struct backlog_frame *f;

	while ((f = b->head)) {
		b->head = f->next;
		free(f);
	}
	b->tail = &b->head;
	b->size = 0;
}

static void keep_stats(struct dev *dev, const struct vq *vq)
{
	dev->vq_stats.kicks += vq->stats.kicks;
	dev->vq_stats.calls += vq->stats.calls;
	dev->vq_stats.calls_muted += vq->stats.calls_muted;
	dev->stats.broken += vq->broken;
}

void dev_reset(struct dev *dev)
{
	for (unsigned i = 0; i < dev->pairs_max; i++) {
		struct dev_pair *p = &dev->pair[i];

		keep_stats(dev, &p->rx);
		keep_stats(dev, &p->tx);
		dev_set_kick(dev, 2 * i, -1);
		dev_set_kick(dev, 2 * i + 1, -1);
		rxq_init(&p->rxq, &p->rx);
		vq_reset(&p->rx);
		vq_reset(&p->tx);
		backlog_clear(&p->backlog);
		p->rx_starved = p->tx_stalled = false;
	}
	regions_clear(&dev->mem);
	dev->features = dev->protocol_features = 0;
	memset(dev->steer, 0, sizeof(dev->steer));
	if (dev->be->ops->set_features)
		dev->be->ops->set_features(dev->be, 0);
}

void dev_exit(struct dev *dev)
{
	dev_reset(dev);
	free(dev->pair);
	free(dev->linear);
}

/* --- from the guest ------------------------------------------------------------------- */

static void gather(u8 *dst, const struct vq_chain *c, u32 skip)
{
	for (unsigned i = 0; i < c->count; i++) {
		u32 n = c->iov[i].iov_len;

		if (skip >= n) {
			skip -= n;
			continue;
		}
		memcpy(dst, (u8 *)c->iov[i].iov_base + skip, n - skip);
		dst += n - skip;
		skip = 0;
	}
}

/* Copies the header out (once) and leaves the frame alone in iov. */
static unsigned split_header(struct vq_chain *c, net_hdr *hdr)
{
	u8 *dst = (u8 *)hdr;
	u32 left = sizeof(*hdr);
	unsigned i = 0;

	while (left) {
		u32 n = c->iov[i].iov_len < left ? c->iov[i].iov_len : left;

		memcpy(dst, c->iov[i].iov_base, n);
		dst += n;
		left -= n;
		c->iov[i].iov_base = (u8 *)c->iov[i].iov_base + n;
		c->iov[i].iov_len -= n;
		if (!c->iov[i].iov_len)
			i++;
	}
	return i;
}

static void learn_flow(struct dev *dev, const u8 *frame, u32 len, unsigned pair)
{
	struct frame_info info = frame_parse(frame, len);
	u32 hash = frame_flow_hash(frame, &info);

	if (hash)
		dev->steer[hash % DEV_STEER] = pair;
}

static int tx_chain(struct dev *dev, unsigned pair, struct vq_chain *c)
{
	struct tx_frame f = { .len = c->size - sizeof(net_hdr) };
	struct iovec whole;
	unsigned skip;
	int ret;

	if (c->size < sizeof(net_hdr) + FRAME_MIN || f.len > FRAME_MAX)
		goto bad;
	skip = split_header(c, &f.hdr);
	if (!frame_hdr_check(&f.hdr, f.len, dev->features))
		goto bad;
	f.iov = c->iov + skip;
	f.iov_count = c->count - skip;
	if (dev->be->ops->linear || dev->pcap) {
		gather(dev->linear, c, 0);
		f.data = dev->linear;
		whole = (struct iovec){ dev->linear, f.len };
		f.iov = &whole;
		f.iov_count = 1;
		if (dev->be->ops->linear && dev->pairs_max > 1)
			learn_flow(dev, f.data, f.len, pair);
	}
	ret = dev->be->ops->tx(dev->be, pair, &f);
	if (ret)
		return ret;
	if (dev->pcap)
		pcap_write(dev->pcap, &whole, 1, 0, f.len);
	dev->stats.tx_frames++;
	dev->stats.tx_bytes += f.len;
	return 0;

bad:
	dev->stats.tx_bad++;
	return 0;
}

static bool tx_burst(struct dev *dev, unsigned pair)
{
	struct dev_pair *p = &dev->pair[pair];
	struct vq_chain c;
	unsigned n = 0;
	int ret;

	/* We are here without being asked; a queue that was just set up still asks for kicks. */
	vq_want_kick(&p->tx, false);
	for (; n < DEV_TX_BURST; n++) {
		ret = vq_pop(&p->tx, &c, VQ_READ);
		if (ret <= 0)
			break;
		if (tx_chain(dev, pair, &c) == -EAGAIN) {
			vq_unpop(&p->tx, 1);
			p->tx_stalled = true;
			break;
		}
		vq_push(&p->tx, c.head, 0);
	}
	vq_publish(&p->tx);
	return n;
}

void dev_tx_resume(struct dev *dev)
{
	for (unsigned i = 0; i < dev->pairs_max; i++)
		dev->pair[i].tx_stalled = false;
}

/* --- to the guest --------------------------------------------------------------------- */

struct dev_pair *dev_rx_pair(struct dev *dev, const u8 *frame, u32 len)
{
	struct frame_info info;
	unsigned i = 0;

	if (dev->pairs_max > 1) {
		info = frame_parse(frame, len);
		i = dev->steer[frame_flow_hash(frame, &info) % DEV_STEER];
	}
	if (vq_ready(&dev->pair[i].rx))
		return &dev->pair[i];
	for (i = 0; i < dev->pairs_max; i++) {
		if (vq_ready(&dev->pair[i].rx))
			return &dev->pair[i];
	}
	return NULL;
}

void dev_rx_done(struct dev *dev, const struct iovec *iov, unsigned count, u32 skip, u32 len)
{
	dev->stats.rx_frames++;
	dev->stats.rx_bytes += len;
	if (dev->pcap)
		pcap_write(dev->pcap, iov, count, skip, len);
}

static int rx_now(struct dev *dev, struct dev_pair *p, net_hdr *hdr, const u8 *frame, u32 len)
{
	struct iovec iov = { (void *)frame, len };
	int ret = rxq_put(&p->rxq, hdr, frame, len);

	if (ret == -EMSGSIZE)
		dev->stats.rx_too_big++;
	else if (ret && ret != -EAGAIN)
		dev->stats.rx_down++;
	else if (!ret)
		dev_rx_done(dev, &iov, 1, 0, len);
	return ret;
}

static void backlog_add(struct dev *dev, struct dev_pair *p, const net_hdr *hdr, const u8 *frame,
			u32 len)
{
	struct backlog *b = &p->backlog;
	struct backlog_frame *f = NULL;

	if (b->size + len <= DEV_BACKLOG_SIZE_MAX)
		f = malloc(sizeof(*f) + len);
	if (!f) {
		dev->stats.rx_full++;
		return;
	}
	f->next = NULL;
	f->len = len;
	f->hdr = *hdr;
	memcpy(f->data, frame, len);
	*b->tail = f;
	b->tail = &f->next;
	b->size += len + sizeof(*f);
	p->rx_starved = true;
}

void dev_rx(struct dev *dev, net_hdr *hdr, const u8 *frame, u32 len)
{
	struct dev_pair *p = dev_rx_pair(dev, frame, len);

	if (!p) {
		dev->stats.rx_down++;
		return;
	}
	/* Frames of one queue keep their order. */
	if (p->backlog.head || rx_now(dev, p, hdr, frame, len) == -EAGAIN)
		backlog_add(dev, p, hdr, frame, len);
}

static bool flush_backlog(struct dev *dev, struct dev_pair *p)
{
	struct backlog *b = &p->backlog;
	struct backlog_frame *f;
	bool work = false;

	while ((f = b->head)) {
		if (rx_now(dev, p, &f->hdr, f->data, f->len) == -EAGAIN)
			return work;
		b->head = f->next;
		if (!b->head)
			b->tail = &b->head;
		b->size -= f->len + sizeof(*f);
		free(f);
		work = true;
	}
	p->rx_starved = false;
	return work;
}

bool dev_rx_congested(const struct dev *dev)
{
	bool ready = false;

	for (unsigned i = 0; i < dev->pairs_max; i++) {
		if (dev->pair[i].backlog.size > DEV_BACKLOG_SLOW)
			return true;
		ready |= vq_ready(&dev->pair[i].rx);
	}
	return !ready;
}

/* --- loop ----------------------------------------------------------------------------- */

static bool dev_poll(struct loop_client *c)
{
	struct dev *dev = (struct dev *)c;
	bool work = false;

	for (unsigned i = 0; i < dev->pairs_max; i++) {
		struct dev_pair *p = &dev->pair[i];

		if (vq_ready(&p->tx) && !p->tx_stalled)
			work |= tx_burst(dev, i);
		if (p->backlog.head && vq_ready(&p->rx))
			work |= flush_backlog(dev, p);
	}
	work |= dev->be->ops->poll(dev->be);
	for (unsigned i = 0; i < dev->pairs_max; i++) {
		struct dev_pair *p = &dev->pair[i];

		if (vq_ready(&p->rx)) {
			vq_want_kick(&p->rx, false);
			vq_publish(&p->rx);
			vq_call(&p->rx);
		}
		if (vq_ready(&p->tx))
			vq_call(&p->tx);
	}
	return work;
}

/* Arms the queue's kick, unless for a nap; false if something has become available meanwhile. */
static bool arm(struct dev *dev, struct vq *vq, int *timeout_ms)
{
	if (vq->no_kick_fd && (*timeout_ms < 0 || *timeout_ms > 1))
		*timeout_ms = 1;
	if (!dev->loop->napping)
		vq_want_kick(vq, true);
	return !vq_has_avail(vq);
}

static bool dev_prepare_sleep(struct loop_client *c, int *timeout_ms)
{
	struct dev *dev = (struct dev *)c;
	bool quiet = true;

	for (unsigned i = 0; i < dev->pairs_max; i++) {
		struct dev_pair *p = &dev->pair[i];

		if (vq_ready(&p->tx) && !p->tx_stalled)
			quiet &= arm(dev, &p->tx, timeout_ms);
		if (vq_ready(&p->rx) && p->rx_starved)
			quiet &= arm(dev, &p->rx, timeout_ms);
	}
	if (dev->be->ops->prepare_sleep)
		quiet &= dev->be->ops->prepare_sleep(dev->be, timeout_ms);
	if (dev->pcap)
		pcap_flush(dev->pcap);
	return quiet;
}

static void dev_awake(struct loop_client *c)
{
	struct dev *dev = (struct dev *)c;

	for (unsigned i = 0; i < dev->pairs_max; i++) {
		struct dev_pair *p = &dev->pair[i];

		if (vq_ready(&p->tx))
			vq_want_kick(&p->tx, false);
		if (vq_ready(&p->rx))
			vq_want_kick(&p->rx, false);
	}
}

void dev_print_stats(struct dev *dev)
{
	const struct dev_stats *s = &dev->stats;
	struct vq_stats sum = dev->vq_stats;
	u64 broken = s->broken;

	for (unsigned i = 0; i < 2 * dev->pairs_max; i++) {
		const struct vq *vq = dev_vring(dev, i);

		sum.kicks += vq->stats.kicks;
		sum.calls += vq->stats.calls;
		sum.calls_muted += vq->stats.calls_muted;
		broken += vq->broken;
	}
	fprintf(stderr,
		"{\"netd\":\"%s\",\"tx_frames\":%lu,\"tx_bytes\":%lu,\"rx_frames\":%lu,"
		"\"rx_bytes\":%lu,\"tx_bad\":%lu,\"rx_full\":%lu,\"rx_too_big\":%lu,"
		"\"rx_down\":%lu,\"broken\":%lu,\"kicks\":%lu,\"calls\":%lu,\"calls_muted\":%lu,"
		"\"sleeps\":%lu,\"naps\":%lu,\"looks\":%lu}\n",
		dev->name, s->tx_frames, s->tx_bytes, s->rx_frames, s->rx_bytes, s->tx_bad,
		s->rx_full, s->rx_too_big, s->rx_down, broken, sum.kicks, sum.calls,
		sum.calls_muted, dev->loop->stats.sleeps, dev->loop->stats.naps,
		dev->loop->stats.looks);
}
