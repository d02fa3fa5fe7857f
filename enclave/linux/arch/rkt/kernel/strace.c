// SPDX-License-Identifier: GPL-2.0-only
/* --strace: second system call tables whose every entry logs the call. */
#include <linux/init.h>
#include <linux/printk.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <asm/syscall.h>
#include <asm/unistd.h>
#include <asm/vcpu.h>

/* entry.S: rkt_traced() with a whole frame */
long rkt_full_traced(unsigned long a, unsigned long b, unsigned long c, unsigned long d,
		     unsigned long e, unsigned long f);
long rkt_traced(unsigned long a, unsigned long b, unsigned long c, unsigned long d, unsigned long e,
		unsigned long f);

__visible long rkt_traced(unsigned long a, unsigned long b, unsigned long c, unsigned long d,
			  unsigned long e, unsigned long f)
{
	unsigned long nr = current_pt_regs()->orig_ax;
	long ret = sys_call_table[nr](a, b, c, d, e, f);

	if (!is_global_init(current)) /* it is ours; the program's calls are asked for */
		pr_info("strace: %s[%d] %ps(%lx, %lx, %lx, %lx, %lx, %lx) = %ld\n", current->comm,
			current->pid, sys_call_table[nr], a, b, c, d, e, f, ret);
	return ret;
}

static const sys_call_ptr_t traced_table[NR_syscalls] = { [0 ... NR_syscalls - 1] = rkt_traced };
static const sys_call_ptr_t traced_entry_table[NR_syscalls] = {
	[0 ... NR_syscalls - 1] = rkt_full_traced,
};

/* Before the other vCPUs take over the table from this one. */
static int __init strace_setup(char *arg)
{
	this_cpu_write(vcpu.syscall_table, traced_entry_table);
	rkt_trap_table = traced_table;
	return 0;
}
early_param("rkt.strace", strace_setup);
