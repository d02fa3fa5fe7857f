/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RKT_NET_BOOT_H
#define RKT_NET_BOOT_H

#include <linux/types.h>

/**
 * rkt_net_boot_item - take over a BOOT_NIC item (abi/nicdev.h)
 * @data, @size: private copy of what the host said; checked here and in rkt_net.c
 *
 * Context: boot, before memory management. Return: false for a malformed or surplus item.
 */
bool rkt_net_boot_item(const void *data, u32 size);

#endif
