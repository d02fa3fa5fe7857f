// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Threads, processes, futexes, signals, timers, computing with live vector registers. */
#include "test/guest/stress/smp.h"
#include <spawn.h>
#include <sys/wait.h>

static char self[256];
static __thread volatile unsigned int my_signals;
static volatile unsigned long handled, timer_hits;
static unsigned long raised;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long balance[2], turns;

static void on_signal(int sig)
{
	my_signals++;
	__atomic_add_fetch(&handled, 1, __ATOMIC_SEQ_CST);
}

static void on_timer(int sig)
{
	__atomic_add_fetch(&timer_hits, 1, __ATOMIC_SEQ_CST);
}

void smp_setup(const char *program)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		snprintf(self, sizeof(self), "%s", program);
	sigaction(SIGUSR1, &sa, NULL);
	sa.sa_handler = on_timer;
	sigaction(SIGRTMIN + 1, &sa, NULL);
}

char *smp_self(void)
{
	return self;
}

void smp_check_end(void)
{
	struct worker w = { 0 };

	HOLDS(&w, balance[0] + balance[1] == 0);
	HOLDS(&w, handled == raised);
}

static void *small_thread(void *arg)
{
	static __thread int mine = 5;
	long *v = arg;

	mine += (int)*v;
	sched_yield();
	*v = mine;
	return arg;
}

void round_threads(struct worker *w)
{
	pthread_t t[8];
	long v[8];
	int i;

	for (i = 0; i < 8; i++) {
		v[i] = i;
		HOLDS(w, !pthread_create(&t[i], NULL, small_thread, &v[i]));
	}
	for (i = 0; i < 8; i++)
		HOLDS(w, !pthread_join(t[i], NULL) && v[i] == 5 + i);
}

void round_processes(struct worker *w)
{
	char *argv[] = { self, "child", NULL };
	int status, i;
	pid_t pid[3], v;

	for (i = 0; i < 3; i++)
		HOLDS(w, !posix_spawn(&pid[i], self, NULL, NULL, argv, NULL));
	for (i = 0; i < 3; i++)
		HOLDS(w, waitpid(pid[i], &status, 0) == pid[i] && status == 42 << 8);
	v = vfork();
	if (!v)
		_exit(w->index);
	HOLDS(w, v > 0 && waitpid(v, &status, 0) == v && status == w->index << 8);
}

/* Two of these move units between the accounts and wait for each other now and then. */
void round_futexes(struct worker *w)
{
	struct timespec t;
	int i;

	for (i = 0; i < 100; i++) {
		pthread_mutex_lock(&lock);
		HOLDS(w, balance[0] + balance[1] == 0);
		balance[w->index & 1] += 3;
		balance[~w->index & 1] -= 3;
		turns++;
		pthread_cond_signal(&changed);
		pthread_mutex_unlock(&lock);
	}
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	pthread_mutex_lock(&lock);
	pthread_cond_timedwait(&changed, &lock, &t);
	pthread_mutex_unlock(&lock);
}

static void *signal_target(void *arg)
{
	volatile int *state = arg;

	*state = 1;
	while (my_signals < 20)
		if (*state & 2)
			getppid();
	return NULL;
}

/* Each signal to a thread is seen by it once: they are sent one at a time. */
void round_signals(struct worker *w)
{
	volatile int state = 0;
	unsigned long before;
	pthread_t t;
	int i;

	HOLDS(w, !pthread_create(&t, NULL, signal_target, (void *)&state));
	while (!state)
		sched_yield();
	for (i = 0; i < 20; i++) {
		before = handled;
		raised++;
		HOLDS(w, !pthread_kill(t, SIGUSR1));
		while (handled == before)
			sched_yield();
		state = 1 | (i & 1) << 1;
	}
	HOLDS(w, !pthread_join(t, NULL));
}

void round_timers(struct worker *w)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1 };
	struct itimerspec it = { { 0, 500000 }, { 0, 500000 } };
	unsigned long before = timer_hits;
	struct timespec a, b;
	timer_t t;

	HOLDS(w, !timer_create(CLOCK_MONOTONIC, &ev, &t));
	HOLDS(w, !timer_settime(t, 0, &it, NULL));
	while (timer_hits < before + 5)
		sched_yield();
	HOLDS(w, !timer_delete(t));
	clock_gettime(CLOCK_MONOTONIC, &a);
	while (nanosleep(&(struct timespec){ 0, 2000000 }, NULL) && errno == EINTR)
		;
	clock_gettime(CLOCK_MONOTONIC, &b);
	HOLDS(w, b.tv_sec > a.tv_sec || b.tv_nsec > a.tv_nsec);
}

/* Vector registers full of values while signals, ticks and switches come: the result is exact. */
void round_compute(struct worker *w)
{
	double a[64], sum = 0, want = 0;
	uint64_t h = w->seed, h2 = w->seed;
	int i, j;

	for (i = 0; i < 64; i++)
		a[i] = i + w->index;
	for (j = 0; j < 20000; j++) {
		for (i = 0; i < 64; i++)
			sum += a[i];
		h = (h ^ (h >> 31)) * 0x9e3779b97f4a7c15ULL;
	}
	for (i = 0; i < 64; i++)
		want += i + w->index;
	HOLDS(w, sum == want * 20000);
	for (j = 0; j < 20000; j++)
		h2 = (h2 ^ (h2 >> 31)) * 0x9e3779b97f4a7c15ULL;
	HOLDS(w, h == h2);
}
