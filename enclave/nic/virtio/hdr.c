// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#ifdef __KERNEL__
#include <linux/errno.h>
#else
#include <errno.h>
#endif

#include "enclave/boundary/check.h"
#include "enclave/nic/virtio/hdr.h"

#define ETH_HEADER 14
#define TCP_HEADER_MIN 20

static int check_csum(const struct virtio_hdr *h, u64 features, u32 len, struct nic_offload *off)
{
	u32 field = (u32)h->csum_start + h->csum_offset;

	if (!CHECK_HOST(features & NICDEV_F_GUEST_CSUM))
		return -EPROTO;
	if (!(h->flags & VIRTIO_HDR_F_NEEDS_CSUM)) {
		off->flags = NIC_CSUM_VALID;
		return 0;
	}
	if (!CHECK_HOST(h->csum_start >= ETH_HEADER))
		return -EPROTO;
	if (!CHECK_HOST(field + 2 <= len))
		return -EPROTO;
	off->flags = NIC_CSUM_PARTIAL;
	off->csum_start = h->csum_start;
	off->csum_offset = h->csum_offset;
	return 0;
}

static int check_gso(const struct virtio_hdr *h, u64 features, u32 len, struct nic_offload *off)
{
	bool v4 = h->gso_type == VIRTIO_HDR_GSO_TCPV4;
	bool v6 = h->gso_type == VIRTIO_HDR_GSO_TCPV6;

	/* 5.1.6.4.1: only what was negotiated; UFO and ECN never are. */
	if (!CHECK_HOST((v4 && (features & NICDEV_F_GUEST_TSO4)) ||
			(v6 && (features & NICDEV_F_GUEST_TSO6))))
		return -EPROTO;
	if (!CHECK_HOST(h->flags & VIRTIO_HDR_F_NEEDS_CSUM))
		return -EPROTO;
	if (!CHECK_HOST(h->gso_size != 0))
		return -EPROTO;
	if (!CHECK_HOST(h->csum_start + TCP_HEADER_MIN <= len))
		return -EPROTO;
	if (!CHECK_HOST(h->hdr_len <= len))
		return -EPROTO;
	off->gso = v4 ? NIC_GSO_TCPV4 : NIC_GSO_TCPV6;
	off->gso_size = h->gso_size;
	off->hdr_len = h->hdr_len;
	return 0;
}

int virtio_hdr_check(const struct virtio_hdr *h, u64 features, u32 len, struct nic_offload *off)
{
	int ret = 0;

	*off = (struct nic_offload){ 0 };
	if (!CHECK_HOST(!(h->flags & ~(VIRTIO_HDR_F_NEEDS_CSUM | VIRTIO_HDR_F_DATA_VALID))))
		return -EPROTO;
	if (h->flags)
		ret = check_csum(h, features, len, off);
	if (!ret && h->gso_type != VIRTIO_HDR_GSO_NONE)
		ret = check_gso(h, features, len, off);
	return ret;
}

void virtio_hdr_make(struct virtio_hdr *h, u64 features, const struct nic_offload *off)
{
	*h = (struct virtio_hdr){ 0 };
	if (off->flags & NIC_CSUM_PARTIAL) {
		ASSERT(features & NICDEV_F_CSUM);
		h->flags = VIRTIO_HDR_F_NEEDS_CSUM;
		h->csum_start = off->csum_start;
		h->csum_offset = off->csum_offset;
	}
	if (off->gso == NIC_GSO_NONE)
		return;
	ASSERT(features & (off->gso == NIC_GSO_TCPV4 ? NICDEV_F_HOST_TSO4 : NICDEV_F_HOST_TSO6));
	h->gso_type = off->gso == NIC_GSO_TCPV4 ? VIRTIO_HDR_GSO_TCPV4 : VIRTIO_HDR_GSO_TCPV6;
	h->gso_size = off->gso_size;
	h->hdr_len = off->hdr_len;
}
