// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Receive: mergeable buffers, one descriptor each (VIRTIO 1.2, 5.1.6.3 and 5.1.6.4). */
#include <rte_mbuf.h>

#include "enclave/nic/virtio/pmd.h"

#define REFILL_BURST 32
#define PREFETCH 4 /* buffers ahead */
#define ETH_HEADER 14

static void add_buffer(struct virtio_queue *q, struct rte_mbuf *m)
{
	struct vring_seg seg = {
		.iova = m->buf_iova + RTE_PKTMBUF_HEADROOM - PMD_HDR_SIZE,
		.len = PMD_RX_ROOM,
	};

	vring_add(&q->ring, &seg, 1, VRING_DESC_F_WRITE, m);
}

void virtio_rx_refill(struct virtio_queue *q)
{
	struct rte_mbuf *m[REFILL_BURST];
	unsigned int i, n;

	while (q->ring.free_count) {
		n = RTE_MIN((unsigned int)q->ring.free_count, (unsigned int)REFILL_BURST);
		if (rte_mempool_get_bulk(q->pool, (void **)m, n)) {
			n = 1; /* the tail of a pool that packets still hold */
			if (rte_mempool_get_bulk(q->pool, (void **)m, n))
				break;
		}
		for (i = 0; i < n; i++)
			add_buffer(q, m[i]);
	}
	vring_publish(&q->ring);
}

/* Devices mostly give buffers back in the order in which they got them. A guess, nothing more. */
static void prefetch(const struct virtio_queue *q)
{
	const struct rte_mbuf *m = vring_posted(&q->ring, PREFETCH);

	if (m)
		rte_prefetch0((char *)m->buf_addr + RTE_PKTMBUF_HEADROOM - PMD_HDR_SIZE);
	m = vring_posted(&q->ring, 2 * PREFETCH);
	if (m)
		rte_prefetch0(m);
}

/* The next completed buffer, its length checked against the room. NULL: a lie. */
static struct rte_mbuf *pop_buffer(struct virtio_queue *q, u32 len_min)
{
	struct rte_mbuf *m;
	u32 len;

	m = vring_pop(&q->ring, &len);
	if (!m)
		return NULL;
	if (!CHECK_HOST(len >= len_min && len <= PMD_RX_ROOM)) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	room_reset(m);
	m->data_off = RTE_PKTMBUF_HEADROOM - PMD_HDR_SIZE;
	m->data_len = len;
	return m;
}

/* Appends the @count further buffers of a packet. */
static int merge(struct virtio_queue *q, struct rte_mbuf *head, u16 count)
{
	struct rte_mbuf *last = head, *m;

	while (count--) {
		m = pop_buffer(q, 1);
		if (!m)
			return -EPROTO;
		last->next = m;
		last = m;
		head->nb_segs++;
		head->pkt_len += m->data_len;
	}
	return 0;
}

/* What DPDK programs read goes to the flags; the glue reads the offload field. */
static int set_offload(struct virtio_queue *q, struct rte_mbuf *m, const struct virtio_hdr *hdr)
{
	struct nic_offload *off = mbuf_offload(q->dev, m);

	if (virtio_hdr_check(hdr, q->dev->peer.deal.features, m->pkt_len, off))
		return -EPROTO;
	if (off->flags & NIC_CSUM_PARTIAL)
		m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_NONE;
	else if (off->flags & NIC_CSUM_VALID)
		m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	if (off->gso != NIC_GSO_NONE) {
		m->ol_flags |= RTE_MBUF_F_RX_LRO;
		m->tso_segsz = off->gso_size;
	}
	return 0;
}

/*
 * One packet out of @avail completed buffers. The header is copied once; what
 * the packet claims about itself stands in private memory from here on.
 */
static struct rte_mbuf *pop_packet(struct virtio_queue *q, int avail)
{
	struct virtio_hdr hdr;
	struct rte_mbuf *m;

	prefetch(q);
	m = pop_buffer(q, PMD_HDR_SIZE);
	if (!m)
		return NULL;
	host_copy_in(&hdr, mbuf_host(m, m->data_off), sizeof(hdr));
	m->data_off += PMD_HDR_SIZE;
	m->data_len -= PMD_HDR_SIZE;
	m->pkt_len = m->data_len;
	m->port = q->port;
	if (!CHECK_HOST(hdr.num_buffers >= 1 && hdr.num_buffers <= PMD_SEGS_MAX))
		goto lie;
	if (!CHECK_HOST(hdr.num_buffers <= avail))
		goto lie;
	if (unlikely(hdr.num_buffers > 1) && merge(q, m, hdr.num_buffers - 1))
		goto lie;
	if (!CHECK_HOST(m->pkt_len <= NICDEV_FRAME_MAX))
		goto lie;
	if (unlikely(hdr.flags || hdr.gso_type) && set_offload(q, m, &hdr))
		goto lie;
	return m;
lie:
	rte_pktmbuf_free(m);
	return NULL;
}

uint16_t virtio_rx_burst(void *rxq, struct rte_mbuf **pkts, uint16_t count)
{
	struct virtio_queue *q = rxq;
	uint16_t n = 0;
	int avail;

	if (q->dev->failed || !q->dev->attached)
		return 0;
	avail = vring_used(&q->ring);
	while (avail > 0 && n < count) {
		struct rte_mbuf *m = pop_packet(q, avail);

		if (!m) {
			avail = -1;
			break;
		}
		avail -= m->nb_segs;
		if (m->pkt_len < ETH_HEADER) {
			q->runts++;
			rte_pktmbuf_free(m);
			continue;
		}
		q->bytes += m->pkt_len;
		pkts[n++] = m;
	}
	if (avail < 0)
		virtio_fail(q);
	else if (q->ring.free_count >= REFILL_BURST)
		virtio_rx_refill(q);
	q->packets += n;
	return n;
}
