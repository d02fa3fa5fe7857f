// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Calls without sleeping: null call, clock, files in the page cache, pipe in one thread, mmap. */
#include "bench/micro/micro.h"
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

enum { FILE_SIZE = 1 << 20 };

static int fd, p[2];
static char buf[65536];

static void getppid_loop(long n)
{
	while (n--)
		getppid();
}

static void clock_loop(long n)
{
	struct timespec t;

	while (n--)
		clock_gettime(CLOCK_MONOTONIC, &t);
}

static int file_setup(void)
{
	fd = scratch_file(FILE_SIZE);
	return 0;
}

static void file_teardown(void)
{
	close(fd);
}

/* Sequential through 1 MiB, then from its start again: the lseek is one call in 256. */
static void write4k_loop(long n)
{
	for (long i = 0; i < n; i++) {
		if (i % (FILE_SIZE / 4096) == 0)
			lseek(fd, 0, SEEK_SET);
		if (write(fd, buf, 4096) != 4096)
			must(0, "write");
	}
}

static void read4k_loop(long n)
{
	for (long i = 0; i < n; i++) {
		if (i % (FILE_SIZE / 4096) == 0)
			lseek(fd, 0, SEEK_SET);
		if (read(fd, buf, 4096) != 4096)
			must(0, "read");
	}
}

static void pread4k_loop(long n)
{
	for (long i = 0; i < n; i++)
		if (pread(fd, buf, 4096, i * 4096 % FILE_SIZE) != 4096)
			must(0, "pread");
}

static void pread1_loop(long n)
{
	while (n--)
		if (pread(fd, buf, 1, 4096) != 1)
			must(0, "pread");
}

static void stat_loop(long n)
{
	struct stat st;

	while (n--)
		if (stat(scratch_path(), &st))
			must(0, "stat");
}

static void open_close_loop(long n)
{
	while (n--)
		if (close(open(scratch_path(), O_RDONLY)))
			must(0, "open");
}

static int pipe_setup(void)
{
	return pipe(p) ? -errno : 0;
}

static void pipe_teardown(void)
{
	close(p[0]);
	close(p[1]);
}

static void pipe_loop(long n)
{
	while (n--)
		if (write(p[1], buf, 1) != 1 || read(p[0], buf, 1) != 1)
			must(0, "pipe");
}

static void mmap64k_loop(long n)
{
	while (n--) {
		char *m = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			       0);

		must(m != MAP_FAILED, "mmap");
		for (int i = 0; i < 65536; i += 4096)
			((volatile char *)m)[i] = 1;
		munmap(m, 65536);
	}
}

const struct bench file_benches[] = {
	{ "getppid", NULL, getppid_loop, NULL },
	{ "clock", NULL, clock_loop, NULL },
	{ "write4k", file_setup, write4k_loop, file_teardown },
	{ "read4k", file_setup, read4k_loop, file_teardown },
	{ "pread4k", file_setup, pread4k_loop, file_teardown },
	{ "pread1", file_setup, pread1_loop, file_teardown },
	{ "stat", NULL, stat_loop, NULL },
	{ "open_close", NULL, open_close_loop, NULL },
	{ "pipe_1thr", pipe_setup, pipe_loop, pipe_teardown },
	{ "mmap64k_touch", NULL, mmap64k_loop, NULL },
	{ .name = NULL },
};
