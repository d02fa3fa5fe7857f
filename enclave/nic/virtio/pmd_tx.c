// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Transmit: header in the first room's headroom, one descriptor per room (VIRTIO 1.2, 5.1.6.2). */
#include <rte_mbuf.h>

#include "enclave/nic/virtio/pmd.h"

void virtio_tx_reclaim(struct virtio_queue *q)
{
	int left = vring_used(&q->ring);
	struct room_bag bag;
	struct rte_mbuf *m;
	u32 len; /* what a device writes to a buffer that it only reads: nothing to us */

	bag.count = 0;
	for (; left > 0; left--) {
		m = vring_pop(&q->ring, &len);
		if (!m) {
			left = -1;
			break;
		}
		room_bag_add(&bag, m);
	}
	room_bag_empty(&bag);
	if (left < 0)
		virtio_fail(q);
}

/* DPDK's description of offloads in VIRTIO's terms. */
static void offload_of(const struct rte_mbuf *m, struct nic_offload *off)
{
	u64 l4 = m->ol_flags & RTE_MBUF_F_TX_L4_MASK;

	*off = (struct nic_offload){ 0 };
	if (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) {
		off->gso = m->ol_flags & RTE_MBUF_F_TX_IPV6 ? NIC_GSO_TCPV6 : NIC_GSO_TCPV4;
		off->gso_size = m->tso_segsz;
		off->hdr_len = m->l2_len + m->l3_len + m->l4_len;
		l4 = RTE_MBUF_F_TX_TCP_CKSUM;
	}
	if (!l4)
		return;
	off->flags = NIC_CSUM_PARTIAL;
	off->csum_start = m->l2_len + m->l3_len;
	off->csum_offset = l4 == RTE_MBUF_F_TX_UDP_CKSUM ? 6 : 16;
}

static void put_header(struct virtio_queue *q, const struct rte_mbuf *m)
{
	struct host_addr at = mbuf_host(m, m->data_off - PMD_HDR_SIZE);
	struct nic_offload off;
	struct virtio_hdr hdr;

	if (likely(!(m->ol_flags & (RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_TCP_SEG)))) {
		host_put64(at, 0);
		host_put32(host_addr_add(at, 8), 0);
		return;
	}
	offload_of(m, &off);
	virtio_hdr_make(&hdr, q->dev->peer.deal.features, &off);
	host_copy_out(at, &hdr, sizeof(hdr));
}

static void add_packet(struct virtio_queue *q, struct rte_mbuf *m)
{
	struct vring_seg segs[PMD_SEGS_MAX];
	struct rte_mbuf *s;
	u16 n = 0;

	ASSERT(m->nb_segs <= PMD_SEGS_MAX && m->data_off >= PMD_HDR_SIZE);
	put_header(q, m);
	if (m->nb_segs == 1) {
		segs[0] = (struct vring_seg){ m->buf_iova + m->data_off - PMD_HDR_SIZE,
					      m->data_len + PMD_HDR_SIZE };
		vring_add(&q->ring, segs, 1, 0, m);
		return;
	}
	for (s = m; s; s = s->next) {
		ASSERT(RTE_MBUF_HAS_PINNED_EXTBUF(s));
		segs[n++] = (struct vring_seg){ s->buf_iova + s->data_off, s->data_len };
	}
	segs[0].iova -= PMD_HDR_SIZE;
	segs[0].len += PMD_HDR_SIZE;
	vring_add(&q->ring, segs, n, 0, m);
}

uint16_t virtio_tx_burst(void *txq, struct rte_mbuf **pkts, uint16_t count)
{
	struct virtio_queue *q = txq;
	uint16_t n;

	if (q->dev->failed || !q->dev->attached)
		return 0;
	virtio_tx_reclaim(q);
	if (q->dev->failed)
		return 0;
	for (n = 0; n < count && pkts[n]->nb_segs <= q->ring.free_count; n++) {
		q->bytes += pkts[n]->pkt_len;
		add_packet(q, pkts[n]);
	}
	vring_publish(&q->ring);
	q->packets += n;
	return n;
}
