/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Micro-benchmarks: the 18 rows of the design's comparison with other systems,
 * and a few more. Each is one unmodified operation; `loop(n)` does it n times.
 */
#ifndef BENCH_MICRO_H
#define BENCH_MICRO_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct bench {
	const char *name;
	/* Returns 0 or a negative errno: the row is printed as not available. */
	int (*setup)(void);
	void (*loop)(long n);
	void (*teardown)(void);
	/* Instead of loop: does it n times and returns the TSC ticks that count. */
	uint64_t (*ticks)(long n);
};

extern const struct bench file_benches[], sched_benches[], net_benches[], wake_benches[];

/* Starts @other on another CPU than the caller's; both stay there until any_cpu(). 0 or -errno. */
int start_on_two_cpus(pthread_t *other, void *(*main)(void *));
void any_cpu(void);

/* Ends the program with a message: a benchmark that does not work has no figure. */
void must(int ok, const char *what);
/* A fresh file of that size in the working folder of the benchmarks, unlinked. */
int scratch_file(size_t size);
/* The path of a small file that exists while the benchmarks run. */
const char *scratch_path(void);

#endif
