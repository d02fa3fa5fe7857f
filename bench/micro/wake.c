// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Waking a thread on another CPU. Needs two CPUs; the rows are not available on one.
 *
 * wake_idle: the other CPU has been idle for long when the wake comes. What counts is the time from
 * the call of FUTEX_WAKE to the woken thread's first instruction, without the pause in between.
 * signal_cross: a signal to a thread that computes on the other CPU, from pthread_kill() to its handler.
 * The cross rows are the ping-pongs of sched.c with the two threads on two CPUs: who waits is
 * usually still looking for work when the answer comes.
 */
#include "bench/micro/micro.h"
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <x86intrin.h>

/* Ticks of a CPU to fall asleep in: longer than anybody spins before it sleeps. */
#define PAUSE 1000000ul

static pthread_t sleeper;
static int word;
static volatile uint64_t woken_at;

static long futex(int op, int val)
{
	return syscall(SYS_futex, &word, op, val, NULL, NULL, 0);
}

/* The n-th CPU that this process may use; there are as many. */
static int nth_cpu(const cpu_set_t *allowed, int n)
{
	int cpu;

	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, allowed) && !n--)
			return cpu;
	return -1;
}

static cpu_set_t before;

static int pin(pthread_t thread, int n)
{
	cpu_set_t one;
	int cpu = nth_cpu(&before, n);

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	return -pthread_setaffinity_np(thread, sizeof(one), &one);
}

int start_on_two_cpus(pthread_t *other, void *(*main)(void *))
{
	int r;

	if (sched_getaffinity(0, sizeof(before), &before))
		return -errno;
	if (CPU_COUNT(&before) < 2)
		return -ENODEV;
	r = -pthread_create(other, NULL, main, NULL);
	if (r)
		return r;
	must(!pin(*other, 1) && !pin(pthread_self(), 0), "pinning");
	return 0;
}

void any_cpu(void)
{
	sched_setaffinity(0, sizeof(before), &before);
}

/* Word: 0 sleep, 1 woken, 2 end. */
static void *sleeper_main(void *arg)
{
	for (;;) {
		while (!__atomic_load_n(&word, __ATOMIC_ACQUIRE))
			futex(FUTEX_WAIT_PRIVATE, 0);
		if (__atomic_load_n(&word, __ATOMIC_ACQUIRE) == 2)
			return NULL;
		__atomic_store_n(&word, 0, __ATOMIC_RELAXED);
		woken_at = __rdtsc();
	}
}

static void wake_teardown(void)
{
	__atomic_store_n(&word, 2, __ATOMIC_RELEASE);
	futex(FUTEX_WAKE_PRIVATE, 1);
	pthread_join(sleeper, NULL);
	any_cpu();
}

static int wake_setup(void)
{
	word = 0;
	return start_on_two_cpus(&sleeper, sleeper_main);
}

static uint64_t wake_ticks(long n)
{
	uint64_t sum = 0, start;

	while (n--) {
		start = __rdtsc();
		while (__rdtsc() - start < PAUSE)
			_mm_pause();
		woken_at = 0;
		start = __rdtsc();
		__atomic_store_n(&word, 1, __ATOMIC_RELEASE);
		futex(FUTEX_WAKE_PRIVATE, 1);
		while (!woken_at)
			_mm_pause();
		sum += woken_at - start;
	}
	return sum;
}

static volatile int computing;

static void note_time(int sig)
{
	woken_at = __rdtsc();
}

static void *computer_main(void *arg)
{
	while (computing)
		_mm_pause();
	return NULL;
}

static int signal_setup(void)
{
	computing = 1;
	signal(SIGUSR1, note_time);
	return start_on_two_cpus(&sleeper, computer_main);
}

static void signal_teardown(void)
{
	computing = 0;
	pthread_join(sleeper, NULL);
	any_cpu();
}

static uint64_t signal_ticks(long n)
{
	uint64_t sum = 0, start;

	while (n--) {
		start = __rdtsc();
		while (__rdtsc() - start < 4 * PAUSE)
			_mm_pause();
		woken_at = 0;
		start = __rdtsc();
		pthread_kill(sleeper, SIGUSR1);
		while (!woken_at)
			_mm_pause();
		sum += woken_at - start;
	}
	return sum;
}

const struct bench wake_benches[] = {
	{ .name = "wake_idle",
	  .setup = wake_setup,
	  .ticks = wake_ticks,
	  .teardown = wake_teardown },
	{ .name = "signal_cross",
	  .setup = signal_setup,
	  .ticks = signal_ticks,
	  .teardown = signal_teardown },
	{ .name = NULL },
};
