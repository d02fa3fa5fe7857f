/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An enclave in software: the EPCM, the thread control structures and the leaves, after the
 * operation sections of the Intel SDM vol. 3D, chapter 41. It knows nothing of signals or
 * vCPU threads: a leaf works on a register file and on the enclave's memory, which lies at its
 * own address in this process, and says which exception it raises.
 *
 * What differs from silicon: memory is neither encrypted nor hidden from the host, there is no
 * paging (EBLOCK, EWB, ELDU), and concurrency conflicts never occur, because one lock orders
 * all changes of the EPCM.
 */
#ifndef HOST_TEE_EMU_ENCLAVE_H
#define HOST_TEE_EMU_ENCLAVE_H

#include <stdatomic.h>

#include "abi/sgx.h"
#include "abi/tee.h"

/* An EPCM entry (38.19), 32 bits: the low byte is SECINFO.FLAGS's, then the rest. */
#define EPCM_PERM (SECINFO_R | SECINFO_W | SECINFO_X)
#define EPCM_PENDING SECINFO_PENDING
#define EPCM_MODIFIED SECINFO_MODIFIED
#define EPCM_PR SECINFO_PR
#define EPCM_VALID 0x40u
#define EPCM_TYPE(t) SECINFO_TYPE((u32)(t))
#define EPCM_TYPE_MASK 0x1f00u
/* Not the EPCM's: R, W and X that the page tables deny although it would allow them. */
#define EMU_DENIED_SHIFT 13
#define EMU_DENIED (EPCM_PERM << EMU_DENIED_SHIFT)
/* Tracking epoch in which EMODPR or EMODT changed the page; ETRACK ends an epoch. */
#define EPCM_EPOCH_SHIFT 16

enum { EMU_UD = 6, EMU_GP = 13, EMU_PF = 14, EMU_NO_FAULT = 0x100 };

/* What a leaf raises instead of completing. */
struct emu_fault {
	u32 vector; /* EMU_NO_FAULT: it has completed */
	u32 error;
	u64 addr; /* of EMU_PF */
};

/* A register file; exit_info, ursp and urbp have no meaning in it. */
#define emu_regs tee_ssa_gpr

struct emu_thread {
	struct tee_tcs tcs; /* the page's content: nobody else can read it (38.8) */
	u64 page; /* its address */
	bool active; /* TCS.STATE: a logical processor runs it */
	u64 host_tf; /* RFLAGS.TF of the host (CR_SAVE_TF) */
	u64 host_fs, host_gs; /* kept by the processor while inside (41.4, EENTER) */
};

/* Where a component of the vector state lies in the standard format (CPUID.0DH). */
struct emu_component {
	u32 offset, size; /* 0: the processor does not have it */
};
#define EMU_COMPONENT_FIRST 2 /* 0 and 1, x87 and SSE, have fixed places */
#define EMU_COMPONENT_MAX 8 /* TEE_XFRM has none behind */

enum emu_count {
	EMU_COUNT_EREPORT, /* the ENCLU leaves in the order of their numbers */
	EMU_COUNT_EGETKEY,
	EMU_COUNT_EENTER,
	EMU_COUNT_ERESUME,
	EMU_COUNT_EEXIT,
	EMU_COUNT_EACCEPT,
	EMU_COUNT_EMODPE,
	EMU_COUNT_EACCEPTCOPY,
	EMU_COUNT_EAUG,
	EMU_COUNT_EMODPR,
	EMU_COUNT_EMODT,
	EMU_COUNT_EREMOVE,
	EMU_COUNT_ETRACK,
	EMU_COUNT_MAX,
};

struct emu_enclave {
	struct sgx_secs secs;
	bool initialised; /* EINIT has succeeded */
	bool sgx1; /* the processor has no leaves of SGX2 */
	struct emu_component component[EMU_COMPONENT_MAX]; /* those of XFRM */
	_Atomic u32 *epcm; /* secs.size / 4096 entries */
	u16 epoch;
	atomic_flag lock;
	struct emu_thread threads[TEE_VCPU_MAX];
	u32 thread_count;
	u8 cpu_key[16]; /* what the fuses hold: root of EGETKEY and EREPORT */
	u8 cpu_svn[16];
	atomic_ulong count[EMU_COUNT_MAX];
	/* how the host's kernel makes the EPCM's permissions real; 0 or a negative errno */
	long (*set_access)(u64 addr, u64 size, int prot);
	long (*discard)(u64 addr, u64 size);
	/* a page's content, whatever may be done to the page it goes to */
	long (*copy)(u64 to, u64 from);
	long (*yield)(void);
};

static inline struct emu_fault emu_done(void)
{
	return (struct emu_fault){ .vector = EMU_NO_FAULT };
}

static inline struct emu_fault emu_gp(void)
{
	return (struct emu_fault){ .vector = EMU_GP };
}

static inline struct emu_fault emu_pf(u64 addr, u32 error)
{
	return (struct emu_fault){ .vector = EMU_PF, .addr = addr, .error = error | SGX_PF_SGX };
}

static inline bool emu_canonical(u64 addr)
{
	return (s64)(addr << 16) >> 16 == (s64)addr;
}

static inline bool emu_in_range(const struct emu_enclave *e, u64 addr)
{
	return addr - e->secs.base < e->secs.size;
}

static inline _Atomic u32 *emu_entry(const struct emu_enclave *e, u64 addr)
{
	return &e->epcm[(addr - e->secs.base) / TEE_PAGE_SIZE];
}

static inline void emu_tally(struct emu_enclave *e, enum emu_count c)
{
	atomic_fetch_add_explicit(&e->count[c], 1, memory_order_relaxed);
}

/* epcm.c */
void emu_lock(struct emu_enclave *e);
void emu_unlock(struct emu_enclave *e);
/* Under the lock: a new entry, made real. Return: 0 or a negative errno, nothing changed. */
long emu_set_entry(struct emu_enclave *e, u64 addr, u32 entry);
long emu_set_run(struct emu_enclave *e, u64 addr, u64 count, u32 entry);
/* Is this a page of type PT_REG that the enclave itself could access so? */
bool emu_usable(const struct emu_enclave *e, u64 addr, u32 perm);
/* Bit 15 of a page fault's error code: SGX_PF_SGX if the EPCM refuses, 0 if page tables do. */
u32 emu_refused_by_epcm(const struct emu_enclave *e, u64 addr, u32 error);
/* Copies out of the enclave; false if a page is not readable. Takes no lock. */
bool emu_fetch(struct emu_enclave *e, void *to, u64 addr, u64 size);

/* build.c: ECREATE, EADD, EINIT (41.3) */
int emu_ecreate(struct emu_enclave *e, u64 base, u64 size, u64 xfrm);
int emu_eadd(struct emu_enclave *e, u64 addr, u64 count, u32 secinfo_flags);
int emu_eadd_tcs(struct emu_enclave *e, u64 addr, const struct tee_tcs *tcs);
int emu_einit(struct emu_enclave *e);
void emu_destroy(struct emu_enclave *e);

/* The machine's vector state in the standard format of XSAVE, with room for XFRM at least. */
struct emu_xsave {
	u8 *area;
};

/* enter.c: the ways in and out */
struct emu_fault emu_eenter(struct emu_enclave *e, struct emu_regs *r, struct emu_thread **thread);
struct emu_fault emu_eresume(struct emu_enclave *e, struct emu_regs *r, const struct emu_xsave *x,
			     struct emu_thread **thread);
struct emu_fault emu_eexit(struct emu_enclave *e, struct emu_regs *r, struct emu_thread *thread);
/* Asynchronous exit (39.2). vector 0x100: an event that is none of the enclave's business. */
int emu_aex(struct emu_enclave *e, struct emu_regs *r, const struct emu_xsave *x,
	    struct emu_thread *thread, const struct emu_fault *f);

/* memory.c: SGX2. ENCLU leaves take the lock themselves, as do the ENCLS leaves below. */
struct emu_fault emu_eaccept(struct emu_enclave *e, struct emu_regs *r);
struct emu_fault emu_eacceptcopy(struct emu_enclave *e, struct emu_regs *r);
struct emu_fault emu_emodpe(struct emu_enclave *e, struct emu_regs *r);

/* keys.c */
struct emu_fault emu_ereport(struct emu_enclave *e, struct emu_regs *r);
struct emu_fault emu_egetkey(struct emu_enclave *e, struct emu_regs *r);

/* driver.c: what a driver does in ring 0. Return: 0, an SGX error code, or a negative errno. */
long emu_eaug(struct emu_enclave *e, u64 addr, u64 count);
long emu_emodpr(struct emu_enclave *e, u64 addr, u64 count, u32 perm);
long emu_emodt(struct emu_enclave *e, u64 addr, u64 count, u32 type);
long emu_eremove(struct emu_enclave *e, u64 addr, u64 count);
void emu_etrack(struct emu_enclave *e);
/* Page tables: what the EPCM allows, but no more than @perm. */
long emu_map(struct emu_enclave *e, u64 addr, u64 count, u32 perm);

#endif
