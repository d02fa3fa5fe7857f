// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Functions that DPDK's files name and that nothing in the TEE reaches: device
 * interrupts, telemetry, tracing, other processes, memory from a host. Reaching one is our bug.
 */
#include "enclave/nic/env/env.h"

#define TRAP(name)                   \
	void name(void);             \
	void name(void)              \
	{                            \
		nic_env_trap(#name); \
	}

/* Interrupts: everything is polled. */
TRAP(rte_intr_efds_index_get)
TRAP(rte_intr_rx_ctl)
TRAP(rte_intr_vec_list_index_get)

/* Memory from the host. */
TRAP(rte_mem_lock)
TRAP(rte_mem_map)
TRAP(rte_mem_unmap)

/* Dumps and tracing. */
TRAP(rte_hexdump)
TRAP(__rte_trace_mem_per_thread_alloc)
TRAP(__rte_trace_point_emit_field)

/* Secondary processes. */
TRAP(eal_dev_hotplug_request_to_primary)
TRAP(eal_dev_hotplug_request_to_secondary)

/* Telemetry: only its (never called) handlers use these. */
TRAP(eth_dev_handle_port_module_eeprom)
TRAP(rte_tel_data_add_array_int)
TRAP(rte_tel_data_add_array_string)
TRAP(rte_tel_data_add_array_u64)
TRAP(rte_tel_data_add_dict_container)
TRAP(rte_tel_data_add_dict_int)
TRAP(rte_tel_data_add_dict_string)
TRAP(rte_tel_data_add_dict_u64)
TRAP(rte_tel_data_alloc)
TRAP(rte_tel_data_free)
TRAP(rte_tel_data_start_array)
TRAP(rte_tel_data_start_dict)
TRAP(rte_tel_data_string)

/* Called by constructors: accepted and forgotten. */
int rte_telemetry_register_cmd(const char *cmd, void *fn, const char *help);
int rte_telemetry_register_cmd(const char *cmd, void *fn, const char *help)
{
	return 0;
}
