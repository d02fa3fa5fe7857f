// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Transmit: from private memory into rooms, once. */
#include <rte_mbuf.h>

#include "enclave/nic/nic_priv.h"

#define TX_ROOMS_MAX 64 /* of one burst */

static unsigned int rooms_of(u32 len)
{
	return (len + NIC_ROOM_SIZE - 1) / NIC_ROOM_SIZE;
}

static void set_offload(struct rte_mbuf *m, const struct nic_offload *off)
{
	if (!(off->flags & NIC_CSUM_PARTIAL))
		return;
	ASSERT(off->csum_offset == 16 || off->csum_offset == 6);
	m->tx_offload = 0;
	m->l2_len = off->l3_start;
	m->l3_len = off->csum_start - off->l3_start;
	if (off->gso != NIC_GSO_NONE) {
		m->l4_len = off->hdr_len - off->csum_start;
		m->tso_segsz = off->gso_size;
		m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
		m->ol_flags |= off->gso == NIC_GSO_TCPV6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4;
	} else {
		m->ol_flags |= off->csum_offset == 16 ? RTE_MBUF_F_TX_TCP_CKSUM
						      : RTE_MBUF_F_TX_UDP_CKSUM;
	}
}

/* Chains @count rooms into one packet of @len bytes, still without content. */
static void chain(struct rte_mbuf **m, unsigned int count, u32 len)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		room_reset(m[i]);
		m[i]->data_len = RTE_MIN(len, (u32)NIC_ROOM_SIZE);
		m[i]->next = i + 1 < count ? m[i + 1] : NULL;
		len -= m[i]->data_len;
	}
	m[0]->nb_segs = count;
}

/* Return: bytes copied. */
static u64 copy_out(const struct rte_mbuf *m, const struct nic_packet *p)
{
	u32 room_at = 0;
	u64 copied = 0;
	u16 i;

	for (i = 0; i < p->seg_count; i++) {
		const char *src = p->segs[i].p;
		u32 left = p->segs[i].len;

		while (left) {
			u32 n;

			if (room_at == m->data_len) {
				m = m->next;
				room_at = 0;
				ASSERT(m);
			}
			n = RTE_MIN(left, m->data_len - room_at);
			host_copy_out(mbuf_host(m, m->data_off + room_at), src, n);
			copied += n;
			src += n;
			room_at += n;
			left -= n;
		}
	}
	ASSERT(!m->next && room_at == m->data_len);
	return copied;
}

/* Return: bytes copied. */
static u64 fill(struct rte_mbuf **m, unsigned int count, const struct nic_packet *p)
{
	if (likely(count == 1)) {
		room_reset(m[0]);
		m[0]->data_len = p->len;
	} else {
		chain(m, count, p->len);
	}
	m[0]->pkt_len = p->len;
	if (p->off.flags)
		set_offload(m[0], &p->off);
	if (unlikely(count != 1 || p->seg_count != 1 || p->segs[0].len != p->len))
		return copy_out(m[0], p);
	host_copy_out(mbuf_host(m[0], RTE_PKTMBUF_HEADROOM), p->segs[0].p, p->len);
	return p->len;
}

/* How many packets of the burst, with how many rooms together, fit @rooms_max rooms. */
static unsigned int measure(const struct nic_packet *packets, unsigned int count,
			    unsigned int rooms_max, unsigned int *rooms)
{
	unsigned int i;

	for (i = 0, *rooms = 0; i < count; i++) {
		unsigned int n = rooms_of(packets[i].len);

		ASSERT(packets[i].len && packets[i].len <= NICDEV_FRAME_MAX);
		if (*rooms + n > rooms_max)
			break;
		*rooms += n;
	}
	return i;
}

/*
 * Rooms for as many packets as possible. A pool has as many rooms as its ring has
 * descriptors, so a packet that has got its rooms has got its descriptors too, and no
 * byte crosses the boundary twice.
 */
static unsigned int take_rooms(struct nic *nic, unsigned int queue, struct rte_mbuf **m,
			       const struct nic_packet *packets, unsigned int count)
{
	struct rte_mempool *mp = nic->pair[queue].tx_pool.mp;
	unsigned int rooms;

	count = measure(packets, count, TX_ROOMS_MAX, &rooms);
	if (!rte_mempool_get_bulk(mp, (void **)m, rooms))
		return count;
	rte_eth_tx_done_cleanup(nic->port, queue, 0);
	count = measure(packets, count, RTE_MIN(rte_mempool_avail_count(mp), rooms), &rooms);
	if (rooms && !rte_mempool_get_bulk(mp, (void **)m, rooms))
		return count;
	return 0;
}

int nic_tx(struct nic *nic, unsigned int queue, const struct nic_packet *packets,
	   unsigned int count)
{
	struct nic_pair *pair = &nic->pair[queue];
	struct rte_mbuf *rooms[TX_ROOMS_MAX], *m[NIC_BURST_MAX];
	unsigned int i, n, taken, at = 0, sent = 0;
	u64 copied = 0;

	ASSERT(queue < nic->pairs);
	if (nic->dev.failed || !nic->dev.attached)
		return 0;
	count = RTE_MIN(count, (unsigned int)NIC_BURST_MAX);
	taken = take_rooms(nic, queue, rooms, packets, count);
	for (i = 0; i < taken; i++, at += n) {
		n = rooms_of(packets[i].len);
		copied += fill(rooms + at, n, &packets[i]);
		m[i] = rooms[at];
	}
	pair->tx.boundary_bytes += copied;
	if (taken)
		sent = rte_eth_tx_burst(nic->port, queue, m, taken);
	if (sent < taken) /* only when the device has failed meanwhile */
		rte_pktmbuf_free_bulk(m + sent, taken - sent);
	if (sent < count)
		pair->tx.full++;
	return sent;
}

u64 nic_tx_copied(const struct nic *nic, unsigned int queue)
{
	return nic->pair[queue].tx.boundary_bytes;
}

bool nic_tx_has_room(struct nic *nic, unsigned int queue)
{
	struct virtio_queue *q = nic_txq(nic, queue);

	if (nic->dev.failed || !nic->dev.attached)
		return false;
	if (q->ring.free_count < PMD_SEGS_MAX)
		rte_eth_tx_done_cleanup(nic->port, queue, 0);
	return q->ring.free_count >= PMD_SEGS_MAX;
}

bool nic_tx_kick_needed(struct nic *nic, unsigned int queue)
{
	if (nic->dev.failed || !nic->dev.attached || !vring_kick_wanted(&nic_txq(nic, queue)->ring))
		return false;
	nic->pair[queue].tx.kicks++;
	return true;
}
