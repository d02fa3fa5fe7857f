/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_ARCHRANDOM_H
#define _ASM_RKT_ARCHRANDOM_H
/*
 * RDSEED and RDRAND, with retries and the health check that a value differs
 * from the one before (a stuck generator repeats itself). The host's word on
 * entropy is mixed in at boot and never credited.
 */
#include <linux/types.h>
#include <asm/cpufeature.h>

#define RKT_RANDOM_RETRIES 10

#define RKT_RANDOM_FN(name, insn)                                            \
	static inline bool __must_check name(unsigned long *v)               \
	{                                                                    \
		unsigned long again;                                         \
		bool ok, ok2;                                                \
		int i;                                                       \
									     \
		for (i = 0; i < RKT_RANDOM_RETRIES; i++) {                   \
			asm volatile(insn " %1" : "=@ccc"(ok), "=r"(*v));    \
			asm volatile(insn " %1" : "=@ccc"(ok2), "=r"(again)); \
			if (ok && ok2 && *v != again)                        \
				return true;                                 \
		}                                                            \
		return false;                                                \
	}

RKT_RANDOM_FN(rkt_rdrand, "rdrand")
RKT_RANDOM_FN(rkt_rdseed, "rdseed")

static inline size_t __must_check arch_get_random_longs(unsigned long *v, size_t max)
{
	return max && rkt_rdrand(v) ? 1 : 0;
}

static inline size_t __must_check arch_get_random_seed_longs(unsigned long *v, size_t max)
{
	return max && boot_cpu_has(X86_FEATURE_RDSEED) && rkt_rdseed(v) ? 1 : 0;
}
#endif
