// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * smp SECONDS [SEED]: a mix of everything that vCPUs do to each other, with
 * invariants: threads and processes come and go, signals, timers, pipes, sockets,
 * mappings, files, futexes, vector registers, I/O into memory that goes away.
 * Runs until the time is over (the only use of the clock: how long, not whether
 * it passed), then checks the sums. A worker without any progress for STUCK_S
 * seconds is a hang: the kernel is asked to show its tasks, and the program ends.
 */
#include "test/guest/stress/smp.h"
#include <sys/resource.h>

static volatile int over;
static unsigned int seed0;

static const struct {
	const char *name;
	void (*round)(struct worker *w);
	int threads;
} kinds[] = {
	{ "threads", round_threads, 1 },     { "pipes", round_pipes, 2 },
	{ "sockets", round_sockets, 2 },     { "memory", round_memory, 2 },
	{ "files", round_files, 1 },	     { "futexes", round_futexes, 2 },
	{ "signals", round_signals, 1 },     { "timers", round_timers, 1 },
	{ "processes", round_processes, 1 }, { "compute", round_compute, 2 },
	{ "inflight", round_inflight, 2 },   { "uring", round_uring, 1 },
	{ "exits", round_exits, 1 },
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]), WORKERS_MAX = 64, STUCK_S = 120 };

static struct worker workers[WORKERS_MAX];
static pthread_t threads[WORKERS_MAX];
static int worker_count, workers_done;

void smp_fail(struct worker *w, const char *why, int line)
{
	fprintf(stderr, "smp: %s: line %d: %s (errno %d, round %lu, seed %u)\n",
		kinds[w->kind].name, line, why, errno, w->rounds, seed0);
	_exit(1);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	while (!over) {
		kinds[w->kind].round(w);
		__atomic_add_fetch(&w->rounds, 1, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&w->done, true, __ATOMIC_RELAXED);
	__atomic_add_fetch(&workers_done, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void show(bool final)
{
	unsigned long sum[KINDS] = { 0 };
	int i;

	for (i = 0; i < worker_count; i++)
		sum[workers[i].kind] += __atomic_load_n(&workers[i].rounds, __ATOMIC_RELAXED);
	fprintf(stderr, "smp:%s", final ? " rounds" : "");
	for (i = 0; i < KINDS; i++)
		fprintf(stderr, " %s %lu", kinds[i].name, sum[i]);
	fputc('\n', stderr);
	for (i = 0; final && i < KINDS; i++)
		printf("%s %s\n", sum[i] ? "ok" : "not ok", kinds[i].name);
	for (i = 0; final && i < KINDS; i++)
		if (!sum[i])
			exit(1);
}

/* Inside: tasks, blocked tasks and processors into the kernel log (--log info shows it). */
static void show_kernel_state(void)
{
	static const char commands[] = "lwt";
	int i, fd;

	for (i = 0; getenv("GUEST_INSIDE") && commands[i]; i++) {
		fd = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
		if (fd >= 0 && write(fd, &commands[i], 1) == 1)
			close(fd);
	}
}

static void look_for_hangs(void)
{
	static unsigned long last[WORKERS_MAX];
	static int still[WORKERS_MAX];
	unsigned long now;
	int i;

	for (i = 0; i < worker_count; i++) {
		now = __atomic_load_n(&workers[i].rounds, __ATOMIC_RELAXED);
		still[i] = now == last[i] ? still[i] + 1 : 0;
		last[i] = now;
		if (still[i] < STUCK_S || __atomic_load_n(&workers[i].done, __ATOMIC_RELAXED))
			continue;
		fprintf(stderr, "smp: %s: stuck in round %lu, seed %u\n",
			kinds[workers[i].kind].name, now, seed0);
		show(false);
		show_kernel_state();
		_exit(1);
	}
}

static void start_workers(void)
{
	int i, k, n;

	for (k = 0; k < KINDS; k++)
		for (i = 0; i < kinds[k].threads; i++) {
			n = worker_count++;
			workers[n] = (struct worker){ .kind = k,
						      .index = n,
						      .seed = seed0 * 1000 + (unsigned int)n };
			if (pthread_create(&threads[n], NULL, work, &workers[n]))
				smp_fail(&workers[n], "pthread_create", __LINE__);
		}
}

static bool somebody_has_not_begun(void)
{
	int i;

	for (i = 0; i < worker_count; i++)
		if (!__atomic_load_n(&workers[i].rounds, __ATOMIC_RELAXED))
			return true;
	return false;
}

static time_t seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* Once a second; signals end its sleep early. */
static void watch(void)
{
	static time_t looked;

	nanosleep(&(struct timespec){ 1, 0 }, NULL);
	if (seconds_now() == looked)
		return;
	looked = seconds_now();
	look_for_hangs();
	if (looked % 10 == 0)
		show(false);
}

int main(int argc, char **argv)
{
	time_t end;
	int i;

	smp_setup(argv[0]);
	if (argc > 1 && !strcmp(argv[1], "child"))
		return 42;
	if (argc > 2 && !strcmp(argv[1], "exits"))
		return exits_child(smp_self(), atoi(argv[2]));
	seed0 = argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 0) : 1;
	fprintf(stderr, "smp: seed %u\n", seed0);
	end = seconds_now() + (argc > 1 ? atol(argv[1]) : 10);
	start_workers();
	while (seconds_now() < end || somebody_has_not_begun())
		watch();
	over = 1;
	while (__atomic_load_n(&workers_done, __ATOMIC_ACQUIRE) < worker_count)
		watch();
	for (i = 0; i < worker_count; i++)
		pthread_join(threads[i], NULL);
	smp_check_end();
	show(true);
	return 0;
}
