// SPDX-License-Identifier: GPL-2.0-only
/* The program's vector state (asm/fpu/api.h). */
#include <linux/panic.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <asm/fpu/api.h>
#include <asm/processor.h>
#include <asm/thread_info.h>

DEFINE_PER_CPU(int, rkt_in_fpu);
EXPORT_PER_CPU_SYMBOL(rkt_in_fpu);
u64 rkt_xfeatures;

static struct rkt_fpu initial_state;

/* Places in the XSAVE area (SDM vol. 1, 13.4), and bit 63 of XCOMP_BV. */
#define XSAVE_FCW 0
#define XSAVE_MXCSR 24
#define XSAVE_XSTATE_BV 512
#define XSAVE_XCOMP_BV 520
#define XSAVE_EXTENDED 576
#define XCOMP_COMPACTED (1ull << 63)

/* Writes the registers, compacted (SDM vol. 1, 13.10). */
void rkt_fpu_store(struct rkt_fpu *fpu)
{
	asm volatile("xsavec64 (%0)"
		     :
		     : "r"(fpu->xsave), "a"((u32)rkt_xfeatures), "d"(0)
		     : "memory");
}

/* Loads the registers from either format; the image must be well-formed. */
void rkt_fpu_fetch(const struct rkt_fpu *fpu)
{
	asm volatile("xrstor64 (%0)"
		     :
		     : "r"(fpu->xsave), "a"((u32)rkt_xfeatures), "d"(0)
		     : "memory");
}

/* Writes the registers in the standard format that a sigframe has (13.7). */
void rkt_fpu_store_standard(struct rkt_fpu *fpu)
{
	memset(fpu->xsave, 0, sizeof(fpu->xsave));
	asm volatile("xsave64 (%0)"
		     :
		     : "r"(fpu->xsave), "a"((u32)rkt_xfeatures), "d"(0)
		     : "memory");
}

void rkt_fpu_clear_registers(void)
{
	rkt_fpu_fetch(&initial_state);
}

void rkt_fpu_save(void)
{
	if ((current->flags & PF_KTHREAD) || test_thread_flag(TIF_NEED_FPU_LOAD))
		return;
	rkt_fpu_store(&current->thread.fpu);
	set_thread_flag(TIF_NEED_FPU_LOAD);
}
EXPORT_SYMBOL_GPL(rkt_fpu_save);

void rkt_fpu_load(void)
{
	rkt_fpu_fetch(&current->thread.fpu);
	clear_thread_flag(TIF_NEED_FPU_LOAD);
}

void rkt_fpu_reset(struct task_struct *task)
{
	task->thread.fpu = initial_state;
	set_tsk_thread_flag(task, TIF_NEED_FPU_LOAD);
}

/* Context: boot. Return: what the processor saves, by itself, and we know. */
u64 __init rkt_xfeatures_init(void)
{
	u32 lo, hi;

	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	rkt_xfeatures = lo & TEE_XFRM;
	return rkt_xfeatures;
}

/* Context: boot, after the features are known. */
void __init rkt_fpu_init(void)
{
	/* FCW and MXCSR have other initial values than zero; XCOMP_BV says "compacted". */
	*(u16 *)(initial_state.xsave + XSAVE_FCW) = 0x37f;
	*(u32 *)(initial_state.xsave + XSAVE_MXCSR) = 0x1f80;
	*(u64 *)(initial_state.xsave + XSAVE_XCOMP_BV) = XCOMP_COMPACTED | rkt_xfeatures;
	rkt_fpu_clear_registers(); /* they hold what the host entered with */
}

#define PATTERN 0x5a

/**
 * rkt_fpu_offset - where a component lies in the standard format
 * @component: number of one in rkt_xfeatures, 2 and up; @size: its bytes
 *
 * CPUID would tell, but it is the host that executes it. So a pattern is loaded, from the
 * compacted format, where the place is known, and looked for in what is saved.
 *
 * Context: boot; the registers hold nothing. Return: the offset.
 */
u32 __init rkt_fpu_offset(int component, u32 size)
{
	static struct rkt_fpu fpu __initdata;
	u32 mask = 1u << component;
	u8 *at;

	memset(&fpu, 0, sizeof(fpu));
	*(u32 *)(fpu.xsave + XSAVE_MXCSR) = 0x1f80;
	*(u64 *)(fpu.xsave + XSAVE_XSTATE_BV) = mask;
	*(u64 *)(fpu.xsave + XSAVE_XCOMP_BV) = XCOMP_COMPACTED | mask;
	memset(fpu.xsave + XSAVE_EXTENDED, PATTERN, size);
	asm volatile("xrstor64 (%0)" : : "r"(fpu.xsave), "a"(mask), "d"(0) : "memory");
	memset(&fpu, 0, sizeof(fpu));
	asm volatile("xsave64 (%0)" : : "r"(fpu.xsave), "a"(mask), "d"(0) : "memory");
	rkt_fpu_clear_registers();
	at = memchr(fpu.xsave + XSAVE_EXTENDED, PATTERN, sizeof(fpu.xsave) - XSAVE_EXTENDED);
	if (!at || at + size > fpu.xsave + sizeof(fpu.xsave))
		panic("vector state %d lies where it should not", component);
	return at - fpu.xsave;
}

int cpu_has_xfeatures(u64 mask, const char **name)
{
	return (mask & rkt_xfeatures) == mask;
}
