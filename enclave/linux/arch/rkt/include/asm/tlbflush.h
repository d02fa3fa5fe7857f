/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_TLBFLUSH_H
#define _ASM_RKT_TLBFLUSH_H
#include <linux/bug.h>
#endif
