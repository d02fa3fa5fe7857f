/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A NIC of the TEE against the model back end, in one process. */
#ifndef TEST_NIC_HARNESS_H
#define TEST_NIC_HARNESS_H

#include "enclave/nic/env/env.h"
#include "enclave/nic/nic.h"
#include "test/lib/boundary_arena.h"
#include "test/model/virtio_back.h"

extern struct model_back back;
extern unsigned int env_cpu; /* what nic_env_cpu() says */
extern char env_last_log[256];
/* Overwrite each used entry, header and payload right after the TEE has fetched it. */
extern bool harness_scribble;

#define H_RING 64
#define H_FEATURES NICDEV_FEATURES

/* Starts the environment and the arena; once per program. */
void harness_start(size_t arena_size, size_t heap_size);

/* Offers and opens; attaches the model. NULL on failure, *err says which. */
struct nic *harness_open(u64 features, u16 pairs, u16 ring_size, int *err);

/* Closes and gives back what the arena lent. */
void harness_close(struct nic *nic);

/* One received packet in private memory. */
struct h_packet {
	u8 data[NICDEV_FRAME_MAX];
	u32 len;
	struct nic_offload off;
};

/* nic_rx() of up to @budget packets into @out. */
int harness_rx(struct nic *nic, unsigned int queue, struct h_packet *out, unsigned int budget);

/* nic_tx() of one packet in @pieces pieces. */
int harness_tx(struct nic *nic, unsigned int queue, const void *data, u32 len, unsigned int pieces,
	       const struct nic_offload *off);

/* Bytes that depend on seed and place. */
void harness_pattern(u8 *p, u32 len, u32 seed);

#endif
