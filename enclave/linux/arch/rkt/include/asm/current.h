/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_CURRENT_H
#define _ASM_RKT_CURRENT_H
#ifndef __ASSEMBLY__
#include <asm/vcpu.h>

static __always_inline struct task_struct *get_current(void)
{
	return this_cpu_read_stable(vcpu.current_task);
}
#define current get_current()
#endif
#endif
