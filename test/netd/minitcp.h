/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * As much of ARP, IPv4, UDP and TCP as netd's tests need: one connection at a time, nothing
 * lost, nothing out of order (the paths under test are loss-free), GSO and partial checksums.
 */
#ifndef TEST_NETD_MINITCP_H
#define TEST_NETD_MINITCP_H

#include "test/netd/guest.h"

struct net {
	struct guest *g;
	unsigned pair; /* queue pair used for sending */
	u8 mac[6], peer_mac[6];
	u32 ip, peer_ip; /* host order */
	u16 mss;
	bool gso; /* send GSO frames with partial checksum */
	/* the connection */
	bool established, fin_seen, fin_sent;
	u16 port, peer_port;
	u32 snd_nxt, snd_una, rcv_nxt, peer_window;
	/* what arrived */
	u8 *data; /* where in-order bytes go, data_max of them */
	size_t data_len, data_max;
	/* observations */
	u32 biggest_rx; /* largest TCP payload in one frame */
	u32 gso_frames; /* frames that said they are GSO */
	u32 bad_frames; /* wrong checksum, or a header that contradicts the frame */
	unsigned rx_pair_seen[GUEST_PAIRS_MAX];
};

void net_init(struct net *n, struct guest *g, const char *ip, const char *peer);
/* Asks for the peer's MAC. */
bool net_resolve(struct net *n);
/* Handles whatever arrives until something did or timeout_ms passed. */
bool net_step(struct net *n, int timeout_ms);
/* Sends payload inside of IPv4 and Ethernet; transport header included in l4. */
void net_send_ip(struct net *n, u8 proto, const void *l4, u32 len, int csum_offset);
/* Waits for frames with this IP protocol that are not TCP; returns the payload's length. */
u32 net_recv_ip(struct net *n, u8 proto, u8 *payload, u32 *src_ip, int timeout_ms);

bool tcp_accept(struct net *n, u16 port, int timeout_ms);
bool tcp_send(struct net *n, const void *data, size_t len);
/* Runs until data_len reaches len, the peer closed, or timeout_ms without progress. */
bool tcp_recv_until(struct net *n, size_t len, int timeout_ms);
void tcp_close(struct net *n);

u16 inet_csum(const void *data, size_t len, u32 start);

#endif
