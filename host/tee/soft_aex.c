// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Asynchronous exits in software: a signal that finds its thread inside the TEE
 * does what the processor would (SDM vol. 3D, 39.2): registers to the state-save
 * area, synthetic ones in their place, and back in at the entry point, as the
 * code behind an AEP would do with EENTER. Runs with the program's fs base and on
 * the signal stack: no libc, no thread-local data.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "host/tee/soft.h"

/* arch/x86/include/uapi/asm/sigcontext.h */
#define XSTATE_HEADER 512
#define TCS_OF(v) ((struct tee_tcs *)(v)->tcs)

enum { VECTOR_UD = 6, VECTOR_GP = 13, VECTOR_PF = 14 };

static void copy_bytes(void *dst, const void *src, size_t size)
{
	__asm__ volatile("rep movsb" : "+D"(dst), "+S"(src), "+c"(size) : : "memory");
}

/* The vector that the processor raised; 0x100 if the signal says nothing of the kind. */
static u32 vector_of(int sig, const greg_t *regs)
{
	switch (sig) {
	case SIGSYS:
		return VECTOR_UD;
	case SIGSEGV:
	case SIGBUS:
	case SIGILL:
	case SIGFPE:
	case SIGTRAP:
		return regs[REG_TRAPNO];
	default:
		return 0x100;
	}
}

static void save_gpr(struct tee_ssa_gpr *g, const greg_t *regs, u32 exit_info)
{
	*g = (struct tee_ssa_gpr){
		.rax = regs[REG_RAX],
		.rcx = regs[REG_RCX],
		.rdx = regs[REG_RDX],
		.rbx = regs[REG_RBX],
		.rsp = regs[REG_RSP],
		.rbp = regs[REG_RBP],
		.rsi = regs[REG_RSI],
		.rdi = regs[REG_RDI],
		.r8 = regs[REG_R8],
		.r9 = regs[REG_R9],
		.r10 = regs[REG_R10],
		.r11 = regs[REG_R11],
		.r12 = regs[REG_R12],
		.r13 = regs[REG_R13],
		.r14 = regs[REG_R14],
		.r15 = regs[REG_R15],
		.rflags = regs[REG_EFL],
		.rip = regs[REG_RIP],
		.exit_info = exit_info,
		.fsbase = soft_read_fs(),
		.gsbase = soft_read_gs(),
	};
}

u32 soft_xstate_size(const ucontext_t *uc)
{
	u32 size;

	/* struct _fpx_sw_bytes.xstate_size, arch/x86/include/uapi/asm/sigcontext.h */
	copy_bytes(&size, (u8 *)uc->uc_mcontext.fpregs + 464 + 16, sizeof(size));
	return size < TEE_XSAVE_SIZE ? size : TEE_XSAVE_SIZE;
}

/* Vector state to the frame; the interrupted context goes on with the initial one. */
static void save_xstate(u8 *ssa, ucontext_t *uc)
{
	u8 *x = (u8 *)uc->uc_mcontext.fpregs;

	copy_bytes(ssa, x, soft_xstate_size(uc));
	*(u64 *)(ssa + XSTATE_HEADER) &= TEE_XFRM;
	*(u64 *)(x + XSTATE_HEADER) = 0;
}

/* Ends the TEE: as if it had left with a halt, whatever it was doing. */
static void force_halt(struct tee_vcpu *v, greg_t *regs, u64 code)
{
	regs[REG_RIP] = (greg_t)soft_exit;
	regs[REG_RSP] = v->host_rsp;
	regs[REG_RDI] = TEE_EXIT_HALT;
	regs[REG_RSI] = code;
	regs[REG_EFL] = 0x202;
	regs[REG_CSGSFS] = SOFT_SELECTORS_64; /* the program may have been in 32-bit mode */
}

static void aex(struct tee_vcpu *v, ucontext_t *uc, u32 vector, u64 addr)
{
	greg_t *regs = uc->uc_mcontext.gregs;
	struct tee_tcs *tcs = TCS_OF(v);
	u8 *ssa = (u8 *)v->tcs + TEE_BLOCK_SSA + tcs->cssa * TEE_PAGE_SIZE;
	struct tee_ssa_exinfo *exinfo = (void *)(ssa + TEE_SSA_EXINFO);
	u32 info = 0;

	if (tcs->cssa >= tcs->nssa) {
		v->lost_ip = regs[REG_RIP];
		force_halt(v, regs, TEE_HALT_ABORT | TEE_ABORT_ENTRY);
		return;
	}
	if (vector < 0x100)
		info = vector | TEE_EXIT_INFO_HARDWARE | TEE_EXIT_INFO_VALID;
	save_xstate(ssa, uc);
	save_gpr((void *)(ssa + TEE_SSA_GPR), regs, info);
	exinfo->maddr = vector == VECTOR_PF ? addr : 0;
	exinfo->errcd = vector == VECTOR_PF || vector == VECTOR_GP ? regs[REG_ERR] : 0;
	tcs->cssa++;

	memset(regs, 0, sizeof(greg_t) * REG_RIP);
	regs[REG_RAX] = tcs->cssa;
	regs[REG_RBX] = v->tcs;
	regs[REG_RCX] = (greg_t)soft_exit;
	regs[REG_RDX] = 0;
	regs[REG_RDI] = info ? TEE_ENTER_EXCEPTION : TEE_ENTER_TICK;
	regs[REG_RSI] = 0;
	regs[REG_RBP] = 0;
	regs[REG_RSP] = v->host_rsp;
	regs[REG_RIP] = v->entry;
	regs[REG_EFL] = 0x202;
	regs[REG_CSGSFS] = SOFT_SELECTORS_64;
	soft_write_fs(tcs->ofsbase);
	soft_write_gs(tcs->ogsbase);
}

enum where {
	INSIDE, /* the TEE runs, or has jumped to the host's code with its own fs base */
	EDGE, /* soft_entry.S: being entered or left */
	HOST,
};

static enum where where(const struct tee_vcpu *v, u64 ip)
{
	if (ip < TEE_RANGE_END)
		return INSIDE;
	if (soft_read_fs() == v->host_fs)
		return HOST;
	return ip - (u64)soft_page < TEE_PAGE_SIZE ? EDGE : INSIDE;
}

static void tick(struct tee_vcpu *v, ucontext_t *uc)
{
	/*
	 * A tick in the middle of an exception (or of a tick) has nothing to add: as an AEP may,
	 * resume at once instead of filling the next state-save frame.
	 */
	if (where(v, uc->uc_mcontext.gregs[REG_RIP]) != INSIDE || TCS_OF(v)->cssa)
		return;
	v->ticks++;
	aex(v, uc, 0x100, 0);
}

static void fault(struct tee_vcpu *v, ucontext_t *uc, int sig)
{
	greg_t *regs = uc->uc_mcontext.gregs;

	switch (where(v, regs[REG_RIP])) {
	case HOST:
		__builtin_trap(); /* the launcher's own */
	case EDGE: /* jumped to from inside: everything is ready there otherwise */
		force_halt(v, regs, TEE_HALT_ABORT | TEE_ABORT_JAIL);
		return;
	case INSIDE:
		v->exceptions++;
		aex(v, uc, vector_of(sig, regs), regs[REG_CR2]);
	}
}

void soft_signal(int sig, siginfo_t *si, void *context)
{
	struct soft_vcpu *s = (void *)((u64)__builtin_frame_address(0) & -(u64)SOFT_AREA_SIZE);
	ucontext_t *uc = context;
	greg_t *regs = uc->uc_mcontext.gregs;

	soft_clear_flags();
	if (s->self != s)
		__builtin_trap(); /* a thread that has no vCPU */
	if (sig == SOFT_TICK_SIGNAL) {
		tick(&s->v, uc);
		return;
	}
	/* Not rip: the vsyscall page's emulation has returned to its caller already. */
	if (sig == SIGSYS && (u64)si->si_call_addr >= TEE_RANGE_END) {
		force_halt(&s->v, regs, TEE_HALT_ABORT | TEE_ABORT_JAIL);
		return;
	}
	if (sig == SIGSYS)
		regs[REG_RIP] -= 2; /* an invalid opcode reports its own address */
	fault(&s->v, uc, sig);
}

/* The kernel's own structure: libc's sigaction() would put its restorer in. */
struct kernel_sigaction {
	void (*handler)(int, siginfo_t *, void *);
	unsigned long flags;
	void (*restorer)(void);
	u64 mask;
};
#define KERNEL_SA_RESTORER 0x04000000

int soft_signals_install(soft_handler *handler, struct err *err)
{
	const int signals[] = {
		SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SOFT_TICK_SIGNAL
	};
	struct kernel_sigaction sa = {
		.handler = handler,
		.flags = SA_SIGINFO | SA_ONSTACK | KERNEL_SA_RESTORER,
		.restorer = soft_sigreturn,
		.mask = ~0ull, /* one at a time: a handler is neither inside nor outside */
	};
	size_t i;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (syscall(SYS_rt_sigaction, signals[i], &sa, NULL, sizeof(sa.mask)))
			return err_set_errno(err, E_HOST, errno, "signal %d", signals[i]);
	return 0;
}

int soft_signal_stack(struct soft_vcpu *v, size_t size)
{
	size_t used = (size + 63) & ~(size_t)63;
	stack_t ss = { .ss_sp = (u8 *)v + used, .ss_size = SOFT_AREA_SIZE - used };
	sigset_t set;

	v->self = v;
	v->v.host_fs = soft_read_fs();
	if (sigaltstack(&ss, NULL))
		return -errno;
	sigemptyset(&set);
	sigaddset(&set, SOFT_TICK_SIGNAL);
	return -pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
