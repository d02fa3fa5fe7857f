/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ethernet frames and their virtio-net header (VIRTIO 1.2, section 5.1.6).
 *
 * All functions work on private memory: what they checked can't change any more.
 */
#ifndef HOST_NETD_FRAME_H
#define HOST_NETD_FRAME_H

#include <linux/virtio_net.h>
#include "abi/types.h"

typedef struct virtio_net_hdr_mrg_rxbuf net_hdr;
ABI_SIZE(net_hdr, 12);

#define FRAME_MIN 14
/* The largest GSO frame: 64 KiB of IP behind an Ethernet header with one VLAN tag. */
#define FRAME_MAX (65535 + 18)
#define FRAME_MTU 1500 /* what is more than this, without its headers, is a GSO frame */

/**
 * frame_hdr_check - is this header something that the rest of netd can work with?
 * @hdr:      private copy of what the other side wrote
 * @len:      of the frame without the header
 * @features: what was negotiated; bits of VIRTIO_NET_F_CSUM and _HOST_TSO* are looked at
 *
 * Checks that the flags and GSO type were negotiated, that a GSO frame also asks for its
 * checksum, has a segment size and TCP headers inside of the frame, and that the checksum field lies inside
 * of the frame. Clears what has no meaning in this direction (num_buffers, DATA_VALID).
 *
 * Return: whether the frame may go on.
 */
bool frame_hdr_check(net_hdr *hdr, u32 len, u64 features);

/* Ones' complement sum of size bytes, not folded; add sums with +. */
u64 csum_add(const void *data, size_t size);
u16 csum_fold(u64 sum);

/**
 * frame_complete - compute the checksum that the header asks for
 * @frame: len bytes, hdr was checked with the same len
 *
 * For a receiver without offloads. A GSO frame becomes one oversized segment.
 */
void frame_complete(u8 *frame, u32 len, net_hdr *hdr);

/**
 * frame_set_mss - tell the peer of a TCP connection how large its segments may be
 * @frame: a frame from the guest; only a SYN with an MSS option is changed
 * @mss:   the new value
 * @raise: also replace a smaller value
 * @partial: the checksum is yet to be computed (NEEDS_CSUM)
 *
 * Raising is valid only when whoever terminates the connection sits in this process and what
 * it sends reaches the guest as GSO frames. The checksum stays as right or wrong as it was.
 */
void frame_set_mss(u8 *frame, u32 len, u16 mss, bool raise, bool partial);

enum frame_kind {
	FRAME_OTHER,
	FRAME_TCP4,
	FRAME_TCP6,
	FRAME_UDP,
};

struct frame_info {
	enum frame_kind kind;
	u16 l3; /* offsets in the frame */
	u16 l4;
	u16 l4_size; /* of the TCP header, 0 else */
};

/**
 * frame_parse - find the headers of a frame
 * @frame: len bytes, any content
 *
 * All offsets that it gives lie inside of the frame, with a whole TCP or UDP header behind l4.
 * Fragments, IPv6 extension headers and VLAN tags are FRAME_OTHER.
 */
struct frame_info frame_parse(const u8 *frame, u32 len);

/* A hash that is the same for both directions of a flow; 0 for FRAME_OTHER. */
u32 frame_flow_hash(const u8 *frame, const struct frame_info *info);

/**
 * frame_make_gso - describe a large TCP segment as GSO frame
 * @frame: whole, with a right checksum; its checksum field is replaced by that of the
 *         pseudo header, as the header then says
 *
 * Return: false if the frame is not TCP.
 */
bool frame_make_gso(u8 *frame, u32 len, net_hdr *hdr);

#endif
