// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * EREPORT and EGETKEY (SDM vol. 3D, 41.4) with a software root key. The derivation is SGX's in
 * what a key depends on (table 41-56 and 38.17), not in its secret function. The measurement
 * is zero until images are measured, so that two images can't be told apart by their keys yet.
 */
#include <stddef.h>
#include <string.h>

#include "host/tee/emu/cmac.h"
#include "host/tee/emu/enclave.h"

#define RFLAGS_ZF 0x40ull
#define RFLAGS_STATUS 0x8d5ull
#define REPORT_ALIGN 512
#define REPORT_DATA_ALIGN 128
#define KEY_ALIGN 16
#define REQUIRED_FLAGS (SGX_ATTR_INIT | SGX_ATTR_DEBUG)

/* What a key depends on; all that the request leaves out is zero. */
struct dependencies {
	u16 key_name, isv_prod_id, isv_svn, key_policy;
	u32 misc_select, misc_mask;
	struct sgx_attributes attributes, attribute_mask;
	u8 cpu_svn[16];
	u8 mr_enclave[32];
	u8 mr_signer[32];
	u8 key_id[32];
};
_Static_assert(sizeof(struct dependencies) == 160, "no holes: it is hashed as bytes");

static void derive(const struct emu_enclave *e, const struct dependencies *d, u8 key[16])
{
	emu_cmac(e->cpu_key, d, sizeof(*d), key);
}

static bool zero(const u8 *p, size_t size)
{
	while (size--)
		if (*p++)
			return false;
	return true;
}

/* Alignment, range and EPCM of an operand that lies in one page. */
static struct emu_fault operand(struct emu_enclave *e, u64 addr, u32 align, u32 perm)
{
	if (addr % align || !emu_in_range(e, addr))
		return emu_gp();
	return emu_usable(e, addr, perm) ? emu_done() : emu_pf(addr, perm & SECINFO_W ? 2 : 0);
}

static void report_key(const struct emu_enclave *e, const u8 mr[32], struct sgx_attributes attr,
		       u32 misc, const u8 key_id[32], u8 key[16])
{
	struct dependencies d = {
		.key_name = SGX_KEY_REPORT,
		.attributes = attr,
		.misc_select = misc,
	};

	memcpy(d.cpu_svn, e->cpu_svn, sizeof(d.cpu_svn));
	memcpy(d.mr_enclave, mr, sizeof(d.mr_enclave));
	memcpy(d.key_id, key_id, sizeof(d.key_id));
	derive(e, &d, key);
}

static void make_report(const struct emu_enclave *e, const struct sgx_targetinfo *target,
			const u8 *data, struct sgx_report *out)
{
	u8 key[16];

	*out = (struct sgx_report){
		.misc_select = e->secs.misc_select,
		.attributes = e->secs.attributes,
		.isv_prod_id = e->secs.isv_prod_id,
		.isv_svn = e->secs.isv_svn,
	};
	memcpy(out->cpu_svn, e->cpu_svn, sizeof(out->cpu_svn));
	memcpy(out->mr_enclave, e->secs.mr_enclave, sizeof(out->mr_enclave));
	memcpy(out->mr_signer, e->secs.mr_signer, sizeof(out->mr_signer));
	memcpy(out->report_data, data, sizeof(out->report_data));
	memcpy(out->key_id, e->cpu_svn, sizeof(e->cpu_svn)); /* CR_REPORT_KEYID: any constant */
	report_key(e, target->mr_enclave, target->attributes, target->misc_select, out->key_id,
		   key);
	emu_cmac(key, out, SGX_REPORT_MACED, out->mac);
}

/* EREPORT: rbx = TARGETINFO, rcx = 64 bytes of data, rdx = where the report goes. */
struct emu_fault emu_ereport(struct emu_enclave *e, struct emu_regs *r)
{
	struct sgx_targetinfo target;
	struct sgx_report report;
	u8 data[SGX_REPORT_DATA_SIZE];
	struct emu_fault f;

	emu_tally(e, EMU_COUNT_EREPORT);
	emu_lock(e);
	f = operand(e, r->rbx, REPORT_ALIGN, SECINFO_R);
	if (f.vector == EMU_NO_FAULT)
		f = operand(e, r->rcx, REPORT_DATA_ALIGN, SECINFO_R);
	if (f.vector == EMU_NO_FAULT)
		f = operand(e, r->rdx, REPORT_ALIGN, SECINFO_R | SECINFO_W);
	if (f.vector == EMU_NO_FAULT) {
		memcpy(&target, (void *)r->rbx, sizeof(target));
		memcpy(data, (void *)r->rcx, sizeof(data));
		make_report(e, &target, data, &report);
		memcpy((void *)r->rdx, &report, sizeof(report));
	}
	emu_unlock(e);
	return f;
}

/* The error code for a request that is well-formed; 0 if the key may be had. */
static u64 may_have(const struct emu_enclave *e, const struct sgx_keyrequest *q)
{
	u64 attr = e->secs.attributes.flags;

	switch (q->key_name) {
	case SGX_KEY_REPORT:
		return 0;
	case SGX_KEY_EINITTOKEN:
		if (!(attr & SGX_ATTR_EINITTOKEN_KEY))
			return SGX_INVALID_ATTRIBUTE;
		break;
	case SGX_KEY_PROVISION:
	case SGX_KEY_PROVISION_SEAL:
		if (!(attr & SGX_ATTR_PROVISION_KEY))
			return SGX_INVALID_ATTRIBUTE;
		break;
	case SGX_KEY_SEAL:
		break;
	default:
		return SGX_INVALID_KEYNAME;
	}
	if (memcmp(q->cpu_svn, e->cpu_svn, sizeof(q->cpu_svn)) > 0)
		return SGX_INVALID_CPUSVN;
	return q->isv_svn > e->secs.isv_svn ? SGX_INVALID_ISVSVN : 0;
}

static void derive_requested(const struct emu_enclave *e, const struct sgx_keyrequest *q,
			     u8 key[16])
{
	struct dependencies d = {
		.key_name = q->key_name,
		.isv_prod_id = e->secs.isv_prod_id,
		.isv_svn = q->isv_svn,
		.key_policy = q->key_policy,
		.misc_select = e->secs.misc_select & q->misc_mask,
		.misc_mask = q->misc_mask,
		.attribute_mask = q->attribute_mask,
	};

	if (q->key_name == SGX_KEY_REPORT) {
		report_key(e, e->secs.mr_enclave, e->secs.attributes, e->secs.misc_select,
			   q->key_id, key);
		return;
	}
	d.attributes.flags = (q->attribute_mask.flags | REQUIRED_FLAGS) & e->secs.attributes.flags;
	d.attributes.xfrm = (q->attribute_mask.xfrm | 3) & e->secs.attributes.xfrm;
	memcpy(d.cpu_svn, q->cpu_svn, sizeof(d.cpu_svn));
	memcpy(d.key_id, q->key_id, sizeof(d.key_id));
	if (q->key_policy & SGX_POLICY_MRENCLAVE)
		memcpy(d.mr_enclave, e->secs.mr_enclave, sizeof(d.mr_enclave));
	if (q->key_policy & SGX_POLICY_MRSIGNER)
		memcpy(d.mr_signer, e->secs.mr_signer, sizeof(d.mr_signer));
	derive(e, &d, key);
}

/* EGETKEY: rbx = KEYREQUEST, rcx = where the 16 bytes go. */
struct emu_fault emu_egetkey(struct emu_enclave *e, struct emu_regs *r)
{
	struct sgx_keyrequest q;
	struct emu_fault f;
	u8 key[16];

	emu_tally(e, EMU_COUNT_EGETKEY);
	emu_lock(e);
	f = operand(e, r->rbx, REPORT_ALIGN, SECINFO_R);
	if (f.vector == EMU_NO_FAULT)
		f = operand(e, r->rcx, KEY_ALIGN, SECINFO_R | SECINFO_W);
	if (f.vector == EMU_NO_FAULT) {
		memcpy(&q, (void *)r->rbx, sizeof(q));
		if (!zero(q.reserved1, sizeof(q.reserved1)) ||
		    !zero(q.reserved2, sizeof(q.reserved2)) || (q.key_policy & ~SGX_POLICY_KNOWN))
			f = emu_gp();
	}
	if (f.vector == EMU_NO_FAULT) {
		r->rax = may_have(e, &q);
		r->rflags = (r->rflags & ~RFLAGS_STATUS) | (r->rax ? RFLAGS_ZF : 0);
		if (!r->rax) {
			derive_requested(e, &q, key);
			memcpy((void *)r->rcx, key, sizeof(key));
		}
	}
	emu_unlock(e);
	return f;
}
