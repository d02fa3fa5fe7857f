// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The control half of the driver: what rte_eth_dev_*() ends up in. */
#include <ethdev_driver.h>
#include <rte_malloc.h>

#include "enclave/nic/virtio/pmd.h"

static const struct rte_driver virtio_rte_driver = { .name = "virtio", .alias = "" };
static struct rte_device virtio_rte_device = { .name = "virtio", .driver = &virtio_rte_driver };

static struct virtio_dev *dev_of(struct rte_eth_dev *eth)
{
	return eth->process_private;
}

static u64 tx_offloads(u64 features)
{
	u64 o = RTE_ETH_TX_OFFLOAD_MULTI_SEGS;

	if (features & NICDEV_F_CSUM)
		o |= RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
	if (features & (NICDEV_F_HOST_TSO4 | NICDEV_F_HOST_TSO6))
		o |= RTE_ETH_TX_OFFLOAD_TCP_TSO;
	return o;
}

static u64 rx_offloads(u64 features)
{
	u64 o = RTE_ETH_RX_OFFLOAD_SCATTER;

	if (features & NICDEV_F_GUEST_CSUM)
		o |= RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
	if (features & (NICDEV_F_GUEST_TSO4 | NICDEV_F_GUEST_TSO6))
		o |= RTE_ETH_RX_OFFLOAD_TCP_LRO;
	return o;
}

static int op_info(struct rte_eth_dev *eth, struct rte_eth_dev_info *info)
{
	const struct nicdev_deal *deal = &dev_of(eth)->peer.deal;
	struct rte_eth_desc_lim lim = {
		.nb_max = NICDEV_RING_SIZE_MAX,
		.nb_min = NICDEV_RING_SIZE_MIN,
		.nb_align = 1,
		.nb_seg_max = PMD_SEGS_MAX,
		.nb_mtu_seg_max = PMD_SEGS_MAX,
	};

	info->max_rx_queues = deal->pairs;
	info->max_tx_queues = deal->pairs;
	info->min_rx_bufsize = NIC_ROOM_SIZE;
	info->max_rx_pktlen = NICDEV_FRAME_MAX;
	info->max_lro_pkt_size = NICDEV_FRAME_MAX;
	info->max_mac_addrs = 1;
	info->min_mtu = NIC_MTU_MIN;
	info->max_mtu = NIC_MTU_MAX;
	info->rx_desc_lim = lim;
	info->tx_desc_lim = lim;
	info->rx_offload_capa = rx_offloads(deal->features);
	info->tx_offload_capa = tx_offloads(deal->features);
	return 0;
}

static int op_configure(struct rte_eth_dev *eth)
{
	return 0;
}

static struct virtio_queue *queue_new(struct rte_eth_dev *eth, u16 size)
{
	struct virtio_queue *q = rte_zmalloc("virtq", sizeof(*q), 0);

	if (!q)
		return NULL;
	q->dev = dev_of(eth);
	q->port = eth->data->port_id;
	q->slots = rte_zmalloc("virtq", size * sizeof(*q->slots), 0);
	if (!q->slots || vring_init(&q->ring, q->slots, size)) {
		rte_free(q->slots);
		rte_free(q);
		return NULL;
	}
	return q;
}

/* What the device still owns goes back to its pools. It must be detached. */
static void queue_drain(struct virtio_queue *q)
{
	struct rte_mbuf *m;
	u16 pos = 0;

	while ((m = vring_take(&q->ring, &pos)))
		rte_pktmbuf_free(m);
}

static void queue_free(struct virtio_queue *q)
{
	if (!q)
		return;
	queue_drain(q);
	vring_fini(&q->ring);
	rte_free(q->slots);
	rte_free(q);
}

static int op_rx_setup(struct rte_eth_dev *eth, uint16_t i, uint16_t size, unsigned int socket,
		       const struct rte_eth_rxconf *conf, struct rte_mempool *pool)
{
	struct virtio_queue *q = queue_new(eth, size);

	if (!q)
		return -ENOMEM;
	q->pool = pool;
	eth->data->rx_queues[i] = q;
	return 0;
}

static int op_tx_setup(struct rte_eth_dev *eth, uint16_t i, uint16_t size, unsigned int socket,
		       const struct rte_eth_txconf *conf)
{
	eth->data->tx_queues[i] = queue_new(eth, size);
	return eth->data->tx_queues[i] ? 0 : -ENOMEM;
}

static void op_rx_release(struct rte_eth_dev *eth, uint16_t i)
{
	queue_free(eth->data->rx_queues[i]);
	eth->data->rx_queues[i] = NULL;
}

static void op_tx_release(struct rte_eth_dev *eth, uint16_t i)
{
	queue_free(eth->data->tx_queues[i]);
	eth->data->tx_queues[i] = NULL;
}

static int op_start(struct rte_eth_dev *eth)
{
	struct nicdev_vring rings[NICDEV_RINGS_MAX];
	struct virtio_dev *dev = dev_of(eth);
	bool event_idx = dev->peer.deal.features & NICDEV_F_EVENT_IDX;
	unsigned int i;

	for (i = 0; i < dev->peer.deal.pairs; i++) {
		struct virtio_queue *rx = eth->data->rx_queues[i], *tx = eth->data->tx_queues[i];

		queue_drain(rx);
		queue_drain(tx);
		vring_reset(&rx->ring, event_idx);
		vring_reset(&tx->ring, event_idx);
		virtio_rx_refill(rx);
		vring_describe(&rx->ring, &rings[2 * i]);
		vring_describe(&tx->ring, &rings[2 * i + 1]);
	}
	dev->attached = true;
	nicdev_publish(&dev->peer, rings);
	eth->data->dev_link.link_status = RTE_ETH_LINK_UP;
	return 0;
}

static int op_stop(struct rte_eth_dev *eth)
{
	struct virtio_dev *dev = dev_of(eth);

	dev->attached = false;
	nicdev_withdraw(&dev->peer, dev->failed ? NICDEV_TEE_FAILED : NICDEV_TEE_DOWN);
	eth->data->dev_link.link_status = RTE_ETH_LINK_DOWN;
	return 0;
}

static int op_close(struct rte_eth_dev *eth)
{
	u16 i;

	for (i = 0; i < eth->data->nb_rx_queues; i++)
		op_rx_release(eth, i);
	for (i = 0; i < eth->data->nb_tx_queues; i++)
		op_tx_release(eth, i);
	eth->data->mac_addrs = NULL; /* part of the device */
	return 0;
}

static int op_link(struct rte_eth_dev *eth, int wait)
{
	return 0;
}

static int op_mtu(struct rte_eth_dev *eth, uint16_t mtu)
{
	return 0;
}

static int op_tx_cleanup(void *txq, uint32_t count)
{
	struct virtio_queue *q = txq;

	if (q->dev->failed || !q->dev->attached)
		return 0;
	virtio_tx_reclaim(q);
	return 0;
}

static const struct eth_dev_ops virtio_ops = {
	.dev_configure = op_configure,
	.dev_start = op_start,
	.dev_stop = op_stop,
	.dev_close = op_close,
	.dev_infos_get = op_info,
	.rx_queue_setup = op_rx_setup,
	.rx_queue_release = op_rx_release,
	.tx_queue_setup = op_tx_setup,
	.tx_queue_release = op_tx_release,
	.tx_done_cleanup = op_tx_cleanup,
	.link_update = op_link,
	.mtu_set = op_mtu,
};

int virtio_pmd_create(struct virtio_dev *dev, const char *name)
{
	struct rte_eth_dev *eth = rte_eth_dev_allocate(name);

	if (!eth)
		return -ENOMEM;
	eth->device = &virtio_rte_device;
	eth->process_private = dev;
	eth->dev_ops = &virtio_ops;
	eth->rx_pkt_burst = virtio_rx_burst;
	eth->tx_pkt_burst = virtio_tx_burst;
	eth->data->dev_link.link_speed = RTE_ETH_SPEED_NUM_10G;
	eth->data->dev_link.link_duplex = RTE_ETH_LINK_FULL_DUPLEX;
	eth->data->dev_flags = RTE_ETH_DEV_AUTOFILL_QUEUE_XSTATS;
	eth->data->mac_addrs = &dev->mac;
	eth->data->mtu = dev->mtu;
	rte_eth_dev_probing_finish(eth);
	return eth->data->port_id;
}

void virtio_pmd_destroy(u16 port)
{
	rte_eth_dev_close(port);
}
