/* SPDX-License-Identifier: GPL-2.0-only */
/* The netdev over enclave/nic: what its files share. */
#ifndef RKT_NET_H
#define RKT_NET_H

#include <linux/netdevice.h>
#include <linux/u64_stats_sync.h>
#include <asm/rkt_poll.h>
#include "enclave/nic/nic.h"

/*
 * One queue pair, served by the vCPU of its number. tx is guarded by the netdev's
 * transmit lock of the queue, rx by its NAPI context.
 */
struct rkt_pair {
	struct rkt_nic *nic;
	unsigned int index;
	struct napi_struct napi;
	struct nic_peek rx_peek, tx_peek;
	struct sk_buff *tx[NIC_BURST_MAX]; /* taken from the stack, not yet copied */
	unsigned int tx_count;
	bool tx_stopped; /* waits for the ring to drain */
	struct u64_stats_sync sync;
	u64 rx_packets, rx_bytes, rx_errors, tx_packets, tx_bytes, tx_errors;
};

struct rkt_nic {
	struct net_device *dev;
	struct nic *nic;
	struct host_addr ctl;
	u32 device; /* for kicks */
	unsigned int pairs;
	const bool *failed;
	u32 generation; /* that was served last; private */
	bool live; /* rings are up: pollers may look */
	struct task_struct *control;
	struct rkt_poller poller;
	struct rkt_pair pair[];
};

/* rkt_net_tx.c */
netdev_tx_t rkt_net_xmit(struct sk_buff *skb, struct net_device *dev);
/* Sends what waits and wakes a stopped queue. Context: softirq, takes the transmit lock. */
void rkt_net_tx_poll(struct rkt_pair *p);
/* Drops what waits. Context: queue quiet. */
void rkt_net_tx_drop(struct rkt_pair *p);

/* rkt_net_rx.c: NAPI. */
int rkt_net_poll(struct napi_struct *napi, int budget);

/* rkt_net.c */
void rkt_net_failed(struct rkt_nic *n);
void rkt_net_kick(struct rkt_nic *n, unsigned int ring);

#endif
