/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_FPU_API_H
#define _ASM_RKT_FPU_API_H
/*
 * The kernel is compiled without vector instructions, so the program's vector
 * state stays in the registers while the kernel runs. Who wants to use them
 * brackets it; the first bracket after an entry saves the state, and the return
 * to the program loads it again (TIF_NEED_FPU_LOAD).
 */
#include <linux/preempt.h>
#include <linux/percpu.h>
#include <asm/fpu/types.h>
#define X86_VENDOR_INTEL 0
#define X86_VENDOR_AMD 2
#define XFEATURE_MASK_SSE 2
#define XFEATURE_MASK_YMM 4
#define XFEATURE_MASK_AVX512 0xe0

struct task_struct;
DECLARE_PER_CPU(int, rkt_in_fpu);

extern u64 rkt_xfeatures; /* components that programs may use here */

struct rkt_fpu;
u64 rkt_xfeatures_init(void);
void rkt_fpu_init(void);
u32 rkt_fpu_offset(int component, u32 size);
void rkt_fpu_store(struct rkt_fpu *fpu);
void rkt_fpu_store_standard(struct rkt_fpu *fpu);
void rkt_fpu_fetch(const struct rkt_fpu *fpu);
/* Saves the live state of current, if it is a program's and in registers. */
void rkt_fpu_save(void);
/* Loads it again: the last thing before a return to the program. */
void rkt_fpu_load(void);
/* The program's state becomes the initial one (exec). */
void rkt_fpu_reset(struct task_struct *task);
/* Puts the initial state into the registers; the saved one must be in memory. */
void rkt_fpu_clear_registers(void);

static inline void kernel_fpu_begin(void)
{
	preempt_disable();
	rkt_fpu_save();
	this_cpu_write(rkt_in_fpu, 1);
}

static inline void kernel_fpu_end(void)
{
	this_cpu_write(rkt_in_fpu, 0);
	preempt_enable();
}

static inline bool irq_fpu_usable(void)
{
	return !this_cpu_read(rkt_in_fpu);
}
#endif
