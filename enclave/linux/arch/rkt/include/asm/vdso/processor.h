/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_VDSO_PROCESSOR_H
#define _ASM_RKT_VDSO_PROCESSOR_H
#ifdef BUILD_VDSO
#define cpu_relax() asm volatile("pause" ::: "memory")
#else
#include <asm/processor.h>
#endif
#endif
