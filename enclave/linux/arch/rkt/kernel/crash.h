/* SPDX-License-Identifier: GPL-2.0-only */
/* What is said when a program or the kernel crashes; grouped by the file that defines it. */
#ifndef RKT_CRASH_H
#define RKT_CRASH_H

#include <linux/types.h>

struct pt_regs;
struct task_struct;

#define RKT_CALL_MAX 7 /* bytes of the longest call instruction */

enum rkt_call { RKT_CALL_NONE, RKT_CALL_DIRECT, RKT_CALL_INDIRECT };

/**
 * rkt_call_before - is there a call instruction before a return address
 * @code: the RKT_CALL_MAX bytes before that address
 * @offset: of a direct call, where it leads, counted from the return address; else untouched
 */
enum rkt_call rkt_call_before(const u8 *code, s32 *offset);

/* kstack.c */
void rkt_trace(struct task_struct *task, unsigned long ip, unsigned long sp, const char *loglvl);

/* crash.c */

/* From here on a panic reaches the host as one. Called once, as soon as there is a console. */
void rkt_crash_init(void);

/* Context: any. */
void rkt_show_registers(const struct pt_regs *regs, const char *loglvl);

/* The program of @task in one line, if it has one: where it entered the kernel. Takes no lock. */
void rkt_show_program(struct task_struct *task, const char *loglvl);

#endif
