/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The header in front of each packet (VIRTIO 1.2, 5.1.6): made for what we
 * send, checked for what we get. Works on private copies only.
 */
#ifndef NIC_VIRTIO_HDR_H
#define NIC_VIRTIO_HDR_H

#include "abi/nicdev.h"
#include "enclave/nic/nic.h"

struct virtio_hdr {
	u8 flags;
	u8 gso_type;
	u16 hdr_len;
	u16 gso_size;
	u16 csum_start;
	u16 csum_offset;
	u16 num_buffers;
};
ABI_SIZE(struct virtio_hdr, 12);

#define VIRTIO_HDR_F_NEEDS_CSUM 1
#define VIRTIO_HDR_F_DATA_VALID 2
#define VIRTIO_HDR_GSO_NONE 0
#define VIRTIO_HDR_GSO_TCPV4 1
#define VIRTIO_HDR_GSO_TCPV6 4

/**
 * virtio_hdr_check - turn a received header into what a network stack may believe
 * @h:        private copy, hostile content
 * @features: accepted ones: what was not negotiated must not occur
 * @len:      bytes of the packet behind the header
 * @off:      out: zeroed and filled; all offsets lie within the packet
 *
 * Does not look into the packet. num_buffers is the caller's.
 * Return: 0, or -EPROTO for a lie (reported).
 */
int virtio_hdr_check(const struct virtio_hdr *h, u64 features, u32 len, struct nic_offload *off);

/* Fills the header of a packet to send. Trusted input; asserts that it was negotiated. */
void virtio_hdr_make(struct virtio_hdr *h, u64 features, const struct nic_offload *off);

#endif
