// SPDX-License-Identifier: GPL-2.0-only
/* Invalid opcodes of programs: syscall and CPUID instructions, and the traps of rewritten sites. */
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>
#include <asm/ptrace.h>
#include <asm/stats.h>
#include <asm/syscall.h>
#include <asm/unistd.h>
#include <asm/vcpu.h>
#include "site.h"

#define INSN_SIZE 2
static const u8 syscall_insn[INSN_SIZE] = { 0x0f, 0x05 };
static const u8 cpuid_insn[INSN_SIZE] = { 0x0f, 0xa2 };
static const u8 hidden_insn[INSN_SIZE] = { RW_WAIT_OPCODE, 0xa2 };

static void trap_syscall(struct pt_regs *regs)
{
	unsigned long nr = (u32)regs->ax;

	atomic_long_inc(&rkt_exec_stats.trapped);
	rkt_stat_inc(SYSCALL_TRAPPED);
	this_cpu_inc(vcpu.syscall_count);
	/* before the call, which may not come back, or come back in another program */
	site_rewrite(regs);
	regs->ip += INSN_SIZE;
	site_resume_at(regs);
	regs->cx = regs->ip;
	regs->r11 = regs->flags;
	regs->orig_ax = nr;
	regs->ax = nr < NR_syscalls ? rkt_trap_table[nr](regs->di, regs->si, regs->dx, regs->r10,
							 regs->r8, regs->r9)
				    : -ENOSYS;
}

static void trap_cpuid(struct pt_regs *regs)
{
	struct cpuid_regs answer = rkt_cpuid(regs->ax, regs->cx);

	rkt_stat_inc(CPUID_TRAPPED);
	regs->ax = answer.r[CPUID_EAX];
	regs->bx = answer.r[CPUID_EBX];
	regs->cx = answer.r[CPUID_ECX];
	regs->dx = answer.r[CPUID_EDX];
	regs->ip += INSN_SIZE;
	if (regs->flags & X86_EFLAGS_TF) /* the processor traps behind the instruction */
		force_sig_fault(SIGTRAP, TRAP_TRACE, (void __user *)regs->ip);
}

bool rkt_trap_opcode(struct pt_regs *regs)
{
	u8 insn[INSN_SIZE];

	if (copy_from_user(insn, (void __user *)regs->ip, INSN_SIZE))
		return site_resume(regs);
	if (!memcmp(insn, syscall_insn, INSN_SIZE))
		trap_syscall(regs);
	else if (!memcmp(insn, cpuid_insn, INSN_SIZE) ||
		 (!memcmp(insn, hidden_insn, INSN_SIZE) && site_hides_cpuid()))
		trap_cpuid(regs);
	else
		return site_resume(regs);
	return true;
}

static const char *const kind_names[] = { "", "back", "hole", "forward" };
static const char *const refusal_names[] = { "not_text", "changed", "sigreturn", "overlap",
					     "no_proof", "no_room", "no_stub" };

static int stats_show(struct seq_file *m, void *unused)
{
	struct rkt_exec_stats *s = &rkt_exec_stats;
	unsigned long executed = 0;
	int n;

	BUILD_BUG_ON(ARRAY_SIZE(refusal_names) != RW_REFUSALS);
	BUILD_BUG_ON(ARRAY_SIZE(s->refused) != RW_REFUSALS);
	for_each_possible_cpu (n)
		executed += vcpu_syscalls(per_cpu_ptr(&vcpu, n));
	seq_printf(m, "executed %lu\n", executed);
	seq_printf(m, "trapped %ld\nresumed %ld\nfailed %ld\n", atomic_long_read(&s->trapped),
		   atomic_long_read(&s->resumed), atomic_long_read(&s->failed));
	for (n = 1; n < ARRAY_SIZE(kind_names); n++)
		seq_printf(m, "written_%s %ld\n", kind_names[n], atomic_long_read(&s->written[n]));
	for (n = 0; n < RW_REFUSALS; n++)
		seq_printf(m, "refused_%s %ld\n", refusal_names[n],
			   atomic_long_read(&s->refused[n]));
	return 0;
}

static int __init stats_init(void)
{
	return proc_create_single("rktio_rewrite", 0444, NULL, stats_show) ? 0 : -ENOMEM;
}
device_initcall(stats_init);
