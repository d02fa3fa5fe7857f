// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Where the processor would act: a signal finds its thread at an ENCLU instruction, which this
 * processor does not know, or inside the enclave, where it means an asynchronous exit. Runs
 * with the program's fs base and on the signal stack: no libc, no thread-local data.
 */
#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include <x86intrin.h>

#include "host/tee/emu/emu.h"

#define ENCLU_SIZE 3
#define VECTOR_NONE EMU_NO_FAULT /* an interrupt */
#define PF_FETCH 0x10
#define STEPPED ~0u /* aex_leaf: interrupted on purpose */

/* Order of struct tee_ssa_gpr up to rip. */
static const u8 greg_of[] = {
	REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI, REG_R8,
	REG_R9,	 REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_EFL, REG_RIP,
};
#define GREGS (sizeof(greg_of) / sizeof(greg_of[0]))

static void load(struct emu_regs *r, const ucontext_t *uc)
{
	u64 *to = (u64 *)r;
	size_t i;

	*r = (struct emu_regs){ .fsbase = soft_read_fs(), .gsbase = soft_read_gs() };
	for (i = 0; i < GREGS; i++)
		to[i] = uc->uc_mcontext.gregs[greg_of[i]];
}

static void store(const struct emu_regs *r, ucontext_t *uc)
{
	const u64 *from = (const u64 *)r;
	size_t i;

	for (i = 0; i < GREGS; i++)
		uc->uc_mcontext.gregs[greg_of[i]] = from[i];
	soft_write_fs(r->fsbase);
	soft_write_gs(r->gsbase);
}

static struct emu_xsave xsave_of(const ucontext_t *uc)
{
	return (struct emu_xsave){ .area = (u8 *)uc->uc_mcontext.fpregs };
}

/* Ends the TEE: as if it had left with a halt, whatever it was doing. */
static void force_halt(struct emu_vcpu *v, struct emu_regs *r, ucontext_t *uc, u64 code)
{
	*r = (struct emu_regs){
		.rip = (u64)enclu_exit,
		.rsp = v->s.v.host_rsp,
		.rdi = TEE_EXIT_HALT,
		.rsi = code,
		.rflags = 0x202,
		.fsbase = v->s.v.host_fs,
	};
	v->thread = NULL;
	uc->uc_mcontext.gregs[REG_CSGSFS] = SOFT_SELECTORS_64;
}

static void broken(struct emu_vcpu *v, struct emu_regs *r, ucontext_t *uc, const char *rule)
{
	atomic_store(&v->s.v.vm->broken_rule, rule);
	force_halt(v, r, uc, TEE_HALT_ABORT | TEE_ABORT_JAIL);
}

static void count_aex(struct emu_vcpu *v, u32 vector)
{
	v->aex[vector == VECTOR_NONE ? EMU_AEX_TICK
	       : vector == EMU_PF    ? EMU_AEX_PF
	       : vector == EMU_UD    ? EMU_AEX_UD
				     : EMU_AEX_OTHER]++;
}

static void leave(struct emu_vcpu *v, struct emu_regs *r, ucontext_t *uc, const struct emu_fault *f)
{
	struct emu_xsave x = xsave_of(uc);

	emu_step_hide(v, r);
	if (emu_aex(v->enclave, r, &x, v->thread, f)) {
		force_halt(v, r, uc, TEE_HALT_ABORT | TEE_ABORT_ENTRY);
		return;
	}
	count_aex(v, f->vector);
	v->aex_leaf = f->vector == VECTOR_NONE ? TEE_ENTER_TICK : TEE_ENTER_EXCEPTION;
	v->thread = NULL;
	/* the program may have been in 32-bit mode */
	uc->uc_mcontext.gregs[REG_CSGSFS] = SOFT_SELECTORS_64;
}

/* EEXIT, with the rules for what may be in registers then. */
static struct emu_fault enclu_exit_leaf(struct emu_vcpu *v, struct emu_regs *r, ucontext_t *uc)
{
	struct emu_xsave x = xsave_of(uc);
	const char *rule = emu_check_exit(v->enclave, r, &x, v->host_rsp, v->host_rbp);
	struct emu_fault f;

	if (rule) {
		broken(v, r, uc, rule);
		return emu_done();
	}
	emu_step_hide(v, r);
	f = emu_eexit(v->enclave, r, v->thread);
	if (f.vector == EMU_NO_FAULT)
		v->thread = NULL;
	return f;
}

/* An ENCLU inside. EENTER and ERESUME are #GP there, as are leaves that don't exist. */
static void enclu_inside(struct emu_vcpu *v, struct emu_regs *r, ucontext_t *uc)
{
	struct emu_enclave *e = v->enclave;
	struct emu_fault f;

	switch ((u32)r->rax) {
	case ENCLU_EEXIT:
		f = enclu_exit_leaf(v, r, uc);
		if (!v->thread)
			return;
		break;
	case ENCLU_EREPORT:
		f = emu_ereport(e, r);
		break;
	case ENCLU_EGETKEY:
		f = emu_egetkey(e, r);
		break;
	case ENCLU_EACCEPT:
		f = emu_eaccept(e, r);
		break;
	case ENCLU_EACCEPTCOPY:
		f = emu_eacceptcopy(e, r);
		break;
	case ENCLU_EMODPE:
		f = emu_emodpe(e, r);
		break;
	default:
		f = emu_gp();
	}
	if (f.vector == EMU_NO_FAULT)
		r->rip += ENCLU_SIZE;
	else
		leave(v, r, uc, &f);
}

static bool is_enclu(const u8 *insn)
{
	return insn[0] == 0x0f && insn[1] == 0x01 && insn[2] == 0xd7;
}

/* Illegal in an enclave (38.6.1) where this processor says #GP: port I/O, and CPUID if it can. */
static bool is_illegal(struct emu_enclave *e, u64 rip)
{
	u8 insn[2];

	if (!emu_fetch(e, insn, rip, 1))
		return false;
	return (insn[0] & 0xf4) == 0xe4 || (insn[0] & 0xfc) == 0x6c ||
	       (emu_fetch(e, insn, rip, 2) && insn[0] == 0x0f && insn[1] == 0xa2);
}

static struct emu_fault fault_of(struct emu_vcpu *v, int sig, const ucontext_t *uc, u64 rip)
{
	const greg_t *regs = uc->uc_mcontext.gregs;
	struct emu_fault f = { .vector = regs[REG_TRAPNO], .error = regs[REG_ERR] };

	if (sig == SIGSYS)
		f.vector = EMU_UD;
	if (f.vector == EMU_PF) {
		f.addr = regs[REG_CR2];
		f.error |= emu_refused_by_epcm(v->enclave, f.addr, f.error);
	}
	if (f.vector == EMU_GP && is_illegal(v->enclave, rip))
		f.vector = EMU_UD;
	if (f.vector == EMU_UD)
		f.error = 0;
	return f;
}

/*
 * 37.3: fetching an instruction outside the range is #GP. Where the host has code it has happened
 * already: that is the end. A #GP is of the fetch if the address has no meaning, else of the
 * instruction there.
 */
static void outside_range(struct emu_vcpu *v, struct emu_regs *r, ucontext_t *uc, int sig)
{
	const greg_t *regs = uc->uc_mcontext.gregs;
	struct emu_fault gp = emu_gp();

	if (sig == SIGSEGV && ((regs[REG_TRAPNO] == EMU_GP && !emu_canonical(r->rip)) ||
			       (regs[REG_TRAPNO] == EMU_PF && (regs[REG_ERR] & PF_FETCH))))
		leave(v, r, uc, &gp);
	else
		broken(v, r, uc, "execution outside the range");
}

static void inside(struct emu_vcpu *v, struct emu_regs *r, ucontext_t *uc, int sig, siginfo_t *si)
{
	struct emu_fault f = emu_done();
	u8 insn[ENCLU_SIZE];

	if (sig == SIGSYS && (u64)si->si_call_addr >= TEE_RANGE_END) {
		broken(v, r, uc, "system call outside the range");
		return;
	}
	if (!emu_in_range(v->enclave, r->rip)) {
		outside_range(v, r, uc, sig);
		return;
	}
	if (sig == SOFT_TICK_SIGNAL) {
		v->s.v.ticks++;
		leave(v, r, uc, &f);
		return;
	}
	if (sig == SIGTRAP && v->stepping && uc->uc_mcontext.gregs[REG_TRAPNO] == 1) {
		if (emu_step_done(v, r)) {
			leave(v, r, uc, &f);
			v->aex_leaf = STEPPED;
		}
		return;
	}
	if (sig == SIGSYS)
		r->rip -= 2; /* an invalid opcode reports its own address */
	else if ((sig == SIGILL || sig == SIGSEGV) &&
		 emu_fetch(v->enclave, insn, r->rip, ENCLU_SIZE) && is_enclu(insn)) {
		enclu_inside(v, r, uc);
		return;
	}
	v->s.v.exceptions++;
	f = fault_of(v, sig, uc, r->rip);
	leave(v, r, uc, &f);
}

static struct emu_fault enclu_enter_leaf(struct emu_vcpu *v, struct emu_regs *r,
					 const struct emu_xsave *x)
{
	const struct tune *t = &v->s.v.vm->cfg->tune;
	struct emu_fault f;

	v->host_rsp = r->rsp;
	v->host_rbp = r->rbp;
	f = emu_eenter(v->enclave, r, &v->thread);
	if (f.vector != EMU_NO_FAULT)
		return f;
	emu_clear_vectors(v->enclave, x);
	if (t->emu_poison)
		emu_poison(v->enclave, r, x, v->entries);
	v->entries++;
	emu_step_begin(v, r, t->emu_step);
	return f;
}

/* The launcher's own EENTER or ERESUME. */
static void outside(struct emu_vcpu *v, struct emu_regs *r, ucontext_t *uc, int sig)
{
	struct emu_xsave x = xsave_of(uc);
	struct emu_fault f;

	if (sig == SOFT_TICK_SIGNAL)
		return;
	if (r->rip < (u64)enclu_begin || r->rip >= (u64)enclu_end || !is_enclu((u8 *)r->rip))
		__builtin_trap(); /* the launcher's own bug */
	if ((u32)r->rax == ENCLU_EENTER) {
		f = enclu_enter_leaf(v, r, &x);
	} else if ((u32)r->rax == ENCLU_ERESUME) {
		f = emu_eresume(v->enclave, r, &x, &v->thread);
		emu_step_begin(v, r, v->steps);
	} else {
		r->rip += ENCLU_SIZE; /* enclu_nothing() */
		return;
	}
	if (f.vector != EMU_NO_FAULT)
		r->rip = (u64)enclu_refused;
}

/* What crossing the border is to cost; 0 for all that did not cross it. */
static u64 cost(const struct emu_vcpu *v, bool was_inside, u64 leaf, u64 rax)
{
	const struct tune *t = &v->s.v.vm->cfg->tune;
	bool is_inside = v->thread;

	if (was_inside == is_inside)
		return 0;
	if (is_inside)
		return leaf == ENCLU_EENTER ? t->emu_eenter : t->emu_eresume;
	return rax == ENCLU_EEXIT ? t->emu_eexit : t->emu_aex;
}

static void spend(const struct emu_vcpu *v, u64 start, u64 cycles)
{
	while (cycles > v->signal_cycles && __rdtsc() - start < cycles - v->signal_cycles)
		__builtin_ia32_pause();
}

void emu_handler(int sig, siginfo_t *si, void *context)
{
	struct emu_vcpu *v = emu_this_vcpu();
	struct emu_xsave x;
	struct emu_regs r;
	bool was_inside;
	u64 start, leaf;

	soft_clear_flags();
	emu_reach_host();
	start = __rdtsc();
	if (v->s.self != &v->s)
		__builtin_trap(); /* a thread that has no vCPU */
	load(&r, context);
	x = xsave_of(context);
	emu_reach_hide(&x);
	was_inside = v->thread;
	leaf = r.rax;
	if (was_inside)
		inside(v, &r, context, sig, si);
	else
		outside(v, &r, context, sig);
	store(&r, context);
	emu_reach_set(&x, v->thread);
	spend(v, start, cost(v, was_inside, leaf, r.rax));
	v->handler_cycles = __rdtsc() - start;
}

/* Entering again in the midst of anything, with any leaf, as long as there is a frame. */
static u32 reenter_leaf(struct emu_vcpu *v, u32 cssa)
{
	static const u32 leaf[] = { TEE_ENTER_TICK, TEE_ENTER_EXCEPTION, TEE_ENTER_RETURN,
				    0x12345 };

	if (v->reenters >= v->s.v.vm->cfg->tune.emu_reenter || cssa >= TEE_SSA_COUNT)
		return 0;
	return leaf[v->reenters++ % 4];
}

/*
 * As a host may: a tick in the midst of an exception or of a tick has nothing to add, so it is
 * resumed at once.
 */
u32 enclu_at_aep(struct emu_vcpu *v)
{
	u32 i, cssa = 0;

	for (i = 0; i < v->enclave->thread_count; i++)
		if (v->enclave->threads[i].page == v->s.v.tcs)
			cssa = v->enclave->threads[i].tcs.cssa;
	if (atomic_load(&v->s.v.vm->stop))
		v->s.v.vm->backend->thread_exit(&v->s.v);
	if (v->aex_leaf == STEPPED)
		return reenter_leaf(v, cssa);
	return v->aex_leaf == TEE_ENTER_TICK && cssa > 1 ? 0 : v->aex_leaf;
}
