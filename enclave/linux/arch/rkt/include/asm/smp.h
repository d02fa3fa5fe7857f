/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_SMP_H
#define _ASM_RKT_SMP_H
#include <linux/cpumask.h>
#include <asm/current.h>

#define raw_smp_processor_id() this_cpu_read(vcpu.cpu_number)
#define __smp_processor_id() __this_cpu_read(vcpu.cpu_number)

void arch_smp_send_reschedule(int cpu);
void arch_send_call_function_single_ipi(int cpu);
void arch_send_call_function_ipi_mask(const struct cpumask *mask);
#endif
