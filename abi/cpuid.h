/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the processor says of itself. CPUID is illegal in an enclave (Intel SDM vol. 3D, 38.6.1), so
 * the host executes it and tells the answers that only the processor has; the TEE
 * makes all others itself (enclave/linux/arch/rkt/kernel/cpuid.h).
 */
#ifndef ABI_CPUID_H
#define ABI_CPUID_H

#include "abi/types.h"

/* One answer; numbered as the registers are: eax, ebx, ecx, edx. */
enum cpuid_reg { CPUID_EAX, CPUID_EBX, CPUID_ECX, CPUID_EDX, CPUID_REGS };

struct cpuid_regs {
	u32 r[CPUID_REGS];
};
ABI_SIZE(struct cpuid_regs, 16);

/* Leaves whose answers the host tells, subleaf 0 where nothing else is said. */
enum boot_cpuid_leaf {
	BOOT_CPUID_0, /* vendor */
	BOOT_CPUID_1, /* family, model, stepping; features */
	BOOT_CPUID_7, /* features */
	BOOT_CPUID_7_1,
	BOOT_CPUID_D_1, /* XSAVE's features */
	BOOT_CPUID_80000001, /* features */
	BOOT_CPUID_80000002, /* name, 48 characters with the next two */
	BOOT_CPUID_80000003,
	BOOT_CPUID_80000004,
	BOOT_CPUID_LEAVES
};

static inline u32 boot_cpuid_leaf(u32 index)
{
	static const u32 leaf[BOOT_CPUID_LEAVES] = { 0,		 1,	     7,
						     7,		 0xd,	     0x80000001,
						     0x80000002, 0x80000003, 0x80000004 };

	return leaf[index];
}

static inline u32 boot_cpuid_subleaf(u32 index)
{
	return index == BOOT_CPUID_7_1 || index == BOOT_CPUID_D_1;
}

/*
 * The processor would execute a program's CPUID, where silicon in an enclave refuses it: the TEE
 * makes it trap where it can prove the instruction.
 */
#define BOOT_CPUID_REWRITE 1

struct boot_cpuid {
	u32 flags;
	u32 reserved;
	struct cpuid_regs regs[BOOT_CPUID_LEAVES];
};
ABI_SIZE(struct boot_cpuid, 8 + 16 * BOOT_CPUID_LEAVES);

#endif
