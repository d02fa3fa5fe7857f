/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_FPU_TYPES_H
#define _ASM_RKT_FPU_TYPES_H
#include <linux/types.h>
#include "abi/tee.h"

/* XSAVEC image of the program's vector state; compacted, so never larger than the standard format. */
struct rkt_fpu {
	u8 xsave[TEE_XSAVE_SIZE + 24] __aligned(64);
};
#define ARCH_MIN_TASKALIGN 64
#endif
