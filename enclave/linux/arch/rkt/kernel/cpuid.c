// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cpuid.h"

#define BIT32(n) (1u << (n))
#define BASIC_MAX 0xd
#define EXTENDED_MAX 0x80000008

#define XCR0_AVX 0x04
#define XCR0_AVX512 0xe0

/*
 * What a program may see, by leaf and register. Left out on purpose: what only a kernel uses;
 * HYPERVISOR; protection keys, shadow stacks, AMX, TSX, user interrupts and wait instructions, which
 * the TEE does not keep apart by program; RDPID and RDTSCP's number, which is the host's.
 */
struct mask {
	u8 leaf; /* enum boot_cpuid_leaf */
	u8 reg; /* enum cpuid_reg */
	u32 always, avx, avx512; /* the latter two if the state is saved */
};

static const struct mask masks[] = {
	{ BOOT_CPUID_1, CPUID_EAX, 0x0fff3fff, 0, 0 },
	/* SSE3, PCLMULQDQ, SSSE3, CX16, SSE4.1, SSE4.2, MOVBE, POPCNT, AES, XSAVE, OSXSAVE, RDRAND */
	{ BOOT_CPUID_1, CPUID_ECX,
	  BIT32(0) | BIT32(1) | BIT32(9) | BIT32(13) | BIT32(19) | BIT32(20) | BIT32(22) |
		  BIT32(23) | BIT32(25) | BIT32(26) | BIT32(27) | BIT32(30),
	  BIT32(12) | BIT32(28) | BIT32(29) /* FMA, AVX, F16C */, 0 },
	/* FPU, TSC, CX8, SEP, CMOV, CLFSH, MMX, FXSR, SSE, SSE2 */
	{ BOOT_CPUID_1, CPUID_EDX,
	  BIT32(0) | BIT32(4) | BIT32(8) | BIT32(11) | BIT32(15) | BIT32(19) | BIT32(23) |
		  BIT32(24) | BIT32(25) | BIT32(26),
	  0, 0 },
	/* FSGSBASE, BMI1, BMI2, ERMS, RDSEED, ADX, CLFLUSHOPT, CLWB, SHA */
	{ BOOT_CPUID_7, CPUID_EBX,
	  BIT32(0) | BIT32(3) | BIT32(8) | BIT32(9) | BIT32(18) | BIT32(19) | BIT32(23) |
		  BIT32(24) | BIT32(29),
	  BIT32(5) /* AVX2 */,
	  /* F, DQ, IFMA, PF, ER, CD, BW, VL */
	  BIT32(16) | BIT32(17) | BIT32(21) | BIT32(26) | BIT32(27) | BIT32(28) | BIT32(30) |
		  BIT32(31) },
	/* GFNI, CLDEMOTE, MOVDIRI, MOVDIR64B; VAES, VPCLMULQDQ; VBMI, VBMI2, VNNI, BITALG, VPOPCNTDQ */
	{ BOOT_CPUID_7, CPUID_ECX, BIT32(8) | BIT32(25) | BIT32(27) | BIT32(28),
	  BIT32(9) | BIT32(10), BIT32(1) | BIT32(6) | BIT32(11) | BIT32(12) | BIT32(14) },
	/* FSRM, SERIALIZE; 4VNNIW, 4FMAPS, VP2INTERSECT, FP16 */
	{ BOOT_CPUID_7, CPUID_EDX, BIT32(4) | BIT32(14), 0,
	  BIT32(2) | BIT32(3) | BIT32(8) | BIT32(23) },
	/* FZRM, FSRS, FSRC; SHA512, SM3, SM4, VNNI, IFMA; BF16 */
	{ BOOT_CPUID_7_1, CPUID_EAX, BIT32(10) | BIT32(11) | BIT32(12),
	  BIT32(0) | BIT32(1) | BIT32(2) | BIT32(4) | BIT32(23), BIT32(5) },
	/* PREFETCHI; VNNI-INT8, NE-CONVERT, VNNI-INT16 */
	{ BOOT_CPUID_7_1, CPUID_EDX, BIT32(14), BIT32(4) | BIT32(5) | BIT32(10), 0 },
	{ BOOT_CPUID_D_1, CPUID_EAX, 7, 0, 0 }, /* XSAVEOPT, XSAVEC, XGETBV of 1 */
	/* LAHF, LZCNT, SSE4A, misaligned SSE, PREFETCHW; FMA4 and XOP use AVX's registers */
	{ BOOT_CPUID_80000001, CPUID_ECX, BIT32(0) | BIT32(5) | BIT32(6) | BIT32(7) | BIT32(8),
	  BIT32(11) | BIT32(16), 0 },
	/* SYSCALL, NX, 1 GiB pages, RDTSCP, long mode */
	{ BOOT_CPUID_80000001, CPUID_EDX, BIT32(11) | BIT32(20) | BIT32(26) | BIT32(27) | BIT32(29),
	  0, 0 },
};

#define EDX_HTT BIT32(28)

static bool has_avx(const struct cpuid *c)
{
	return c->xfeatures & XCR0_AVX;
}

static bool has_avx512(const struct cpuid *c)
{
	return has_avx(c) && (c->xfeatures & XCR0_AVX512) == XCR0_AVX512;
}

static bool printable(const struct cpuid_regs *regs, u32 first)
{
	u32 i, b;

	for (i = first; i < CPUID_REGS; i++)
		for (b = 0; b < 32; b += 8) {
			u8 ch = regs->r[i] >> b;

			if (ch && (ch < ' ' || ch > '~'))
				return false;
		}
	return true;
}

void cpuid_take(struct cpuid *c, const struct boot_cpuid *from)
{
	const struct mask *m;
	u32 i;

	for (i = 0; i < BOOT_CPUID_LEAVES; i++)
		c->regs[i] = (struct cpuid_regs){ 0 };
	for (m = masks; m < masks + sizeof(masks) / sizeof(masks[0]); m++)
		c->regs[m->leaf].r[m->reg] =
			from->regs[m->leaf].r[m->reg] &
			(m->always | (has_avx(c) ? m->avx : 0) | (has_avx512(c) ? m->avx512 : 0));
	if (printable(&from->regs[BOOT_CPUID_0], CPUID_EBX))
		c->regs[BOOT_CPUID_0] = from->regs[BOOT_CPUID_0];
	for (i = BOOT_CPUID_80000002; i <= BOOT_CPUID_80000004; i++)
		if (printable(&from->regs[i], CPUID_EAX))
			c->regs[i] = from->regs[i];
}

/* AVX, two of MPX, mask registers, upper halves of zmm0 to 15, zmm16 to 31. */
u32 cpuid_xstate_size(u32 component)
{
	static const u16 size[CPUID_XFEATURES] = { 0, 0, 256, 64, 64, 64, 512, 1024 };

	return component < CPUID_XFEATURES ? size[component] : 0;
}

#define XSAVE_HEADER_END 576

/* Leaf 0DH: where the components lie, of which the processor told itself. */
static struct cpuid_regs xsave(const struct cpuid *c, u32 subleaf)
{
	u32 i, end, standard = XSAVE_HEADER_END, compacted = XSAVE_HEADER_END;

	for (i = 2; i < CPUID_XFEATURES; i++) {
		if (!(c->xfeatures >> i & 1))
			continue;
		end = c->xstate_offset[i] + cpuid_xstate_size(i);
		standard = standard > end ? standard : end;
		compacted += cpuid_xstate_size(i);
	}
	if (subleaf == 0)
		return (struct cpuid_regs){ { c->xfeatures, standard, standard, 0 } };
	if (subleaf == 1)
		return (struct cpuid_regs){ { c->regs[BOOT_CPUID_D_1].r[CPUID_EAX], compacted } };
	if (subleaf < CPUID_XFEATURES && (c->xfeatures >> subleaf & 1))
		return (struct cpuid_regs){ { cpuid_xstate_size(subleaf),
					      c->xstate_offset[subleaf] } };
	return (struct cpuid_regs){ 0 };
}

/*
 * Caches that any processor of today is near to: 32 KiB twice, 1 MiB, and 16 MiB for all.
 * Leaf 4: ways, partitions and line size, each less one; sets less one.
 */
#define GEOMETRY(ways) (((ways)-1) << 22 | 63)

static struct cpuid_regs caches(const struct cpuid *c, u32 subleaf)
{
	u32 all = (c->vcpu_count - 1) << 14, cores = (c->vcpu_count - 1) << 26;

	switch (subleaf) {
	case 0: /* data, level 1 */
		return (struct cpuid_regs){ { 0x121 | cores, GEOMETRY(8), 63, 0 } };
	case 1: /* instructions, level 1 */
		return (struct cpuid_regs){ { 0x122 | cores, GEOMETRY(8), 63, 0 } };
	case 2: /* level 2 */
		return (struct cpuid_regs){ { 0x143 | cores, GEOMETRY(16), 1023, 0 } };
	case 3: /* level 3 */
		return (struct cpuid_regs){ { 0x163 | cores | all, GEOMETRY(16), 16383, 0 } };
	default:
		return (struct cpuid_regs){ 0 };
	}
}

static u32 order(u32 count)
{
	u32 n = 0;

	while (count > 1u << n)
		n++;
	return n;
}

/* Leaf 0BH: one thread to a core, all cores in one package. */
static struct cpuid_regs topology(const struct cpuid *c, u32 level, u32 vcpu)
{
	switch (level) {
	case 0:
		return (struct cpuid_regs){ { 0, 1, 0x100, vcpu } };
	case 1:
		return (struct cpuid_regs){ { order(c->vcpu_count), c->vcpu_count, 0x201, vcpu } };
	default:
		return (struct cpuid_regs){ { 0, 0, level & 0xff, vcpu } };
	}
}

static struct cpuid_regs features(const struct cpuid *c, u32 vcpu)
{
	struct cpuid_regs r = c->regs[BOOT_CPUID_1];

	r.r[CPUID_EBX] = vcpu << 24 | c->vcpu_count << 16 | 64 / 8 << 8;
	if (c->vcpu_count > 1)
		r.r[CPUID_EDX] |= EDX_HTT;
	return r;
}

static struct cpuid_regs basic(const struct cpuid *c, u32 leaf, u32 subleaf, u32 vcpu)
{
	struct cpuid_regs r = { 0 };

	switch (leaf) {
	case 0:
		r = c->regs[BOOT_CPUID_0];
		r.r[CPUID_EAX] = BASIC_MAX;
		break;
	case 1:
		r = features(c, vcpu);
		break;
	case 2: /* "see leaf 4", 64 bytes are prefetched */
		r = (struct cpuid_regs){ { 0x00ff0001, 0xf0, 0, 0 } };
		break;
	case 4:
		r = caches(c, subleaf);
		break;
	case 7:
		if (subleaf <= 1)
			r = c->regs[subleaf ? BOOT_CPUID_7_1 : BOOT_CPUID_7];
		if (!subleaf)
			r.r[CPUID_EAX] = 1;
		break;
	case 0xb:
		r = topology(c, subleaf, vcpu);
		break;
	case 0xd:
		r = xsave(c, subleaf);
		break;
	}
	return r;
}

/* AMD's form of what leaves 4 and 1 say, for who asks there. */
static struct cpuid_regs extended(const struct cpuid *c, u32 leaf)
{
	struct cpuid_regs r = { 0 };

	switch (leaf) {
	case 0x80000000:
		r.r[CPUID_EAX] = EXTENDED_MAX;
		break;
	case 0x80000001:
		r = c->regs[BOOT_CPUID_80000001];
		break;
	case 0x80000002:
	case 0x80000003:
	case 0x80000004:
		r = c->regs[BOOT_CPUID_80000002 + (leaf - 0x80000002)];
		break;
	case 0x80000005: /* level 1: KiB, ways, lines, bytes */
		r.r[CPUID_ECX] = r.r[CPUID_EDX] = 32u << 24 | 8 << 16 | 1 << 8 | 64;
		break;
	case 0x80000006: /* level 2: KiB, 16 ways; level 3: 512 KiB */
		r.r[CPUID_ECX] = 1024u << 16 | 8 << 12 | 1 << 8 | 64;
		r.r[CPUID_EDX] = 32u << 18 | 8 << 12 | 1 << 8 | 64;
		break;
	case 0x80000007: /* the time-stamp counter runs at one speed */
		r.r[CPUID_EDX] = BIT32(8);
		break;
	case 0x80000008: /* bits of addresses; cores */
		r.r[CPUID_EAX] = 48 << 8 | 46;
		r.r[CPUID_ECX] = order(c->vcpu_count) << 12 | (c->vcpu_count - 1);
		break;
	}
	return r;
}

struct cpuid_regs cpuid_answer(const struct cpuid *c, u32 leaf, u32 subleaf, u32 vcpu)
{
	return leaf >> 31 ? extended(c, leaf) : basic(c, leaf, subleaf, vcpu);
}
