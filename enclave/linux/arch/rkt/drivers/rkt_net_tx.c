// SPDX-License-Identifier: GPL-2.0-only
/* Packets from the stack to the NIC: collected to a burst, copied once, kicked once. */
#include <linux/if_ether.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <asm/fpu/api.h>
#include <asm/stats.h>
#include "rkt_net.h"

struct burst {
	struct nic_seg segs[NIC_BURST_MAX][MAX_SKB_FRAGS + 1];
	struct nic_packet packets[NIC_BURST_MAX];
};
static_assert(MAX_SKB_FRAGS + 1 <= NIC_SEGS_MAX);

/* Too big for a stack; used inside a kernel_fpu bracket only, which no other one interrupts. */
static DEFINE_PER_CPU(struct burst, burst);

static void describe_offload(const struct sk_buff *skb, struct nic_offload *off)
{
	*off = (struct nic_offload){ 0 };
	if (skb->ip_summed != CHECKSUM_PARTIAL)
		return;
	off->flags = NIC_CSUM_PARTIAL;
	off->csum_start = skb_checksum_start_offset(skb);
	off->csum_offset = skb->csum_offset;
	off->l3_start = skb_network_offset(skb);
	if (!skb_is_gso(skb))
		return;
	off->gso = skb_shinfo(skb)->gso_type & SKB_GSO_TCPV6 ? NIC_GSO_TCPV6 : NIC_GSO_TCPV4;
	off->gso_size = skb_shinfo(skb)->gso_size;
	off->hdr_len = skb_tcp_all_headers(skb);
}

static void describe(const struct sk_buff *skb, struct nic_packet *packet, struct nic_seg *segs)
{
	unsigned int i, n = 0;

	if (skb_headlen(skb))
		segs[n++] = (struct nic_seg){ skb->data, skb_headlen(skb) };
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		const skb_frag_t *f = &skb_shinfo(skb)->frags[i];

		segs[n++] = (struct nic_seg){ skb_frag_address(f), skb_frag_size(f) };
	}
	packet->segs = segs;
	packet->seg_count = n;
	packet->len = skb->len;
	describe_offload(skb, &packet->off);
}

static void account(struct rkt_pair *p, unsigned int sent)
{
	unsigned int i;
	u64 bytes = 0;

	for (i = 0; i < sent; i++)
		bytes += p->tx[i]->len;
	u64_stats_update_begin(&p->sync);
	p->tx_bytes += bytes;
	p->tx_packets += sent;
	u64_stats_update_end(&p->sync);
	rkt_stat_add(NET_TX_PACKETS, sent);
	rkt_stat_add(NET_TX_BYTES, bytes);
}

/* One bracket: describe, copy, publish, and ask once whether the back end sleeps. */
static unsigned int send_burst(struct rkt_pair *p, bool *kick, bool *room)
{
	unsigned int i, sent;
	struct burst *b;
	u64 copied;

	kernel_fpu_begin();
	b = this_cpu_ptr(&burst);
	for (i = 0; i < p->tx_count; i++)
		describe(p->tx[i], &b->packets[i], b->segs[i]);
	copied = nic_tx_copied(p->nic->nic, p->index);
	sent = nic_tx(p->nic->nic, p->index, b->packets, p->tx_count);
	rkt_stat_add(BOUNDARY_OUT_BYTES, nic_tx_copied(p->nic->nic, p->index) - copied);
	*kick = sent && nic_tx_kick_needed(p->nic->nic, p->index);
	*room = nic_tx_has_room(p->nic->nic, p->index);
	kernel_fpu_end();
	return sent;
}

static void stop_queue(struct rkt_pair *p)
{
	netif_tx_stop_queue(netdev_get_tx_queue(p->nic->dev, p->index));
	WRITE_ONCE(p->tx_stopped, true);
}

/* Context: transmit lock of the queue held. Whatever isn't sent stays for the next try. */
static void flush(struct rkt_pair *p)
{
	bool kick = false, room = true;
	unsigned int i, sent;

	if (!p->tx_count)
		return;
	if (!irq_fpu_usable()) {
		stop_queue(p); /* somebody's bracket is interrupted: from NAPI, soon */
		return;
	}
	sent = send_burst(p, &kick, &room);
	account(p, sent);
	for (i = 0; i < sent; i++)
		dev_consume_skb_any(p->tx[i]);
	p->tx_count -= sent;
	memmove(p->tx, p->tx + sent, p->tx_count * sizeof(p->tx[0]));
	if (kick)
		rkt_net_kick(p->nic, 2 * p->index + 1);
	if (READ_ONCE(*p->nic->failed)) {
		rkt_net_failed(p->nic);
	} else if (!room || p->tx_count) {
		rkt_stat_inc(NET_TX_STALLS);
		stop_queue(p);
	}
}

/* What nic_tx() would assert: only what our feature flags announce gets here. */
static bool acceptable(struct sk_buff *skb)
{
	if (skb->len < ETH_HLEN || skb->len > NICDEV_FRAME_MAX)
		return false;
	if (skb->ip_summed == CHECKSUM_PARTIAL && skb->csum_offset != 16 && skb->csum_offset != 6)
		return !skb_is_gso(skb) && !skb_checksum_help(skb);
	return true;
}

netdev_tx_t rkt_net_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct rkt_nic *n = *(struct rkt_nic **)netdev_priv(dev);
	struct rkt_pair *p = &n->pair[skb_get_queue_mapping(skb)];

	if (!acceptable(skb)) {
		p->tx_errors++;
		dev_kfree_skb_any(skb);
		return NETDEV_TX_OK;
	}
	skb_tx_timestamp(skb);
	p->tx[p->tx_count++] = skb;
	if (p->tx_count == NIC_BURST_MAX || !netdev_xmit_more())
		flush(p);
	return NETDEV_TX_OK;
}

void rkt_net_tx_poll(struct rkt_pair *p)
{
	struct netdev_queue *q = netdev_get_tx_queue(p->nic->dev, p->index);
	bool room;

	if (!READ_ONCE(p->tx_stopped))
		return;
	__netif_tx_lock(q, smp_processor_id());
	WRITE_ONCE(p->tx_stopped, false);
	kernel_fpu_begin();
	room = nic_tx_has_room(p->nic->nic, p->index);
	kernel_fpu_end();
	if (room)
		flush(p);
	if (!room)
		WRITE_ONCE(p->tx_stopped, true);
	else if (!p->tx_stopped && netif_tx_queue_stopped(q))
		netif_tx_wake_queue(q);
	__netif_tx_unlock(q);
}

void rkt_net_tx_drop(struct rkt_pair *p)
{
	while (p->tx_count)
		dev_kfree_skb_any(p->tx[--p->tx_count]);
	p->tx_stopped = false;
}
