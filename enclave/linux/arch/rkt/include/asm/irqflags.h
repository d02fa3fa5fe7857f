/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_IRQFLAGS_H
#define _ASM_RKT_IRQFLAGS_H
/*
 * Interrupts are polled: "disabled" is a private flag, and enabling looks at the
 * pending word. Kernel code is never interrupted anywhere else.
 */
#ifndef __ASSEMBLY__
#include <asm/vcpu.h>

/* Serves what is pending. Called with interrupts enabled; returns so. */
extern void rkt_irq_poll(void);

static __always_inline unsigned long arch_local_save_flags(void)
{
	return this_cpu_read(vcpu.irq_off);
}

static __always_inline void arch_local_irq_disable(void)
{
	this_cpu_write(vcpu.irq_off, 1);
	barrier();
}

static __always_inline void arch_local_irq_enable(void)
{
	barrier();
	this_cpu_write(vcpu.irq_off, 0);
	barrier();
	if (unlikely(this_cpu_read(vcpu.pending)))
		rkt_irq_poll();
}

static __always_inline unsigned long arch_local_irq_save(void)
{
	unsigned long flags = arch_local_save_flags();

	arch_local_irq_disable();
	return flags;
}

static __always_inline void arch_local_irq_restore(unsigned long flags)
{
	if (flags)
		arch_local_irq_disable();
	else
		arch_local_irq_enable();
}

static __always_inline bool arch_irqs_disabled_flags(unsigned long flags)
{
	return flags;
}

static __always_inline bool arch_irqs_disabled(void)
{
	return arch_local_save_flags();
}
#endif
#endif
