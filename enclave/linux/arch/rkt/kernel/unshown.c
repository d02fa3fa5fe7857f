// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions that an enclave is not told of: EXITINFO has no #SS, #NM, #NP and #TS (SDM vol. 3D,
 * table 38-10). There is only the host's word that there was one, so no signal comes of it but
 * what the program's own state proves. A program that the host calls faulty again and again, and
 * that has not moved in between, is ended: its handlers don't run, which would be a way for the
 * host to run them where it likes. That it can stop a program is nothing new.
 */
#include <linux/jhash.h>
#include <linux/percpu.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <asm/rkt_mm.h>
#include "../exec/insn_stack.h"
#include "rkt.h"

#define VECTOR_SS 12
#define REPEATS_MAX 64 /* interrupts in a row, called exceptions, with the same registers */

/* A stack fault for certain: the next instruction can't but raise it. */
static bool is_stack_fault(const struct pt_regs *regs)
{
	const u64 reg[16] = { regs->ax,	 regs->cx,  regs->dx,  regs->bx, regs->sp,  regs->bp,
			      regs->si,	 regs->di,  regs->r8,  regs->r9, regs->r10, regs->r11,
			      regs->r12, regs->r13, regs->r14, regs->r15 };
	u8 code[INSN_LEN_MAX];
	struct insn insn;
	size_t size;

	size = sizeof(code) - copy_from_user(code, (void __user *)regs->ip, sizeof(code));
	return insn_decode(&insn, code, size) > 0 && insn_stack_fault(&insn, code, reg);
}

/* The last one on this vCPU: a program that is really stuck has its time slice for itself. */
struct unshown {
	u32 hash, count;
};
static DEFINE_PER_CPU(struct unshown, unshown);

bool rkt_has_not_moved(const struct pt_regs *regs)
{
	struct unshown *u = get_cpu_ptr(&unshown);
	u32 hash = jhash(regs, sizeof(*regs), current->pid);
	bool same;

	if (hash != u->hash)
		u->count = 0;
	u->hash = hash;
	same = ++u->count >= REPEATS_MAX;
	put_cpu_ptr(&unshown);
	return same;
}

/* Context: as rkt_user_exception(). */
void rkt_unshown_exception(struct pt_regs *regs)
{
	if (is_stack_fault(regs)) {
		current->thread.trap_nr = VECTOR_SS;
		current->thread.error_code = 0;
		force_sig(SIGBUS);
	} else if (rkt_has_not_moved(regs)) {
		pr_info("%s[%d]: an exception that the enclave is not told of, at %lx\n",
			current->comm, task_pid_nr(current), regs->ip);
		force_fatal_sig(SIGBUS);
	}
}
