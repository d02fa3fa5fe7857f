/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_STATS_H
#define _ASM_RKT_STATS_H
/* Counters of abi/stats.h: per vCPU and private; published now and then (kernel/stats.c). */
#include <linux/percpu.h>
#include "abi/stats.h"

struct rkt_stat_block {
	u64 v[RKT_STAT_COUNT];
};
DECLARE_PER_CPU(struct rkt_stat_block, rkt_stat);

#define rkt_stat_add(id, n) this_cpu_add(rkt_stat.v[RKT_STAT_##id], (n))
#define rkt_stat_inc(id) rkt_stat_add(id, 1)

/* Sums up and writes to the control window. Context: any. */
void rkt_stats_publish(void);
/* The same, if the last time was long ago. Context: tick. */
void rkt_stats_tick(void);

#endif
