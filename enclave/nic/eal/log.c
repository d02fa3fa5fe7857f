// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* DPDK's log, line by line into the TEE's own. */
#include <stdarg.h>
#include <string.h>

#include <rte_debug.h>
#include <rte_log.h>

#include "enclave/nic/env/env.h"

#define LOG_LINE_MAX 256

static uint32_t next_type = RTE_LOGTYPE_FIRST_EXT_ID;

int rte_vlog(uint32_t level, uint32_t type, const char *fmt, va_list args)
{
	char line[LOG_LINE_MAX];
	int n;

	if (level > RTE_LOG_NOTICE)
		return 0;
	n = vsnprintf(line, sizeof(line), fmt, args);
	n = n < 0 ? 0 : RTE_MIN(n, LOG_LINE_MAX - 1);
	while (n > 0 && line[n - 1] == '\n')
		n--;
	line[n] = 0;
	if (n)
		nic_env_log((int)level - 1, line); /* DPDK counts from 1, syslog from 0 */
	return 0;
}

int rte_log(uint32_t level, uint32_t type, const char *fmt, ...)
{
	va_list args;
	int ret;

	va_start(args, fmt);
	ret = rte_vlog(level, type, fmt, args);
	va_end(args);
	return ret;
}

int rte_log_register_type_and_pick_level(const char *name, uint32_t level_def)
{
	return (int)next_type++;
}

void __rte_panic(const char *func, const char *fmt, ...)
{
	char line[LOG_LINE_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	nic_env_log(2, func);
	nic_env_trap(line);
}

void rte_dump_stack(void)
{
}
