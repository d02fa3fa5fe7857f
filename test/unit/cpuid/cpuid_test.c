// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What programs are told by CPUID: of this processor, and when the host lies in every bit. */
#include <cpuid.h>
#include <stdio.h>
#include <string.h>

#include "enclave/linux/arch/rkt/kernel/cpuid.c"
#include "host/tee/cpuid.c"

#define XFEATURES_ALL 0xe7
#define VCPUS 6

static int passed, failed;

static void result(const char *name, bool ok)
{
	printf("%s %s\n", ok ? "ok" : "not ok", name);
	ok ? passed++ : failed++;
}

static struct cpuid machine(u64 xfeatures, const struct boot_cpuid *from)
{
	struct cpuid c = { .xfeatures = xfeatures,
			   .xstate_offset = { 0, 0, 576, 0, 0, 1088, 1152, 1664 },
			   .vcpu_count = VCPUS };

	cpuid_take(&c, from);
	return c;
}

static struct boot_cpuid all(u8 byte)
{
	struct boot_cpuid b;

	memset(&b, byte, sizeof(b));
	return b;
}

static u32 reg(const struct cpuid *c, u32 leaf, u32 subleaf, u32 r)
{
	return cpuid_answer(c, leaf, subleaf, 3).r[r];
}

/* A feature that we tell of must be one that this processor has; and most of those it has. */
static void check_this_processor(void)
{
	static const u32 leaves[][3] = { { 1, 0, CPUID_ECX },  { 7, 0, CPUID_EBX },
					 { 7, 0, CPUID_ECX },  { 7, 0, CPUID_EDX },
					 { 7, 1, CPUID_EAX },  { 0x80000001, 0, CPUID_ECX },
					 { 0xd, 1, CPUID_EAX } };
	u32 i, lo, hi, kept = 0;
	struct boot_cpuid b;
	struct cpuid c;
	bool ok = true;

	tee_cpuid_read(&b, false);
	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	c = machine(lo & XFEATURES_ALL, &b);
	for (i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
		u32 real = ask(leaves[i][0], leaves[i][1]).r[leaves[i][2]];
		u32 told = reg(&c, leaves[i][0], leaves[i][1], leaves[i][2]);

		ok &= !(told & ~real);
		kept += __builtin_popcount(told);
	}
	result("features-are-real", ok);
	result("features-are-kept", kept >= 12 && (reg(&c, 1, 0, CPUID_ECX) & (1u << 27)));
	result("vendor-is-kept", reg(&c, 0, 0, CPUID_EBX) == ask(0, 0).r[CPUID_EBX]);
	result("model-is-kept", reg(&c, 1, 0, CPUID_EAX) == (ask(1, 0).r[CPUID_EAX] & 0x0fff3fff));
	result("name-is-kept",
	       reg(&c, 0x80000003, 0, CPUID_EBX) == ask(0x80000003, 0).r[CPUID_EBX]);
}

/* Where XGETBV says so, this is how the processor saves; a program's room has to be enough. */
static void check_xsave(void)
{
	u32 lo, hi, size, needed = ask(0xd, 0).r[CPUID_EBX], offset[CPUID_XFEATURES] = { 0 }, i;
	struct boot_cpuid liar = all(0);
	struct cpuid c;
	bool ok = true;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	for (i = 2; i < CPUID_XFEATURES; i++)
		if (lo & XFEATURES_ALL & (1u << i)) {
			offset[i] = ask(0xd, i).r[CPUID_EBX];
			ok &= ask(0xd, i).r[CPUID_EAX] == cpuid_xstate_size(i);
		}
	result("component-sizes", ok);
	c = machine(lo & XFEATURES_ALL, &liar);
	memcpy(c.xstate_offset, offset, sizeof(offset));
	size = reg(&c, 0xd, 0, CPUID_EBX);
	/* components that the TEE does not have come last, if this processor has them */
	result("xsave-size", lo & ~XFEATURES_ALL ? size >= 576 && size <= needed : size == needed);
	c = machine(3, &liar);
	result("xsave-size-sse", reg(&c, 0xd, 0, CPUID_EBX) == 576);
	c = machine(7, &liar);
	result("xsave-size-avx",
	       reg(&c, 0xd, 0, CPUID_EBX) == 832 && reg(&c, 0xd, 2, CPUID_EAX) == 256 &&
		       reg(&c, 0xd, 5, CPUID_EAX) == 0 && reg(&c, 0xd, 1, CPUID_EBX) == 832);
	c = machine(XFEATURES_ALL, &liar);
	result("xsave-size-avx512",
	       reg(&c, 0xd, 0, CPUID_EBX) == 2688 && reg(&c, 0xd, 1, CPUID_EBX) == 2432 &&
		       reg(&c, 0xd, 7, CPUID_EBX) == 1664 && reg(&c, 0xd, 8, CPUID_EAX) == 0 &&
		       reg(&c, 0xd, 0x80000000, CPUID_EAX) == 0);
}

static void check_liar_of_features(void)
{
	struct boot_cpuid ones = all(0xff);
	struct cpuid c = machine(3, &ones);
	u32 avx = 1u << 12 | 1u << 28 | 1u << 29, avx512 = 0xdc230000;

	result("no-avx-without-its-state",
	       !(reg(&c, 1, 0, CPUID_ECX) & avx) &&
		       !(reg(&c, 7, 0, CPUID_EBX) & (avx512 | 1u << 5)) &&
		       !(reg(&c, 7, 0, CPUID_ECX) & 0x5e42));
	c = machine(7, &ones);
	result("no-avx512-without-its-state",
	       (reg(&c, 1, 0, CPUID_ECX) & avx) == avx && !(reg(&c, 7, 0, CPUID_EBX) & avx512));
	c = machine(0x67, &ones); /* a part of it */
	result("avx512-is-one", !(reg(&c, 7, 0, CPUID_EBX) & avx512));
	c = machine(XFEATURES_ALL, &ones);
	result("avx512-with-its-state", (reg(&c, 7, 0, CPUID_EBX) & avx512) == avx512);
	result("kept-back", !(reg(&c, 1, 0, CPUID_ECX) & 1u << 31) && /* hypervisor */
				    !(reg(&c, 7, 0, CPUID_ECX) & 0x18) && /* protection keys */
				    !(reg(&c, 7, 0, CPUID_EBX) & 0x810) && /* TSX */
				    !(reg(&c, 7, 0, CPUID_EBX) & 4) && /* SGX */
				    !(reg(&c, 7, 0, CPUID_EDX) & 0x3500000) && /* AMX, CET */
				    !(reg(&c, 0xd, 1, CPUID_EAX) & 8)); /* XSAVES */
	result("no-vendor", !reg(&c, 0, 0, CPUID_EBX) && !reg(&c, 0x80000002, 0, CPUID_EAX));
}

/* Programs loop over these until the answer says that there is no more. */
static void check_ends(void)
{
	struct boot_cpuid ones = all(0xff);
	struct cpuid c = machine(XFEATURES_ALL, &ones);
	u32 i, caches = 0, levels = 0;
	bool ok = true;

	for (i = 0; i < 100 && (reg(&c, 4, i, CPUID_EAX) & 0x1f); i++, caches++)
		ok &= (reg(&c, 4, i, CPUID_EBX) & 0xfff) == 63;
	result("caches-end", ok && caches == 4);
	for (i = 0; i < 100 && (reg(&c, 0xb, i, CPUID_EBX) & 0xffff); i++, levels++)
		ok &= reg(&c, 0xb, i, CPUID_EDX) == 3;
	result("levels-end", ok && levels == 2 && reg(&c, 0xb, 1, CPUID_EBX) == VCPUS &&
				     reg(&c, 0xb, 1, CPUID_EAX) == 3);
	result("leaf-2-is-one-round", (reg(&c, 2, 0, CPUID_EAX) & 0xff) == 1);
	result("leaf-7-ends", reg(&c, 7, 0, CPUID_EAX) == 1 && !reg(&c, 7, 2, CPUID_EAX) &&
				      !reg(&c, 7, 2, CPUID_EBX));
	for (i = 0, ok = true; i < CPUID_REGS; i++) /* in between, and the highest of each range */
		ok &= !reg(&c, 0xe, 0, i) && !reg(&c, 0x12, 0, i) && !reg(&c, 0x40000000, 0, i) &&
		      !reg(&c, 0x7fffffff, 0, i) && !reg(&c, 0x80000009, 0, i) &&
		      !reg(&c, 0xffffffff, 0xffffffff, i) && !reg(&c, 3, 0, i);
	result("unknown-leaves-are-zero", ok);
	result("highest-leaves",
	       reg(&c, 0, 0, CPUID_EAX) == 0xd && reg(&c, 0x80000000, 0, CPUID_EAX) == 0x80000008);
	result("vcpu-is-told", reg(&c, 1, 0, CPUID_EBX) >> 24 == 3 &&
				       (reg(&c, 1, 0, CPUID_EBX) >> 16 & 0xff) == VCPUS);
}

int main(void)
{
	check_this_processor();
	check_xsave();
	check_liar_of_features();
	check_ends();
	printf("%d passed, %d failed, 0 skipped\n", passed, failed);
	return !!failed;
}
