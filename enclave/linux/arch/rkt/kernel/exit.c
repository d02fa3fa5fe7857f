// SPDX-License-Identifier: GPL-2.0-only
/* Leaving the TEE: every exit of a running kernel goes through rkt_exit(). */
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <asm/fpu/api.h>
#include <asm/stats.h>
#include "enclave/entry/thread.h"
#include "rkt.h"

static DEFINE_PER_CPU(struct rkt_fpu, kernel_vectors);
DEFINE_PER_CPU(unsigned long[TEE_EXIT_COUNT], rkt_exit_count);

/**
 * rkt_exit - leave the TEE and come back with the host's answer
 * @code: TEE_EXIT_*, with its arguments (abi/hostcall.h)
 *
 * The host sees cleared vector registers; the program's are kept in its task,
 * a kernel_fpu section's in a per-vCPU area. Context: any, does not sleep in
 * the scheduler's sense. Return: the answer, to be believed as documented there.
 */
long rkt_exit(unsigned long code, unsigned long a0, unsigned long a1, unsigned long a2,
	      unsigned long a3)
{
	bool in_fpu;
	long ret;

	preempt_disable_notrace();
	__this_cpu_inc(rkt_exit_count[code]);
	in_fpu = this_cpu_read(rkt_in_fpu);
	if (in_fpu)
		rkt_fpu_store(this_cpu_ptr(&kernel_vectors));
	else
		rkt_fpu_save();
	rkt_fpu_clear_registers();
	ret = tee_exit(code, a0, a1, a2, a3);
	rkt_stat_inc(ENTRY_RESUME);
	rkt_fpu_clear_registers(); /* MXCSR and the x87 control word are the host's now */
	if (in_fpu)
		rkt_fpu_fetch(this_cpu_ptr(&kernel_vectors));
	rkt_note_deadline();
	preempt_enable_no_resched_notrace();
	return ret;
}

void __noreturn rkt_halt(unsigned long code)
{
	rkt_stats_publish();
	rkt_fpu_clear_registers();
	for (;;)
		tee_exit(TEE_EXIT_HALT, code, 0, 0, 0);
}
