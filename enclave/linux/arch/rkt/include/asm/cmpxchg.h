/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_CMPXCHG_H
#define _ASM_RKT_CMPXCHG_H
#include <asm/cpufeature.h>
#include <x86/include/asm/cmpxchg.h>
#endif
