/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_CPUFEATURE_H
#define _ASM_RKT_CPUFEATURE_H
/* What the processor can do: kernel/cpu.c, kernel/cpuid.h. */
#ifndef __ASSEMBLY__
#include <linux/types.h>
#include <asm/cpufeatures.h>
#include "abi/cpuid.h"

/* Words of the x86 feature array that we fill. */
enum {
	CPUID_1_EDX = 0,
	CPUID_8000_0001_EDX = 1,
	CPUID_1_ECX = 4,
	CPUID_8000_0001_ECX = 6,
	CPUID_7_0_EBX = 9,
	CPUID_D_1_EAX = 10,
	CPUID_7_1_EAX = 12,
	CPUID_7_ECX = 16,
	CPUID_7_EDX = 18,
};

extern u32 rkt_cpu_caps[NCAPINTS];
extern bool rkt_cpuid_rewrite; /* CPUID of programs is made to trap: BOOT_CPUID_REWRITE */

/* What CPUID answers on this vCPU. Context: any. */
struct cpuid_regs rkt_cpuid(u32 leaf, u32 subleaf);

static __always_inline bool boot_cpu_has(int bit)
{
	return rkt_cpu_caps[bit >> 5] & (1u << (bit & 31));
}
#define static_cpu_has(bit) boot_cpu_has(bit)
#define cpu_feature_enabled(bit) boot_cpu_has(bit)
#define cpu_has(c, bit) boot_cpu_has(bit)
#define this_cpu_has(bit) boot_cpu_has(bit)
extern int cpu_has_xfeatures(u64 xfeatures_mask, const char **feature_name);
#endif
#endif
