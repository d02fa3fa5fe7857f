/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How a TEE is loaded, entered, left and resumed. The rules are SGX's (Intel
 * SDM vol. 3D, chapters 37 and 38); back ends without SGX follow them in software.
 *
 * A thread of the TEE is one vCPU. It owns a thread block behind the image,
 * made by the loader from constants below, in this order of 4 KiB pages:
 *
 *	0	TCS
 *	1	private data of the entry code (struct tee_thread); gs base at entry
 *	2	hole
 *	3-6	exception stack
 *	7	hole
 *	8-10	state-save area (SSA), TEE_SSA_COUNT frames of one page
 *	11-15	holes
 */
#ifndef ABI_TEE_H
#define ABI_TEE_H

#include "abi/layout.h"

#define TEE_PAGE_SIZE 4096
#define TEE_BLOCK_SIZE 0x10000
#define TEE_BLOCK_TCS 0x0000
#define TEE_BLOCK_THREAD 0x1000
#define TEE_BLOCK_STACK 0x3000
#define TEE_BLOCK_STACK_END 0x7000
#define TEE_BLOCK_SSA 0x8000
#define TEE_BLOCK_SSA_END 0xb000
#define TEE_SSA_COUNT 3

/* Extended state that threads may use: x87, SSE, AVX, AVX-512 (SECS.ATTRIBUTES.XFRM). */
#define TEE_XFRM 0xe7
/* Room of the XSAVE area in an SSA frame for TEE_XFRM, standard format. */
#define TEE_XSAVE_SIZE 2696

/* Entry: rax = CSSA, rbx = TCS, rcx = where an exit returns to, rdi = one of: */
#define TEE_ENTER_START 0 /* first entry; rsi, rdx = control window and its size (vCPU 0) */
#define TEE_ENTER_RETURN 1 /* from the last exit; rsi = its result */
#define TEE_ENTER_EXCEPTION 2 /* CSSA > 0: look into the SSA */
#define TEE_ENTER_TICK 3 /* CSSA > 0: the owner's time slice may be over */

/* Exit: rbx = where to, rdi = code (abi/hostcall.h), rsi, rdx, r8, r9 = arguments. */

/* State-save area: XSAVE area at 0, EXINFO and GPRSGX at the page's end (SDM 38.9). */
#define TEE_SSA_EXINFO (TEE_PAGE_SIZE - 184 - 16)
#define TEE_SSA_GPR (TEE_PAGE_SIZE - 184)

/* GPRSGX.EXITINFO (SDM 38.9.1.1) */
#define TEE_EXIT_INFO_VALID 0x80000000
#define TEE_EXIT_INFO_VECTOR 0xff
#define TEE_EXIT_INFO_HARDWARE 0x300
#define TEE_EXIT_INFO_SOFTWARE 0x600

#define TEE_IMAGE_MAGIC 0x4545544f49544b52 /* "RKTIOTEE" */
#define TEE_IMAGE_VERSION 1
/* The exit instruction's site: a loader without SGX replaces it by a jump. */
#define TEE_EXIT_SITE_SIZE 16

#ifndef __ASSEMBLER__
#include "abi/types.h"

/* At the image's first byte. All offsets are from there; the loader checks them. */
struct tee_image_header {
	u64 magic;
	u32 version;
	u32 header_size;
	u64 entry; /* OENTRY of every TCS */
	u64 exit_site; /* TEE_EXIT_SITE_SIZE bytes: enclu and padding */
	u64 image_size; /* bytes in memory, page aligned; thread blocks follow */
	u64 text_end; /* end of the executable pages */
	u64 rodata_end; /* end of the pages that are never written after relocation */
};
ABI_SIZE(struct tee_image_header, 56);

/* SDM vol. 3D table 38-5 (the fields that an enclave's owner defines). */
struct tee_tcs {
	u64 state;
	u64 flags;
	u64 ossa;
	u32 cssa;
	u32 nssa;
	u64 oentry;
	u64 aep;
	u64 ofsbase;
	u64 ogsbase;
	u32 ofslimit;
	u32 ogslimit;
	u8 reserved[4024];
};
ABI_SIZE(struct tee_tcs, TEE_PAGE_SIZE);

/* SDM vol. 3D table 38-9. */
struct tee_ssa_gpr {
	u64 rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi;
	u64 r8, r9, r10, r11, r12, r13, r14, r15;
	u64 rflags;
	u64 rip;
	u64 ursp, urbp; /* of the host, not ours to believe */
	u32 exit_info; /* vector, type and the valid bit below */
	u32 reserved;
	u64 fsbase, gsbase;
};
ABI_SIZE(struct tee_ssa_gpr, 184);

/* SDM vol. 3D table 38-12: address and error code of #PF and #GP. */
struct tee_ssa_exinfo {
	u64 maddr;
	u32 errcd;
	u32 reserved;
};
ABI_SIZE(struct tee_ssa_exinfo, 16);

static inline u64 tee_block_size(u32 vcpu_count)
{
	return (u64)vcpu_count * TEE_BLOCK_SIZE;
}
#endif /* !__ASSEMBLER__ */
#endif
