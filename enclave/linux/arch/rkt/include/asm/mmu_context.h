/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_MMU_CONTEXT_H
#define _ASM_RKT_MMU_CONTEXT_H
#include <linux/mm_types.h>
#include <asm/rkt_exec.h>

#define init_new_context init_new_context
static inline int init_new_context(struct task_struct *task, struct mm_struct *mm)
{
	mm->context.end_brk = 0;
	mm->context.exec = NULL;
	return 0;
}

#define destroy_context destroy_context
static inline void destroy_context(struct mm_struct *mm)
{
	rkt_exec_mm_free(mm);
}

/*
 * The last moment at which a program that ends still has its memory: may sleep. Does nothing
 * unless a fatal signal ends it and a report is wanted.
 */
void rkt_crash_report(struct task_struct *task);
#define deactivate_mm(task, mm) rkt_crash_report(task)

#include <asm-generic/nommu_context.h>
#endif
