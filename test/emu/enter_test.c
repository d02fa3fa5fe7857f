// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* EENTER, ERESUME, EEXIT, asynchronous exits, and how an enclave is built. */
#include "test/emu/env.h"

#define AEP 0x7000000000ull
#define SITE 0x7000001000ull
#define REG_RW (SECINFO_TYPE(PT_REG) | SECINFO_R | SECINFO_W)

static struct emu_regs regs;
static struct emu_thread *thread;
static u8 area[TEE_XSAVE_SIZE] __attribute__((aligned(64)));
static const struct emu_xsave xsave = { area };

static struct emu_regs host_regs(void)
{
	return (struct emu_regs){ .rax = ENCLU_EENTER,
				  .rbx = page(P_TCS),
				  .rcx = AEP,
				  .rdx = 1,
				  .rsi = 2,
				  .rdi = 3,
				  .rsp = 0x7fff0000,
				  .rbp = 0x7fff1000,
				  .r15 = 15,
				  .rip = SITE,
				  .rflags = 0x40602,
				  .fsbase = 0xf5000,
				  .gsbase = 0x65000 };
}

static struct emu_fault enter(void)
{
	thread = NULL;
	return emu_eenter(&e, &regs, &thread);
}

static struct emu_fault resume(void)
{
	thread = NULL;
	regs.rax = ENCLU_ERESUME;
	return emu_eresume(&e, &regs, &xsave, &thread);
}

static struct tee_ssa_gpr *gpr(u32 frame)
{
	return (void *)(page(P_SSA + frame) + TEE_SSA_GPR);
}

static struct tee_ssa_exinfo *exinfo(u32 frame)
{
	return (void *)(page(P_SSA + frame) + TEE_SSA_EXINFO);
}

/* One register differs from the good ones. */
static bool refused(u64 *reg, u64 value, struct emu_fault (*leaf)(void), u64 pf)
{
	struct emu_fault f;

	regs = host_regs();
	*reg = value;
	f = leaf();
	return !thread && !e.threads[0].active && (pf ? is_pf(f, pf) : is_gp(f));
}

static void tcs_faults(const char *name, struct emu_fault (*leaf)(void))
{
	char text[64];
	u32 kept;

#define SUB(what, cond) (snprintf(text, sizeof(text), "%s-%s", name, what), CASE(text, cond))
	SUB("tcs-unaligned", refused(&regs.rbx, page(P_TCS) + 8, leaf, 0));
	SUB("tcs-outside", refused(&regs.rbx, base - PAGE, leaf, base - PAGE));
	SUB("tcs-no-page", refused(&regs.rbx, page(P_HOLE), leaf, page(P_HOLE)));
	SUB("tcs-not-tcs", refused(&regs.rbx, page(P_DATA), leaf, page(P_DATA)));
	SUB("aep-not-canonical", refused(&regs.rcx, 1ull << 47, leaf, 0));
	e.initialised = false;
	SUB("before-einit", refused(&regs.rax, 2, leaf, 0));
	e.initialised = true;
	kept = atomic_load(emu_entry(&e, page(P_SSA)));
	atomic_store(emu_entry(&e, page(P_SSA)), kept & ~SECINFO_W);
	SUB("ssa-read-only", refused(&regs.rax, 2, leaf, page(P_SSA)));
	atomic_store(emu_entry(&e, page(P_SSA)), kept | EPCM_PENDING);
	SUB("ssa-pending", refused(&regs.rax, 2, leaf, page(P_SSA)));
	atomic_store(emu_entry(&e, page(P_SSA)), 0);
	SUB("ssa-missing", refused(&regs.rax, 2, leaf, page(P_SSA)));
	atomic_store(emu_entry(&e, page(P_SSA)), kept);
#undef SUB
}

static void eenter(void)
{
	struct emu_regs before, want;

	env_start();
	tcs_faults("eenter", enter);
	e.threads[0].tcs.cssa = 3;
	CASE("eenter-cssa-full", refused(&regs.rax, 2, enter, 0));
	e.threads[0].tcs.cssa = 0;
	regs = before = want = host_regs();
	want.rax = 0;
	want.rcx = SITE + 3;
	want.rip = page(P_CODE) + 0x10;
	want.fsbase = base;
	want.gsbase = page(P_DATA);
	CASE("eenter",
	     is_done(enter()) && thread == &e.threads[0] && !memcmp(&regs, &want, sizeof(regs)));
	CASE("eenter-keeps-host-stack", gpr(0)->ursp == before.rsp && gpr(0)->urbp == before.rbp);
	regs = host_regs();
	CASE("eenter-busy", is_gp(enter()) && !thread && e.threads[0].active);
	regs = host_regs();
	CASE("eresume-busy", is_gp(resume()));
	regs.rbx = 1ull << 47;
	CASE("eexit-not-canonical",
	     is_gp(emu_eexit(&e, &regs, &e.threads[0])) && e.threads[0].active);
	regs = (struct emu_regs){
		.rbx = SITE + 3, .rdi = 6, .rsp = 1, .rax = ENCLU_EEXIT, .rflags = 0x302
	};
	CASE("eexit", is_done(emu_eexit(&e, &regs, &e.threads[0])) && !e.threads[0].active &&
			      regs.rip == SITE + 3 && regs.rcx == AEP && regs.rdi == 6 &&
			      regs.rax == ENCLU_EEXIT && regs.rsp == 1 && regs.rflags == 0x202 &&
			      regs.fsbase == before.fsbase && regs.gsbase == before.gsbase);
}

/* Enters, then leaves as f says, with recognisable registers. */
static struct emu_regs go_out(u32 vector, u64 addr, u32 error)
{
	struct emu_fault f = { .vector = vector, .addr = addr, .error = error };
	struct emu_regs in;
	u64 i;

	regs = host_regs();
	enter();
	for (i = 0; i < 16; i++)
		((u64 *)&regs)[i] = 0x5ec0e70000 + i;
	regs.rip = page(P_CODE) + 0x20;
	regs.rflags = 0x50fd7; /* with DF, OF, AC, RF and TF */
	regs.fsbase = 0x1234000;
	in = regs;
	memset(area, 0xa5, sizeof(area));
	*(u64 *)(area + 512) = 0x207; /* PKRU's bit is none of XFRM's */
	memset(area + 520, 0, 56);
	*(u32 *)(area + 24) = 0x9fc0;
	if (emu_aex(&e, &regs, &xsave, thread, &f))
		regs.rip = 0;
	return in;
}

static bool synthetic(void)
{
	static const struct emu_regs none;
	struct emu_regs r = regs;
	bool ok = r.rax == ENCLU_ERESUME && r.rbx == page(P_TCS) && r.rcx == AEP && r.rip == AEP &&
		  r.rsp == 0x7fff0000 && r.rbp == 0x7fff1000 && r.fsbase == 0xf5000 &&
		  r.gsbase == 0x65000 && !(r.rflags & 0x10dd5);

	r.rax = r.rbx = r.rcx = r.rip = r.rsp = r.rbp = r.fsbase = r.gsbase = r.rflags = 0;
	return ok && !memcmp(&r, &none, sizeof(r));
}

static bool frame_holds(u32 n, const struct emu_regs *in)
{
	return !memcmp(gpr(n), in, 18 * 8) && gpr(n)->fsbase == in->fsbase &&
	       gpr(n)->gsbase == in->gsbase;
}

static void aex_vectors(void)
{
	const u32 shown[] = { 0, 1, 3, 5, 6, 13, 14, 16, 17, 19 };
	u32 v, i, want;
	char text[32];

	for (v = 0; v < 32; v++) {
		for (want = 0, i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
			if (v == shown[i])
				want = TEE_EXIT_INFO_VALID | v | (v == 3 ? 0x600 : 0x300);
		if (v == 21)
			want = TEE_EXIT_INFO_VALID | 0x300 | 21;
		env_start();
		go_out(v, 0, 0);
		snprintf(text, sizeof(text), "aex-exitinfo-%u", v);
		CASE(text, gpr(0)->exit_info == want);
	}
	env_start();
	e.secs.misc_select = 0;
	go_out(EMU_PF, 0x123456, 7);
	CASE("aex-pf-without-exinfo", !gpr(0)->exit_info && !exinfo(0)->maddr);
}

static void aex(void)
{
	struct emu_regs in;

	env_start();
	in = go_out(EMU_PF, 0x123456, 7);
	CASE("aex-synthetic", synthetic());
	CASE("aex-frame", frame_holds(0, &in));
	CASE("aex-exinfo", exinfo(0)->maddr == 0x123456 && exinfo(0)->errcd == 7);
	CASE("aex-state", e.threads[0].tcs.cssa == 1 && !e.threads[0].active);
	CASE("aex-xsave",
	     *(u64 *)(page(P_SSA) + 512) == 7 && *(u32 *)(page(P_SSA) + 24) == 0x9fc0 &&
		     *(u8 *)(page(P_SSA) + 700) == 0xa5 && *(u8 *)(page(P_SSA) + 470) == 0);
	CASE("aex-vectors-cleared", *(u64 *)(area + 512) == 0x200 &&
					    *(u32 *)(area + 24) == 0x1f80 && *(u16 *)area == 0x37f);
	in = go_out(EMU_GP, 99, 8);
	CASE("aex-nested", frame_holds(1, &in) && e.threads[0].tcs.cssa == 2 &&
				   exinfo(1)->errcd == 8 && !exinfo(1)->maddr);
	go_out(EMU_NO_FAULT, 0, 0);
	CASE("aex-last-frame", e.threads[0].tcs.cssa == 3 && !gpr(2)->exit_info);
	regs = host_regs();
	CASE("aex-then-no-entry", is_gp(enter()));
	regs = host_regs();
	CASE("aex-then-resume", is_done(resume()) && e.threads[0].tcs.cssa == 2);
}

static void aex_without_frame(void)
{
	env_start();
	regs = host_regs();
	enter();
	atomic_store(emu_entry(&e, page(P_SSA)), 0);
	CASE("aex-frame-gone",
	     emu_aex(&e, &regs, &xsave, thread, &(struct emu_fault){ .vector = EMU_UD }) == -1);
}

static bool resume_refused(void *field, u64 value, size_t size)
{
	u8 kept[8];
	bool ok;

	memcpy(kept, field, size);
	memcpy(field, &value, size);
	regs = host_regs();
	ok = is_gp(resume()) && !e.threads[0].active && e.threads[0].tcs.cssa == 1;
	memcpy(field, kept, size);
	return ok;
}

static void eresume(void)
{
	struct emu_regs in;
	u8 *x;

	env_start();
	x = (u8 *)page(P_SSA);
	CASE("eresume-nothing-saved", refused(&regs.rax, 3, resume, 0));
	in = go_out(EMU_UD, 0, 0);
	e.threads[0].active = false;
	tcs_faults("eresume", resume);
	CASE("eresume-rip", resume_refused(&gpr(0)->rip, 1ull << 47, 8));
	CASE("eresume-fsbase", resume_refused(&gpr(0)->fsbase, 1ull << 47, 8));
	CASE("eresume-xstate", resume_refused(x + 512, 0x207, 8));
	CASE("eresume-xcomp", resume_refused(x + 520, 1ull << 63, 8));
	CASE("eresume-header", resume_refused(x + 568, 1, 8));
	CASE("eresume-mxcsr", resume_refused(x + 24, 0xffff0000, 4));
	memset(area, 0, sizeof(area));
	memset(area + 464, 0x77, 48);
	gpr(0)->rflags = 0x50ed7 | 0x3000 | 0x100000; /* IOPL and VIP are not for ring 3 */
	regs = host_regs();
	regs.rsp = 0x11110000;
	CASE("eresume", is_done(resume()) && thread == &e.threads[0] && regs.rip == in.rip &&
				regs.rax == in.rax && regs.r15 == in.r15 && regs.rsp == in.rsp &&
				regs.fsbase == in.fsbase && regs.gsbase == in.gsbase &&
				e.threads[0].tcs.cssa == 0);
	CASE("eresume-flags", (regs.rflags & 0x100000) == 0 && (regs.rflags & 0x3000) == 0 &&
				      (regs.rflags & 0xcd5) == (in.rflags & 0xcd5));
	CASE("eresume-xsave", *(u64 *)(area + 512) == 7 && area[700] == 0xa5 && area[470] == 0x77 &&
				      *(u32 *)(area + 24) == 0x9fc0);
	CASE("eresume-new-host-stack", gpr(0)->ursp == 0x11110000);
}

static bool bad_tcs(size_t offset, u64 value, size_t size)
{
	struct tee_tcs t = env_tcs();

	memcpy((u8 *)&t + offset, &value, size);
	e.initialised = false;
	return emu_eadd_tcs(&e, page(P_HOLE), &t) == -EINVAL;
}

#define BAD_TCS(field, value) \
	bad_tcs(offsetof(struct tee_tcs, field), value, sizeof(((struct tee_tcs *)0)->field))

static void building(void)
{
	struct tee_tcs right = env_tcs();
	struct emu_enclave x = {};

	CASE("ecreate-size", emu_ecreate(&x, 0, 3 * PAGE, 3) == -EINVAL);
	CASE("ecreate-size-one-page", emu_ecreate(&x, 0, PAGE, 3) == -EINVAL);
	CASE("ecreate-base", emu_ecreate(&x, PAGE, 4 * PAGE, 3) == -EINVAL);
	CASE("ecreate-xfrm", emu_ecreate(&x, 0, 4 * PAGE, 2) == -EINVAL);
	CASE("einit-no-thread", emu_einit(&x) == -EINVAL);
	env_start();
	CASE("einit-twice", emu_einit(&e) == -EINVAL);
	CASE("eadd-tcs-state", BAD_TCS(state, 1));
	CASE("eadd-tcs-flags", BAD_TCS(flags, 2));
	CASE("eadd-tcs-ossa", BAD_TCS(ossa, 8));
	CASE("eadd-tcs-ossa-outside", BAD_TCS(ossa, PAGES * PAGE - PAGE));
	CASE("eadd-tcs-cssa", BAD_TCS(cssa, 1));
	CASE("eadd-tcs-nssa", BAD_TCS(nssa, 0));
	CASE("eadd-tcs-oentry", BAD_TCS(oentry, PAGES * PAGE));
	CASE("eadd-tcs-ofsbase", BAD_TCS(ofsbase, 1));
	CASE("eadd-tcs-ogsbase", BAD_TCS(ogsbase, 1));
	CASE("eadd-tcs-twice", emu_eadd_tcs(&e, page(P_DATA), &right) == -EEXIST);
	CASE("eadd-tcs-limits", BAD_TCS(ofslimit, 0) && BAD_TCS(ogslimit, 0x123));
	CASE("eadd-write-only",
	     emu_eadd(&e, page(P_HOLE), 1, SECINFO_TYPE(PT_REG) | SECINFO_W) == -EINVAL);
	CASE("eadd-type", emu_eadd(&e, page(P_HOLE), 1, SECINFO_TYPE(PT_VA)) == -EINVAL);
	CASE("eadd-pending", emu_eadd(&e, page(P_HOLE), 1, REG_RW | SECINFO_PENDING) == -EINVAL);
	CASE("eadd-twice", emu_eadd(&e, page(P_DATA), 1, REG_RW) == -EEXIST);
	CASE("eadd-outside", emu_eadd(&e, base - PAGE, 1, REG_RW) == -EINVAL);
}

int main(void)
{
	building();
	eenter();
	aex_vectors();
	aex();
	aex_without_frame();
	eresume();
	return tap_end();
}
