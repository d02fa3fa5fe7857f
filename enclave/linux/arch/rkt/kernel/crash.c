// SPDX-License-Identifier: GPL-2.0-only
/* Last words: of the kernel, and of a program that a fault ends. */
#include <linux/console.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/kallsyms.h>
#include <linux/mm.h>
#include <linux/panic_notifier.h>
#include <linux/ratelimit.h>
#include <linux/sched/debug.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/mmu_context.h>
#include <asm/rkt_exec.h>
#include <asm/rkt_mm.h>
#include "../exec/symbol.h"
#include "crash.h"
#include "rkt.h"

#define PROGRAM_LINES_MAX 16
#define PROGRAM_STACK_MAX 65536 /* bytes looked at */

void rkt_show_registers(const struct pt_regs *regs, const char *l)
{
	printk("%sip  %016lx  sp  %016lx  flags %08lx  orig_ax %lx\n", l, regs->ip, regs->sp,
	       regs->flags, regs->orig_ax);
	printk("%sax  %016lx  bx  %016lx  cx  %016lx\n", l, regs->ax, regs->bx, regs->cx);
	printk("%sdx  %016lx  si  %016lx  di  %016lx\n", l, regs->dx, regs->si, regs->di);
	printk("%sbp  %016lx  r8  %016lx  r9  %016lx\n", l, regs->bp, regs->r8, regs->r9);
	printk("%sr10 %016lx  r11 %016lx  r12 %016lx\n", l, regs->r10, regs->r11, regs->r12);
	printk("%sr13 %016lx  r14 %016lx  r15 %016lx\n", l, regs->r13, regs->r14, regs->r15);
}

/* Of a program that a signal ends rkt_crash_report() says it, and more. */
void show_regs(struct pt_regs *regs)
{
	if (user_mode(regs) && current->thread.ksig)
		return;
	show_regs_print_info(KERN_DEFAULT);
	rkt_show_registers(regs, KERN_DEFAULT);
}

void rkt_show_program(struct task_struct *task, const char *l)
{
	const struct pt_regs *regs = task_pt_regs(task);

	if (!task->mm || task->flags & PF_KTHREAD)
		printk("%svCPU %d, task %s[%d] of the kernel\n", l, raw_smp_processor_id(),
		       task->comm, task->pid);
	else
		printk("%svCPU %d, program %s[%d] at %lx, system call %ld(%lx, %lx, %lx)\n", l,
		       raw_smp_processor_id(), task->comm, task->pid, regs->ip, regs->orig_ax,
		       regs->di, regs->si, regs->dx);
}

static bool told; /* what stopped the kernel */

void __noreturn rkt_die(const char *what, struct pt_regs *regs)
{
	unsigned long vector = this_cpu_read(vcpu.exc.vector);
	bool overflow = vector == VCPU_VECTOR_STACK;

	console_verbose();
	told = true;
	pr_emerg("%s at %pS, address %016lx, vector %lu\n", what, (void *)regs->ip,
		 this_cpu_read(vcpu.exc.addr), vector);
	rkt_show_program(current, KERN_EMERG);
	rkt_show_registers(regs, KERN_EMERG);
	rkt_trace(current, regs->ip, overflow ? 0 : regs->sp, KERN_EMERG);
	panic("%s at %pS", what, (void *)regs->ip);
}

/*
 * Everything that is still in the log goes out once more, so that the host can show the last
 * messages that its log level kept back.
 */
static int panic_halt(struct notifier_block *nb, unsigned long event, void *msg)
{
	if (!told) {
		rkt_show_program(current, KERN_EMERG);
		show_stack(NULL, NULL, KERN_EMERG);
	}
	console_flush_on_panic(CONSOLE_REPLAY_ALL);
	rkt_halt(TEE_HALT_PANIC);
}

static struct notifier_block panic_notifier = {
	.notifier_call = panic_halt,
	.priority = INT_MIN,
};

void __init rkt_crash_init(void)
{
	atomic_notifier_chain_register(&panic_notifier_list, &panic_notifier);
}

/* A fault that the program did not ask for; SIGQUIT, SIGXCPU and their like are none. */
static const char *fault_name(int sig)
{
	switch (sig) {
	case SIGSEGV:
		return "SIGSEGV";
	case SIGBUS:
		return "SIGBUS";
	case SIGILL:
		return "SIGILL";
	case SIGFPE:
		return "SIGFPE";
	case SIGABRT:
		return "SIGABRT";
	case SIGTRAP:
		return "SIGTRAP";
	case SIGSYS:
		return "SIGSYS";
	}
	return NULL;
}

/* The mapping's file and the byte of it that @addr is. Return: the file, to be released. */
static struct file *file_at(unsigned long addr, u64 *pos)
{
	struct vm_area_struct *vma;
	struct file *file = NULL;

	mmap_read_lock(current->mm);
	vma = find_vma(current->mm, addr);
	if (vma && vma->vm_start <= addr && vma->vm_flags & VM_EXEC && vma->vm_file) {
		file = get_file(vma->vm_file);
		*pos = ((u64)vma->vm_pgoff << PAGE_SHIFT) + addr - vma->vm_start;
	}
	mmap_read_unlock(current->mm);
	return file;
}

/* @note: in front; @back: 1 for a return address, which may lie behind its function. */
static bool program_line(unsigned long addr, int back, const char *note, char *path)
{
	struct rkt_symbol sym;
	struct file *file;
	char *name;
	u64 pos;

	file = file_at(addr - back, &pos);
	if (!file)
		return false;
	name = file_path(file, path, PATH_MAX);
	if (IS_ERR(name))
		name = "?";
	if (rkt_symbol_find(file, pos, &sym))
		pr_warn("%s %s, byte %#llx\n", note, name, pos + back);
	else if (sym.name[0])
		pr_warn("%s %s+%#llx (%s+%#llx)\n", note, sym.name, sym.offset + back, name,
			sym.addr + back);
	else
		pr_warn("%s %s+%#llx\n", note, name, sym.addr + back);
	fput(file);
	return true;
}

static bool is_return_address(unsigned long addr)
{
	u8 code[RKT_CALL_MAX];
	s32 offset;

	return access_ok((void __user *)(addr - RKT_CALL_MAX), RKT_CALL_MAX) &&
	       !copy_from_user(code, (void __user *)(addr - RKT_CALL_MAX), RKT_CALL_MAX) &&
	       rkt_call_before(code, &offset) != RKT_CALL_NONE;
}

static void program_trace(unsigned long sp, char *path)
{
	unsigned long end = sp + PROGRAM_STACK_MAX, addr;
	int lines = 0;

	pr_warn("call trace (return addresses found on the stack, some may be stale):\n");
	for (sp = ALIGN(sp, 8); sp < end && lines < PROGRAM_LINES_MAX; sp += 8) {
		if (!access_ok((void __user *)sp, 8) || get_user(addr, (unsigned long __user *)sp))
			break;
		if (rkt_user_range(addr, 1) && is_return_address(addr))
			lines += program_line(addr, 1, " ", path);
	}
}

/* Shows plaintext to the host, which asked for it: THREAT-MODEL.md, "Parameters". */
void rkt_crash_report(struct task_struct *task)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 3);
	struct pt_regs *regs = task_pt_regs(task);
	const struct kernel_siginfo *info;
	const char *sig;
	char *path;

	if (likely(!task->thread.ksig) || task != current || !print_fatal_signals ||
	    !(task->flags & PF_SIGNALED))
		return;
	info = &task->thread.ksig->info;
	task->thread.ksig = NULL;
	sig = fault_name(info->si_signo);
	if (!sig || !__ratelimit(&limit))
		return;
	path = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!path)
		return;
	regs->ip = rkt_report_ip(regs->ip);
	pr_warn("%s[%d] ends by %s, code %d, address %lx\n", task->comm, task->pid, sig,
		info->si_code, info->si_code > 0 ? (unsigned long)info->si_addr : 0);
	rkt_show_registers(regs, KERN_WARNING);
	if (!program_line(regs->ip, 0, "at", path))
		pr_warn("at %016lx, which is in no program file\n", regs->ip);
	program_trace(regs->sp, path);
	kfree(path);
}
