/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * WireGuard configuration in wg-quick(8) syntax.
 *
 * Known keys: [Interface] PrivateKey ListenPort Address DNS MTU; [Peer] PublicKey
 * PresharedKey AllowedIPs Endpoint PersistentKeepalive. Any other (PostUp, Table,
 * SaveConfig, FwMark ...) is refused by name rather than ignored. Endpoints are
 * addresses: the name service is the host's.
 */
#ifndef INIT_WG_H
#define INIT_WG_H

#include "enclave/init/config.h"

#define WG_KEY_SIZE 32
#define WG_PEERS_MAX 64
#define WG_ALLOWED_MAX 32

struct wg_peer {
	u8 public_key[WG_KEY_SIZE];
	u8 preshared_key[WG_KEY_SIZE];
	bool has_public, has_preshared, has_endpoint;
	struct cidr allowed[WG_ALLOWED_MAX];
	u32 allowed_count;
	struct cidr endpoint;
	u16 endpoint_port;
	u16 keepalive; /* seconds, 0: off */
};

struct wg_config {
	u8 private_key[WG_KEY_SIZE];
	bool has_private;
	u16 listen_port; /* 0: any */
	struct cidr address[CONFIG_ADDRS_MAX];
	u32 address_count;
	struct cidr dns[CONFIG_DNS_MAX];
	u32 dns_count;
	u32 mtu; /* 0: the interface's less 80 */
	struct wg_peer peer[WG_PEERS_MAX];
	u32 peer_count;
	int line;
	char why[CONFIG_WHY_SIZE];
};

/**
 * wg_parse - parse a configuration file
 * @text: NUL-terminated, changed in place, not referenced afterwards; it holds
 *        keys: the caller wipes it and @wg
 *
 * Return: 0, or -EINVAL with line and why set (no part of a key is in why).
 */
int wg_parse(struct wg_config *wg, char *text);

#endif
