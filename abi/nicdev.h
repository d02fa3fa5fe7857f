/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A NIC between the TEE and the launcher: the control block.
 *
 * Packets never pass here. The TEE builds virtio-net split rings (VIRTIO 1.2,
 * 2.7 and 5.1) in the DMA arena; a vhost-user back end (host/netd, or any other)
 * serves them. The launcher only introduces the two to each other: it learns the
 * back end's features over vhost-user, offers them here, waits until the TEE has
 * published its rings, and passes their places on. One block per NIC, in the
 * control window (shared by launcher and TEE, seen by no device process).
 *
 * Who writes what: the launcher writes .host, the TEE writes .tee and .vring.
 * Neither trusts the other: each fetches a field once and checks the copy.
 *
 * The dance, and again after each loss of the back end:
 *  1. Launcher: connects, fills .host.features, .pairs_max and .ring_size_max, then
 *     stores an odd number in .host.generation and raises an event of the TEE.
 *  2. TEE: sees a generation that it has not served, makes fresh rings, fills
 *     .vring and .tee, stores the same number in .tee.generation last, and kicks
 *     (NICDEV_KICK_CTL).
 *  3. Launcher: sees the two generations equal, checks all, sends SET_FEATURES,
 *     SET_MEM_TABLE (the arena alone), the SET_VRING_* messages of 2 * pairs rings,
 *     and enables them. avail and used indices start at 0.
 *  4. Back end lost: the launcher stores an even number in .host.generation
 *     (carrier off in the TEE), reconnects, goes to 1 with the next odd number.
 *
 * A TEE that has caught the other side lying stores NICDEV_TEE_FAILED in
 * .tee.state and 0 in .tee.generation, kicks, and serves no generation any more.
 *
 * Kicks and events: ring n of a NIC has one kick (TEE to back end, a host call
 * that the launcher turns into the ring's kick eventfd) and one event (back end
 * to TEE, the ring's call eventfd, attached to the sleep of vCPU n / 2). Ring 2k
 * receives, ring 2k + 1 transmits (VIRTIO 5.1.2).
 */
#ifndef ABI_NICDEV_H
#define ABI_NICDEV_H

#include "abi/layout.h"
#include "abi/types.h"

#define NICDEV_MAGIC 0x3156434e /* "NCV1" */
#define NICDEV_PAIRS_MAX TEE_VCPU_MAX
#define NICDEV_RINGS_MAX (2 * NICDEV_PAIRS_MAX)
#define NICDEV_RING_SIZE_MIN 64
#define NICDEV_RING_SIZE_MAX 1024
#define NICDEV_FRAME_MAX (65536 + 14 + 4) /* largest GSO frame, without virtio header */

/* The ring number that a kick names when it is about the control block. */
#define NICDEV_KICK_CTL 0xffff

/* VIRTIO 1.2, 5.1.3 and 6: the features that this TEE may accept, by bit. */
#define NICDEV_F_CSUM (1ULL << 0)
#define NICDEV_F_GUEST_CSUM (1ULL << 1)
#define NICDEV_F_GUEST_TSO4 (1ULL << 7)
#define NICDEV_F_GUEST_TSO6 (1ULL << 8)
#define NICDEV_F_HOST_TSO4 (1ULL << 11)
#define NICDEV_F_HOST_TSO6 (1ULL << 12)
#define NICDEV_F_MRG_RXBUF (1ULL << 15)
#define NICDEV_F_EVENT_IDX (1ULL << 29)
#define NICDEV_F_VERSION_1 (1ULL << 32)
#define NICDEV_FEATURES                                                                      \
	(NICDEV_F_CSUM | NICDEV_F_GUEST_CSUM | NICDEV_F_GUEST_TSO4 | NICDEV_F_GUEST_TSO6 |   \
	 NICDEV_F_HOST_TSO4 | NICDEV_F_HOST_TSO6 | NICDEV_F_MRG_RXBUF | NICDEV_F_EVENT_IDX | \
	 NICDEV_F_VERSION_1)
/* Without these there is no NIC. */
#define NICDEV_FEATURES_NEEDED (NICDEV_F_VERSION_1 | NICDEV_F_MRG_RXBUF)

enum nicdev_tee_state {
	NICDEV_TEE_DOWN = 0,
	NICDEV_TEE_UP = 1,
	NICDEV_TEE_FAILED = 2,
};

/* Written by the launcher. */
struct nicdev_host {
	u32 magic;
	u32 generation; /* odd: a back end is there; even: none. Stored last. */
	u64 features; /* what the back end offers */
	u16 pairs_max; /* queue pairs that it serves, at least 1 */
	u16 ring_size_max; /* descriptors a ring, at least NICDEV_RING_SIZE_MIN */
	u8 reserved[44]; /* zero */
};
ABI_SIZE(struct nicdev_host, 64);
ABI_OFFSET(struct nicdev_host, features, 8);
ABI_OFFSET(struct nicdev_host, ring_size_max, 18);

/* Written by the TEE. */
struct nicdev_tee {
	u32 state; /* enum nicdev_tee_state */
	u32 generation; /* .host.generation that .vring answers, or 0. Stored last. */
	u64 features; /* accepted: a subset of those offered */
	u16 pairs; /* rings 0 .. 2 * pairs - 1 are used */
	u8 reserved[46]; /* zero */
};
ABI_SIZE(struct nicdev_tee, 64);
ABI_OFFSET(struct nicdev_tee, features, 8);
ABI_OFFSET(struct nicdev_tee, pairs, 16);

/* One split ring. The addresses are what descriptors hold too: offsets in the arena. */
struct nicdev_vring {
	u64 desc;
	u64 avail;
	u64 used;
	u32 size; /* descriptors, a power of two */
	u32 reserved; /* zero */
};
ABI_SIZE(struct nicdev_vring, 32);

/* Boot information BOOT_NIC (abi/control.h): where the control block of one NIC is. */
struct boot_nic {
	u64 ctl_offset; /* struct nicdev_ctl in the control window, a multiple of 64 */
	u32 device; /* what TEE_EXIT_KICK calls this NIC */
	u8 mac[6]; /* used if it is a valid unicast address, else one is made up inside */
	u8 reserved[6]; /* zero */
	char name[16]; /* of the interface, NUL-terminated */
};
ABI_SIZE(struct boot_nic, 40);

struct nicdev_ctl {
	struct nicdev_host host;
	struct nicdev_tee tee;
	struct nicdev_vring vring[NICDEV_RINGS_MAX];
};
ABI_SIZE(struct nicdev_ctl, 128 + NICDEV_RINGS_MAX * 32);

#endif
