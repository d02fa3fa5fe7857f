// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Receive: from checked rooms into private memory, once. */
#include <rte_mbuf.h>

#include "enclave/nic/nic_priv.h"

/*
 * Copies a packet's rooms into the caller's pieces. Both sides' lengths are private here.
 * Return: bytes copied.
 */
static u64 copy_in(const struct rte_mbuf *m, const struct nic_seg *segs, unsigned int count)
{
	u32 at = 0, room_at = 0, left = m->pkt_len;
	unsigned int i = 0;
	u64 copied = 0;

	while (left) {
		u32 n;

		while (room_at == m->data_len) {
			m = m->next;
			room_at = 0;
		}
		if (at == segs[i].len) {
			i++;
			at = 0;
			ASSERT(i < count);
			continue;
		}
		n = RTE_MIN(RTE_MIN(m->data_len - room_at, segs[i].len - at), left);
		host_copy_in((char *)segs[i].p + at, mbuf_host(m, m->data_off + room_at), n);
		copied += n;
		at += n;
		room_at += n;
		left -= n;
	}
	return copied;
}

static void deliver(struct nic *nic, struct nic_queue_stats *stats, struct rte_mbuf *m,
		    nic_rx_room_fn room, void *ctx)
{
	static const struct nic_offload none;
	const struct nic_offload *off = &none;
	struct nic_seg segs[NIC_SEGS_MAX];
	int n;

	if (m->ol_flags & PMD_RX_OFFLOAD)
		off = mbuf_offload(&nic->dev, m);
	n = room(ctx, m->pkt_len, off, segs, NIC_SEGS_MAX);

	if (n <= 0) {
		stats->dropped++;
		return;
	}
	if (likely(m->nb_segs == 1 && n == 1)) {
		ASSERT(segs[0].len >= m->pkt_len);
		host_copy_in(segs[0].p, mbuf_host(m, m->data_off), m->pkt_len);
		stats->boundary_bytes += m->pkt_len;
	} else {
		stats->boundary_bytes += copy_in(m, segs, n);
	}
}

int nic_rx(struct nic *nic, unsigned int queue, unsigned int budget, nic_rx_room_fn room, void *ctx)
{
	struct rte_mbuf *m[NIC_BURST_MAX];
	struct room_bag bag;
	unsigned int i, n;

	ASSERT(queue < nic->pairs);
	n = rte_eth_rx_burst(nic->port, queue, m, RTE_MIN(budget, (unsigned int)NIC_BURST_MAX));
	bag.count = 0;
	for (i = 0; i < n; i++) {
		deliver(nic, &nic->pair[queue].rx, m[i], room, ctx);
		room_bag_add(&bag, m[i]);
	}
	room_bag_empty(&bag);
	return n;
}

u64 nic_rx_copied(const struct nic *nic, unsigned int queue)
{
	return nic->pair[queue].rx.boundary_bytes;
}

bool nic_rx_kick_needed(struct nic *nic, unsigned int queue)
{
	if (nic->dev.failed || !nic->dev.attached || !vring_kick_wanted(&nic_rxq(nic, queue)->ring))
		return false;
	nic->pair[queue].rx.kicks++;
	return true;
}
