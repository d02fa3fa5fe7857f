/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_STACKTRACE_H
#define _ASM_RKT_STACKTRACE_H
#endif
