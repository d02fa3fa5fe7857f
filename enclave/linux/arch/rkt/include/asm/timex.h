/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_TIMEX_H
#define _ASM_RKT_TIMEX_H
#include <linux/types.h>
typedef unsigned long long cycles_t;

static __always_inline cycles_t rkt_rdtsc(void)
{
	unsigned int lo, hi;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return ((u64)hi << 32) | lo;
}

static inline cycles_t get_cycles(void)
{
	return rkt_rdtsc();
}
#define get_cycles get_cycles
#define CLOCK_TICK_RATE 1000000
#endif
