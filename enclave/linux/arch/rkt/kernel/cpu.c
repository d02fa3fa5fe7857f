// SPDX-License-Identifier: GPL-2.0-only
/* What the processor can do, by what the host says of it (cpuid.h). */
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/smp.h>
#include <asm/archrandom.h>
#include <asm/cpu_device_id.h>
#include <asm/cpufeature.h>
#include <asm/elf.h>
#include <asm/fpu/api.h>
#include "cpuid.h"
#include "rkt.h"

u32 rkt_cpu_caps[NCAPINTS];
EXPORT_SYMBOL_GPL(rkt_cpu_caps);
unsigned long rkt_elf_hwcap, rkt_elf_hwcap2;

bool rkt_cpuid_rewrite __ro_after_init;
static struct cpuid cpuid __ro_after_init;

struct cpuid_regs rkt_cpuid(u32 leaf, u32 subleaf)
{
	return cpuid_answer(&cpuid, leaf, subleaf, raw_smp_processor_id());
}

/* What the code relies on without looking again: x86-64-v2 and what entry and FPU code use. */
static const struct {
	int bit;
	const char *name;
} required[] = {
	{ X86_FEATURE_CX16, "cmpxchg16b" }, { X86_FEATURE_POPCNT, "popcnt" },
	{ X86_FEATURE_XSAVE, "xsave" },	    { X86_FEATURE_OSXSAVE, "osxsave" },
	{ X86_FEATURE_XSAVEC, "xsavec" },   { X86_FEATURE_FSGSBASE, "fsgsbase" },
	{ X86_FEATURE_RDRAND, "rdrand" },   { X86_FEATURE_SSSE3, "ssse3" },
};

static void __init set_features(void)
{
	struct cpuid_regs r = rkt_cpuid(1, 0);

	rkt_cpu_caps[CPUID_1_EDX] = r.r[CPUID_EDX];
	rkt_cpu_caps[CPUID_1_ECX] = r.r[CPUID_ECX];
	rkt_elf_hwcap = r.r[CPUID_EDX];
	rkt_elf_hwcap2 = 2; /* HWCAP2_FSGSBASE */
	r = rkt_cpuid(7, 0);
	rkt_cpu_caps[CPUID_7_0_EBX] = r.r[CPUID_EBX];
	rkt_cpu_caps[CPUID_7_ECX] = r.r[CPUID_ECX];
	rkt_cpu_caps[CPUID_7_EDX] = r.r[CPUID_EDX];
	rkt_cpu_caps[CPUID_7_1_EAX] = rkt_cpuid(7, 1).r[CPUID_EAX];
	rkt_cpu_caps[CPUID_D_1_EAX] = rkt_cpuid(0xd, 1).r[CPUID_EAX];
	r = rkt_cpuid(0x80000001, 0);
	rkt_cpu_caps[CPUID_8000_0001_ECX] = r.r[CPUID_ECX];
	rkt_cpu_caps[CPUID_8000_0001_EDX] = r.r[CPUID_EDX];
}

/* Context: boot, once, on vCPU 0, before anything asks for a feature. */
void __init rkt_cpu_init(void)
{
	int i;

	cpuid.vcpu_count = rkt_machine.vcpu_count;
	cpuid.xfeatures = rkt_xfeatures_init();
	cpuid_take(&cpuid, &rkt_boot_cpuid);
	rkt_cpuid_rewrite = rkt_boot_cpuid.flags & BOOT_CPUID_REWRITE;
	set_features();
	for (i = 0; i < ARRAY_SIZE(required); i++)
		if (!boot_cpu_has(required[i].bit))
			panic("processor lacks %s", required[i].name);
	rkt_fpu_init();
	for (i = 2; i < CPUID_XFEATURES; i++)
		if (cpuid.xfeatures >> i & 1)
			cpuid.xstate_offset[i] = rkt_fpu_offset(i, cpuid_xstate_size(i));
}

/* For the borrowed crypto glue: the first entry whose feature we have. */
const struct x86_cpu_id *x86_match_cpu(const struct x86_cpu_id *match)
{
	for (; match->vendor || match->family || match->model || match->steppings || match->feature;
	     match++)
		if (match->vendor == X86_VENDOR_ANY && boot_cpu_has(match->feature))
			return match;
	return NULL;
}
EXPORT_SYMBOL_GPL(x86_match_cpu);
