/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel tells the vDSO: filled into its only copy at boot. It is part
 * of the vDSO's read-only memory, the last 64 bytes of its loaded image.
 */
#ifndef _ASM_RKT_VDSO_PARAMS_H
#define _ASM_RKT_VDSO_PARAMS_H

#define RKT_VDSO_PARAMS_SIZE 64

#ifndef __ASSEMBLY__
struct vdso_data;

struct rkt_vdso_params {
	const struct vdso_data *data; /* the kernel's own: one address space */
	unsigned long entry; /* of system calls */
	unsigned long cpu_number; /* %gs offset of the vCPU's number */
	unsigned long unused[5];
};
_Static_assert(sizeof(struct rkt_vdso_params) == RKT_VDSO_PARAMS_SIZE, "size of rkt_vdso_params");
#endif
#endif
