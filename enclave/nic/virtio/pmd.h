/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A DPDK poll-mode driver over vring.h: what ethdev calls.
 *
 * Buffers are mbufs of pools whose rooms lie in the DMA arena (pinned external
 * buffers). mbuf headers, queues and counters are private.
 */
#ifndef NIC_VIRTIO_PMD_H
#define NIC_VIRTIO_PMD_H

#include <ethdev_driver.h>

#include "enclave/boundary/host_copy.h"
#include "enclave/nic/nic.h"
#include "enclave/nic/virtio/ctl.h"
#include "enclave/nic/virtio/hdr.h"
#include "enclave/nic/virtio/ring.h"

#define PMD_HDR_SIZE sizeof(struct virtio_hdr)
#define PMD_RX_ROOM (PMD_HDR_SIZE + NIC_ROOM_SIZE) /* what a receive descriptor offers */
#define PMD_SEGS_MAX 18 /* rooms of the largest frame, and one for a back end's odd split */

struct virtio_dev;

struct virtio_queue {
	struct vring ring;
	struct virtio_dev *dev;
	struct rte_mempool *pool; /* receive: where buffers come from */
	struct vring_slot *slots;
	u16 port;
	u64 packets;
	u64 bytes;
	u64 runts;
};

struct virtio_dev {
	struct nicdev_peer peer;
	struct rte_ether_addr mac;
	u16 mtu;
	int offload_at; /* mbuf dynamic field: struct nic_offload of received packets */
	bool failed; /* a ring has failed: nobody moves packets any more */
	bool attached; /* rings are published */
};

/**
 * virtio_pmd_create - make an ethdev port of a device
 * @dev: lives as long as the port; .peer has a deal, .mac, .mtu and .offload_at are set
 *
 * Return: the port's number, or a negative errno.
 */
int virtio_pmd_create(struct virtio_dev *dev, const char *name);

/* Removes the port. Not started any more. */
void virtio_pmd_destroy(u16 port);

uint16_t virtio_rx_burst(void *rxq, struct rte_mbuf **pkts, uint16_t count);
uint16_t virtio_tx_burst(void *txq, struct rte_mbuf **pkts, uint16_t count);

/* Fills a receive ring with buffers and publishes them. */
void virtio_rx_refill(struct virtio_queue *q);

/* Takes sent packets back and frees their mbufs. */
void virtio_tx_reclaim(struct virtio_queue *q);

/* Where a mbuf's bytes lie, as a host address: the room is arena memory of our own making. */
static inline struct host_addr mbuf_host(const struct rte_mbuf *m, u32 offset)
{
	return (struct host_addr){ (u64)(uintptr_t)m->buf_addr + offset };
}

static inline struct nic_offload *mbuf_offload(const struct virtio_dev *dev, struct rte_mbuf *m)
{
	return (struct nic_offload *)((char *)m + dev->offload_at);
}

/*
 * Rooms as whole mbufs of one pool: nobody else ever holds a reference, so the
 * counting that rte_pktmbuf_alloc() and _free() do is left out. In the pool a room is a
 * single segment (next NULL, nb_segs 1), so that the mbuf's second cache line is touched
 * for packets of several rooms only.
 */
static inline void room_reset(struct rte_mbuf *m)
{
	m->data_off = RTE_PKTMBUF_HEADROOM;
	m->ol_flags = RTE_MBUF_F_EXTERNAL;
}

/* Collects rooms to give them back in bulk. */
#define ROOM_BAG_SIZE 64

struct room_bag {
	unsigned int count;
	struct rte_mbuf *m[ROOM_BAG_SIZE];
};

static inline void room_bag_empty(struct room_bag *bag)
{
	if (bag->count)
		rte_mempool_put_bulk(bag->m[0]->pool, (void **)bag->m, bag->count);
	bag->count = 0;
}

static inline void room_bag_one(struct room_bag *bag, struct rte_mbuf *m)
{
	if (bag->count == ROOM_BAG_SIZE)
		room_bag_empty(bag);
	bag->m[bag->count++] = m;
}

/* Takes all rooms of a packet; they are of the same pool as all others in the bag. */
static inline void room_bag_add(struct room_bag *bag, struct rte_mbuf *m)
{
	if (likely(m->nb_segs == 1)) {
		room_bag_one(bag, m);
		return;
	}
	while (m) {
		struct rte_mbuf *next = m->next;

		m->next = NULL;
		m->nb_segs = 1;
		room_bag_one(bag, m);
		m = next;
	}
}

/* The ol_flags of received packets that have a struct nic_offload. */
#define PMD_RX_OFFLOAD (RTE_MBUF_F_RX_L4_CKSUM_MASK | RTE_MBUF_F_RX_LRO)

static inline void virtio_fail(struct virtio_queue *q)
{
	vring_fail(&q->ring);
	q->dev->failed = true;
}

#endif
