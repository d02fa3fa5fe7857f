/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What DPDK's own build would generate: the limits and the target of this
 * build. Small tables: one TEE has few NICs, and one lcore is one vCPU.
 */
#ifndef NIC_RTE_BUILD_CONFIG_H
#define NIC_RTE_BUILD_CONFIG_H

#define RTE_ARCH_X86 1
#define RTE_ARCH_X86_64 1
#define RTE_ARCH_64 1
#define RTE_ARCH_STRICT_ALIGN_NOT_NEEDED 1
#define RTE_EXEC_ENV_LINUX 1
#define RTE_EXEC_ENV_IS_LINUX 1
#define RTE_EXEC_ENV_IS_FREEBSD 0
#define RTE_EXEC_ENV_IS_WINDOWS 0
#define RTE_EXEC_ENV_LINUX_ENV 1
#define RTE_ENV_LINUX 1
#define RTE_EXEC_ENV RTE_ENV_LINUX

#define RTE_CACHE_LINE_SIZE 64
#define RTE_MAX_LCORE 64 /* TEE_VCPU_MAX: checked in eal_lcore.c */
#define RTE_MAX_NUMA_NODES 1
#define RTE_MAX_ETHPORTS 16
#define RTE_MAX_VFIO_GROUPS 16
#define RTE_MAX_MEM_MB 65536
#define RTE_IOVA_AS_PA 1

#endif
