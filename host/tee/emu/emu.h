/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The emu back end's own: an emulated enclave on vCPU threads that are jailed like soft's. */
#ifndef HOST_TEE_EMU_H
#define HOST_TEE_EMU_H

#include "host/tee/emu/enclave.h"
#include "host/tee/soft.h"

/* Why threads left asynchronously, as the host sees it. */
enum emu_cause {
	EMU_AEX_TICK,
	EMU_AEX_PF,
	EMU_AEX_UD,
	EMU_AEX_OTHER,
	EMU_AEX_MAX,
};

struct emu_vcpu {
	struct soft_vcpu s; /* first */
	struct emu_enclave *enclave;
	struct emu_thread *thread; /* where it is inside, NULL: outside */
	u32 aex_leaf; /* TEE_ENTER_*: what the last asynchronous exit has to tell */
	u64 aex[EMU_AEX_MAX];
	u64 host_rsp, host_rbp; /* at the last EENTER */
	u32 entries; /* counts EENTER */
	u32 steps; /* instructions that are still to be interrupted one by one */
	bool stepping; /* TF is the host's */
	u64 reenters; /* done so far */
	u64 signal_cycles; /* what a signal costs here besides the handler */
	u64 handler_cycles; /* of the last one */
};

/* entry.S */
void enclu_enter(struct tee_vcpu *v, u64 leaf, u64 a0, u64 a1);
void enclu_exit(void);
void enclu_refused(void);
/* An ENCLU leaf that nobody has: costs a signal. */
void enclu_nothing(void);
extern const char enclu_begin[], enclu_end[];

/* rules.c */
void emu_clear_vectors(const struct emu_enclave *e, const struct emu_xsave *x);
void emu_poison(const struct emu_enclave *e, struct emu_regs *r, const struct emu_xsave *x, u32 n);
const char *emu_check_exit(const struct emu_enclave *e, const struct emu_regs *r,
			   const struct emu_xsave *x, u64 rsp, u64 rbp);

/* reach.c: the host's memory, which the enclave does not reach but for the windows */
bool emu_reach_start(void);
void emu_reach_stop(void);
int emu_reach_key(void); /* -1: it reaches everything */
int emu_reach_thread(const struct tee_vcpu *v);
long emu_reach_protect(u64 addr, u64 size, int prot);
void emu_reach_host(void);
void emu_reach_hide(const struct emu_xsave *x);
void emu_reach_set(const struct emu_xsave *x, bool inside);

/* step.c: interrupts at each instruction, without the enclave seeing the trap flag */
void emu_step_begin(struct emu_vcpu *v, struct emu_regs *r, u32 count);
void emu_step_hide(struct emu_vcpu *v, struct emu_regs *r);
bool emu_step_done(struct emu_vcpu *v, struct emu_regs *r);

/* Whose signal stack this is; in handlers only. */
static inline struct emu_vcpu *emu_this_vcpu(void)
{
	return (void *)((u64)__builtin_frame_address(0) & -(u64)SOFT_AREA_SIZE);
}

/* signal.c: the processor's part */
void emu_handler(int sig, siginfo_t *si, void *context);
/* Called at the AEP. Return: 0 to resume, else the leaf to enter with. */
u32 enclu_at_aep(struct emu_vcpu *v);

#endif
