// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Real faults: signal number, si_code, si_addr, and a ucontext that the handler may change. */
#include "test/guest/lib/guest.h"
#include <fenv.h>
#include <setjmp.h>
#include <ucontext.h>

static sigjmp_buf back;
static volatile siginfo_t info;
static volatile greg_t rip, trapno, err;
static volatile int hits;

static void leave(int sig, siginfo_t *si, void *arg)
{
	ucontext_t *uc = arg;

	info = *si;
	rip = uc->uc_mcontext.gregs[REG_RIP];
	trapno = uc->uc_mcontext.gregs[REG_TRAPNO];
	err = uc->uc_mcontext.gregs[REG_ERR];
	siglongjmp(back, 1);
}

static void on(int sig, void (*fn)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = { .sa_sigaction = fn, .sa_flags = SA_SIGINFO | flags };

	MUST(!sigaction(sig, &sa, NULL));
	hits = 0;
}

/* Runs the statement; it must fault with this signal and code. */
#define FAULTS(sig, code, statement)                                                \
	do {                                                                        \
		on(sig, leave, 0);                                                  \
		if (!sigsetjmp(back, 1)) {                                          \
			statement;                                                  \
			guest_fail(__FILE__, __LINE__, "no fault: %s", #statement); \
		} else {                                                            \
			EQ(info.si_signo, sig);                                     \
			EQ(info.si_code, code);                                     \
		}                                                                   \
		signal(sig, SIG_DFL);                                               \
	} while (0)

static __attribute__((noinline)) void peek(volatile char *p)
{
	(void)*p;
}

static void poke(volatile char *p)
{
	*p = 1;
}

static char *page(int prot)
{
	char *p = mmap(NULL, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(p != MAP_FAILED);
	return p;
}

static void segv_maperr(void)
{
	char *p = page(PROT_READ);

	munmap(p, 4096);
	FAULTS(SIGSEGV, SEGV_MAPERR, peek(p + 123));
	CHECK(info.si_addr == p + 123);
	EQ(trapno, 14);
	EQ(err & 6, 4);
	FAULTS(SIGSEGV, SEGV_MAPERR, poke(p + 5));
	CHECK(info.si_addr == p + 5);
	EQ(err & 6, 6);
	FAULTS(SIGSEGV, SEGV_MAPERR, peek((char *)16));
	CHECK(info.si_addr == (void *)16);
}

static void segv_accerr(void)
{
	char *p = page(PROT_READ), *none = page(PROT_NONE);

	FAULTS(SIGSEGV, SEGV_ACCERR, poke(p + 77));
	CHECK(info.si_addr == p + 77);
	FAULTS(SIGSEGV, SEGV_ACCERR, peek(none));
	CHECK(info.si_addr == none);
	MUST(!mprotect(none, 4096, PROT_READ | PROT_WRITE));
	poke(none);
	munmap(p, 4096);
	munmap(none, 4096);
}

static void segv_const(void)
{
	static const char text[] = "read only";

	FAULTS(SIGSEGV, SEGV_ACCERR, poke((char *)text));
	FAULTS(SIGSEGV, SEGV_ACCERR, poke((char *)(uintptr_t)peek));
}

static void segv_not_canonical(void)
{
	FAULTS(SIGSEGV, SI_KERNEL, peek((char *)0x8000000000000000));
	CHECK(info.si_addr == NULL);
}

static void segv_exec(void)
{
	char *p = page(PROT_READ | PROT_WRITE);

	p[0] = (char)0xc3;
	FAULTS(SIGSEGV, SEGV_ACCERR, ((void (*)(void))p)());
	CHECK(info.si_addr == p);
	EQ(rip, (greg_t)p);
	munmap(p, 4096);
	FAULTS(SIGSEGV, SEGV_MAPERR, ((void (*)(void))p)());
}

static void privileged(void)
{
	FAULTS(SIGSEGV, SI_KERNEL, __asm__ volatile("hlt"));
	FAULTS(SIGSEGV, SI_KERNEL, __asm__ volatile("inb $0x80, %%al" : : : "eax"));
}

static void ill(void)
{
	extern char ud_here[];

	FAULTS(SIGILL, ILL_ILLOPN, __asm__ volatile(".globl ud_here\nud_here: ud2"));
	CHECK(info.si_addr == ud_here);
	EQ(trapno, 6);
}

static volatile int zero;

static void fpe_int(void)
{
	FAULTS(SIGFPE, FPE_INTDIV, __asm__ volatile("idivl %2" : : "a"(1), "d"(0), "r"(zero)));
	EQ((greg_t)info.si_addr, rip);
}

static void fpe_sse(void)
{
	volatile double a = 1, b = 0;

	feenableexcept(FE_DIVBYZERO);
	FAULTS(SIGFPE, FPE_FLTDIV, a = a / b);
	/* The jump leaves MXCSR as the handler had it: masked again. */
	feenableexcept(FE_INVALID);
	b = 0;
	a = 0;
	FAULTS(SIGFPE, FPE_FLTINV, a = a / b);
	fedisableexcept(FE_ALL_EXCEPT);
	feclearexcept(FE_ALL_EXCEPT);
}

static void fpe_x87(void)
{
	volatile long double a = 1, b = 0;

	feenableexcept(FE_DIVBYZERO);
	FAULTS(SIGFPE, FPE_FLTDIV, {
		a = a / b;
		__asm__ volatile("fwait");
	});
	__asm__ volatile("fninit");
	fedisableexcept(FE_ALL_EXCEPT);
}

static void bus(void)
{
	int fd = guest_tmpfile(5000);
	char *p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	MUST(p != MAP_FAILED);
	EQ((unsigned char)p[4999], 4999 % 251);
	EQ(p[5000], 0);
	FAULTS(SIGBUS, BUS_ADRERR, peek(p + 8200));
	CHECK(info.si_addr == p + 8200);
	munmap(p, 3 * 4096);
	p = mmap(NULL, 3 * 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	MUST(p != MAP_FAILED);
	FAULTS(SIGBUS, BUS_ADRERR, peek(p + 8200));
	munmap(p, 3 * 4096);
	close(fd);
}

static void count_trap(int sig, siginfo_t *si, void *arg)
{
	ucontext_t *uc = arg;

	hits++;
	info = *si;
	rip = uc->uc_mcontext.gregs[REG_RIP];
	if (si->si_code == TRAP_TRACE && hits >= 6)
		uc->uc_mcontext.gregs[REG_EFL] &= ~0x100L;
}

static void trap_int3(void)
{
	extern char after_int3[];

	on(SIGTRAP, count_trap, 0);
	__asm__ volatile("int3\n.globl after_int3\nafter_int3:");
	EQ(hits, 1);
	EQ(info.si_code, SI_KERNEL);
	EQ(rip, (greg_t)after_int3);
	signal(SIGTRAP, SIG_DFL);
}

static void trap_icebp(void)
{
	extern char after_icebp[];

	on(SIGTRAP, count_trap, 0);
	__asm__ volatile(".byte 0xf1\n.globl after_icebp\nafter_icebp:");
	EQ(hits, 1);
	EQ(info.si_code, TRAP_BRKPT);
	EQ(rip, (greg_t)after_icebp);
	CHECK(info.si_addr == after_icebp);
	signal(SIGTRAP, SIG_DFL);
}

/* The program single-steps itself with the trap flag. */
static void trap_flag(void)
{
	on(SIGTRAP, count_trap, 0);
	__asm__ volatile("lea -128(%%rsp), %%rsp\n pushfq\n orq $0x100, (%%rsp)\n popfq\n"
			 "nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop\n"
			 "lea 128(%%rsp), %%rsp"
			 :
			 :
			 : "cc", "memory");
	EQ(hits, 6);
	EQ(info.si_code, TRAP_TRACE);
	signal(SIGTRAP, SIG_DFL);
}

extern char step_after[], step_end[];
static int steps_after;

/* Counts the steps behind the call; how many there are before depends on how it is made. */
static void count_after(int sig, siginfo_t *si, void *arg)
{
	greg_t *g = ((ucontext_t *)arg)->uc_mcontext.gregs;

	steps_after += g[REG_RIP] > (greg_t)step_after && g[REG_RIP] <= (greg_t)step_end;
	if (g[REG_RIP] == (greg_t)step_end)
		g[REG_EFL] &= ~0x100L;
}

/* The trap flag lasts over a system call, rewritten or not, and the kernel is not disturbed. */
static void trap_flag_over_a_call(void)
{
	long ret;
	int i;

	for (i = 0; i < 4; i++) {
		steps_after = 0;
		on(SIGTRAP, count_after, 0);
		__asm__ volatile("lea -128(%%rsp), %%rsp\n pushfq\n orq $0x100, (%%rsp)\n popfq\n"
				 "mov $110, %%eax\n syscall\n"
				 ".globl step_after\nstep_after: nop\n nop\n nop\n nop\n"
				 ".globl step_end\nstep_end: lea 128(%%rsp), %%rsp"
				 : "=a"(ret)
				 :
				 : "rcx", "r11", "cc", "memory");
		EQ(ret, getppid());
		EQ(steps_after, 4);
		signal(SIGTRAP, SIG_DFL);
	}
}

static void skip_and_set(int sig, siginfo_t *si, void *arg)
{
	ucontext_t *uc = arg;
	greg_t *g = uc->uc_mcontext.gregs;

	hits++;
	g[REG_RIP] += 2;
	g[REG_RAX] = 0x1111111111111111;
	g[REG_RBX] ^= 0xff;
	g[REG_RCX] += 1;
	g[REG_R11] += 1;
	g[REG_R15] = ~g[REG_R15];
	g[REG_EFL] |= 1;
}

/* Every register that the handler changes is changed after it, the others are kept. */
static void handler_changes_registers(void)
{
	uint64_t a = 1, b = 0x55, c = 10, r11 = 20, r15 = 0xf0f0, r8 = 8, carry = 0;

	on(SIGILL, skip_and_set, 0);
	__asm__ volatile("mov %4, %%r11\n mov %5, %%r15\n mov %6, %%r8\n xor %%edx, %%edx\n clc\n"
			 "ud2\n setc %%dl\n mov %%r11, %4\n mov %%r15, %5\n mov %%r8, %6"
			 : "+a"(a), "+b"(b), "+c"(c), "=&d"(carry), "+&S"(r11), "+&D"(r15), "+m"(r8)
			 :
			 : "r8", "r11", "r15", "cc");
	EQ(hits, 1);
	EQ(a, 0x1111111111111111);
	EQ(b, 0xaa);
	EQ(c, 11);
	EQ(r11, 21);
	EQ(r15, ~0xf0f0ULL);
	EQ(r8, 8);
	EQ(carry, 1);
	signal(SIGILL, SIG_DFL);
}

static void set_vector(int sig, siginfo_t *si, void *arg)
{
	mcontext_t *m = &((ucontext_t *)arg)->uc_mcontext;

	hits++;
	m->gregs[REG_RIP] += 2;
	m->fpregs->_xmm[3].element[0] = 0x12345678;
}

/* What the handler writes to the vector state counts, also where that was the initial one. */
static void handler_changes_vectors(void)
{
	uint32_t xmm;

	on(SIGILL, set_vector, 0);
	__asm__ volatile("vzeroall\n ud2\n movd %%xmm3, %0"
			 : "=r"(xmm)
			 :
			 : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
			   "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
	EQ(hits, 1);
	EQ(xmm, 0x12345678);
	signal(SIGILL, SIG_DFL);
}

static volatile char *grow;

static void map_and_retry(int sig, siginfo_t *si, void *arg)
{
	hits++;
	mprotect((void *)((uintptr_t)si->si_addr & ~4095UL), 4096, PROT_READ | PROT_WRITE);
}

/* What garbage collectors do: the handler makes the page writable and the access is retried. */
static void retried_after_mprotect(void)
{
	int i;

	grow = mmap(NULL, 64 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(grow != MAP_FAILED);
	on(SIGSEGV, map_and_retry, 0);
	for (i = 0; i < 64 * 4096; i += 1024)
		grow[i] = (char)i;
	EQ(hits, 64);
	munmap((void *)grow, 64 * 4096);
	signal(SIGSEGV, SIG_DFL);
}

static int overflow(int n)
{
	volatile char a[4096];

	a[0] = (char)n;
	return overflow(n + 1) + a[0];
}

static void stack_overflow_on_altstack(void)
{
	stack_t s = { .ss_size = 65536, .ss_sp = malloc(65536) };

	MUST(!sigaltstack(&s, NULL));
	on(SIGSEGV, leave, SA_ONSTACK);
	if (!sigsetjmp(back, 1))
		overflow(0);
	EQ(info.si_signo, SIGSEGV);
	EQ(info.si_code, SEGV_MAPERR);
	signal(SIGSEGV, SIG_DFL);
	s.ss_flags = SS_DISABLE;
	sigaltstack(&s, NULL);
	free(s.ss_sp);
}

static __thread sigjmp_buf my_back;

static void my_leave(int sig, siginfo_t *si, void *arg)
{
	siglongjmp(my_back, 1);
}

static void *fault_loop(void *arg)
{
	volatile int i;

	for (i = 0; i < 500; i++)
		if (!sigsetjmp(my_back, 1))
			peek((char *)(uintptr_t)(4 + i));
	return NULL;
}

static void faults_in_threads(void)
{
	pthread_t t[4];
	int i;

	on(SIGSEGV, my_leave, 0);
	for (i = 0; i < 4; i++)
		MUST(!pthread_create(&t[i], NULL, fault_loop, NULL));
	for (i = 0; i < 4; i++)
		MUST(!pthread_join(t[i], NULL));
	signal(SIGSEGV, SIG_DFL);
}

GUEST_MAIN(T(segv_maperr), T(segv_accerr), T(segv_const), T(segv_not_canonical), T(segv_exec),
	   T(privileged), T(ill), T(fpe_int), T(fpe_sse), T(fpe_x87), T(bus), T(trap_int3),
	   T(trap_icebp), T(handler_changes_registers), T(handler_changes_vectors),
	   T(retried_after_mprotect), T(stack_overflow_on_altstack), T(faults_in_threads),
	   T(trap_flag), T(trap_flag_over_a_call))
