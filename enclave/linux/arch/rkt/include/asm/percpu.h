/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_PERCPU_H
#define _ASM_RKT_PERCPU_H
/* x86-64's %gs:symbol(%rip) accessors; see vcpu.h for the gs base. */
#include <x86/include/asm/percpu.h>
#endif
