// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the processor says of itself, for a TEE that can't ask (abi/cpuid.h). */
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/tee/cpuid.h"

#define ARCH_SET_CPUID 0x1012 /* asm/prctl.h; arch_prctl(2) */

static struct cpuid_regs ask(u32 leaf, u32 subleaf)
{
	struct cpuid_regs r;

	__cpuid_count(leaf, subleaf, r.r[CPUID_EAX], r.r[CPUID_EBX], r.r[CPUID_ECX],
		      r.r[CPUID_EDX]);
	return r;
}

void tee_cpuid_read(struct boot_cpuid *out, bool rewrite)
{
	u32 i, leaf, max;

	*out = (struct boot_cpuid){ .flags = rewrite ? BOOT_CPUID_REWRITE : 0 };
	for (i = 0; i < BOOT_CPUID_LEAVES; i++) {
		leaf = boot_cpuid_leaf(i);
		max = ask(leaf & 0x80000000, 0).r[CPUID_EAX];
		if (leaf <= max)
			out->regs[i] = ask(leaf, boot_cpuid_subleaf(i));
	}
}

bool tee_cpuid_refuse(void)
{
	return !syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0);
}

bool tee_cpuid_can_refuse(void)
{
	return !syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1);
}
