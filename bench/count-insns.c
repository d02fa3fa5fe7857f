// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * count-insns [--steps N] [--tee] [--trace] PID
 *
 * Counts the instructions of one iteration of a loop that the busiest thread
 * of process PID runs: single-steps it with ptrace, takes the address that
 * occurs most often in the program's part of the address space, and measures
 * the distance between its occurrences. With --tee only addresses in the two
 * user windows of the TEE (abi/layout.h) count as the program's. --trace
 * prints the addresses of one iteration of median length. A string instruction
 * is one instruction, however often it repeats.
 *
 * Ticks (SIGURG) are swallowed meanwhile, other signals passed on;
 * an iteration that they lengthen shows in the maximum, not in the median.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include "abi/layout.h"

static struct {
	long steps;
	bool tee, trace;
	uint64_t *rip;
	long *distance;
} c = { .steps = 60000 };

static void die(const char *what)
{
	fprintf(stderr, "count-insns: %s: %s\n", what, strerror(errno));
	exit(1);
}

static unsigned long ticks_of(int pid, int tid)
{
	unsigned long user = 0, system = 0;
	char path[64], buf[1024], *p;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	n = fread(buf, 1, sizeof(buf) - 1, f);
	fclose(f);
	buf[n] = 0;
	p = strrchr(buf, ')');
	if (p)
		sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
		       &system);
	return user + system;
}

/* The thread that used most CPU time during a quarter of a second. */
static int busiest(int pid)
{
	enum { MAX = 256 };
	unsigned long before[MAX], most = 0, now;
	int tid[MAX], n = 0, i, best = 0;
	struct dirent *e;
	char path[64];
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	d = opendir(path);
	if (!d)
		die(path);
	while (n < MAX && (e = readdir(d)))
		if (atoi(e->d_name))
			tid[n++] = atoi(e->d_name);
	closedir(d);
	for (i = 0; i < n; i++)
		before[i] = ticks_of(pid, tid[i]);
	usleep(250000);
	for (i = 0; i < n; i++) {
		now = ticks_of(pid, tid[i]) - before[i];
		if (now > most) {
			most = now;
			best = tid[i];
		}
	}
	if (!best) {
		errno = ESRCH;
		die("no busy thread");
	}
	return best;
}

static void record(int tid)
{
	struct user_regs_struct r;
	int status, sig = 0;
	long n = 0;

	if (ptrace(PTRACE_SEIZE, tid, 0, 0))
		die("attaching to the busiest thread");
	if (ptrace(PTRACE_INTERRUPT, tid, 0, 0))
		die("interrupting it");
	if (waitpid(tid, &status, __WALL) != tid)
		die("waitpid");
	while (n < c.steps) {
		if (ptrace(PTRACE_SINGLESTEP, tid, 0, sig))
			die("single step");
		if (waitpid(tid, &status, __WALL) != tid || !WIFSTOPPED(status))
			die("the thread ended");
		sig = WSTOPSIG(status);
		/* Stepping is so slow that ticks would leave no time for the program: swallow them. */
		if (sig == SIGURG)
			sig = 0;
		else if (sig == SIGTRAP) {
			sig = 0;
			if (ptrace(PTRACE_GETREGS, tid, 0, &r))
				die("registers");
			/* a string instruction stops at each of its repetitions */
			if (!n || r.rip != c.rip[n - 1])
				c.rip[n++] = r.rip;
		}
	}
	ptrace(PTRACE_DETACH, tid, 0, 0);
}

static bool of_program(uint64_t rip)
{
	return !c.tee || rip < TEE_USER_LOW_END ||
	       (rip >= TEE_USER_HIGH_START && rip < TEE_USER_HIGH_END);
}

static int compare_address(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int compare_long(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return x < y ? -1 : x > y;
}

static uint64_t most_frequent(void)
{
	uint64_t *sorted = malloc(sizeof(*sorted) * (size_t)c.steps), best = 0;
	long i, run = 0, most = 0;

	if (!sorted)
		die("malloc");
	memcpy(sorted, c.rip, sizeof(*sorted) * (size_t)c.steps);
	qsort(sorted, (size_t)c.steps, sizeof(*sorted), compare_address);
	for (i = 0; i < c.steps; i++) {
		run = i && sorted[i] == sorted[i - 1] ? run + 1 : 1;
		if (run > most && of_program(sorted[i])) {
			most = run;
			best = sorted[i];
		}
	}
	free(sorted);
	return best;
}

/* Where the first iteration of that length begins in the record; there is one. */
static long iteration(uint64_t start, long length)
{
	long i, from = -1;

	for (i = 0; i < c.steps; i++) {
		if (c.rip[i] != start)
			continue;
		if (from >= 0 && i - from == length)
			break;
		from = i;
	}
	return from;
}

static long kernel_part(long from, long length)
{
	long i, n = 0;

	for (i = from; i < from + length; i++)
		n += !of_program(c.rip[i]);
	return n;
}

static void print_trace(long from, long length)
{
	for (; length--; from++)
		printf("0x%llx%s\n", (unsigned long long)c.rip[from],
		       of_program(c.rip[from]) ? "" : " kernel");
}

static int report(void)
{
	uint64_t start = most_frequent();
	long i, n = 0, last = -1, median, from;

	for (i = 0; i < c.steps; i++) {
		if (c.rip[i] != start)
			continue;
		if (last >= 0)
			c.distance[n++] = i - last;
		last = i;
	}
	if (n < 3) {
		fprintf(stderr, "count-insns: no loop found in %ld steps\n", c.steps);
		return 1;
	}
	qsort(c.distance, (size_t)n, sizeof(*c.distance), compare_long);
	median = c.distance[n / 2];
	from = iteration(start, median);
	printf("instructions %ld kernel %ld min %ld max %ld iterations %ld\n", median,
	       kernel_part(from, median), c.distance[0], c.distance[n - 1], n);
	if (c.trace)
		print_trace(from, median);
	return 0;
}

int main(int argc, char **argv)
{
	int i, pid = 0;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--tee"))
			c.tee = true;
		else if (!strcmp(argv[i], "--trace"))
			c.trace = true;
		else if (!strcmp(argv[i], "--steps") && i + 1 < argc)
			c.steps = atol(argv[++i]);
		else
			pid = atoi(argv[i]);
	}
	if (pid <= 0 || c.steps < 10) {
		fprintf(stderr, "usage: count-insns [--steps N] [--tee] [--trace] PID\n");
		return 2;
	}
	c.rip = calloc((size_t)c.steps, sizeof(*c.rip));
	c.distance = calloc((size_t)c.steps, sizeof(*c.distance));
	if (!c.rip || !c.distance)
		die("calloc");
	record(busiest(pid));
	return report();
}
