// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Rewritten code is executed: each pattern, at each alignment, natively and
 * patched; resumed from every address inside its stub; entered at every
 * instruction boundary; patched while threads run it.
 */
#include <asm/prctl.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "enclave/linux/arch/rkt/exec/install.h"
#include "enclave/linux/arch/rkt/exec/insn.h"

#define TEXT 0x200000000ull
#define TEXT_SIZE 0x10000
#define STUBS (TEXT + 0x100000)
#define STUBS_SIZE 0x10000

static int passed, failed;

static void result(const char *name, bool ok, const char *why)
{
	printf(ok ? "ok %s\n" : "not ok %s: %s\n", name, why);
	ok ? passed++ : failed++;
}

/* What stands for the vCPU area: a save slot, a counter. */
struct vcpu {
	u64 pad, save, count, pad2;
};

void test_entry(void);
asm(".text\n.globl test_entry\ntest_entry:\n"
    "	incq	%gs:16\n"
    "	movq	%rcx, %gs:8\n"
    "	syscall\n"
    "	jmp	*%gs:8\n");

static __thread struct vcpu vcpu;

static void vcpu_init(void)
{
	syscall(SYS_arch_prctl, ARCH_SET_GS, &vcpu);
}

/* The code snippets: name, code from the label name_ to name_end, site at name_site. */
#define SNIPPET(name, before, after)                                                     \
	extern const u8 name##_[], name##_site[], name##_end[], name##_next[];           \
	asm(".section .rodata\n" #name "_:\n" before "\n" #name "_site: syscall\n" after \
	    "\n" #name "_end:\n"                                                         \
	    ".nops 15\n" #name "_next: ret\n.fill 16,1,0xf4\n.text\n")

/* all take a system call number in edi and an argument in esi, and give rax */
SNIPPET(mov_eax, "push %rbx\n mov $110,%eax", "pop %rbx\n ret");
SNIPPET(mov_rax, "push %rbx\n mov $110,%rax", "pop %rbx\n ret");
SNIPPET(between, "mov $32,%eax\n xor $0x80,%sil\n movslq %esi,%rdi", "cmp $-4096,%rax\n ret");
SNIPPET(stack_arg,
	"push %rsi\n mov %edi,%eax\n mov 0x0(%rsp),%rdi\n .byte 0x48,0x8b,0x7c,0x24,0x00",
	"pop %rsi\n ret");
SNIPPET(riprel, "mov 1f(%rip),%rax", "ret\n1: .quad 110");
/* data in front that swallows the first instruction of the walk: must not be believed */
SNIPPET(island, "jmp 1f\n2: .quad 110\n1: mov 2b(%rip),%rax", "ret\n pop %rcx\n pop %rcx");
/* musl's cancellation point: nothing behind, no symbol */
SNIPPET(musl_cp,
	"mov %edi,%eax\n test %eax,%eax\n mov %rdi,%r11\n mov %rdi,%rax\n mov %rdx,%r8\n mov %rcx,%r9\n"
	"mov %r8,%rdx\n mov %r9,%r10\n mov %esi,%edi\n mov 8(%rsp),%r8\n mov 16(%rsp),%r9\n mov %r11,8(%rsp)",
	"ret\n jmp .");
SNIPPET(to_hole, "push %rbx\n mov %edi,%eax\n mov %esi,%edi", "pop %rbx\n ret");
SNIPPET(ahead_cmp, "mov %edi,%eax\n mov %esi,%edi",
	"cmp $-4096,%rax\n ja 1f\n ret\n1: neg %eax\n ret");
SNIPPET(ahead_js, "mov %edi,%eax\n mov %esi,%edi",
	"test %rax,%rax\n js 1f\n ret\n1: neg %eax\n ret");
SNIPPET(ahead_jmp, "mov %edi,%eax\n mov %esi,%edi",
	".byte 0xe9; .long 1f-2f\n2: hlt\n1: mov $7,%ecx\n ret");
SNIPPET(ahead_riprel, "mov %edi,%eax\n mov %esi,%edi", "add 1f(%rip),%rax\n ret\n1: .quad 1000");
SNIPPET(one_byte, "mov %edi,%eax\n mov %esi,%edi", "cltd\n cmp $-4096,%rax\n ret");
/* movl $110,-0x48(%rsp): its b8 looks like the mov of `mov $110,%eax; syscall` */
SNIPPET(decoy,
	"push %rbp\n mov %rsp,%rbp\n mov %edi,%eax\n mov %esi,%edi\n .byte 0xc7,0x45,0xb8; .long 110",
	"add -0x48(%rbp),%eax\n pop %rbp\n ret");
SNIPPET(sigreturn, "mov $15,%rax", "hlt");
SNIPPET(then_ret, "mov %edi,%eax\n mov %esi,%edi", "ret\n int3\n int3");
SNIPPET(cornered, "mov %edi,%eax\n mov %esi,%edi", "ret\n pop %rcx\n pop %rcx");
SNIPPET(overlap, "mov %edi,%eax\n mov %esi,%edi\n .byte 0xb9,0,0", "cmp $-4096,%rax\n ret");

struct snippet {
	const char *name;
	const u8 *start, *site, *end, *next;
	bool bounds;
	enum rw_kind kind;
	enum rw_refusal refusal;
};

#define S(n, b, k, r)                                          \
	{                                                      \
#n, n##_, n##_site, n##_end, n##_next, b, k, r \
	}
static const struct snippet snippets[] = {
	S(mov_eax, true, RW_BACK, RW_OK),	    S(mov_rax, true, RW_BACK, RW_OK),
	S(between, true, RW_BACK, RW_OK),	    S(stack_arg, true, RW_BACK, RW_OK),
	S(to_hole, true, RW_HOLE, RW_OK),	    S(decoy, true, RW_BACK, RW_OK),
	S(ahead_cmp, false, RW_FORWARD, RW_OK),	    S(ahead_js, false, RW_FORWARD, RW_OK),
	S(ahead_jmp, false, RW_FORWARD, RW_OK),	    S(ahead_riprel, false, RW_FORWARD, RW_OK),
	S(one_byte, false, RW_FORWARD, RW_OK),	    S(riprel, true, RW_BACK, RW_OK),
	S(island, false, RW_NONE, RW_NO_PROOF),	    S(musl_cp, false, RW_BACK, RW_OK),
	S(sigreturn, false, RW_NONE, RW_SIGRETURN), S(cornered, false, RW_NONE, RW_NO_PROOF),
	S(then_ret, false, RW_FORWARD, RW_OK),	    S(overlap, true, RW_NONE, RW_OVERLAP),
};

/* One snippet copied to its place, and what became of it. */
struct placed {
	const struct snippet *s;
	u64 base, site, end;
	struct rw_text text;
	u8 orig[256];
	struct rw_stub stub;
};

static u64 stub_next = STUBS + 64;

static void place(struct placed *p, const struct snippet *s, unsigned int align)
{
	size_t size = s->next + 17 - s->start;

	*p = (struct placed){ .s = s, .base = TEXT + 0x1000 + align };
	memset((void *)TEXT, 0x90, TEXT_SIZE);
	memcpy((void *)p->base, s->start, size);
	memcpy(p->orig, s->start, size);
	p->site = p->base + (s->site - s->start);
	p->end = p->base + (s->end - s->start);
	p->text = (struct rw_text){ .bytes = (u8 *)TEXT, .start = TEXT, .end = TEXT + TEXT_SIZE };
	if (s->bounds)
		p->text.bounds = (struct rw_bounds){ .func = { p->base, p->end },
						     .next_start = p->base + (s->next - s->start) };
}

/* Memory for a stub that must lie at a certain distance. Stays mapped. */
static u64 far_slot(const struct rw_plan *plan, struct rw_range window)
{
	u64 start = (window.start + 4095) & ~4095ull;
	struct rw_range r = { start, start + RW_WINDOW_SIZE - 4096 };

	if (!rw_slot(plan, r))
		return 0;
	if (mmap((void *)start, r.end - start, PROT_READ | PROT_WRITE | PROT_EXEC,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED &&
	    errno != EEXIST)
		return 0;
	return rw_slot(plan, r);
}

static enum rw_refusal emit(struct placed *p)
{
	struct rw_range free = { stub_next, STUBS + STUBS_SIZE };
	struct rw_plan plan;
	enum rw_refusal why = rw_plan(&plan, &p->text, p->site, 0);
	u64 slot;

	if (why)
		return why;
	slot = rw_slot(&plan, free);
	for (u32 n = 0; !slot && n < RW_WINDOWS; n++)
		slot = rw_window(&plan, n, &free) ? far_slot(&plan, free) : 0;
	return slot && !rw_emit(&p->stub, (u8 *)slot, &plan, &p->text, slot, STUBS) ? RW_OK
										    : RW_NO_STUB;
}

static void write_text(void *ctx, u64 addr, const u8 *bytes, size_t len)
{
	if (rw_is_atomic(addr, len))
		rw_store(addr, bytes, len);
	else
		memcpy((void *)addr, bytes, len);
}

static void sync_cores(void *ctx)
{
	syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
}

static const struct rw_ops ops = { write_text, sync_cores, NULL };

/* #UD: go on at the copy, or try again while the patch is being written. */
static struct rw_stub *volatile active;
static volatile u64 traps, retries, strays;

static void on_ill(int sig, siginfo_t *si, void *uc)
{
	greg_t *g = ((ucontext_t *)uc)->uc_mcontext.gregs;
	u64 ip = g[REG_RIP], go = active ? rw_resume_ip(active, ip) : 0;

	if (go) {
		g[REG_RIP] = go;
		__atomic_add_fetch(&traps, 1, __ATOMIC_RELAXED);
	} else if (active && ip == active->patch) {
		__atomic_add_fetch(&retries, 1, __ATOMIC_RELAXED);
	} else {
		static const char msg[] = "not ok: stray #UD\n";

		strays += write(1, msg, sizeof(msg) - 1) > 0;
		_exit(1);
	}
}

/* Calls code with TF set; on the step_at-th instruction inside the stub resumes at what rw_report_ip() says. */
static volatile int step_at, steps;
static volatile bool step_bad;

static void on_trap(int sig, siginfo_t *si, void *uc)
{
	greg_t *g = ((ucontext_t *)uc)->uc_mcontext.gregs;
	u64 ip = g[REG_RIP], back;

	if (ip - active->start >= active->len || steps++ != step_at)
		return;
	back = rw_report_ip(active, ip);
	if (back - TEXT >= TEXT_SIZE)
		step_bad = true;
	g[REG_RIP] = back;
	g[REG_EFL] &= ~0x100;
}

/* Calls code in the given place: nr in edi, arg in esi; callee-saved registers and rsp must survive. */
static long call(u64 at, long nr, long arg, bool step)
{
	register u64 target asm("r13") = at;
	register u64 flags asm("r14") = step ? 0x100 : 0;
	u64 probe = 0x1122334455667788;
	long ret, d = nr, s = arg;

	asm volatile("sub $256, %%rsp\n"
		     "pushfq\n orq %%r14,(%%rsp)\n popfq\n"
		     "call *%%r13\n"
		     "pushfq\n andq $~0x100,(%%rsp)\n popfq\n"
		     "add $256, %%rsp"
		     : "=a"(ret), "+D"(d), "+S"(s)
		     : "r"(target), "r"(flags)
		     : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
	return probe == 0x1122334455667788 ? ret : -1;
}

static bool same(struct placed *p, long want[2], const char *name, const char *what)
{
	long got[2] = { call(p->base, SYS_dup, -1, false), call(p->base, SYS_getppid, 1, false) };

	if (!memcmp(got, want, sizeof(got)))
		return true;
	printf("# %s, %s: %ld %ld, want %ld %ld\n", name, what, got[0], got[1], want[0], want[1]);
	return false;
}

static bool resumes_everywhere(struct placed *p, long want)
{
	for (step_at = 0;; step_at++) {
		long got;

		steps = 0;
		got = call(p->base, SYS_getppid, 1, true);
		if (steps <= step_at) /* ran through: all addresses done */
			return got == want && step_at >= 2;
		if (got != want || step_bad) {
			printf("# %s: resumed at step %d: %ld, want %ld\n", p->s->name, step_at,
			       got, want);
			return false;
		}
	}
}

static bool enters_everywhere(struct placed *p, long want)
{
	struct insn i;
	long got;

	/* the calling convention of the snippet's middle: as if the code in front had run */
	if (p->stub.kind != RW_FORWARD)
		return true;
	for (u64 ip = p->site + 2; ip < p->site + 5; ip += i.len) {
		insn_decode(&i, p->orig + (ip - p->base), 15);
		traps = 0;
		asm volatile("sub $128,%%rsp\n call *%1\n add $128,%%rsp"
			     : "=a"(got)
			     : "r"(ip), "a"(want)
			     : "rcx", "rdx", "rdi", "rsi", "r8", "r9", "r10", "r11", "memory",
			       "cc");
		if (!traps)
			return false;
		if (insn_is_end(&i)) /* padding behind: not to be entered */
			break;
	}
	return true;
}

static bool one(const struct snippet *s, unsigned int align, char *why, size_t size)
{
	struct placed p;
	long want[2];
	enum rw_refusal r;
	u64 before;

	place(&p, s, align);
	r = emit(&p);
	snprintf(why, size, "align %u: refusal %d kind %d", align, r, p.stub.kind);
	if (r != s->refusal || (r == RW_OK && p.stub.kind != s->kind))
		return false;
	if (r)
		return true;
	want[0] = call(p.base, SYS_dup, -1, false);
	want[1] = call(p.base, SYS_getppid, 1, false);
	active = &p.stub;
	rw_install(&p.stub, &ops);
	before = vcpu.count;
	if (!same(&p, want, s->name, "patched") || vcpu.count != before + 2 ||
	    !resumes_everywhere(&p, want[1]) || !enters_everywhere(&p, want[1])) {
		printf("# stub at %llx kind %d len %d:", (unsigned long long)p.stub.start,
		       p.stub.kind, p.stub.len);
		for (int n = 0; n < p.stub.len; n++)
			printf(" %02x", ((u8 *)p.stub.start)[n]);
		printf("\n");
		snprintf(why, size, "align %u: see above (entered %llu times)", align,
			 (unsigned long long)(vcpu.count - before));
		return false;
	}
	rw_remove(&p.stub, &ops);
	return same(&p, want, s->name, "removed") &&
	       !memcmp((void *)p.base, p.orig, s->end - s->start);
}

static void patterns(void)
{
	for (size_t n = 0; n < sizeof(snippets) / sizeof(*snippets); n++) {
		char why[128] = "";
		bool ok = true;

		for (unsigned int align = 0; ok && align < 16; align++)
			ok = one(&snippets[n], align, why, sizeof(why));
		result(snippets[n].name, ok, why);
	}
}

/* Text that is cut off, busy or out of reach is refused, never read beyond. */
static void limits(void)
{
	struct placed p;
	struct rw_range busy;
	struct rw_plan plan;

	place(&p, &snippets[6], 0);
	p.text.end = p.site + 4;
	result("text ends behind the site",
	       rw_plan(&plan, &p.text, p.site, 0) != RW_OK || plan.kind == RW_BACK, "");
	p.text.end = p.site + 1;
	result("text ends inside the site", rw_plan(&plan, &p.text, p.site, 0) == RW_NOT_SYSCALL,
	       "");
	place(&p, &snippets[6], 0);
	p.text.start = p.site;
	p.text.bytes = (u8 *)p.site;
	result("text starts at the site",
	       rw_plan(&plan, &p.text, p.site, 0) == RW_OK && plan.kind == RW_FORWARD, "");
	place(&p, &snippets[0], 0);
	busy = (struct rw_range){ p.site - 5, p.site - 4 };
	p.text.busy = &busy;
	p.text.busy_count = 1;
	result("busy instruction",
	       rw_plan(&plan, &p.text, p.site, 0) == RW_OK && plan.kind == RW_HOLE, "");
	place(&p, &snippets[0], 0);
	rw_plan(&plan, &p.text, p.site, 0);
	result("stub out of reach",
	       !rw_slot(&plan,
			(struct rw_range){ TEXT + (3ull << 30), TEXT + (3ull << 30) + 65536 }),
	       "");
	result("padding entered from above is no hole", ({
		       place(&p, &snippets[4], 0);
		       *(u8 *)(p.end - 1) =
			       0x90; /* no ret: the function runs on into its padding */
		       rw_plan(&plan, &p.text, p.site, 0) != RW_OK || plan.kind != RW_HOLE;
	       }),
	       "");
	result("padding with code is no hole", ({
		       place(&p, &snippets[4], 0);
		       *(u8 *)p.end = 0xc3;
		       rw_plan(&plan, &p.text, p.site, 0) != RW_OK || plan.kind != RW_HOLE;
	       }),
	       "");
}

/* Threads run a site while it is patched and unpatched; some block inside its system call. */
static volatile bool stop, wrong;
static volatile u64 rounds;
static u64 stress_base;
static long stress_want;

static void *runner(void *arg)
{
	vcpu_init();
	while (!stop) {
		if (call(stress_base, SYS_getppid, 1, false) != stress_want)
			wrong = true;
		__atomic_add_fetch(&rounds, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *sleeper(void *arg)
{
	long fd = (long)arg, eof;
	int dummy[2];

	vcpu_init();
	if (pipe(dummy))
		return NULL;
	/* a pipe that nobody writes until the end: this thread stands at A+2 all the time */
	eof = call(stress_base, SYS_read, fd, false);
	if (eof && eof != 1000) /* end of file; ahead_riprel adds 1000 */
		wrong = true;
	close(dummy[0]);
	close(dummy[1]);
	return NULL;
}

static void stress(const struct snippet *s, unsigned int align, int flips)
{
	pthread_t t[4];
	struct placed p;
	char name[64], why[96];
	int fds[2];

	place(&p, s, align);
	if (emit(&p) || pipe(fds)) {
		result(s->name, false, "not planned");
		return;
	}
	stop = wrong = false;
	rounds = retries = traps = 0;
	stress_base = p.base;
	stress_want = call(p.base, SYS_getppid, 1, false);
	active = &p.stub;
	for (int n = 0; n < 3; n++)
		pthread_create(&t[n], NULL, runner, NULL);
	if (s->kind == RW_FORWARD)
		pthread_create(&t[3], NULL, sleeper, (void *)(long)fds[0]);
	for (int n = 0; n < flips || (rounds < 3000 && !wrong); n++) {
		rw_install(&p.stub, &ops);
		for (int k = 0; k < 200; k++)
			asm volatile("pause");
		rw_remove(&p.stub, &ops);
	}
	rw_install(&p.stub, &ops);
	close(fds[1]);
	stop = true;
	for (int n = 0; n < 3 + (s->kind == RW_FORWARD); n++)
		pthread_join(t[n], NULL);
	close(fds[0]);
	snprintf(name, sizeof(name), "stress %s align %u (%s)", s->name, align,
		 rw_is_atomic(p.stub.patch, p.stub.patch_len) ? "one store" : "wait opcode");
	snprintf(why, sizeof(why), "%llu rounds, %llu retries, %llu traps",
		 (unsigned long long)rounds, (unsigned long long)retries,
		 (unsigned long long)traps);
	printf("# %s: %s\n", name, why);
	result(name, !wrong, why);
}

static void all_stress(int flips)
{
	static const int which[] = { 0, 4, 6, 9 }; /* back, hole, forward, forward */

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0)) {
		result("membarrier", false, "no SYNC_CORE");
		return;
	}
	for (int n = 0; n < 4; n++)
		for (unsigned int align = 0; align < 8; align++)
			stress(&snippets[which[n]], align, flips);
}

int main(int argc, char **argv)
{
	int prot = PROT_READ | PROT_WRITE | PROT_EXEC,
	    flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
	struct sigaction sa = { .sa_sigaction = on_ill, .sa_flags = SA_SIGINFO | SA_NODEFER };

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (mmap((void *)TEXT, TEXT_SIZE, prot, flags, -1, 0) == MAP_FAILED ||
	    mmap((void *)STUBS, STUBS_SIZE, prot, flags, -1, 0) == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	*(u64 *)STUBS = (u64)test_entry;
	vcpu_init();
	sigaction(SIGILL, &sa, NULL);
	sa.sa_sigaction = on_trap;
	sigaction(SIGTRAP, &sa, NULL);
	patterns();
	limits();
	all_stress(argc > 1 ? atoi(argv[1]) : 300);
	printf("%d passed, %d failed, 0 skipped\n", passed, failed);
	return !!failed;
}
