/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private data of the entry code, one page per thread (abi/tee.h). gs points
 * here from the first instruction of an entry until the kernel's own base is set.
 */
#ifndef ENTRY_THREAD_H
#define ENTRY_THREAD_H

#include "abi/tee.h"

#define THREAD_STATE 0
#define THREAD_HOST_RSP 8
#define THREAD_HOST_RBP 16
#define THREAD_HOST_RET 24
#define THREAD_KERNEL_RSP 32
#define THREAD_KERNEL_GS 40
#define THREAD_USER_FS 48
#define THREAD_IN_EXCEPTION 56
#define THREAD_EXC_HOST_RSP 64
#define THREAD_EXC_HOST_RBP 72
#define THREAD_EXC_HOST_RET 80
#define THREAD_START_STACK 88

/* A fresh page is zeroes: the first entry is allowed to vCPU 0 only. */
#define THREAD_NEW 0
#define THREAD_INSIDE 1
#define THREAD_OUTSIDE 2 /* an exit waits for its result */

#ifndef __ASSEMBLER__
struct tee_thread {
	u64 state;
	u64 host_rsp, host_rbp, host_ret; /* given back at the next exit */
	u64 kernel_rsp; /* where an exit's result is awaited */
	u64 kernel_gs; /* kernel's gs base */
	u64 user_fs; /* fs base while outside */
	u64 in_exception; /* phase 1 runs on the exception stack */
	u64 exc_host_rsp, exc_host_rbp, exc_host_ret;
	u64 start_stack; /* vCPU > 0: set by the kernel when it may start, 0 once taken */
};
ABI_OFFSET(struct tee_thread, kernel_gs, THREAD_KERNEL_GS);
ABI_OFFSET(struct tee_thread, exc_host_ret, THREAD_EXC_HOST_RET);
ABI_OFFSET(struct tee_thread, start_stack, THREAD_START_STACK);

/**
 * tee_exit - leave the TEE on this thread and come back with a result
 * @code: TEE_EXIT_* (abi/hostcall.h)
 *
 * The program's vector registers must be saved and cleared before: the host
 * sees them. Context: any; the caller owns the vCPU. Return: what the host
 * says; trust as documented at each code.
 */
long tee_exit(unsigned long code, unsigned long a0, unsigned long a1, unsigned long a2,
	      unsigned long a3);

/* Called by the entry code; defined by the kernel. */
void rkt_boot_entry(void); /* rdi = control window, rsi = its size, rdx = thread */
void rkt_secondary_start(struct tee_thread *thread);
/* Phase 1: on the exception stack, kernel's gs, nothing may fault. leaf is the host's word. */
void rkt_exception(struct tee_thread *thread, unsigned long leaf);

static inline struct tee_ssa_gpr *tee_ssa_gpr(struct tee_thread *thread, u32 frame)
{
	return (void *)((unsigned long)thread - TEE_BLOCK_THREAD + TEE_BLOCK_SSA +
			frame * TEE_PAGE_SIZE + TEE_SSA_GPR);
}

static inline struct tee_ssa_exinfo *tee_ssa_exinfo(struct tee_thread *thread, u32 frame)
{
	return (void *)((unsigned long)thread - TEE_BLOCK_THREAD + TEE_BLOCK_SSA +
			frame * TEE_PAGE_SIZE + TEE_SSA_EXINFO);
}
#endif
#endif
