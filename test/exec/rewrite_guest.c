// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Guest program: rewriting under threads, and what signals see of it. Runs
 * natively too.
 *
 *   race      all threads reach each of 320 fresh sites at the same moment, sites
 *             of every way of rewriting at every alignment
 *   restart   a thread blocks in each kind of site while signals with SA_RESTART
 *             arrive: the handler sees an address at the site, the call goes on
 *   cold      a thread blocks in a site, another one executes and thereby
 *             rewrites it, then the first returns
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define THREADS 4

static int passed, failed;

static void result(const char *name, int ok, const char *why)
{
	printf(ok ? "ok %s\n" : "not ok %s: %s\n", name, why);
	ok ? passed++ : failed++;
}

/*
 * One function per site: long f(nr, a, b, c), table entry {function, site}.
 * @pad makes every alignment; with @cfi the function is known to the rewriter.
 */
#define HEAD(pad, cfi) ".balign 64\n .fill " #pad ", 1, 0x90\n 1: " cfi "\n"
#define TAIL(cfi) \
	cfi "\n .balign 32\n .pushsection .data.rel.ro.sites, \"aw\"\n .quad 1b, 2b\n .popsection\n"
#define SHUFFLE "mov %rdi,%rax\n mov %rsi,%rdi\n mov %rdx,%rsi\n mov %rcx,%rdx\n"

#define BACK(pad)                                                         \
	HEAD(pad, ".cfi_startproc")                                       \
	SHUFFLE ".byte 0x48,0x8d,0x92,0,0,0,0\n" /* lea 0x0(%rdx),%rdx */ \
		"2: syscall\n ret\n" TAIL(".cfi_endproc")
#define HOLE(pad) HEAD(pad, ".cfi_startproc") SHUFFLE "2: syscall\n ret\n" TAIL(".cfi_endproc")
#define AHEAD(pad) HEAD(pad, "") SHUFFLE "2: syscall\n cmp $-4096,%rax\n ja 3f\n 3: ret\n" TAIL("")
#define AHEAD_TEST(pad) \
	HEAD(pad, "") SHUFFLE "2: syscall\n test %rax,%rax\n js 3f\n 3: ret\n" TAIL("")
#define ALL_PADS(m) m(0) m(1) m(2) m(3) m(4) m(5) m(6) m(7)
#define ALL_WAYS ALL_PADS(BACK) ALL_PADS(HOLE) ALL_PADS(AHEAD) ALL_PADS(AHEAD_TEST)

asm(".section .data.rel.ro.sites, \"aw\"\n .globl sites\n sites:\n .text\n"
    /* each HOLE needs a known function behind its padding */
    ALL_WAYS ALL_WAYS ALL_WAYS ALL_WAYS ALL_WAYS ALL_WAYS ALL_WAYS ALL_WAYS ALL_WAYS ALL_WAYS
    ".cfi_startproc\n ret\n .cfi_endproc\n"
    ".section .data.rel.ro.sites, \"aw\"\n .globl sites_end\n sites_end:\n .text\n");

struct site {
	long (*call)(long nr, long a, long b, long c);
	uintptr_t ip;
};

extern const struct site sites[], sites_end[];

static pthread_barrier_t barrier;
static volatile int wrong;

static void *racer(void *arg)
{
	long want = getppid();

	for (const struct site *s = sites + 64; s < sites_end; s++) {
		pthread_barrier_wait(&barrier);
		for (int n = 0; n < 20; n++)
			if (s->call(SYS_getppid, 1, 2, 3) != want ||
			    s->call(SYS_close, -1, 0, 0) != -EBADF)
				__atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void race(void)
{
	pthread_t t[THREADS];
	char why[64];

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int n = 0; n < THREADS; n++)
		pthread_create(&t[n], NULL, racer, NULL);
	for (int n = 0; n < THREADS; n++)
		pthread_join(t[n], NULL);
	snprintf(why, sizeof(why), "%d wrong results", wrong);
	result("race", !wrong, why);
}

static volatile const struct site *current;
static volatile int handled, strange;
static volatile uintptr_t strange_ip;

static void on_signal(int sig, siginfo_t *si, void *uc)
{
	uintptr_t ip = ((ucontext_t *)uc)->uc_mcontext.gregs[REG_RIP];
	/* before the call or restarting it; after it; or in our own code around it */
	extern char __executable_start[], etext[];

	handled++;
	if (ip < (uintptr_t)__executable_start || ip >= (uintptr_t)etext) {
		strange++;
		strange_ip = ip;
	}
}

struct block {
	const struct site *s;
	int fd;
	long got;
	volatile int started, done;
};

static void *blocker(void *arg)
{
	struct block *b = arg;
	char byte;

	b->started = 1;
	b->got = b->s->call(SYS_read, b->fd, (long)&byte, 1);
	b->done = 1;
	return NULL;
}

/* Blocks a thread in a read() at @s; @meanwhile runs; then the read is served. */
static int blocked(const struct site *s, void (*meanwhile)(const struct site *s, pthread_t t))
{
	struct block b = { .s = s };
	pthread_t t;
	int fds[2];

	if (pipe(fds))
		return 0;
	b.fd = fds[0];
	pthread_create(&t, NULL, blocker, &b);
	while (!b.started)
		usleep(100);
	usleep(1000);
	meanwhile(s, t);
	if (b.done || write(fds[1], "x", 1) != 1)
		return 0;
	pthread_join(t, NULL);
	close(fds[0]);
	close(fds[1]);
	return b.got == 1;
}

static void send_signals(const struct site *s, pthread_t t)
{
	current = s;
	for (int n = 0; n < 5; n++) {
		int before = handled;

		pthread_kill(t, SIGUSR1);
		for (int k = 0; k < 20000 && handled == before; k++)
			usleep(100);
	}
}

static void execute(const struct site *s, pthread_t t)
{
	for (int n = 0; n < 8; n++)
		if (s->call(SYS_getppid, 0, 0, 0) != getppid())
			wrong++;
}

static void each(const char *name, int from, void (*meanwhile)(const struct site *s, pthread_t t))
{
	static const char *const ways[] = { "back", "hole", "ahead", "ahead-test" };
	char full[64], why[96];

	for (int way = 0; way < 4; way++) {
		int ok = 1;

		handled = strange = wrong = 0;
		for (int n = 0; n < 8; n++)
			ok &= blocked(&sites[from + way * 8 + n], meanwhile);
		snprintf(full, sizeof(full), "%s %s", name, ways[way]);
		snprintf(why, sizeof(why), "%d handled, %d at strange addresses (%#lx), %d wrong",
			 handled, strange, (unsigned long)strange_ip, wrong);
		result(full,
		       ok && !strange && !wrong && (meanwhile != send_signals || handled == 40),
		       why);
	}
}

/* Inside, the sites above must have gone all three ways. */
static void ways_taken(void)
{
	FILE *f = fopen("/proc/rktio_rewrite", "r");
	int ways = 0;
	char name[64];
	long value;

	if (!f)
		return;
	while (fscanf(f, "%63s %ld", name, &value) == 2) {
		printf("# %s %ld\n", name, value);
		ways += !strncmp(name, "written_", 8) && value >= 8;
	}
	fclose(f);
	result("ways taken", ways == 3, "see above");
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART };

	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGUSR1, &sa, NULL);
	/* the first 32 sites are fresh for `cold`, then used again with signals when they are warm */
	each("cold", 0, execute);
	each("restart warm", 0, send_signals);
	each("restart cold", 32, send_signals);
	race();
	ways_taken();
	printf("%d passed, %d failed, 0 skipped\n", passed, failed);
	return !!failed;
}
