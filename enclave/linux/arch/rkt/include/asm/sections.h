/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_SECTIONS_H
#define _ASM_RKT_SECTIONS_H
#include <asm-generic/sections.h>
/* Boundaries of kernel/vmlinux.lds.S. */
extern char __text_end[], __rodata_end[], __init_data_begin[], __init_data_end[];
#endif
