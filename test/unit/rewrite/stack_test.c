// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * insn_stack_fault() against the processor: each instruction is executed with rsp or rbp beside
 * the canonical addresses. Linux says SIGBUS to a stack fault, SIGSEGV to the rest. What the
 * function calls a stack fault has to be one; what it misses is counted, and named here.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "enclave/linux/arch/rkt/exec/insn_stack.h"

#define WILD 0x8000000000000000ull
#define RUN_MAX 32
enum { SS = SIGBUS, OTHER = SIGSEGV, NONE = 0 };

static const struct {
	const char *name;
	u64 rsp, rbp, rbx; /* rsp 0: the real one */
	int raises;
	bool missed; /* a stack fault that the registers don't prove */
	u8 size, code[14];
} cases[] = {
	{ "mov-rbp", 0, WILD, 0, SS, 0, 4, { 0x48, 0x8b, 0x45, 0x00 } },
	{ "mov-byte-rbp-disp8", 0, WILD, 0, SS, 0, 3, { 0x8a, 0x45, 0xf8 } },
	{ "mov-rbp-disp32", 0, WILD, 0, SS, 0, 6, { 0x8b, 0x85, 0x00, 0x01, 0x00, 0x00 } },
	{ "mov-store-rbp", 0, WILD, 0, SS, 0, 3, { 0x89, 0x45, 0x00 } },
	{ "disp-makes-wild", 0, 0x7fffffffffff, 0, SS, 0, 3, { 0x8a, 0x45, 0x7f } },
	{ "disp-makes-canonical", 0, 0x800000000000, 0, OTHER, 0, 3, { 0x8a, 0x45, 0x80 } },
	{ "mov-rbx", 0, WILD, WILD, OTHER, 0, 2, { 0x8b, 0x03 } },
	{ "mov-r13", 0, WILD, 0, OTHER, 0, 4, { 0x41, 0x8b, 0x45, 0x00 } },
	{ "sib-rbp-base", 0, WILD, 0, SS, 0, 4, { 0x8b, 0x44, 0x05, 0x00 } },
	{ "sib-rbp-index", 0, WILD, 0, OTHER, 0, 3, { 0x8b, 0x04, 0x28 } },
	{ "sib-rbp-index-of-rsp", 0, WILD, 0, SS, 0, 3, { 0x8b, 0x04, 0x2c } },
	{ "sib-no-base", 0, WILD, 0, OTHER, 0, 7, { 0x8b, 0x04, 0x25, 0, 0, 0, 0 } },
	{ "mov-rsp", WILD, 0, 0, SS, 0, 3, { 0x8b, 0x04, 0x24 } },
	{ "mov-r12", WILD, 0, 0, OTHER, 0, 4, { 0x41, 0x8b, 0x04, 0x24 } },
	{ "fs", 0, WILD, 0, OTHER, 0, 4, { 0x64, 0x8b, 0x45, 0x00 } },
	{ "ds-is-ignored", 0, WILD, 0, SS, 0, 4, { 0x3e, 0x8b, 0x45, 0x00 } },
	{ "address-of-32-bits", 0, WILD, 0, OTHER, 0, 4, { 0x67, 0x8b, 0x45, 0x00 } },
	{ "lea", 0, WILD, 0, NONE, 0, 4, { 0x48, 0x8d, 0x45, 0x00 } },
	{ "nop", 0, WILD, 0, NONE, 0, 4, { 0x0f, 0x1f, 0x45, 0x00 } },
	{ "prefetch", 0, WILD, 0, NONE, 0, 4, { 0x0f, 0x18, 0x4d, 0x00 } },
	{ "prefetchw", 0, WILD, 0, NONE, 0, 4, { 0x0f, 0x0d, 0x4d, 0x00 } },
	{ "bt", 0, WILD, 0, SS, true, 4, { 0x0f, 0xa3, 0x5d, 0x00 } },
	{ "cmov-not-taken", 0, WILD, 0, SS, 0, 4, { 0x0f, 0x4a, 0x45, 0x00 } },
	{ "x87", 0, WILD, 0, SS, 0, 3, { 0xdd, 0x45, 0x00 } },
	{ "sse", 0, WILD, 0, SS, 0, 4, { 0x0f, 0x10, 0x45, 0x00 } },
	{ "push", WILD, 0, 0, SS, 0, 1, { 0x53 } },
	{ "push-imm8", WILD, 0, 0, SS, 0, 2, { 0x6a, 0x01 } },
	{ "push-register-form", WILD, 0, 0, SS, 0, 2, { 0xff, 0xf3 } },
	{ "inc-register-form", WILD, 0, 0, NONE, 0, 2, { 0xff, 0xc3 } },
	{ "push-memory", 0, WILD, 0, SS, 0, 3, { 0xff, 0x75, 0x00 } },
	{ "pop", WILD, 0, 0, SS, 0, 1, { 0x5b } },
	{ "pop-fs", WILD, 0, 0, SS, 0, 2, { 0x0f, 0xa1 } },
	{ "pushf", WILD, 0, 0, SS, 0, 1, { 0x9c } },
	{ "popf", WILD, 0, 0, SS, 0, 1, { 0x9d } },
	{ "call", WILD, 0, 0, SS, 0, 5, { 0xe8, 0, 0, 0, 0 } },
	{ "call-register", WILD, 0, 0x1000, SS, 0, 2, { 0xff, 0xd3 } },
	{ "ret", WILD, 0, 0, SS, 0, 1, { 0xc3 } },
	{ "ret-imm", WILD, 0, 0, SS, 0, 3, { 0xc2, 8, 0 } },
	{ "leave", 0, WILD, 0, SS, 0, 1, { 0xc9 } },
	{ "leave-wild-rsp", WILD, 0, 0, OTHER, 0, 1, { 0xc9 } },
	{ "push-below-edge", 0x800000000008, 0, 0, SS, 0, 1, { 0x53 } },
	{ "mov-without-stack", WILD, WILD, 0, NONE, 0, 3, { 0x48, 0x89, 0xd8 } },
};

static u8 *area;
static sigjmp_buf back;
static u64 reg[16];
u64 run_rsp, run_rbp, run_rbx, run_kept;
static volatile u64 fault_ip;

static void handler(int sig, siginfo_t *si, void *context)
{
	static const u8 order[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
				      REG_RSI, REG_RDI, REG_R8,	 REG_R9,  REG_R10, REG_R11,
				      REG_R12, REG_R13, REG_R14, REG_R15 };
	const ucontext_t *uc = context;
	int i;

	for (i = 0; i < 16; i++)
		reg[i] = uc->uc_mcontext.gregs[order[i]];
	fault_ip = uc->uc_mcontext.gregs[REG_RIP];
	siglongjmp(back, sig);
}

/* Jumps to the code with the registers of the case; no way back but a signal: ud2 at the end. */
static void __attribute__((noinline)) execute(const u8 *code)
{
	__asm__ volatile("movq run_rbx(%%rip), %%rbx\n\t"
			 "xorl %%eax, %%eax\n\t"
			 "xorl %%r12d, %%r12d\n\t"
			 "xorl %%r13d, %%r13d\n\t"
			 "movq run_rbp(%%rip), %%rbp\n\t"
			 "movq run_rsp(%%rip), %%rdx\n\t"
			 "testq %%rdx, %%rdx\n\t"
			 "cmovneq %%rdx, %%rsp\n\t"
			 "jmp *%0"
			 :
			 : "c"(code)
			 : "memory");
	__builtin_unreachable();
}

/* The signal that the code raised, NONE if it got to its end. */
static int run(size_t n)
{
	int sig = sigsetjmp(back, 1);

	if (sig)
		return sig == SIGILL && fault_ip == (u64)area + cases[n].size ? NONE : sig;
	memset(area, 0xcc, RUN_MAX);
	memcpy(area, cases[n].code, cases[n].size);
	memcpy(area + cases[n].size, "\x0f\x0b", 2);
	run_rsp = cases[n].rsp;
	run_rbp = cases[n].rbp;
	run_rbx = cases[n].rbx;
	execute(area);
	return -1;
}

static const char *wrong(size_t n)
{
	struct insn insn;
	int raised = run(n);
	bool said;

	if (raised != cases[n].raises)
		return "the processor does something else";
	if (insn_decode(&insn, area, cases[n].size) != cases[n].size)
		return "it is not decoded";
	said = insn_stack_fault(&insn, area, reg);
	if (said && raised != SS)
		return "called a stack fault, but is none";
	if (!said && raised == SS && !cases[n].missed)
		return "not called a stack fault";
	return said && cases[n].missed ? "not missed any more" : NULL;
}

int main(void)
{
	static u8 stack[65536];
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
	const int signals[] = { SIGBUS, SIGSEGV, SIGILL, SIGTRAP };
	size_t i, count = sizeof(cases) / sizeof(cases[0]), failed = 0;
	const char *why;

	area = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	sigaltstack(&ss, NULL);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &sa, NULL);
	for (i = 0; i < count; i++) {
		why = wrong(i);
		failed += !!why;
		printf(why ? "not ok %s: %s\n" : "ok %s\n", cases[i].name, why);
	}
	printf("%zu passed, %zu failed, 0 skipped\n", count - failed, failed);
	return failed ? 1 : 0;
}
