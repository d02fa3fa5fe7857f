// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Bring-up, teardown and the control block. */
#include <errno.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_mbuf_dyn.h>

#include "enclave/nic/env/env.h"
#include "enclave/nic/env/libc.h"
#include "enclave/nic/nic_priv.h"

static unsigned int nic_number;

static int check_config(const struct nic_config *c)
{
	if (c->mtu < NIC_MTU_MIN || c->pairs < 1 || c->pairs > NICDEV_PAIRS_MAX)
		return -EINVAL;
	if (c->ring_size < NICDEV_RING_SIZE_MIN || c->ring_size > NICDEV_RING_SIZE_MAX)
		return -EINVAL;
	if (c->mac[0] & 1)
		return -EINVAL;
	return 0;
}

static int register_offload_field(void)
{
	static const struct rte_mbuf_dynfield field = {
		.name = "rktio_offload",
		.size = sizeof(struct nic_offload),
		.align = 4,
	};
	int at = rte_mbuf_dynfield_register(&field);

	return at < 0 ? -rte_errno : at;
}

static int pool_open(struct nic_pool *p, const char *name, unsigned int count)
{
	struct rte_pktmbuf_extmem ext;
	int ret;

	ret = dma_alloc(&p->rooms, (size_t)count * NIC_ROOM_STRIDE, 4096);
	if (ret)
		return ret;
	ext = (struct rte_pktmbuf_extmem){
		.buf_ptr = (void *)(uintptr_t)p->rooms.addr.va,
		.buf_iova = p->rooms.iova,
		.buf_len = (size_t)count * NIC_ROOM_STRIDE,
		.elt_size = NIC_ROOM_STRIDE,
	};
	p->mp = rte_pktmbuf_pool_create_extbuf(name, count, 0, 0, NIC_ROOM_STRIDE, SOCKET_ID_ANY,
					       &ext, 1);
	if (p->mp)
		return 0;
	dma_free(&p->rooms);
	return -ENOMEM;
}

static void pool_close(struct nic_pool *p)
{
	if (!p->mp)
		return;
	ASSERT(rte_mempool_full(p->mp));
	rte_mempool_free(p->mp);
	dma_free(&p->rooms);
	p->mp = NULL;
}

static void pools_close(struct nic *nic)
{
	unsigned int i;

	for (i = 0; i < nic->pairs; i++) {
		pool_close(&nic->pair[i].rx_pool);
		pool_close(&nic->pair[i].tx_pool);
	}
}

static int pools_open(struct nic *nic)
{
	unsigned int i, count = nic->ring_size + NIC_ROOMS_SPARE;
	char name[RTE_MEMPOOL_NAMESIZE];
	int ret;

	for (i = 0; i < nic->pairs; i++) {
		nic_env_snprintf(name, sizeof(name), "nic%u_rx%u", nic_number, i);
		ret = pool_open(&nic->pair[i].rx_pool, name, count);
		if (ret)
			goto close;
		nic_env_snprintf(name, sizeof(name), "nic%u_tx%u", nic_number, i);
		ret = pool_open(&nic->pair[i].tx_pool, name, nic->ring_size);
		if (ret)
			goto close;
	}
	return 0;
close:
	pools_close(nic);
	return ret;
}

static int queues_setup(struct nic *nic)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < nic->pairs && !ret; i++) {
		ret = rte_eth_rx_queue_setup(nic->port, i, nic->ring_size, SOCKET_ID_ANY, NULL,
					     nic->pair[i].rx_pool.mp);
		if (!ret)
			ret = rte_eth_tx_queue_setup(nic->port, i, nic->ring_size, SOCKET_ID_ANY,
						     NULL);
	}
	return ret;
}

static int port_open(struct nic *nic)
{
	struct rte_eth_conf conf = { 0 };
	char name[RTE_ETH_NAME_MAX_LEN];
	int ret;

	nic_env_snprintf(name, sizeof(name), "nic%u", nic_number);
	ret = virtio_pmd_create(&nic->dev, name);
	if (ret < 0)
		return ret;
	nic->port = ret;
	conf.rxmode.mtu = nic->dev.mtu;
	conf.rxmode.offloads = RTE_ETH_RX_OFFLOAD_SCATTER;
	conf.txmode.offloads = RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	ret = rte_eth_dev_configure(nic->port, nic->pairs, nic->pairs, &conf);
	if (!ret)
		ret = queues_setup(nic);
	if (!ret)
		ret = rte_eth_dev_start(nic->port);
	if (ret)
		virtio_pmd_destroy(nic->port);
	return ret;
}

static struct nic *nic_alloc(const struct nic_config *c, const struct nicdev_peer *peer)
{
	struct nic *nic;

	nic = rte_zmalloc("nic", sizeof(*nic) + peer->deal.pairs * sizeof(nic->pair[0]), 0);
	if (!nic)
		return NULL;
	nic->dev.peer = *peer;
	nic->dev.mtu = c->mtu;
	memcpy(nic->dev.mac.addr_bytes, c->mac, sizeof(c->mac));
	nic->pairs = peer->deal.pairs;
	nic->ring_size = peer->deal.ring_size;
	return nic;
}

int nic_open(struct nic **out, const struct nic_config *c)
{
	struct nicdev_deal want = { NICDEV_FEATURES, c->pairs, c->ring_size };
	struct nicdev_peer peer = { .ctl = c->ctl };
	struct nic *nic;
	int ret;

	ret = check_config(c);
	if (!ret)
		ret = nicdev_take_offer(&peer, &want);
	if (ret)
		return ret;
	ret = nic_pool_register();
	if (ret)
		return ret;
	nic = nic_alloc(c, &peer);
	if (!nic)
		return -ENOMEM;
	nic_number++;
	ret = register_offload_field();
	if (ret < 0)
		goto free;
	nic->dev.offload_at = ret;
	ret = pools_open(nic);
	if (ret)
		goto free;
	ret = port_open(nic);
	if (ret)
		goto pools;
	*out = nic;
	return 0;
pools:
	pools_close(nic);
free:
	rte_free(nic);
	return ret;
}

void nic_close(struct nic *nic)
{
	rte_eth_dev_stop(nic->port);
	virtio_pmd_destroy(nic->port);
	pools_close(nic);
	rte_free(nic);
}

u16 nic_pairs(const struct nic *nic)
{
	return nic->pairs;
}

u64 nic_features(const struct nic *nic)
{
	return nic->dev.peer.deal.features;
}

static enum nic_state poll_failed(struct nic *nic)
{
	if (!nic->failure_told) {
		nic->failure_told = true;
		nicdev_withdraw(&nic->dev.peer, NICDEV_TEE_FAILED);
	}
	return NIC_FAILED;
}

enum nic_state nic_poll(struct nic *nic)
{
	u32 generation;

	if (nic->dev.failed)
		return poll_failed(nic);
	generation = nicdev_generation(&nic->dev.peer);
	if (generation == nic->dev.peer.generation && !nic->down)
		return NIC_UP;
	nic->down = true;
	nic->dev.attached = false;
	return generation & 1 ? NIC_RESTART : NIC_DOWN;
}

int nic_restart(struct nic *nic)
{
	int ret;

	if (nic->dev.failed)
		return -EPROTO;
	ret = nicdev_take_offer(&nic->dev.peer, NULL);
	if (ret == -EPROTO)
		nic->dev.failed = true;
	if (ret)
		return ret;
	rte_eth_dev_stop(nic->port);
	ret = rte_eth_dev_start(nic->port);
	if (!ret)
		nic->down = false;
	return ret;
}

void nic_peek(const struct nic *nic, unsigned int q, bool tx, struct nic_peek *out)
{
	const struct vring *r = tx ? &nic_txq(nic, q)->ring : &nic_rxq(nic, q)->ring;

	*out = (struct nic_peek){
		.used_idx = host_addr_add(r->used, 2),
		.event = r->event_idx ? vring_used_event(r) : r->avail,
		.seen = &r->used_idx,
		.event_idx = r->event_idx,
	};
}

const bool *nic_failed(const struct nic *nic)
{
	return &nic->dev.failed;
}

void nic_stats(const struct nic *nic, struct nic_stats *s)
{
	unsigned int i;

	*s = (struct nic_stats){ .lies = nic->dev.failed };
	for (i = 0; i < nic->pairs; i++) {
		const struct virtio_queue *rx = nic_rxq(nic, i), *tx = nic_txq(nic, i);
		const struct nic_pair *p = &nic->pair[i];

		s->rx_packets += rx->packets;
		s->rx_bytes += rx->bytes;
		s->rx_dropped += rx->runts + p->rx.dropped;
		s->tx_packets += tx->packets;
		s->tx_bytes += tx->bytes;
		s->tx_full += p->tx.full;
		s->rx_boundary_bytes += p->rx.boundary_bytes;
		s->tx_boundary_bytes += p->tx.boundary_bytes;
		s->kicks += p->rx.kicks + p->tx.kicks;
	}
}
