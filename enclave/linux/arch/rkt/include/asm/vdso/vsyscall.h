/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_VDSO_VSYSCALL_H
#define _ASM_RKT_VDSO_VSYSCALL_H
#include <vdso/datapage.h>

static __always_inline struct vdso_data *rkt_k_vdso_data(void)
{
	return _vdso_data;
}
#define __arch_get_k_vdso_data rkt_k_vdso_data

#include <asm-generic/vdso/vsyscall.h>
#endif
