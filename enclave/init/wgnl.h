/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef INIT_WGNL_H
#define INIT_WGNL_H

#include "enclave/init/wg.h"

/**
 * wg_apply - give keys and peers to a WireGuard interface
 * @index: of the interface, in the caller's network namespace
 *
 * Return: 0 or a negative errno (-ENOENT: the kernel has no WireGuard).
 */
int wg_apply(int index, const struct wg_config *wg);

#endif
