// SPDX-License-Identifier: GPL-2.0-only
/* Packets from the NIC to the stack: copied once into skbs, then believed as little as any network. */
#include <linux/etherdevice.h>
#include <linux/gfp.h>
#include <linux/skbuff.h>
#include <linux/virtio_net.h>
#include <asm/fpu/api.h>
#include <asm/stats.h>
#include "rkt_net.h"

#define RX_LINEAR_MAX 2048 /* up to here a packet is one piece */
#define RX_HEADERS 256 /* else: this much in front, the rest in pages */
#define RX_PAGE_ORDER 3

struct rx_burst {
	struct rkt_pair *pair;
	unsigned int count;
	struct sk_buff *skb[NIC_BURST_MAX];
	struct nic_offload off[NIC_BURST_MAX];
};

static int add_pages(struct sk_buff *skb, u32 len, struct nic_seg *segs, unsigned int max)
{
	unsigned int n = 0;

	while (len) {
		unsigned int order = min_t(unsigned int, get_order(len), RX_PAGE_ORDER);
		struct page *page = NULL;
		u32 size;

		if (n == max || skb_shinfo(skb)->nr_frags == MAX_SKB_FRAGS)
			return -E2BIG;
		if (order)
			page = alloc_pages(GFP_ATOMIC | __GFP_COMP | __GFP_NOWARN | __GFP_NORETRY,
					   order);
		if (!page) {
			order = 0;
			page = alloc_page(GFP_ATOMIC | __GFP_NOWARN);
		}
		if (!page)
			return -ENOMEM;
		size = min_t(u32, len, PAGE_SIZE << order);
		skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, page, 0, size, PAGE_SIZE << order);
		segs[n++] = (struct nic_seg){ page_address(page), size };
		len -= size;
	}
	return n;
}

/* Called by nic_rx() for each packet, inside the bracket. */
static int room(void *ctx, u32 len, const struct nic_offload *off, struct nic_seg *segs,
		unsigned int max)
{
	struct rx_burst *b = ctx;
	u32 linear = len <= RX_LINEAR_MAX ? len : RX_HEADERS;
	struct sk_buff *skb = napi_alloc_skb(&b->pair->napi, linear);
	int n;

	if (!skb)
		return -ENOMEM;
	segs[0] = (struct nic_seg){ skb_put(skb, linear), linear };
	n = add_pages(skb, len - linear, segs + 1, max - 1);
	if (n < 0) {
		kfree_skb(skb);
		return n;
	}
	b->off[b->count] = *off;
	b->skb[b->count++] = skb;
	return n + 1;
}

/* The checked description in the words of the kernel's own virtio helper, which checks the content. */
static int set_offload(struct sk_buff *skb, const struct nic_offload *off)
{
	struct virtio_net_hdr h = { 0 };

	if (off->flags & NIC_CSUM_VALID)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	if (off->flags & NIC_CSUM_PARTIAL) {
		h.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h.csum_start = (__force __virtio16)off->csum_start;
		h.csum_offset = (__force __virtio16)off->csum_offset;
	}
	if (off->gso != NIC_GSO_NONE) {
		h.gso_type = off->gso == NIC_GSO_TCPV6 ? VIRTIO_NET_HDR_GSO_TCPV6
						       : VIRTIO_NET_HDR_GSO_TCPV4;
		h.gso_size = (__force __virtio16)off->gso_size;
		h.hdr_len = (__force __virtio16)off->hdr_len;
	}
	return virtio_net_hdr_to_skb(skb, &h, true);
}

static void deliver(struct rkt_pair *p, struct rx_burst *b)
{
	unsigned int i, errors = 0;
	u64 bytes = 0;

	for (i = 0; i < b->count; i++) {
		struct sk_buff *skb = b->skb[i];

		bytes += skb->len;
		if (set_offload(skb, &b->off[i])) {
			errors++;
			kfree_skb(skb);
			continue;
		}
		skb_record_rx_queue(skb, p->index);
		skb->protocol = eth_type_trans(skb, p->nic->dev);
		napi_gro_receive(&p->napi, skb);
	}
	u64_stats_update_begin(&p->sync);
	p->rx_packets += b->count - errors;
	p->rx_bytes += bytes;
	p->rx_errors += errors;
	u64_stats_update_end(&p->sync);
	rkt_stat_add(NET_RX_PACKETS, b->count - errors);
	rkt_stat_add(NET_RX_BYTES, bytes);
}

static int receive(struct rkt_pair *p, int budget)
{
	struct rx_burst b;
	u64 copied;
	bool kick;
	int n;

	b.pair = p;
	b.count = 0;
	kernel_fpu_begin();
	copied = nic_rx_copied(p->nic->nic, p->index);
	n = nic_rx(p->nic->nic, p->index, budget, room, &b);
	rkt_stat_add(BOUNDARY_IN_BYTES, nic_rx_copied(p->nic->nic, p->index) - copied);
	kick = n && nic_rx_kick_needed(p->nic->nic, p->index);
	kernel_fpu_end();
	if (kick)
		rkt_net_kick(p->nic, 2 * p->index);
	if (READ_ONCE(*p->nic->failed))
		rkt_net_failed(p->nic);
	rkt_stat_inc(NET_POLLS);
	if (!n)
		rkt_stat_inc(NET_POLLS_EMPTY);
	rkt_stat_add(NET_RX_DROPS, n - b.count);
	deliver(p, &b);
	return n;
}

int rkt_net_poll(struct napi_struct *napi, int budget)
{
	struct rkt_pair *p = container_of(napi, struct rkt_pair, napi);
	int done = 0, n;

	/* An interrupted bracket of somebody else: the poller comes again. */
	if (!irq_fpu_usable() || !READ_ONCE(p->nic->live)) {
		napi_complete(napi);
		return 0;
	}
	rkt_net_tx_poll(p);
	while (done < budget) {
		n = receive(p, min(budget - done, NIC_BURST_MAX));
		if (!n)
			break;
		done += n;
	}
	if (done < budget)
		napi_complete_done(napi, done);
	return done;
}
