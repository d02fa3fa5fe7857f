/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Takes the place of DPDK's header of this name: %fs belongs to the program in
 * the TEE, so a per-lcore variable is an array with one element per vCPU
 * instead of a TLS variable. Valid within one kernel_fpu bracket: the vCPU does
 * not change there.
 */
#ifndef NIC_RTE_PER_LCORE_H
#define NIC_RTE_PER_LCORE_H

#include <pthread.h> /* DPDK's header brings it along, and its users rely on that */
#include "rte_build_config.h"

unsigned int nic_env_cpu(void);

#define RTE_DEFINE_PER_LCORE(type, name) __typeof__(type) per_lcore_##name[RTE_MAX_LCORE]
#define RTE_DECLARE_PER_LCORE(type, name) extern __typeof__(type) per_lcore_##name[RTE_MAX_LCORE]
#define RTE_PER_LCORE(name) (per_lcore_##name[nic_env_cpu()])

#endif
