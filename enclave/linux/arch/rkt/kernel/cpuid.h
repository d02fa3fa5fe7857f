/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * CPUID as programs and the kernel see it: no word of the host's is passed on that could do harm.
 *
 * Features are taken from the host through a mask of those that a program may use here. A feature
 * that the processor has not raises #UD when it is used (LZCNT and TZCNT don't, but no processor with
 * XSAVEC, which is required, lacks them), one that is kept back is not used:
 * either way a lie stops or slows the TEE, as a host can anyway. Features of vector registers that
 * the TEE does not save are masked by what XGETBV says, which is the processor's own.
 *
 * All else is made here, since a false answer would damage a program: ld.so saves registers
 * in as many bytes as leaf 0DH says, glibc's memcpy() writes beyond its buffer if the caches are
 * told to be smaller than a page (its bug 29953), loops over leaves 2, 4 and 0BH end
 * where the answers say so.
 *
 * Pure functions, compiled into the kernel and into test/unit/cpuid.
 * Intel SDM vol. 2A, CPUID; AMD APM vol. 3, appendix E.
 */
#ifndef RKT_CPUID_H
#define RKT_CPUID_H

#include "abi/cpuid.h"

#define CPUID_XFEATURES 8 /* components of the extended state that we know: bits 0 to 7 of XCR0 */

struct cpuid {
	struct cpuid_regs regs[BOOT_CPUID_LEAVES]; /* masked */
	u64 xfeatures; /* XCR0, as far as the TEE saves it */
	u32 xstate_offset[CPUID_XFEATURES]; /* in the standard format, of components 2 and up */
	u32 vcpu_count;
};

/* Bytes of a component of the extended state (SDM vol. 1, 13.5); 0: none that we know. */
u32 cpuid_xstate_size(u32 component);

/**
 * cpuid_take - take over what the host says
 * @c: of which vcpu_count, xfeatures and xstate_offset are filled in and true
 * @from: not trusted; private memory
 */
void cpuid_take(struct cpuid *c, const struct boot_cpuid *from);

/**
 * cpuid_answer - the answer to one CPUID instruction
 * @leaf, @subleaf: eax and ecx, any values
 * @vcpu: which executes it
 *
 * Leaves that are not known have zeroes.
 */
struct cpuid_regs cpuid_answer(const struct cpuid *c, u32 leaf, u32 subleaf, u32 vcpu);

#endif
