/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A network interface of the TEE, as the netdev glue (and nobody else) uses it.
 *
 * Behind it: DPDK's ethdev with a poll-mode driver, packet rooms and rings in
 * the DMA arena, everything else private. A packet crosses the boundary by
 * exactly one copy: nic_tx() copies from private memory into rooms, nic_rx()
 * copies checked packets into private memory that the caller gives.
 *
 * Context of every function: within a kernel_fpu bracket. The ones marked
 * [control] need 8 KiB of stack and one caller at a time per NIC; [queue]
 * ones need one caller at a time per queue and direction, never block, never
 * allocate, and use little stack.
 *
 * Failure: the first lie of the host stops all queues of the NIC for good.
 * Bursts then move nothing, and nic_poll() says NIC_FAILED.
 */
#ifndef NIC_NIC_H
#define NIC_NIC_H

#include "abi/nicdev.h"
#include "enclave/boundary/host_mem.h"

#define NIC_BURST_MAX 32
#define NIC_SEGS_MAX 20
#define NIC_ROOM_SIZE 4096 /* bytes of a packet that one room takes */
#define NIC_MTU_MIN 68
#define NIC_MTU_MAX 65535

struct nic;

enum nic_gso {
	NIC_GSO_NONE = 0,
	NIC_GSO_TCPV4,
	NIC_GSO_TCPV6,
};

#define NIC_CSUM_PARTIAL 1 /* the checksum at csum_start + csum_offset is to be completed */
#define NIC_CSUM_VALID 2 /* the host says that checksums are right: as good as its word */

/* What is still to be done to a packet. Offsets from its first byte. */
struct nic_offload {
	u16 csum_start; /* NIC_CSUM_PARTIAL: sum from here to the end, */
	u16 csum_offset; /* goes here, counted from csum_start: 16 TCP, 6 UDP */
	u16 gso_size; /* payload per segment */
	u16 hdr_len; /* headers up to and with TCP's; received: a hint */
	u16 l3_start; /* transmit only: where the IP header starts */
	u8 gso; /* enum nic_gso */
	u8 flags; /* NIC_CSUM_* */
};

/* A piece of private memory. */
struct nic_seg {
	void *p;
	u32 len;
};

struct nic_packet {
	const struct nic_seg *segs;
	u32 len; /* sum of the pieces, 1 .. NICDEV_FRAME_MAX */
	u16 seg_count;
	struct nic_offload off;
};

/* Everything here is trusted: it comes from the measured configuration. */
struct nic_config {
	struct host_addr ctl; /* struct nicdev_ctl in the control window, found valid at boot */
	u8 mac[6];
	u16 mtu; /* within NIC_MTU_MIN .. NIC_MTU_MAX */
	u16 pairs; /* wanted queue pairs: one per vCPU */
	u16 ring_size; /* wanted descriptors a ring: a power of two */
};

struct nic_stats {
	u64 rx_packets, rx_bytes, rx_dropped; /* dropped: no private memory, or runt */
	u64 tx_packets, tx_bytes, tx_full; /* full: bursts that found no room */
	u64 rx_boundary_bytes, tx_boundary_bytes; /* payload copied in and out */
	u64 kicks; /* bursts after which the back end asked to be woken */
	u64 lies; /* 0 or 1: the first one ends the NIC */
};

enum nic_state {
	NIC_DOWN, /* no back end: carrier off */
	NIC_UP,
	NIC_RESTART, /* a back end is there again: quiesce all queues, call nic_restart() */
	NIC_FAILED, /* the host lied: carrier off for good */
};

/**
 * nic_open - bring a NIC up [control]
 * @out: set on success
 *
 * After success the launcher must be kicked (NICDEV_KICK_CTL): rings are published.
 *
 * Return: 0; -EAGAIN: no back end yet, try again later; -EINVAL: configuration;
 * -ENOMEM: private heap or arena exhausted; -EPROTO: the launcher's offer is a lie.
 */
int nic_open(struct nic **out, const struct nic_config *config);

/* Stops, withdraws the rings from the control block and frees all [control]. Kick after it. */
void nic_close(struct nic *nic);

/* What nic_open() settled. */
u16 nic_pairs(const struct nic *nic);
u64 nic_features(const struct nic *nic); /* NICDEV_F_* */

/**
 * nic_poll - one look at the control block [control]
 *
 * Cheap: one fetch. NIC_DOWN and NIC_FAILED have already stopped the bursts. After
 * the first NIC_FAILED kick the launcher.
 */
enum nic_state nic_poll(struct nic *nic);

/**
 * nic_restart - fresh rings for a new back end [control]
 *
 * All queues must be quiet: no burst runs and none starts before the return. What was in
 * flight is dropped. Kick the launcher after success.
 * Return: 0; -EAGAIN: the back end went away again; -EPROTO: it offers less than the
 * first one, or lies.
 */
int nic_restart(struct nic *nic);

/**
 * nic_tx - send packets [queue]
 *
 * Copies and publishes as many as there is room for. The caller's memory is free at return.
 * Return: packets taken, 0 .. @count (at most NIC_BURST_MAX are looked at).
 */
int nic_tx(struct nic *nic, unsigned int queue, const struct nic_packet *packets,
	   unsigned int count);

/* Bytes of packets copied out on this queue since nic_open(), counted where they are. [queue] */
u64 nic_tx_copied(const struct nic *nic, unsigned int queue);

/* The same, copied in. [queue] */
u64 nic_rx_copied(const struct nic *nic, unsigned int queue);

/* Is there room for a largest packet? Reclaims what the back end has sent. [queue] */
bool nic_tx_has_room(struct nic *nic, unsigned int queue);

/* Once per burst, after nic_tx(): must the back end's transmit ring be kicked? [queue] */
bool nic_tx_kick_needed(struct nic *nic, unsigned int queue);

/* Once per burst, after nic_rx(): was the back end waiting for receive buffers? [queue] */
bool nic_rx_kick_needed(struct nic *nic, unsigned int queue);

/**
 * nic_rx_room_fn - give private memory for a received packet
 * @len:  bytes of the packet
 * @off:  checked against @len, not against the packet's content
 * @segs: fill up to @max pieces, whose lengths sum to at least @len
 *
 * Runs within the caller's bracket; may not sleep. The packet's bytes are there only
 * after nic_rx() has returned.
 * Return: pieces filled, or negative to drop the packet.
 */
typedef int (*nic_rx_room_fn)(void *ctx, u32 len, const struct nic_offload *off,
			      struct nic_seg *segs, unsigned int max);

/**
 * nic_rx - receive up to @budget packets (at most NIC_BURST_MAX) [queue]
 * Return: packets taken from the ring, the dropped ones included.
 */
int nic_rx(struct nic *nic, unsigned int queue, unsigned int budget, nic_rx_room_fn room,
	   void *ctx);

/*
 * What a poller may do outside of a kernel_fpu bracket: look whether there may
 * be work, and ask for events before a sleep. Nothing is believed: work is checked
 * when it is done. Valid until nic_close().
 */
struct nic_peek {
	struct host_addr used_idx; /* of the device, */
	struct host_addr event; /* of ours: flags, or with event_idx the used index to wake at */
	const u16 *seen; /* used index up to which all is served */
	bool event_idx;
};

void nic_peek(const struct nic *nic, unsigned int queue, bool tx, struct nic_peek *out);

/* Has the device given something back? After a failure (nic_failed()) the answer means nothing. */
static inline bool nic_peek_pending(const struct nic_peek *p)
{
	return host_get16(p->used_idx) != *(const volatile u16 *)p->seen;
}

/* Ask for events, then a full barrier and nic_peek_pending() once more; or stop asking. */
static inline void nic_peek_want_event(const struct nic_peek *p, bool on)
{
	u16 seen = *(const volatile u16 *)p->seen;

	/* VIRTIO 1.2, 2.7.7.1: at the next entry, or (just passed) not for 65535 of them. */
	if (p->event_idx)
		host_put16(p->event, on ? seen : seen - 1);
	else
		host_put16(p->event, on ? 0 : 1);
}

/* Has a queue caught the host lying? Private, cheap; no bracket needed. */
const bool *nic_failed(const struct nic *nic);

/* Sums over all queues; racy against running bursts by a burst. */
void nic_stats(const struct nic *nic, struct nic_stats *out);

#endif
