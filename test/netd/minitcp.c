/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <string.h>
#include "test/netd/minitcp.h"

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

#define ETH 14
#define IP 20
#define TCP 20

static u16 get16(const u8 *p)
{
	return p[0] << 8 | p[1];
}

static u32 get32(const u8 *p)
{
	return (u32)get16(p) << 16 | get16(p + 2);
}

static void put16(u8 *p, u16 v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static void put32(u8 *p, u32 v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

/* Written from RFC 1071, on purpose not the same code as netd's. */
u16 inet_csum(const void *data, size_t len, u32 start)
{
	const u8 *p = data;
	u64 sum = start;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += get16(p + i);
	if (len % 2)
		sum += p[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static u16 pseudo(const u8 *ip, u32 len)
{
	u8 p[12];

	memcpy(p, ip + 12, 8);
	p[8] = 0;
	p[9] = ip[9];
	put16(p + 10, len);
	return inet_csum(p, 12, 0);
}

void net_init(struct net *n, struct guest *g, const char *ip, const char *peer)
{
	static const u8 mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

	memset(n, 0, sizeof(*n));
	n->g = g;
	memcpy(n->mac, mac, 6);
	memset(n->peer_mac, 0xff, 6);
	n->ip = ntohl(inet_addr(ip));
	n->peer_ip = ntohl(inet_addr(peer));
	n->mss = 1460;
	n->gso = true;
}

static void send_arp(struct net *n, u16 op, const u8 *mac, u32 ip)
{
	u8 f[60] = { 0 };
	net_hdr h = { 0 };

	memcpy(f, op == 1 ? (const u8 *)"\xff\xff\xff\xff\xff\xff" : mac, 6);
	memcpy(f + 6, n->mac, 6);
	put16(f + 12, 0x806);
	memcpy(f + 14, "\0\1\x8\0\6\4", 6);
	put16(f + 20, op);
	memcpy(f + 22, n->mac, 6);
	put32(f + 28, n->ip);
	memcpy(f + 32, mac, 6);
	put32(f + 38, ip);
	guest_tx(n->g, n->pair, &h, f, sizeof(f));
}

static void handle_arp(struct net *n, const u8 *f, u32 len)
{
	if (len < 42)
		return;
	if (get16(f + 20) == 1 && get32(f + 38) == n->ip)
		send_arp(n, 2, f + 22, get32(f + 28));
	if (get32(f + 28) == n->peer_ip)
		memcpy(n->peer_mac, f + 22, 6);
}

void net_send_ip(struct net *n, u8 proto, const void *l4, u32 len, int csum_offset)
{
	static u8 f[GUEST_FRAME_MAX];
	net_hdr h = { 0 };
	u8 *ip = f + ETH;

	memcpy(f, n->peer_mac, 6);
	memcpy(f + 6, n->mac, 6);
	put16(f + 12, 0x800);
	memset(ip, 0, IP);
	ip[0] = 0x45;
	put16(ip + 2, IP + len);
	ip[8] = 64;
	ip[9] = proto;
	put32(ip + 12, n->ip);
	put32(ip + 16, n->peer_ip);
	put16(ip + 10, ~inet_csum(ip, IP, 0));
	memcpy(ip + IP, l4, len);
	if (csum_offset >= 0 && n->gso) {
		put16(ip + IP + csum_offset, pseudo(ip, len));
		h.hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h.hdr.csum_start = ETH + IP;
		h.hdr.csum_offset = csum_offset;
		if (proto == 6 && len > n->mss + TCP) {
			h.hdr.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
			h.hdr.gso_size = n->mss;
			h.hdr.hdr_len = ETH + IP + TCP;
		}
	} else if (csum_offset >= 0) {
		put16(ip + IP + csum_offset, 0);
		put16(ip + IP + csum_offset, ~inet_csum(ip + IP, len, pseudo(ip, len)));
	}
	guest_tx(n->g, n->pair, &h, f, ETH + IP + len);
}

static void tcp_out(struct net *n, u8 flags, const void *data, u32 len)
{
	static u8 seg[GUEST_FRAME_MAX];
	u32 size = TCP;

	memset(seg, 0, TCP + 4);
	put16(seg, n->port);
	put16(seg + 2, n->peer_port);
	put32(seg + 4, n->snd_nxt);
	put32(seg + 8, n->rcv_nxt);
	if (flags & SYN) {
		seg[TCP] = 2;
		seg[TCP + 1] = 4;
		put16(seg + TCP + 2, n->mss);
		size += 4;
	}
	seg[12] = size / 4 << 4;
	seg[13] = flags;
	put16(seg + 14, 65535);
	if (len)
		memcpy(seg + size, data, len);
	net_send_ip(n, 6, seg, size + len, 16);
	n->snd_nxt += len + !!(flags & (SYN | FIN));
}

/* The header must describe the frame as the virtio specification wants it. */
static void judge(struct net *n, const net_hdr *h, const u8 *f, u32 ip_len)
{
	const u8 *ip = f + ETH;
	u32 len = ip_len - IP;

	if (h->hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		if (h->hdr.csum_start != ETH + IP || h->hdr.csum_offset != 16 ||
		    get16(ip + IP + 16) != pseudo(ip, len))
			n->bad_frames++;
	} else if (inet_csum(ip + IP, len, pseudo(ip, len)) != 0xffff) {
		n->bad_frames++;
	}
	if (h->hdr.gso_type) {
		n->gso_frames++;
		if (h->hdr.gso_type != VIRTIO_NET_HDR_GSO_TCPV4 || !h->hdr.gso_size ||
		    !(h->hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
			n->bad_frames++;
	} else if (ip_len > 1500) {
		n->bad_frames++;
	}
	if (inet_csum(ip, IP, 0) != 0xffff)
		n->bad_frames++;
}

static void handle_tcp(struct net *n, const net_hdr *h, const u8 *f, u32 ip_len)
{
	const u8 *t = f + ETH + IP;
	u32 hl = (t[12] >> 4) * 4, seq = get32(t + 4), len = ip_len - IP - hl;
	u8 flags = t[13];

	judge(n, h, f, ip_len);
	if (get16(t + 2) != n->port)
		return;
	if (flags & SYN) {
		n->peer_port = get16(t);
		n->rcv_nxt = seq + 1;
		n->snd_una = n->snd_nxt = 1000;
		n->established = true;
		memcpy(n->peer_mac, f + 6, 6);
		n->peer_ip = get32(f + ETH + 12);
		tcp_out(n, SYN | ACK, NULL, 0);
		return;
	}
	n->peer_window = get16(t + 14);
	if (flags & ACK)
		n->snd_una = get32(t + 8);
	if (seq != n->rcv_nxt)
		return; /* a probe or a retransmission: the ack below is on its way */
	if (len > n->biggest_rx)
		n->biggest_rx = len;
	if (len && n->data_len + len <= n->data_max)
		memcpy(n->data + n->data_len, t + hl, len);
	n->data_len += len;
	n->rcv_nxt += len;
	if (flags & FIN) {
		n->rcv_nxt++;
		n->fin_seen = true;
	}
	if (len || flags & FIN)
		tcp_out(n, ACK, NULL, 0);
}

static u8 last_frame[GUEST_FRAME_MAX];
static u32 last_len; /* of a frame that is neither ARP nor TCP */

static void handle(struct net *n, const net_hdr *h, const u8 *f, u32 len)
{
	if (len < 34)
		return;
	if (get16(f + 12) == 0x806) {
		handle_arp(n, f, len);
	} else if (get16(f + 12) == 0x800 && f[ETH + 9] == 6 && get32(f + ETH + 16) == n->ip) {
		handle_tcp(n, h, f, get16(f + ETH + 2));
	} else {
		memcpy(last_frame, f, len);
		last_len = len;
	}
}

bool net_step(struct net *n, int timeout_ms)
{
	static u8 f[GUEST_FRAME_MAX];
	s64 end = t_now_ms() + timeout_ms;
	net_hdr h;
	u32 len;

	for (;;) {
		for (unsigned p = 0; p < n->g->pairs; p++) {
			len = guest_rx_poll(n->g, p, &h, f);
			if (!len)
				continue;
			n->rx_pair_seen[p]++;
			handle(n, &h, f, len);
			return true;
		}
		if (n->g->pairs == 1) {
			len = guest_rx(n->g, 0, &h, f, timeout_ms);
			if (len)
				handle(n, &h, f, len);
			return len;
		}
		if (t_now_ms() >= end)
			return false;
	}
}

bool net_resolve(struct net *n)
{
	static const u8 none[6];
	s64 end = t_now_ms() + 5000;

	send_arp(n, 1, none, n->peer_ip);
	while (n->peer_mac[0] == 0xff && t_now_ms() < end)
		net_step(n, 1000);
	return n->peer_mac[0] != 0xff;
}

u32 net_recv_ip(struct net *n, u8 proto, u8 *payload, u32 *src_ip, int timeout_ms)
{
	s64 end = t_now_ms() + timeout_ms;

	last_len = 0;
	while (t_now_ms() < end) {
		net_step(n, end - t_now_ms());
		if (last_len && get16(last_frame + 12) == 0x800 && last_frame[ETH + 9] == proto) {
			u32 len = get16(last_frame + ETH + 2) - IP;

			*src_ip = get32(last_frame + ETH + 12);
			memcpy(payload, last_frame + ETH + IP, len);
			return len;
		}
		last_len = 0;
	}
	return 0;
}

bool tcp_accept(struct net *n, u16 port, int timeout_ms)
{
	s64 end = t_now_ms() + timeout_ms;

	n->port = port;
	n->established = n->fin_seen = n->fin_sent = false;
	n->data_len = 0;
	while (!(n->established && n->snd_una == n->snd_nxt) && t_now_ms() < end)
		net_step(n, 100);
	return n->established;
}

bool tcp_send(struct net *n, const void *data, size_t len)
{
	const u8 *p = data;
	u32 max = n->gso ? 60000 : n->mss;

	while (len) {
		s64 room = (s64)n->snd_una + n->peer_window - n->snd_nxt;
		u32 size = len < max ? len : max;

		if (room < (s64)size && room < (s64)n->mss) {
			if (!net_step(n, 5000))
				return false;
			continue;
		}
		if (size > room)
			size = room;
		tcp_out(n, ACK | PSH, p, size);
		p += size;
		len -= size;
	}
	return true;
}

bool tcp_recv_until(struct net *n, size_t len, int timeout_ms)
{
	while (n->data_len < len && !n->fin_seen) {
		if (!net_step(n, timeout_ms))
			return false;
	}
	return n->data_len >= len;
}

void tcp_close(struct net *n)
{
	s64 end = t_now_ms() + 3000;

	tcp_out(n, FIN | ACK, NULL, 0);
	while (!(n->fin_seen && n->snd_una == n->snd_nxt) && t_now_ms() < end)
		net_step(n, 100);
}
