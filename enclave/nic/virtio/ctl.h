/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The TEE's side of a NIC's control block (abi/nicdev.h). Pure C. The launcher's
 * fields are hostile: each is fetched once.
 */
#ifndef NIC_VIRTIO_CTL_H
#define NIC_VIRTIO_CTL_H

#include "abi/nicdev.h"
#include "enclave/boundary/host_mem.h"

/* What both sides settled on. Private. */
struct nicdev_deal {
	u64 features;
	u16 pairs;
	u16 ring_size;
};

struct nicdev_peer {
	struct host_addr ctl;
	struct nicdev_deal deal; /* of the first back end; pairs is 0 before it */
	u32 generation; /* of the offer that was taken last */
};

/* Is a back end there, and which? One fetch; odd: there. */
u32 nicdev_generation(const struct nicdev_peer *peer);

/**
 * nicdev_take_offer - fetch and check the offer
 * @want: upper bounds: features, pairs and ring size that we can serve
 *
 * The first offer settles the deal; later ones must allow the same.
 * Return: 0; -EAGAIN: no back end; -EPROTO: a lie, or less than before.
 */
int nicdev_take_offer(struct nicdev_peer *peer, const struct nicdev_deal *want);

/* Publishes the rings for the generation that was taken. 2 * deal.pairs of them. */
void nicdev_publish(struct nicdev_peer *peer, const struct nicdev_vring *rings);

/* Withdraws them. @state: NICDEV_TEE_DOWN or NICDEV_TEE_FAILED. */
void nicdev_withdraw(struct nicdev_peer *peer, enum nicdev_tee_state state);

#endif
