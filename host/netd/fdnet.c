/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "host/netd/fdnet.h"
#include "host/netd/log.h"

#define BIT(n) (1ull << (n))

#define READ_BURST 64
#define FRAME_PLAIN_MAX 1518

static void fd_event(struct loop_source *src, u32 events)
{
	struct fdnet_queue *q = (struct fdnet_queue *)src;

	if (events & EPOLLIN)
		q->readable = true;
	if (events & (EPOLLHUP | EPOLLERR))
		q->lost = true;
	if (events & EPOLLOUT)
		dev_tx_resume(q->net->be.dev);
}

int fdnet_add(struct fdnet *net, unsigned queue, int fd)
{
	struct fdnet_queue *q = &net->queue[queue];

	*q = (struct fdnet_queue){ { fd, fd_event }, net, queue };
	return loop_add(net->be.loop, &q->src, EPOLLIN | EPOLLOUT | EPOLLET);
}

void fdnet_remove(struct fdnet *net, unsigned queue)
{
	struct fdnet_queue *q = &net->queue[queue];

	if (q->src.fd < 0)
		return;
	loop_del(net->be.loop, &q->src);
	close(q->src.fd);
	q->src.fd = -1;
	q->readable = q->lost = false;
}

int fdnet_tx(struct backend *be, unsigned pair, struct tx_frame *f)
{
	struct fdnet *net = (struct fdnet *)be;
	struct fdnet_queue *q = &net->queue[pair % net->queue_count];
	struct iovec iov[VQ_CHAIN_MAX + 1];

	if (q->src.fd < 0)
		return 0; /* nobody there: like an unplugged cable */
	iov[0] = (struct iovec){ &f->hdr, sizeof(f->hdr) };
	memcpy(iov + 1, f->iov, f->iov_count * sizeof(*iov));
	if (writev(q->src.fd, iov, f->iov_count + 1) < 0) {
		if (errno == EAGAIN)
			return -EAGAIN;
		log_debug("WRITE", "frame of %u bytes: %s", f->len, strerror(errno));
	}
	return 0;
}

/* The bits by which a header from a peer of equal rank is judged: what our guest can take. */
static u64 as_sender(u64 features)
{
	u64 f = 0;

	if (features & BIT(VIRTIO_NET_F_GUEST_CSUM))
		f |= BIT(VIRTIO_NET_F_CSUM);
	if (features & BIT(VIRTIO_NET_F_GUEST_TSO4))
		f |= BIT(VIRTIO_NET_F_HOST_TSO4);
	if (features & BIT(VIRTIO_NET_F_GUEST_TSO6))
		f |= BIT(VIRTIO_NET_F_HOST_TSO6);
	return f;
}

static struct dev_pair *pair_for(struct dev *dev, unsigned i)
{
	struct dev_pair *p = &dev->pair[i % dev->pairs_max];

	return vq_ready(&p->rx) ? p : dev_rx_pair(dev, NULL, 0);
}

/* iov[0] is the header, then the guest's buffers without their first 12 bytes, then the spill. */
static unsigned build_iov(struct fdnet *net, struct rxq *rxq, net_hdr *hdr, struct iovec *iov,
			  u32 need, u32 *room)
{
	u32 skip = sizeof(*hdr);
	unsigned n = 0, count;
	const struct iovec *guest = rxq_iov(rxq, &count);

	*room = 0;
	iov[n++] = (struct iovec){ hdr, sizeof(*hdr) };
	for (unsigned i = 0; i < count && *room + sizeof(*hdr) < need && n < RXQ_IOV; i++) {
		u32 len = guest[i].iov_len;

		if (skip >= len) {
			skip -= len;
			continue;
		}
		iov[n++] = (struct iovec){ (u8 *)guest[i].iov_base + skip, len - skip };
		*room += len - skip;
		skip = 0;
	}
	iov[n++] = (struct iovec){ net->spill, sizeof(net->spill) };
	return n;
}

static int read_frame(struct fdnet_queue *q, struct dev_pair *p, u32 need)
{
	struct fdnet *net = q->net;
	struct dev *dev = net->be.dev;
	struct iovec iov[RXQ_IOV + 1];
	net_hdr hdr;
	unsigned count;
	ssize_t n;
	u32 room;

	count = build_iov(net, &p->rxq, &hdr, iov, need, &room);
	n = readv(q->src.fd, iov, count);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ECONNRESET;
	if (n < (ssize_t)(sizeof(hdr) + FRAME_MIN))
		return 0;
	n -= sizeof(hdr);
	if (n > room ||
	    (net->peer_is_hostile && !frame_hdr_check(&hdr, n, as_sender(dev->features)))) {
		dev->stats.rx_too_big++;
		return 0;
	}
	dev_rx_done(dev, iov + 1, count - 1, 0, n);
	rxq_commit(&p->rxq, &hdr, n + sizeof(hdr));
	return 0;
}

static bool read_burst(struct fdnet_queue *q)
{
	struct dev *dev = q->net->be.dev;
	u64 tso = BIT(VIRTIO_NET_F_GUEST_TSO4) | BIT(VIRTIO_NET_F_GUEST_TSO6);
	u32 need = (dev->features & tso ? FRAME_MAX : FRAME_PLAIN_MAX) + sizeof(net_hdr);
	struct dev_pair *p = pair_for(dev, q->pair);
	unsigned n;
	int ret;

	if (!p)
		return false;
	p->rx_starved = false;
	for (n = 0; n < READ_BURST; n++) {
		ret = rxq_reserve(&p->rxq, need);
		if (ret == -EAGAIN)
			p->rx_starved = true;
		/* -EMSGSIZE: a small ring or small buffers; frames that do fit still pass. */
		if (ret && (ret != -EMSGSIZE || !p->rxq.count))
			break;
		ret = read_frame(q, p, need);
		if (ret) {
			q->readable = ret == -EINTR;
			q->lost = ret != -EAGAIN && ret != -EINTR;
			break;
		}
	}
	return n;
}

bool fdnet_poll(struct backend *be)
{
	struct fdnet *net = (struct fdnet *)be;
	bool work = false, lost = false;

	for (unsigned i = 0; i < net->queue_count; i++) {
		struct fdnet_queue *q = &net->queue[i];

		if (q->src.fd >= 0 && q->readable)
			work |= read_burst(q);
		lost |= q->lost;
	}
	if (lost && net->on_lost)
		net->on_lost(net);
	return work;
}

bool fdnet_prepare_sleep(struct backend *be, int *timeout_ms)
{
	struct fdnet *net = (struct fdnet *)be;

	for (unsigned i = 0; i < net->queue_count; i++) {
		struct fdnet_queue *q = &net->queue[i];
		struct dev_pair *p = pair_for(be->dev, q->pair);

		if (q->src.fd >= 0 && q->readable && p && !p->rx_starved)
			return false;
	}
	return true;
}
