// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* EACCEPT, EACCEPTCOPY, EMODPE and the driver's leaves: each documented refusal, provoked. */
#include <setjmp.h>
#include <signal.h>

#include "test/emu/env.h"

#define REG SECINFO_TYPE(PT_REG)
#define RW (SECINFO_R | SECINFO_W)
#define RFLAGS_ZF 0x40

typedef struct emu_fault leaf_fn(struct emu_enclave *enclave, struct emu_regs *r);

static struct emu_regs regs;

static struct emu_fault call(leaf_fn *leaf, u64 secinfo, u64 rcx, u64 rdx)
{
	regs = (struct emu_regs){
		.rax = 0x1234, .rbx = secinfo, .rcx = rcx, .rdx = rdx, .rflags = 0x8d7
	};
	return leaf(&e, &regs);
}

static bool result(struct emu_fault f, u64 code)
{
	return is_done(f) && regs.rax == code && !!(regs.rflags & RFLAGS_ZF) == !!code &&
	       !(regs.rflags & 0x891); /* CF, AF, SF, OF are cleared */
}

static struct emu_fault accept(u64 flags, u32 n)
{
	return call(emu_eaccept, put_secinfo(flags), page(n), 0);
}

static sigjmp_buf jump;

static void on_fault(int sig)
{
	siglongjmp(jump, 1);
}

/* What the process itself may do there is what the EPCM says. */
static bool can(u32 n, bool write)
{
	volatile u8 *p = (u8 *)page(n);

	if (sigsetjmp(jump, 1))
		return false;
	if (write)
		*p = *p;
	else
		(void)*p;
	return true;
}

/* Faults that the three leaves have in common. */
static void operand_faults(const char *name, leaf_fn *leaf, u64 good)
{
	struct sgx_secinfo *s;
	char text[64];

#define SUB(what, cond) (snprintf(text, sizeof(text), "%s-%s", name, what), CASE(text, cond))
	env_start();
	emu_eaug(&e, page(P_NEW), 2);
	put_secinfo(good);
	SUB("secinfo-unaligned", is_gp(call(leaf, page(P_DATA) + 8, page(P_NEW), page(P_RO))));
	SUB("secinfo-outside", is_gp(call(leaf, base - 64, page(P_NEW), page(P_RO))));
	SUB("secinfo-no-page",
	    is_pf(call(leaf, page(P_HOLE), page(P_NEW), page(P_RO)), page(P_HOLE)));
	SUB("secinfo-pending",
	    is_pf(call(leaf, page(P_NEW + 1), page(P_NEW), page(P_RO)), page(P_NEW + 1)));
	SUB("secinfo-tcs", is_pf(call(leaf, page(P_TCS), page(P_NEW), page(P_RO)), page(P_TCS)));
	SUB("secinfo-flags",
	    is_gp(call(leaf, put_secinfo(good | 1 << 16), page(P_NEW), page(P_RO))));
	s = (void *)put_secinfo(good);
	s->reserved[55] = 1;
	SUB("secinfo-reserved", is_gp(call(leaf, (u64)s, page(P_NEW), page(P_RO))));
	put_secinfo(good);
	SUB("page-unaligned", is_gp(call(leaf, page(P_DATA), page(P_NEW) + 1, page(P_RO))));
	SUB("page-outside", is_gp(call(leaf, page(P_DATA), base + PAGES * PAGE, page(P_RO))));
	SUB("page-missing",
	    is_pf(call(leaf, page(P_DATA), page(P_HOLE), page(P_RO)), page(P_HOLE)));
	SUB("nothing-changed", entry_of(P_NEW) == (EPCM_VALID | EPCM_PENDING | REG | RW));
#undef SUB
}

static void eaccept(void)
{
	const u64 fresh = REG | SECINFO_PENDING | RW;

	operand_faults("eaccept", emu_eaccept, fresh);
	CASE("eaccept-reg-neither", is_gp(accept(REG | RW, P_NEW)));
	CASE("eaccept-reg-modified", is_gp(accept(fresh | SECINFO_MODIFIED, P_NEW)));
	CASE("eaccept-trim-pending", is_gp(accept(SECINFO_TYPE(PT_TRIM) | SECINFO_PENDING, P_NEW)));
	CASE("eaccept-trim-unmodified", is_gp(accept(SECINFO_TYPE(PT_TRIM), P_NEW)));
	CASE("eaccept-tcs-unmodified", is_gp(accept(SECINFO_TYPE(PT_TCS), P_NEW)));
	CASE("eaccept-secs", is_gp(accept(SECINFO_TYPE(PT_SECS) | SECINFO_MODIFIED, P_NEW)));
	CASE("eaccept-other-perm", result(accept(REG | SECINFO_PENDING | SECINFO_R, P_NEW),
					  SGX_PAGE_ATTRIBUTES_MISMATCH));
	CASE("eaccept-other-type", result(accept(SECINFO_TYPE(PT_TRIM) | SECINFO_MODIFIED, P_NEW),
					  SGX_PAGE_ATTRIBUTES_MISMATCH));
	CASE("eaccept-pending-unusable", !can(P_NEW, false));
	CASE("eaccept-pending", result(accept(fresh, P_NEW), 0) && can(P_NEW, true) &&
					*(u8 *)page(P_NEW) == 0 &&
					entry_of(P_NEW) == (EPCM_VALID | REG | RW));
	CASE("eaccept-twice", result(accept(fresh, P_NEW), SGX_PAGE_ATTRIBUTES_MISMATCH));
}

static void restrict_and_trim(void)
{
	const u64 trim = SECINFO_TYPE(PT_TRIM) | SECINFO_MODIFIED;

	env_start();
	CASE("emodpr-write-only", emu_emodpr(&e, page(P_DATA), 1, SECINFO_W) == -EINVAL);
	CASE("emodpr-missing", emu_emodpr(&e, page(P_HOLE), 1, SECINFO_R) == -EFAULT);
	CASE("emodpr-tcs", emu_emodpr(&e, page(P_TCS), 1, SECINFO_R) == -EFAULT);
	emu_eaug(&e, page(P_NEW), 3);
	CASE("emodpr-pending",
	     emu_emodpr(&e, page(P_NEW), 1, SECINFO_R) == SGX_PAGE_NOT_MODIFIABLE);
	accept(REG | SECINFO_PENDING | RW, P_NEW);
	*(u8 *)page(P_NEW) = 7;
	CASE("emodpr", !emu_emodpr(&e, page(P_NEW), 1, SECINFO_R | SECINFO_X) &&
			       entry_of(P_NEW) == (EPCM_VALID | REG | EPCM_PR | SECINFO_R));
	CASE("emodpr-at-once", can(P_NEW, false) && !can(P_NEW, true));
	CASE("eaccept-not-tracked",
	     result(accept(REG | SECINFO_PR | SECINFO_R, P_NEW), SGX_NOT_TRACKED));
	emu_etrack(&e);
	CASE("eaccept-pr-too-much",
	     result(accept(REG | SECINFO_PR | RW, P_NEW), SGX_PAGE_ATTRIBUTES_MISMATCH));
	CASE("eaccept-pr", result(accept(REG | SECINFO_PR | SECINFO_R, P_NEW), 0) &&
				   entry_of(P_NEW) == (EPCM_VALID | REG | SECINFO_R) &&
				   *(u8 *)page(P_NEW) == 7);
	CASE("emodt-reg", emu_emodt(&e, page(P_NEW), 1, PT_REG) == -EINVAL);
	CASE("emodt-tcs-refused", emu_emodt(&e, page(P_NEW), 1, PT_TCS) == -EINVAL);
	CASE("emodt-missing", emu_emodt(&e, page(P_HOLE), 1, PT_TRIM) == -EFAULT);
	CASE("emodt-pending",
	     emu_emodt(&e, page(P_NEW + 1), 1, PT_TRIM) == SGX_PAGE_NOT_MODIFIABLE);
	CASE("emodt", !emu_emodt(&e, page(P_NEW), 1, PT_TRIM) && !can(P_NEW, false));
	CASE("emodt-twice", emu_emodt(&e, page(P_NEW), 1, PT_TRIM) == -EFAULT);
	CASE("eaccept-trim-not-tracked", result(accept(trim, P_NEW), SGX_NOT_TRACKED));
	e.threads[0].active = true;
	CASE("eremove-outside", emu_eremove(&e, base + PAGES * PAGE, 1) == -EINVAL);
	CASE("eremove-over-the-end", emu_eremove(&e, page(PAGES - 1), 2) == -EINVAL);
	CASE("eremove-nothing", emu_eremove(&e, page(P_NEW), 0) == -EINVAL);
	CASE("eremove-unaccepted", emu_eremove(&e, page(P_NEW), 1) == SGX_ENCLAVE_ACT);
	emu_etrack(&e);
	CASE("eaccept-trim", result(accept(trim, P_NEW), 0) && !can(P_NEW, false));
	CASE("eremove-in-use", emu_eremove(&e, page(P_DATA), 1) == SGX_ENCLAVE_ACT);
	CASE("eremove", !emu_eremove(&e, page(P_NEW), 1) && !(entry_of(P_NEW) & EPCM_VALID));
	CASE("eaug-again", !emu_eaug(&e, page(P_NEW), 1) &&
				   result(accept(REG | SECINFO_PENDING | RW, P_NEW), 0) &&
				   *(u8 *)page(P_NEW) == 0);
	e.threads[0].active = false;
	CASE("eremove-nobody-inside", !emu_eremove(&e, page(P_RO), 1));
}

static void eaug(void)
{
	env_start();
	CASE("eaug-present", emu_eaug(&e, page(P_DATA), 1) == -EEXIST);
	CASE("eaug-outside", emu_eaug(&e, base + PAGES * PAGE, 1) == -EINVAL);
	CASE("eaug-over-the-end", emu_eaug(&e, page(PAGES - 1), 2) == -EINVAL);
	CASE("eaug-unaligned", emu_eaug(&e, page(P_NEW) + 8, 1) == -EINVAL);
	CASE("eaug-nothing", emu_eaug(&e, page(P_NEW), 0) == -EINVAL);
	CASE("eaug-huge", emu_eaug(&e, page(P_NEW), ~0ull) == -EINVAL);
	e.initialised = false;
	CASE("eaug-before-einit", emu_eaug(&e, page(P_NEW), 1) == -EINVAL);
	e.initialised = true;
	CASE("eaug", !emu_eaug(&e, page(P_NEW), 2) &&
			     entry_of(P_NEW + 1) == (EPCM_VALID | EPCM_PENDING | REG | RW));
	CASE("eadd-after-einit", emu_eadd(&e, page(P_HOLE), 1, REG | RW) == -EINVAL);
}

static void eacceptcopy(void)
{
	const u64 rx = REG | SECINFO_R | SECINFO_X;

	operand_faults("eacceptcopy", emu_eacceptcopy, rx);
	CASE("eacceptcopy-pending-flag",
	     is_gp(call(emu_eacceptcopy, put_secinfo(rx | SECINFO_PENDING), page(P_NEW),
			page(P_RO))));
	CASE("eacceptcopy-modified-flag",
	     is_gp(call(emu_eacceptcopy, put_secinfo(rx | SECINFO_MODIFIED), page(P_NEW),
			page(P_RO))));
	CASE("eacceptcopy-pr-flag",
	     is_gp(call(emu_eacceptcopy, put_secinfo(rx | SECINFO_PR), page(P_NEW), page(P_RO))));
	CASE("eacceptcopy-type",
	     is_gp(call(emu_eacceptcopy, put_secinfo(SECINFO_TYPE(PT_TCS) | SECINFO_R), page(P_NEW),
			page(P_RO))));
	CASE("eacceptcopy-write-only",
	     is_gp(call(emu_eacceptcopy, put_secinfo(REG | SECINFO_W), page(P_NEW), page(P_RO))));
	CASE("eacceptcopy-not-pending",
	     is_pf(call(emu_eacceptcopy, put_secinfo(rx), page(P_RO), page(P_RO)), page(P_RO)));
	CASE("eacceptcopy-source-missing",
	     is_pf(call(emu_eacceptcopy, put_secinfo(rx), page(P_NEW), page(P_HOLE)),
		   page(P_HOLE)));
	CASE("eacceptcopy-source-unaligned",
	     is_gp(call(emu_eacceptcopy, put_secinfo(rx), page(P_NEW), page(P_DATA) + 64)));
	memset((void *)(page(P_DATA) + 128), 0x5a, 1024);
	CASE("eacceptcopy",
	     result(call(emu_eacceptcopy, put_secinfo(rx), page(P_NEW), page(P_DATA)), 0) &&
		     entry_of(P_NEW) == (EPCM_VALID | rx) && !can(P_NEW, true) &&
		     !memcmp((void *)page(P_NEW), (void *)page(P_DATA), PAGE));
	CASE("eacceptcopy-whole-or-not-there", copied_unseen);
}

static void emodpe(void)
{
	operand_faults("emodpe", emu_emodpe, REG | SECINFO_R);
	CASE("emodpe-pending",
	     is_pf(call(emu_emodpe, put_secinfo(REG | RW), page(P_NEW), 0), page(P_NEW)));
	accept(REG | SECINFO_PENDING | RW, P_NEW);
	CASE("emodpe", is_done(call(emu_emodpe, put_secinfo(REG | SECINFO_X), page(P_NEW), 0)) &&
			       entry_of(P_NEW) == (EPCM_VALID | REG | EPCM_PERM) &&
			       regs.rax == 0x1234 && regs.rflags == 0x8d7);
	emu_emodpr(&e, page(P_NEW), 1, 0);
	CASE("emodpe-write-only",
	     is_gp(call(emu_emodpe, put_secinfo(REG | SECINFO_W), page(P_NEW), 0)));
	CASE("emodpe-from-none",
	     is_done(call(emu_emodpe, put_secinfo(REG | SECINFO_R), page(P_NEW), 0)) &&
		     can(P_NEW, false) && !can(P_NEW, true));
}

/* A processor without SGX2, with a page that could do anything. */
static void env_sgx1(void)
{
	env_start();
	e.initialised = false;
	emu_eadd(&e, page(P_NEW), 1, REG | EPCM_PERM);
	e.initialised = e.sgx1 = true;
}

static void sgx1(void)
{
	const u32 rwx = EPCM_VALID | REG | EPCM_PERM;

	env_sgx1();
	CASE("sgx1-eaccept", is_gp(accept(REG | SECINFO_PENDING | RW, P_NEW)));
	CASE("sgx1-eacceptcopy",
	     is_gp(call(emu_eacceptcopy, put_secinfo(REG | RW), page(P_NEW), page(P_RO))));
	CASE("sgx1-emodpe", is_gp(call(emu_emodpe, put_secinfo(REG | RW), page(P_RO), 0)));
	CASE("sgx1-eaug", emu_eaug(&e, page(P_HOLE), 1) == -EOPNOTSUPP);
	CASE("sgx1-emodpr", emu_emodpr(&e, page(P_NEW), 1, SECINFO_R) == -EOPNOTSUPP);
	CASE("sgx1-emodt", emu_emodt(&e, page(P_NEW), 1, PT_TRIM) == -EOPNOTSUPP);
	CASE("sgx1-eadd-after-einit", emu_eadd(&e, page(P_HOLE), 1, REG | RW) == -EINVAL);
	CASE("sgx1-nothing-changed", entry_of(P_NEW) == rwx && can(P_NEW, true));
	CASE("sgx1-nothing-counted",
	     !e.count[EMU_COUNT_EAUG] && !e.count[EMU_COUNT_EMODPR] && !e.count[EMU_COUNT_EMODT]);
}

/* Page tables below the EPCM. */
static void map(void)
{
	env_sgx1();
	CASE("map-missing", emu_map(&e, page(P_HOLE), 1, RW) == -EFAULT);
	CASE("map-tcs", emu_map(&e, page(P_TCS), 1, RW) == -EFAULT);
	CASE("map-write-only", emu_map(&e, page(P_NEW), 1, SECINFO_W) == -EINVAL);
	*(u8 *)page(P_NEW) = 7;
	CASE("map-none", !emu_map(&e, page(P_NEW), 1, 0) && !can(P_NEW, false) &&
				 !emu_usable(&e, page(P_NEW), SECINFO_R));
	CASE("map-read", !emu_map(&e, page(P_NEW), 1, SECINFO_R) && can(P_NEW, false) &&
				 !can(P_NEW, true) && *(u8 *)page(P_NEW) == 7);
	CASE("map-fault-is-not-the-epcm's", !emu_refused_by_epcm(&e, page(P_NEW), 2));
	CASE("map-not-more-than-the-epcm", !emu_map(&e, page(P_RO), 1, RW) && !can(P_RO, true));
	CASE("map-fault-is-the-epcm's", emu_refused_by_epcm(&e, page(P_RO), 2) == SGX_PF_SGX);
	CASE("map-again", !emu_map(&e, page(P_NEW), 1, EPCM_PERM) && can(P_NEW, true) &&
				  entry_of(P_NEW) == (EPCM_VALID | REG | EPCM_PERM));
}

int main(void)
{
	signal(SIGSEGV, on_fault);
	eaug();
	eaccept();
	restrict_and_trim();
	eacceptcopy();
	emodpe();
	sgx1();
	map();
	return tap_end();
}
