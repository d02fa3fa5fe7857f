// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#ifdef __KERNEL__
#include <linux/errno.h>
#else
#include <errno.h>
#endif

#include "enclave/boundary/check.h"
#include "enclave/nic/virtio/ctl.h"

#define HOST_FIELD(peer, field) host_addr_add((peer)->ctl, offsetof(struct nicdev_ctl, host.field))
#define TEE_FIELD(peer, field) host_addr_add((peer)->ctl, offsetof(struct nicdev_ctl, tee.field))

u32 nicdev_generation(const struct nicdev_peer *peer)
{
	return host_get32(HOST_FIELD(peer, generation));
}

static u16 power_of_two_below(u16 v)
{
	u16 p = 1;

	while (p <= v / 2)
		p *= 2;
	return p;
}

static u16 lesser(u16 a, u16 b)
{
	return a < b ? a : b;
}

static void settle(const struct nicdev_deal *offer, const struct nicdev_deal *want,
		   struct nicdev_deal *deal)
{
	deal->features = offer->features & want->features;
	deal->pairs = lesser(offer->pairs, want->pairs);
	deal->ring_size = power_of_two_below(lesser(offer->ring_size, want->ring_size));
	/* VIRTIO 1.2, 5.1.3.1: segmentation needs checksums. */
	if (!(deal->features & NICDEV_F_CSUM))
		deal->features &= ~(NICDEV_F_HOST_TSO4 | NICDEV_F_HOST_TSO6);
	if (!(deal->features & NICDEV_F_GUEST_CSUM))
		deal->features &= ~(NICDEV_F_GUEST_TSO4 | NICDEV_F_GUEST_TSO6);
}

static int check_again(const struct nicdev_deal *offer, const struct nicdev_deal *deal)
{
	if (!CHECK_HOST((offer->features & deal->features) == deal->features))
		return -EPROTO;
	if (!CHECK_HOST(offer->pairs >= deal->pairs))
		return -EPROTO;
	if (!CHECK_HOST(offer->ring_size >= deal->ring_size))
		return -EPROTO;
	return 0;
}

int nicdev_take_offer(struct nicdev_peer *peer, const struct nicdev_deal *want)
{
	u32 generation = nicdev_generation(peer);
	struct nicdev_deal offer;

	if (!(generation & 1))
		return -EAGAIN;
	host_rmb(); /* the generation before what it announces */
	if (!CHECK_HOST(host_get32(HOST_FIELD(peer, magic)) == NICDEV_MAGIC))
		return -EPROTO;
	offer.features = host_get64(HOST_FIELD(peer, features));
	offer.pairs = host_get16(HOST_FIELD(peer, pairs_max));
	offer.ring_size = host_get16(HOST_FIELD(peer, ring_size_max));
	if (!CHECK_HOST((offer.features & NICDEV_FEATURES_NEEDED) == NICDEV_FEATURES_NEEDED))
		return -EPROTO;
	if (!CHECK_HOST(offer.pairs >= 1))
		return -EPROTO;
	if (!CHECK_HOST(offer.ring_size >= NICDEV_RING_SIZE_MIN))
		return -EPROTO;
	peer->generation = generation;
	if (peer->deal.pairs)
		return check_again(&offer, &peer->deal);
	settle(&offer, want, &peer->deal);
	return 0;
}

static void put_vring(struct host_addr a, const struct nicdev_vring *v)
{
	host_put64(host_addr_add(a, offsetof(struct nicdev_vring, desc)), v->desc);
	host_put64(host_addr_add(a, offsetof(struct nicdev_vring, avail)), v->avail);
	host_put64(host_addr_add(a, offsetof(struct nicdev_vring, used)), v->used);
	host_put64(host_addr_add(a, offsetof(struct nicdev_vring, size)), v->size);
}

void nicdev_publish(struct nicdev_peer *peer, const struct nicdev_vring *rings)
{
	struct host_addr a = host_addr_add(peer->ctl, offsetof(struct nicdev_ctl, vring));
	unsigned int i;

	for (i = 0; i < 2 * (unsigned int)peer->deal.pairs; i++)
		put_vring(host_addr_add(a, i * sizeof(struct nicdev_vring)), &rings[i]);
	host_put64(TEE_FIELD(peer, features), peer->deal.features);
	host_put16(TEE_FIELD(peer, pairs), peer->deal.pairs);
	host_put32(TEE_FIELD(peer, state), NICDEV_TEE_UP);
	host_wmb(); /* all of it before the generation that announces it */
	host_put32(TEE_FIELD(peer, generation), peer->generation);
}

void nicdev_withdraw(struct nicdev_peer *peer, enum nicdev_tee_state state)
{
	host_put32(TEE_FIELD(peer, state), state);
	host_wmb();
	host_put32(TEE_FIELD(peer, generation), 0);
}
