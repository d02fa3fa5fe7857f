// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Every vector register that this processor has, the mask registers, the x87
 * stack, MXCSR and the general registers survive syscalls, signals, thread
 * switches and preemption. Works at the widest level of the machine.
 */
#include "test/guest/lib/guest.h"
#include <stddef.h>
#include <sys/random.h>
#include <sys/time.h>

struct vector_state {
	uint8_t zmm[32][64];
	uint64_t k[8];
	uint8_t x87[8][16];
	uint32_t mxcsr;
	uint16_t fcw, zero;
};

struct vector_op {
	uint64_t level; /* 0 SSE, 1 AVX, 2 AVX-512 */
	uint64_t nr; /* syscall number, -1: none */
	uint64_t args[3];
	uint64_t count; /* at most so many rounds */
	volatile int *stop;
	uint64_t gpr_bad;
};

_Static_assert(offsetof(struct vector_state, k) == 2048, "KREG");
_Static_assert(offsetof(struct vector_state, x87) == 2112, "X87");
_Static_assert(offsetof(struct vector_state, mxcsr) == 2240, "MXCSR");
_Static_assert(offsetof(struct vector_op, gpr_bad) == 56, "OP_GPR");

void vector_hold(const struct vector_state *in, struct vector_state *out, struct vector_op *op);

static const uint64_t forever = ~0ULL;
static volatile int handled;

static uint64_t level(void)
{
	if (__builtin_cpu_supports("avx512bw"))
		return 2;
	return __builtin_cpu_supports("avx2") ? 1 : 0;
}

static uint64_t mix(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Random patterns; x87 values are valid normal numbers so that they load and store exactly. */
static void fill(struct vector_state *s, uint64_t seed)
{
	size_t i;

	seed = seed * 0x9e3779b97f4a7c15ULL + 1;
	memset(s, 0, sizeof(*s));
	for (i = 0; i < sizeof(s->zmm); i += 8)
		*(uint64_t *)((char *)s->zmm + i) = mix(&seed);
	for (i = 0; i < 8; i++) {
		s->k[i] = mix(&seed);
		*(uint64_t *)s->x87[i] = mix(&seed) | 1ULL << 63;
		s->x87[i][9] = 0x3f;
		s->x87[i][8] = (uint8_t)(0x80 | i);
	}
	s->mxcsr = 0x1f80 | (uint32_t)(seed & 3) << 13;
	s->fcw = (uint16_t)(0x37f | (seed >> 2 & 3) << 10);
}

static bool same(const struct vector_state *a, const struct vector_state *b, uint64_t lvl)
{
	size_t i, width = 16UL << lvl, n = lvl == 2 ? 32 : 16;

	for (i = 0; i < n; i++)
		if (memcmp(a->zmm[i], b->zmm[i], width))
			return false;
	if (lvl == 2 && memcmp(a->k, b->k, sizeof(a->k)))
		return false;
	for (i = 0; i < 8; i++)
		if (memcmp(a->x87[i], b->x87[i], 10))
			return false;
	return a->mxcsr == b->mxcsr && a->fcw == b->fcw;
}

static void hold(uint64_t seed, struct vector_op *op)
{
	struct vector_state in, out;

	fill(&in, seed);
	memset(&out, 0, sizeof(out));
	op->level = level();
	vector_hold(&in, &out, op);
	CHECK(same(&in, &out, op->level));
	EQ(op->gpr_bad, 0);
}

static void each_level(void)
{
	static volatile int stop;
	struct vector_state in, out;
	struct vector_op op = { .nr = SYS_getppid, .count = 10, .stop = &stop };
	uint64_t l;

	for (l = 0; l <= level(); l++) {
		fill(&in, l);
		memset(&out, 0, sizeof(out));
		op.level = l;
		vector_hold(&in, &out, &op);
		CHECK(same(&in, &out, l));
		EQ(op.gpr_bad, 0);
	}
}

/* Calls that use the kernel's own vector code where it has some (copy, crypto, random, csum). */
static void syscalls(void)
{
	static volatile int stop;
	static char buf[65536];
	int fd = guest_tmpfile(65536), null = open("/dev/null", O_WRONLY), p[2];
	struct vector_op ops[] = {
		{ .nr = SYS_getppid },
		{ .nr = SYS_read, .args = { (uint64_t)fd, (uint64_t)buf, 4096 } },
		{ .nr = SYS_write, .args = { (uint64_t)null, (uint64_t)buf, 4096 } },
		{ .nr = SYS_getrandom, .args = { (uint64_t)buf, 256, 0 } },
		{ .nr = SYS_uname, .args = { (uint64_t)buf } },
		{ .nr = SYS_sched_yield },
		{ .nr = SYS_write, .args = { (uint64_t)fd, (uint64_t)buf, 4096 } },
		{ .nr = SYS_nanosleep, .args = { (uint64_t) & (struct timespec){ 0, 1000 } } },
		{ .nr = 4095 },
	};
	size_t i;

	MUST(!pipe(p));
	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		ops[i].count = 50;
		ops[i].stop = &stop;
		hold(i + 100, &ops[i]);
	}
	close(fd);
	close(null);
}

static void dirty(void)
{
	static volatile int stop;
	struct vector_state in, out;
	struct vector_op op = { .level = level(), .nr = forever, .count = 1, .stop = &stop };

	fill(&in, 0xd1d1);
	vector_hold(&in, &out, &op);
}

static void on_signal(int sig)
{
	handled++;
	dirty();
	getppid();
}

/* The handler dirties everything; it comes out of a compute loop and out of syscalls. */
static void signals(uint64_t nr)
{
	struct itimerval it = { { 0, 2000 }, { 0, 2000 } }, off = { 0 };
	volatile int stop = 0;
	struct vector_op op = { .nr = nr, .count = 1, .stop = &stop };
	struct sigaction sa = { .sa_handler = on_signal };
	uint64_t i;

	handled = 0;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	op.count = nr == forever ? 200000 : 20000;
	for (i = 0; handled < 50; i++)
		hold(i, &op);
	setitimer(ITIMER_REAL, &off, NULL);
}

static void signals_in_loop(void)
{
	signals(forever);
}

static void signals_in_syscalls(void)
{
	signals(SYS_getppid);
}

static void set_in_frame(int sig, siginfo_t *si, void *uc)
{
	handled++;
}

/* synchronous signal: state is right when the handler starts and after it. */
static void raised(void)
{
	volatile int stop = 0;
	struct sigaction sa = { .sa_sigaction = set_in_frame, .sa_flags = SA_SIGINFO };
	struct vector_op op = { .nr = SYS_tgkill, .count = 100, .stop = &stop };

	op.args[0] = (uint64_t)getpid();
	op.args[1] = (uint64_t)guest_gettid();
	op.args[2] = SIGUSR1;
	sigaction(SIGUSR1, &sa, NULL);
	handled = 0;
	hold(7, &op);
	EQ(handled, 100);
	sa.sa_handler = on_signal;
	sa.sa_flags = 0;
	sigaction(SIGUSR1, &sa, NULL);
	hold(8, &op);
	EQ(handled, 200);
}

struct job {
	uint64_t nr, rounds, seed;
};

static void *work(void *arg)
{
	struct job *j = arg;
	volatile int stop = 0;
	struct vector_op op = { .nr = j->nr, .stop = &stop };
	int i;

	for (i = 0; i < 20; i++) {
		op.count = j->rounds;
		hold(j->seed + i * 1000, &op);
	}
	return NULL;
}

static void threads(uint64_t nr, uint64_t rounds)
{
	struct job j[6];
	pthread_t t[6];
	int i;

	for (i = 0; i < 6; i++) {
		j[i] = (struct job){ nr, rounds, i };
		if (i % 2 && nr == forever) /* a switch costs as much as many rounds of computing */
			j[i] = (struct job){ SYS_sched_yield, rounds / 1000, i };
		MUST(!pthread_create(&t[i], NULL, work, &j[i]));
	}
	for (i = 0; i < 6; i++)
		MUST(!pthread_join(t[i], NULL));
}

static void switches(void)
{
	threads(SYS_sched_yield, 500);
}

/* Compute loops without syscalls: only preemption switches them. */
static void preemption(void)
{
	threads(forever, 300000);
}

GUEST_MAIN(T(each_level), T(syscalls), T(raised), T(signals_in_loop), T(signals_in_syscalls),
	   T(switches), T(preemption))
