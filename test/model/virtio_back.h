/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A virtio-net back end in the same process: honest as it stands, and open, so
 * that a test makes it lie in one exact way. Independent of the TEE's code: it
 * knows only abi/nicdev.h and the specification.
 */
#ifndef MODEL_VIRTIO_BACK_H
#define MODEL_VIRTIO_BACK_H

#include "abi/nicdev.h"

struct model_desc {
	u64 addr;
	u32 len;
	u16 flags;
	u16 next;
};

struct model_hdr {
	u8 flags, gso_type;
	u16 hdr_len, gso_size, csum_start, csum_offset, num_buffers;
};

struct model_used {
	u32 id;
	u32 len;
};

/* One ring as the device sees it. All pointers are into shared memory. */
struct model_ring {
	u16 size;
	u16 avail_at; /* next available entry to take */
	u16 used_at; /* next used entry to write; becomes visible by model_show() */
	volatile struct model_desc *desc;
	volatile u16 *avail; /* flags, idx, ring[] */
	volatile u16 *used; /* flags, idx */
	volatile struct model_used *used_ring;
};

struct model_back {
	volatile struct nicdev_ctl *ctl;
	u8 *arena;
	u64 arena_size;
	u64 features; /* accepted by the TEE */
	u16 pairs;
	struct model_ring ring[NICDEV_RINGS_MAX];
};

/* Launcher's part: make an offer with the next odd generation. */
void model_offer(struct model_back *b, u64 features, u16 pairs, u16 ring_size);

/* The back end is lost: next even generation. */
void model_lose(struct model_back *b);

/* Takes the rings that the TEE published. 0, or -1 if they are wrong in any way. */
int model_attach(struct model_back *b);

/* Takes a chain: its head's index, or -1. */
int model_take(struct model_ring *r);
/* Gives a chain back with a claimed length; invisible until model_show(). */
void model_give(struct model_ring *r, u32 id, u32 len);
void model_show(struct model_ring *r);
u16 model_waiting(const struct model_ring *r);
/* VIRTIO 1.2, 2.7.10: where the driver wants an event, and where we want a kick. */
volatile u16 *model_used_event(const struct model_ring *r);
volatile u16 *model_avail_event(const struct model_ring *r);

/* Bytes of a descriptor's buffer; NULL if it lies outside the arena. */
u8 *model_bytes(struct model_back *b, u64 addr, u32 len);

/**
 * model_receive - deliver a packet to the TEE, honestly
 * @hdr: num_buffers is filled in
 * Return: buffers used, or -1: not enough room.
 */
int model_receive(struct model_back *b, unsigned int pair, const struct model_hdr *hdr,
		  const void *data, u32 len);

/**
 * model_transmit - take one packet that the TEE sent
 * Return: bytes of the packet, 0 if there is none, -1 if the chain is malformed.
 */
int model_transmit(struct model_back *b, unsigned int pair, struct model_hdr *hdr, void *data,
		   u32 size);

#endif
