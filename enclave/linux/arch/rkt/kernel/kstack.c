// SPDX-License-Identifier: GPL-2.0-only
/*
 * The call trace of the kernel. There are no frame pointers and no unwind data: return addresses
 * are found on the stack, and confirmed where a direct call leads to the function of a recent line.
 */
#include <linux/kallsyms.h>
#include <linux/sched.h>
#include <linux/sched/debug.h>
#include <linux/sched/task_stack.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <asm/sections.h>
#include "crash.h"

#define LINES_MAX 32
#define RECENT 6 /* stale lines stand between those that belong together */

struct trace {
	unsigned long recent[RECENT]; /* addresses in the functions of the last lines */
	int lines;
};

enum rkt_call rkt_call_before(const u8 *code, s32 *offset)
{
	static const u8 lengths[] = { 2, 3, 4, 6, 7 };
	const u8 *end = code + RKT_CALL_MAX;
	int i;

	if (end[-5] == 0xe8) {
		memcpy(offset, end - 4, sizeof(*offset));
		return RKT_CALL_DIRECT;
	}
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		const u8 *p = end - lengths[i];

		if (lengths[i] > 2 && (p[0] & 0xf0) == 0x40)
			p++; /* REX */
		if (p + 1 < end && p[0] == 0xff && ((p[1] >> 3) & 7) == 2)
			return RKT_CALL_INDIRECT;
	}
	return RKT_CALL_NONE;
}

/* f.cold and f.part.0 belong to f. */
static bool same_function(unsigned long a, unsigned long b)
{
	static DEFINE_RAW_SPINLOCK(lock);
	static char names[2][KSYM_NAME_LEN];
	bool same = false;
	size_t len;

	if (!a || !b || !raw_spin_trylock(&lock))
		return false;
	if (!lookup_symbol_name(a, names[0]) && !lookup_symbol_name(b, names[1])) {
		len = strcspn(names[0], ".");
		same = len == strcspn(names[1], ".") && !strncmp(names[0], names[1], len);
	}
	raw_spin_unlock(&lock);
	return same;
}

static bool leads_to_recent(const struct trace *t, unsigned long target)
{
	int i;

	for (i = 0; i < RECENT; i++)
		if (same_function(target, t->recent[i]))
			return true;
	return false;
}

static void trace_line(struct trace *t, unsigned long addr, const char *loglvl)
{
	enum rkt_call call;
	bool sure = false;
	s32 offset;

	if (!__kernel_text_address(addr) || !__kernel_text_address(addr - RKT_CALL_MAX))
		return;
	call = rkt_call_before((const u8 *)addr - RKT_CALL_MAX, &offset);
	if (call == RKT_CALL_NONE)
		return;
	if (call == RKT_CALL_DIRECT)
		sure = leads_to_recent(t, addr + offset);
	printk("%s %c %pB\n", loglvl, sure ? ' ' : '?', (void *)addr);
	t->recent[t->lines++ % RECENT] = addr - 1;
}

/**
 * rkt_trace - call trace of a task's kernel stack
 * @ip: where it is; 0 if unknown
 * @sp: its stack pointer; one outside of the stack stands for the whole stack
 *
 * Context: any; takes no lock that it waits for.
 */
void rkt_trace(struct task_struct *task, unsigned long ip, unsigned long sp, const char *loglvl)
{
	unsigned long base = (unsigned long)task_stack_page(task), end = base + THREAD_SIZE;
	struct trace t = { .recent = { [RECENT - 1] = ip } };

	if (!base)
		return;
	if (sp < base || sp >= end)
		sp = base;
	printk("%sCall trace (from the stack, ? = may be stale):\n", loglvl);
	for (sp = ALIGN(sp, 8); sp < end && t.lines < LINES_MAX; sp += 8)
		trace_line(&t, READ_ONCE_NOCHECK(*(unsigned long *)sp), loglvl);
}

void show_stack(struct task_struct *task, unsigned long *sp, const char *loglvl)
{
	unsigned long ip = 0, at = (unsigned long)sp;

	task = task ?: current;
	if (!sp && task == current) {
		ip = _THIS_IP_;
		at = (unsigned long)__builtin_frame_address(0);
	} else if (!sp) {
		at = task->thread.sp;
	}
	rkt_trace(task, ip, at, loglvl);
}
