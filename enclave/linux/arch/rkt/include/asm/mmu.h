/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_MMU_H
#define _ASM_RKT_MMU_H

struct rkt_exec;

typedef struct {
	unsigned long end_brk;
	struct rkt_exec *exec; /* rewritten syscall sites: arch/rkt/exec */
} mm_context_t;

#endif
