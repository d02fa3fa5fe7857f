/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Included before anything else in every file of this build.
 *
 * Hidden visibility for what headers declare too: the image is one piece, so
 * nothing goes through a GOT or PLT. ctype's table lookups become plain calls.
 */
#ifndef NIC_DPDK_SHIM_H
#define NIC_DPDK_SHIM_H

#pragma GCC visibility push(hidden)
#define __NO_CTYPE 1
#include "rte_build_config.h"

#endif
