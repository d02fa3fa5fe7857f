/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>
#include "host/netd/frame.h"

#define BIT(n) (1ull << (n))

#define GSO_SEGMENT 1448 /* what an MTU of 1500 carries with timestamps */

#define TCP_CSUM 16 /* offset of the checksum in the TCP header */
#define TCP_FLAGS 13
#define TCP_SYN 0x02
#define TCP_OPT_MSS 2

static u16 get16(const u8 *p)
{
	return p[0] << 8 | p[1];
}

static void put16(u8 *p, u16 v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static bool gso_check(const net_hdr *h, u32 len, u64 features)
{
	u8 type = h->hdr.gso_type & ~VIRTIO_NET_HDR_GSO_ECN;
	u64 need;

	if (type == VIRTIO_NET_HDR_GSO_TCPV4)
		need = BIT(VIRTIO_NET_F_HOST_TSO4);
	else if (type == VIRTIO_NET_HDR_GSO_TCPV6)
		need = BIT(VIRTIO_NET_F_HOST_TSO6);
	else
		return false;
	if (!(features & need) || (h->hdr.gso_type & VIRTIO_NET_HDR_GSO_ECN))
		return false;
	if (!(h->hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) || !h->hdr.gso_size)
		return false;
	/* A TCP header of at least 20 bytes starts where its checksum starts. */
	return h->hdr.csum_offset == TCP_CSUM && h->hdr.csum_start + 20u <= len;
}

bool frame_hdr_check(net_hdr *h, u32 len, u64 features)
{
	if (len < FRAME_MIN || len > FRAME_MAX)
		return false;
	h->num_buffers = 0;
	h->hdr.flags &= VIRTIO_NET_HDR_F_NEEDS_CSUM;
	if (h->hdr.flags) {
		if (!(features & BIT(VIRTIO_NET_F_CSUM)))
			return false;
		if (h->hdr.csum_start < FRAME_MIN ||
		    (u32)h->hdr.csum_start + h->hdr.csum_offset + 2 > len)
			return false;
	}
	if (h->hdr.gso_type != VIRTIO_NET_HDR_GSO_NONE)
		return gso_check(h, len, features);
	h->hdr.gso_size = 0;
	return true;
}

/* Four independent sums of 32-bit words: the compiler makes vector code of it. */
u64 csum_add(const void *data, size_t size)
{
	const u8 *p = data;
	u64 sum[8] = { 0 };
	u64 all = 0;
	u32 w[8];
	u16 h;

	for (; size >= sizeof(w); size -= sizeof(w), p += sizeof(w)) {
		memcpy(w, p, sizeof(w));
		for (int i = 0; i < 8; i++)
			sum[i] += w[i];
	}
	for (int i = 0; i < 8; i++)
		all += sum[i];
	for (; size >= 2; size -= 2, p += 2) {
		memcpy(&h, p, 2);
		all += h;
	}
	return size ? all + *p : all;
}

u16 csum_fold(u64 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

void frame_complete(u8 *frame, u32 len, net_hdr *h)
{
	u16 start = h->hdr.csum_start;
	u8 *field = frame + start + h->hdr.csum_offset;
	u16 sum;

	if (!(h->hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return;
	/* The field holds the sum of the pseudo header and is part of what is summed up. */
	sum = ~csum_fold(csum_add(frame + start, len - start));
	if (!sum)
		sum = 0xffff; /* zero means "none" for UDP, and is the same number */
	memcpy(field, &sum, sizeof(sum));
	memset(h, 0, sizeof(*h));
}

static struct frame_info parse_l4(const u8 *frame, u32 len, u16 l3, u16 l4, u8 proto, bool v6)
{
	struct frame_info info = { FRAME_OTHER, l3, l4, 0 };

	if (proto == IPPROTO_TCP && l4 + 20u <= len) {
		u16 size = (frame[l4 + 12] >> 4) * 4;

		if (size < 20 || (u32)l4 + size > len)
			return info;
		info.kind = v6 ? FRAME_TCP6 : FRAME_TCP4;
		info.l4_size = size;
	} else if (proto == IPPROTO_UDP && l4 + 8u <= len) {
		info.kind = FRAME_UDP;
	}
	return info;
}

struct frame_info frame_parse(const u8 *frame, u32 len)
{
	const struct frame_info other = { FRAME_OTHER, FRAME_MIN, FRAME_MIN, 0 };
	const u8 *ip = frame + FRAME_MIN;
	u16 type, size;

	if (len < FRAME_MIN + 20)
		return other;
	type = get16(frame + 12);
	if (type == ETHERTYPE_IP) {
		size = (ip[0] & 15) * 4;
		if (ip[0] >> 4 != 4 || size < 20 || (get16(ip + 6) & 0x3fff))
			return other;
		return parse_l4(frame, len, FRAME_MIN, FRAME_MIN + size, ip[9], false);
	}
	if (type == ETHERTYPE_IPV6 && len >= FRAME_MIN + 40 && ip[0] >> 4 == 6)
		return parse_l4(frame, len, FRAME_MIN, FRAME_MIN + 40, ip[6], true);
	return other;
}

u32 frame_flow_hash(const u8 *frame, const struct frame_info *info)
{
	u32 size, a = 0, b = 0, w, hash;
	const u8 *addr;
	bool v6;

	if (info->kind == FRAME_OTHER)
		return 0;
	v6 = frame[info->l3] >> 4 == 6;
	size = v6 ? 16 : 4;
	addr = frame + info->l3 + (v6 ? 8 : 12);
	for (u32 i = 0; i < size; i += 4) {
		memcpy(&w, addr + i, 4);
		a = a * 31 + w;
		memcpy(&w, addr + size + i, 4);
		b = b * 31 + w;
	}
	/* Each side is mixed with its own port; the sum forgets which one was first. */
	a = (a ^ get16(frame + info->l4)) * 0x9e3779b1u;
	b = (b ^ get16(frame + info->l4 + 2)) * 0x9e3779b1u;
	hash = (a ^ a >> 15) + (b ^ b >> 15);
	hash *= 0x85ebca6bu;
	return (hash ^ hash >> 13) | 1;
}

static u8 *find_mss(u8 *opt, const u8 *end)
{
	while (opt < end && *opt != 0) {
		if (*opt == 1) {
			opt++;
			continue;
		}
		if (end - opt < 2 || opt[1] < 2 || opt[1] > end - opt)
			return NULL;
		if (*opt == TCP_OPT_MSS && opt[1] == 4)
			return opt + 2;
		opt += opt[1];
	}
	return NULL;
}

void frame_set_mss(u8 *frame, u32 len, u16 mss, bool raise, bool partial)
{
	struct frame_info info = frame_parse(frame, len);
	u8 *tcp = frame + info.l4, *field;
	u16 old;

	if ((info.kind != FRAME_TCP4 && info.kind != FRAME_TCP6) || !(tcp[TCP_FLAGS] & TCP_SYN))
		return;
	field = find_mss(tcp + 20, tcp + info.l4_size);
	if (!field || (field - tcp) % 2)
		return; /* an odd offset is legal but nobody uses it */
	old = get16(field);
	if (old == mss || (old < mss && !raise))
		return;
	put16(field, mss);
	if (partial)
		return; /* the segment's sum is still to be taken */
	/* RFC 1624, equation 3. */
	put16(tcp + TCP_CSUM, ~csum_fold((u64)(u16)~get16(tcp + TCP_CSUM) + (u16)~old + mss));
}

bool frame_make_gso(u8 *frame, u32 len, net_hdr *h)
{
	struct frame_info info = frame_parse(frame, len);
	bool v6 = info.kind == FRAME_TCP6;
	const u8 *ip = frame + info.l3;
	u32 size = len - info.l4;
	u64 sum;
	u16 field;

	if (info.kind != FRAME_TCP4 && !v6)
		return false;
	sum = v6 ? csum_add(ip + 8, 32) : csum_add(ip + 12, 8);
	field = csum_fold(sum + htons(IPPROTO_TCP) + htons(size >> 16) + htons(size & 0xffff));
	memcpy(frame + info.l4 + TCP_CSUM, &field, sizeof(field));
	memset(h, 0, sizeof(*h));
	h->hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h->hdr.gso_type = v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
	h->hdr.gso_size = GSO_SEGMENT;
	h->hdr.csum_start = info.l4;
	h->hdr.csum_offset = TCP_CSUM;
	h->hdr.hdr_len = info.l4 + info.l4_size;
	return true;
}
