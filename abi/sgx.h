/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Intel SGX as software sees it: leaves, structures, error codes. Intel SDM vol. 3D, edition
 * with chapters 37 to 43: structures are chapter 38, leaves chapter 41. What already is in
 * abi/tee.h (TCS, SSA) is not repeated.
 */
#ifndef ABI_SGX_H
#define ABI_SGX_H

/* ENCLU leaves, in eax (table 41-2) */
#define ENCLU_EREPORT 0
#define ENCLU_EGETKEY 1
#define ENCLU_EENTER 2
#define ENCLU_ERESUME 3
#define ENCLU_EEXIT 4
#define ENCLU_EACCEPT 5
#define ENCLU_EMODPE 6
#define ENCLU_EACCEPTCOPY 7

/* SECINFO.FLAGS (table 38-17); page types in bits 8 to 15 (table 38-18) */
#define SECINFO_R 1
#define SECINFO_W 2
#define SECINFO_X 4
#define SECINFO_PENDING 8
#define SECINFO_MODIFIED 0x10
#define SECINFO_PR 0x20
#define SECINFO_TYPE(t) ((t) << 8)
#define SECINFO_TYPE_MASK 0xff00
#define SECINFO_KNOWN 0xff3f
#define PT_SECS 0
#define PT_TCS 1
#define PT_REG 2
#define PT_VA 3
#define PT_TRIM 4

/* Error codes in rax (table 41-3) */
#define SGX_INVALID_ATTRIBUTE 2
#define SGX_INVALID_CPUSVN 32
#define SGX_INVALID_ISVSVN 64
#define SGX_INVALID_KEYNAME 256
#define SGX_ENCLAVE_ACT 14
#define SGX_NOT_TRACKED 11
#define SGX_PAGE_ATTRIBUTES_MISMATCH 19
#define SGX_PAGE_NOT_MODIFIABLE 20

/* ATTRIBUTES (table 38-2) */
#define SGX_ATTR_INIT 1
#define SGX_ATTR_DEBUG 2
#define SGX_ATTR_MODE64 4
#define SGX_ATTR_PROVISION_KEY 0x10
#define SGX_ATTR_EINITTOKEN_KEY 0x20
#define SGX_MISC_EXINFO 1

/* Bit 15 of a page fault's error code: the EPCM refused (38.19.1) */
#define SGX_PF_SGX 0x8000

/* KEYREQUEST (38.17) */
#define SGX_KEY_EINITTOKEN 0
#define SGX_KEY_PROVISION 1
#define SGX_KEY_PROVISION_SEAL 2
#define SGX_KEY_REPORT 3
#define SGX_KEY_SEAL 4
#define SGX_POLICY_MRENCLAVE 1
#define SGX_POLICY_MRSIGNER 2
#define SGX_POLICY_KNOWN 3

#ifndef __ASSEMBLER__
#include "abi/types.h"

struct sgx_secinfo {
	u64 flags;
	u8 reserved[56];
} __attribute__((aligned(64)));
ABI_SIZE(struct sgx_secinfo, 64);

struct sgx_attributes {
	u64 flags, xfrm;
};
ABI_SIZE(struct sgx_attributes, 16);

/* Table 38-1. */
struct sgx_secs {
	u64 size, base;
	u32 ssa_frame_size; /* pages */
	u32 misc_select;
	u8 reserved1[24];
	struct sgx_attributes attributes;
	u8 mr_enclave[32];
	u8 reserved2[32];
	u8 mr_signer[32];
	u8 reserved3[32];
	u32 config_reserved[16];
	u16 isv_prod_id, isv_svn, config_svn;
	u8 reserved4[3834];
};
ABI_SIZE(struct sgx_secs, 4096);
ABI_OFFSET(struct sgx_secs, mr_enclave, 64);
ABI_OFFSET(struct sgx_secs, mr_signer, 128);
ABI_OFFSET(struct sgx_secs, isv_prod_id, 256);

/* Table 38-21; aligned to 512. */
struct sgx_targetinfo {
	u8 mr_enclave[32];
	struct sgx_attributes attributes;
	u8 reserved1[2];
	u16 config_svn;
	u32 misc_select;
	u8 reserved2[8];
	u8 config_id[64];
	u8 reserved3[384];
};
ABI_SIZE(struct sgx_targetinfo, 512);

/* Table 38-20; aligned to 512. The MAC covers the first 384 bytes. */
struct sgx_report {
	u8 cpu_svn[16];
	u32 misc_select;
	u8 reserved1[28];
	struct sgx_attributes attributes;
	u8 mr_enclave[32];
	u8 reserved2[32];
	u8 mr_signer[32];
	u8 reserved3[96];
	u16 isv_prod_id, isv_svn;
	u8 reserved4[60];
	u8 report_data[64];
	u8 key_id[32];
	u8 mac[16];
};
ABI_SIZE(struct sgx_report, 432);
ABI_OFFSET(struct sgx_report, report_data, 320);
ABI_OFFSET(struct sgx_report, key_id, 384);
#define SGX_REPORT_MACED 384
#define SGX_REPORT_DATA_SIZE 64

/* Table 38-22; aligned to 512. */
struct sgx_keyrequest {
	u16 key_name, key_policy, isv_svn;
	u8 reserved1[2];
	u8 cpu_svn[16];
	struct sgx_attributes attribute_mask;
	u8 key_id[32];
	u32 misc_mask;
	u16 config_svn;
	u8 reserved2[434];
};
ABI_SIZE(struct sgx_keyrequest, 512);
#endif
#endif
