/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_ALTERNATIVE_H
#define _ASM_RKT_ALTERNATIVE_H
/*
 * Instructions are never patched at run time (the text is read-only and
 * measured): the variant for newer processors is always taken. The baseline
 * is x86-64-v2 (CX16, POPCNT), which kernel/setup.c checks at boot.
 */
#ifndef __ASSEMBLY__
#include <linux/types.h>
#include <linux/stddef.h>
#include <linux/stringify.h>
#include <asm/asm.h>
#define LOCK_PREFIX_HERE ""
#define LOCK_PREFIX "lock; "
#define ALTERNATIVE(oldinstr, newinstr, feature) newinstr
#define alternative(oldinstr, newinstr, feature) asm volatile(oldinstr : : : "memory")
#define ALT_OUTPUT_SP(...) __VA_ARGS__
#define ASM_NO_INPUT_CLOBBER(clobber...) "i" (0) : clobber
#else
.macro LOCK_PREFIX
	lock
.endm
#endif
#endif
