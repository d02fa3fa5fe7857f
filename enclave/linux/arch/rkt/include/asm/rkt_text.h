/* SPDX-License-Identifier: GPL-2.0-only */
/* Text of programs that goes away: what the memory manager tells arch/rkt/exec. */
#ifndef _ASM_RKT_TEXT_H
#define _ASM_RKT_TEXT_H

struct mm_struct;

/**
 * rkt_exec_forget - text is gone: what is known of instructions there means nothing any more
 *
 * Context: sleeps; the mmap_lock is held.
 */
void rkt_exec_forget(struct mm_struct *mm, unsigned long start, unsigned long end);

#endif
