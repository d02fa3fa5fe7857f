// SPDX-License-Identifier: GPL-2.0-only
/* Stack traces for debug kernels (lockdep, slub_debug): they are built with frame pointers. */
#include <linux/kallsyms.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/stacktrace.h>
#include <asm/ptrace.h>

struct frame {
	struct frame *next;
	unsigned long ret;
};

static const struct frame *first_frame(struct task_struct *task, struct pt_regs *regs)
{
	if (regs)
		return (const struct frame *)regs->bp;
	if (task == current)
		return __builtin_frame_address(0);
	/* behind r15 to r12 and rbx of __switch_to_asm; what it pushed as rbp is a frame's begin */
	return (const struct frame *)(task->thread.sp + 5 * sizeof(unsigned long));
}

/* Frames lie upwards on the task's stack; anything else ends the walk (a program's rbp, assembly). */
static bool on_stack(struct task_struct *task, const struct frame *f, unsigned long above)
{
	unsigned long at = (unsigned long)f, base = (unsigned long)task_stack_page(task);

	return at > above && !(at & 7) && at >= base && at <= base + THREAD_SIZE - sizeof(*f);
}

/**
 * arch_stack_walk - tell @consume each return address of @task's kernel stack
 *
 * The current task, or one that does not run. Context: any; takes no lock.
 */
void arch_stack_walk(stack_trace_consume_fn consume, void *cookie, struct task_struct *task,
		     struct pt_regs *regs)
{
	const struct frame *f = first_frame(task, regs);
	unsigned long last = 0;

	if (regs && !consume(cookie, regs->ip))
		return;
	for (; on_stack(task, f, last); f = f->next) {
		last = (unsigned long)f;
		if (!__kernel_text_address(f->ret) || !consume(cookie, f->ret))
			return;
	}
}
