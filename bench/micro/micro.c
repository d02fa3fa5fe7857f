// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * micro [--dir DIR] [--batches N] [--batch-ms N] [--list] [NAME...]
 *
 * Prints `# NAME` when a row begins and `NAME NS min NS` at its end: the median
 * and the smallest of the batches, nanoseconds per operation. Time is read with rdtsc, calibrated once against
 * CLOCK_MONOTONIC; a batch takes at least --batch-ms. The same binary runs
 * natively and inside; bench/run-micro alternates the two.
 */
#include "bench/micro/micro.h"
#include <time.h>
#include <x86intrin.h>

enum { BATCHES_MAX = 1000 };

static struct {
	double ns_per_tick;
	int batches;
	double batch_ns;
	const char *dir;
	char path[256];
} cfg = { .batches = 15, .batch_ns = 5e6, .dir = "/tmp" };

void must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "micro: %s: %s\n", what, strerror(errno));
	exit(1);
}

const char *scratch_path(void)
{
	return cfg.path;
}

int scratch_file(size_t size)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/micro-XXXXXX", cfg.dir);
	fd = mkstemp(path);
	must(fd >= 0, path);
	unlink(path);
	must(!ftruncate(fd, (off_t)size), "ftruncate");
	for (size_t i = 0; i < size; i += 4096)
		must(pwrite(fd, "x", 1, (off_t)i) == 1, "pwrite");
	return fd;
}

static double monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void calibrate(void)
{
	double t0 = monotonic_ns(), t1;
	uint64_t c0 = __rdtsc(), c1;

	do {
		t1 = monotonic_ns();
		c1 = __rdtsc();
	} while (t1 - t0 < 3e7);
	cfg.ns_per_tick = (t1 - t0) / (double)(c1 - c0);
}

static double time_loop(const struct bench *b, long n)
{
	uint64_t c;

	if (b->ticks)
		return (double)b->ticks(n) * cfg.ns_per_tick;
	c = __rdtsc();
	b->loop(n);
	return (double)(__rdtsc() - c) * cfg.ns_per_tick;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void measure(const struct bench *b)
{
	static double ns[BATCHES_MAX];
	long n = 1;
	int i, r;

	r = b->setup ? b->setup() : 0;
	if (r) {
		printf("%s - %s\n", b->name, strerror(-r));
		return;
	}
	printf("# %s\n", b->name);
	fflush(stdout);
	while (time_loop(b, n) < cfg.batch_ns / 2)
		n *= 2;
	for (i = 0; i < cfg.batches; i++)
		ns[i] = time_loop(b, n) / (double)n;
	qsort(ns, (size_t)cfg.batches, sizeof(ns[0]), compare);
	printf("%s %.2f min %.2f\n", b->name, ns[cfg.batches / 2], ns[0]);
	fflush(stdout);
	if (b->teardown)
		b->teardown();
}

static void each(const struct bench *b, char **names, int count, int list)
{
	int i;

	for (; b->name; b++) {
		for (i = 0; i < count && strcmp(names[i], b->name); i++)
			;
		if (list)
			puts(b->name);
		else if (!count || i < count)
			measure(b);
	}
}

int main(int argc, char **argv)
{
	int i = 1, list = 0, fd;

	for (; i < argc && !strncmp(argv[i], "--", 2); i++) {
		if (!strcmp(argv[i], "--list"))
			list = 1;
		else if (!strcmp(argv[i], "--dir") && i + 1 < argc)
			cfg.dir = argv[++i];
		else if (!strcmp(argv[i], "--batches") && i + 1 < argc)
			cfg.batches = atoi(argv[++i]);
		else if (!strcmp(argv[i], "--batch-ms") && i + 1 < argc)
			cfg.batch_ns = atof(argv[++i]) * 1e6;
		else
			return fprintf(stderr, "micro: unknown option %s\n", argv[i]), 2;
	}
	must(cfg.batches > 0 && cfg.batches <= BATCHES_MAX, "--batches");
	snprintf(cfg.path, sizeof(cfg.path), "%s/micro-file", cfg.dir);
	if (!list) {
		fd = open(cfg.path, O_CREAT | O_RDWR, 0600);
		must(fd >= 0, cfg.path);
		close(fd);
		calibrate();
	}
	each(file_benches, argv + i, argc - i, list);
	each(sched_benches, argv + i, argc - i, list);
	each(net_benches, argv + i, argc - i, list);
	each(wake_benches, argv + i, argc - i, list);
	return list ? 0 : unlink(cfg.path);
}
