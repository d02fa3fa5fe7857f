/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Takes the place of DPDK's x86 header of this name: rdtsc is legal in the TEE
 * only in listed functions, so time comes from the environment.
 */
#ifndef NIC_RTE_CYCLES_H
#define NIC_RTE_CYCLES_H
#define _RTE_CYCLES_X86_64_H_ /* DPDK's headers of that folder find theirs first */

#include <stdint.h>
#include "generic/rte_cycles.h"

uint64_t nic_env_cycles(void);

static inline uint64_t rte_rdtsc(void)
{
	return nic_env_cycles();
}

static inline uint64_t rte_rdtsc_precise(void)
{
	return nic_env_cycles();
}

static inline uint64_t rte_get_tsc_cycles(void)
{
	return nic_env_cycles();
}

#endif
