// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* EREPORT and EGETKEY: refusals, what keys depend on, and that reports verify. */
#include "host/tee/emu/cmac.h"
#include "test/emu/env.h"

#define REQUEST page(P_DATA)
#define KEY (page(P_DATA) + 0x400)
#define TARGET (page(P_DATA) + 0x600)
#define DATA (page(P_DATA) + 0x800)
#define REPORT (page(P_DATA) + 0xa00)

static struct emu_regs regs;

static void rfc4493(void)
{
	static const u8 key[16] = { 0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
				    0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c };
	static const u8 text[40] = { 0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d,
				     0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a, 0xae, 0x2d, 0x8a, 0x57,
				     0x1e, 0x03, 0xac, 0x9c, 0x9e, 0xb7, 0x6f, 0xac, 0x45, 0xaf,
				     0x8e, 0x51, 0x30, 0xc8, 0x1c, 0x46, 0xa3, 0x5c, 0xe4, 0x11 };
	static const struct {
		u32 size;
		u8 mac[16];
	} vectors[] = {
		{ 0,
		  { 0xbb, 0x1d, 0x69, 0x29, 0xe9, 0x59, 0x37, 0x28, 0x7f, 0xa3, 0x7d, 0x12, 0x9b,
		    0x75, 0x67, 0x46 } },
		{ 16,
		  { 0x07, 0x0a, 0x16, 0xb4, 0x6b, 0x4d, 0x41, 0x44, 0xf7, 0x9b, 0xdd, 0x9d, 0xd0,
		    0x4a, 0x28, 0x7c } },
		{ 40,
		  { 0xdf, 0xa6, 0x67, 0x47, 0xde, 0x9a, 0xe6, 0x30, 0x30, 0xca, 0x32, 0x61, 0x14,
		    0x97, 0xc8, 0x27 } },
	};
	char name[32];
	u8 mac[16];
	u32 i;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		emu_cmac(key, text, vectors[i].size, mac);
		snprintf(name, sizeof(name), "cmac-%u", vectors[i].size);
		CASE(name, !memcmp(mac, vectors[i].mac, 16));
	}
}

static struct emu_fault report(u64 target, u64 data, u64 out)
{
	regs = (struct emu_regs){ .rbx = target, .rcx = data, .rdx = out };
	return emu_ereport(&e, &regs);
}

static struct emu_fault getkey(u64 request, u64 out)
{
	regs = (struct emu_regs){ .rax = 1, .rbx = request, .rcx = out, .rflags = 0x8d7 };
	return emu_egetkey(&e, &regs);
}

static struct sgx_keyrequest *request(u16 name)
{
	struct sgx_keyrequest *q = (void *)REQUEST;

	memset(q, 0, sizeof(*q));
	q->key_name = name;
	return q;
}

static bool code(u64 want)
{
	return is_done(getkey(REQUEST, KEY)) && regs.rax == want &&
	       !!(regs.rflags & 0x40) == !!want;
}

static void key(u8 out[16])
{
	memset(out, 0, 16);
	if (code(0))
		memcpy(out, (void *)KEY, 16);
}

static void report_faults(void)
{
	env_start();
	CASE("ereport-target-unaligned", is_gp(report(TARGET + 64, DATA, REPORT)));
	CASE("ereport-target-outside", is_gp(report(base - 512, DATA, REPORT)));
	CASE("ereport-target-missing", is_pf(report(page(P_HOLE), DATA, REPORT), page(P_HOLE)));
	CASE("ereport-data-unaligned", is_gp(report(TARGET, DATA + 64, REPORT)));
	CASE("ereport-data-outside", is_gp(report(TARGET, base - 128, REPORT)));
	CASE("ereport-data-missing", is_pf(report(TARGET, page(P_HOLE), REPORT), page(P_HOLE)));
	CASE("ereport-output-unaligned", is_gp(report(TARGET, DATA, REPORT + 128)));
	CASE("ereport-output-outside", is_gp(report(TARGET, DATA, base - 512)));
	CASE("ereport-output-read-only", is_pf(report(TARGET, DATA, page(P_RO)), page(P_RO)));
}

/* The target asks for its report key and checks the MAC, as an attesting enclave would. */
static void report_verifies(void)
{
	struct sgx_targetinfo *t;
	struct sgx_report *r;
	u8 k[16], mac[16];

	env_start();
	r = (void *)REPORT;
	t = (void *)TARGET;
	memset(e.secs.mr_enclave, 0x11, 32);
	memset((void *)DATA, 0x42, 64);
	memcpy(t->mr_enclave, e.secs.mr_enclave, 32);
	t->attributes = e.secs.attributes;
	t->misc_select = e.secs.misc_select;
	CASE("ereport", is_done(report(TARGET, DATA, REPORT)) && r->report_data[63] == 0x42 &&
				r->mr_enclave[0] == 0x11 && r->attributes.xfrm == 7);
	memcpy(request(SGX_KEY_REPORT)->key_id, r->key_id, 32);
	key(k);
	emu_cmac(k, r, SGX_REPORT_MACED, mac);
	CASE("ereport-verifies", !memcmp(mac, r->mac, 16));
	e.secs.mr_enclave[5] ^= 1; /* another enclave */
	key(k);
	emu_cmac(k, r, SGX_REPORT_MACED, mac);
	CASE("ereport-not-for-others", memcmp(mac, r->mac, 16) != 0);
}

static void key_refusals(void)
{
	env_start();
	request(SGX_KEY_SEAL);
	CASE("egetkey-request-unaligned", is_gp(getkey(REQUEST + 64, KEY)));
	CASE("egetkey-request-outside", is_gp(getkey(base - 512, KEY)));
	CASE("egetkey-request-missing", is_pf(getkey(page(P_HOLE), KEY), page(P_HOLE)));
	CASE("egetkey-output-unaligned", is_gp(getkey(REQUEST, KEY + 8)));
	CASE("egetkey-output-outside", is_gp(getkey(REQUEST, base - 16)));
	CASE("egetkey-output-read-only", is_pf(getkey(REQUEST, page(P_RO)), page(P_RO)));
	request(SGX_KEY_SEAL)->reserved1[1] = 1;
	CASE("egetkey-reserved1", is_gp(getkey(REQUEST, KEY)));
	request(SGX_KEY_SEAL)->reserved2[433] = 1;
	CASE("egetkey-reserved2", is_gp(getkey(REQUEST, KEY)));
	request(SGX_KEY_SEAL)->key_policy = 4;
	CASE("egetkey-policy", is_gp(getkey(REQUEST, KEY)));
	request(5);
	CASE("egetkey-name", code(SGX_INVALID_KEYNAME));
	request(SGX_KEY_EINITTOKEN);
	CASE("egetkey-einittoken", code(SGX_INVALID_ATTRIBUTE));
	request(SGX_KEY_PROVISION);
	CASE("egetkey-provision", code(SGX_INVALID_ATTRIBUTE));
	request(SGX_KEY_PROVISION_SEAL);
	CASE("egetkey-provision-seal", code(SGX_INVALID_ATTRIBUTE));
	e.secs.attributes.flags |= SGX_ATTR_PROVISION_KEY;
	CASE("egetkey-provision-allowed", code(0));
	request(SGX_KEY_SEAL)->cpu_svn[0] = 1;
	CASE("egetkey-cpusvn", code(SGX_INVALID_CPUSVN));
	request(SGX_KEY_SEAL)->isv_svn = 1;
	CASE("egetkey-isvsvn", code(SGX_INVALID_ISVSVN));
}

/* Does the seal key change when one thing does? */
static void seal_depends(const char *name, u16 policy, u8 *field, bool want)
{
	u8 a[16], b[16];
	char text[48];

	request(SGX_KEY_SEAL)->key_policy = policy;
	key(a);
	*field ^= 1;
	key(b);
	*field ^= 1;
	snprintf(text, sizeof(text), "egetkey-%s-%s", want ? "depends" : "independent", name);
	CASE(text, (memcmp(a, b, 16) != 0) == want);
}

int main(void)
{
	u8 *q;

	rfc4493();
	report_faults();
	report_verifies();
	key_refusals();
	env_start();
	q = (u8 *)REQUEST;
	seal_depends("mrenclave", SGX_POLICY_MRENCLAVE, &e.secs.mr_enclave[31], true);
	seal_depends("mrsigner", SGX_POLICY_MRSIGNER, &e.secs.mr_signer[0], true);
	seal_depends("mrenclave", SGX_POLICY_MRSIGNER, &e.secs.mr_enclave[31], false);
	seal_depends("mrsigner", SGX_POLICY_MRENCLAVE, &e.secs.mr_signer[0], false);
	seal_depends("product", 0, (u8 *)&e.secs.isv_prod_id, true);
	seal_depends("key-id", 0, q + offsetof(struct sgx_keyrequest, key_id) + 31, true);
	seal_depends("processor", 0, &e.cpu_key[15], true);
	e.secs.attributes.flags |= SGX_ATTR_DEBUG;
	seal_depends("debug", 0, (u8 *)&e.secs.attributes.flags, true);
	return tap_end();
}
