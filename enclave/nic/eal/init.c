// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Start of the environment, and the little state that DPDK expects of an EAL. */
#include <errno.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_random.h>
#include <rte_trace_point_register.h>

#include "eal_internal_cfg.h"
#include "eal_memcfg.h"
#include "eal_private.h"

#include "abi/layout.h"
#include "enclave/boundary/check.h"
#include "enclave/nic/env/env.h"

_Static_assert(RTE_MAX_LCORE >= TEE_VCPU_MAX, "one lcore per vCPU");

RTE_DEFINE_PER_LCORE(unsigned int, _lcore_id);
RTE_DEFINE_PER_LCORE(void *, trace_mem);
RTE_DEFINE_PER_LCORE(volatile int, trace_point_sz);

static struct rte_mem_config mem_config;
static struct internal_config internal_config;
static struct rte_config config = {
	.process_type = RTE_PROC_PRIMARY,
	.iova_mode = RTE_IOVA_VA,
	.lcore_count = TEE_VCPU_MAX,
	.numa_node_count = 1,
	.mem_config = &mem_config,
};
static bool started;

/* Set by the linker script: DPDK's constructors in their order. */
typedef void (*nic_init_fn)(void);
extern const nic_init_fn nic_init_start[], nic_init_end[];

static void run_constructors(void)
{
	const nic_init_fn *fn;

	for (fn = nic_init_start; fn < nic_init_end; fn++)
		(*fn)();
}

int nic_env_init(void *heap, size_t size)
{
	unsigned int i;
	int ret;

	if (started)
		return -EALREADY;
	ret = nic_heap_init(heap, size);
	if (ret)
		return ret;
	started = true;
	for (i = 0; i < RTE_MAX_LCORE; i++)
		per_lcore__lcore_id[i] = i;
	run_constructors();
	return rte_eal_tailqs_init();
}

struct rte_config *rte_eal_get_configuration(void)
{
	return &config;
}

struct internal_config *eal_get_internal_configuration(void)
{
	return &internal_config;
}

enum rte_proc_type_t rte_eal_process_type(void)
{
	return RTE_PROC_PRIMARY;
}

const char *rte_eal_mbuf_user_pool_ops(void)
{
	return NULL;
}

unsigned int rte_socket_id(void)
{
	return 0;
}

uint64_t rte_rand(void)
{
	return nic_env_random();
}

/* Trace points stay unregistered, therefore off. */
int __rte_trace_point_register(rte_trace_point_t *handle, const char *name,
			       void (*register_fn)(void))
{
	return 0;
}
