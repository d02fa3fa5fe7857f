/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/linkage.h>

	.section .rodata, "a"
	.balign	8
SYM_DATA_START(rkt_vdso_image)
	.incbin	"arch/rkt/vdso/vdso.so"
SYM_DATA_END_LABEL(rkt_vdso_image, SYM_L_GLOBAL, rkt_vdso_image_end)
	.section .note.GNU-stack, "", @progbits
