/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/elfnote.h>
#include <linux/version.h>
#include <asm/vdso/params.h>

	.section .params, "a"
	.hidden	rkt_vdso_params
	.globl	rkt_vdso_params
rkt_vdso_params:
	.fill	RKT_VDSO_PARAMS_SIZE, 1, 0
	.type	rkt_vdso_params, @object
	.size	rkt_vdso_params, RKT_VDSO_PARAMS_SIZE

ELFNOTE_START(Linux, 0, "a")
	.long LINUX_VERSION_CODE
ELFNOTE_END

	.section .note.GNU-stack, "", @progbits
