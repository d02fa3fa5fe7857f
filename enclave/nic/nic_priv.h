/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A NIC behind nic.h. Shared by nic.c (control), nic_rx.c and nic_tx.c (bursts). */
#ifndef NIC_PRIV_H
#define NIC_PRIV_H

#include <rte_ethdev.h>
#include <rte_mempool.h>

#include "enclave/boundary/dma.h"
#include "enclave/nic/virtio/pmd.h"

/* Receive rooms beyond those that a full ring holds: one burst of largest packets. */
#define NIC_ROOMS_SPARE 64
#define NIC_ROOM_STRIDE (RTE_PKTMBUF_HEADROOM + NIC_ROOM_SIZE)

/* pool.c: the kind of mempool that rooms are kept in. Idempotent; 0 or a negative errno. */
#define NIC_POOL_OPS "nic_lifo"
int nic_pool_register(void);

/* One direction of one pair. Written by its one caller only. */
struct nic_pool {
	struct rte_mempool *mp;
	struct dma_buf rooms;
};

struct nic_queue_stats {
	u64 dropped;
	u64 full;
	u64 boundary_bytes;
	u64 kicks;
};

struct nic_pair {
	struct nic_pool rx_pool, tx_pool;
	struct nic_queue_stats rx, tx;
} __rte_cache_aligned;

struct nic {
	struct virtio_dev dev;
	u16 port;
	u16 pairs;
	u16 ring_size;
	bool down; /* seen: the back end is gone */
	bool failure_told; /* withdrawn after a failure */
	struct nic_pair pair[];
};

static inline struct virtio_queue *nic_rxq(const struct nic *nic, unsigned int q)
{
	return rte_eth_devices[nic->port].data->rx_queues[q];
}

static inline struct virtio_queue *nic_txq(const struct nic *nic, unsigned int q)
{
	return rte_eth_devices[nic->port].data->tx_queues[q];
}

#endif
