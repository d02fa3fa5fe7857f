// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * munmap, mprotect and exit against I/O in flight on the same memory. The
 * outcome of each call may be success or EFAULT; what counts is that nothing
 * else is damaged and the system lives on.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "mm_test.h"

#define SIZE (64 * KIB)
#define ROUNDS 300

static char *volatile shared_buf;
static volatile int stop;
static int pipefd[2], filefd = -1;

static void *mangler(void *arg)
{
	unsigned int n = 0;

	while (!stop) {
		char *p = shared_buf;

		switch (n++ % 4) {
		case 0:
			mprotect(p, SIZE, PROT_NONE);
			break;
		case 1:
			mprotect(p, SIZE, RW);
			break;
		case 2:
			munmap(p, SIZE);
			break;
		default:
			map_anon(p, SIZE, RW, MAP_FIXED);
		}
		sched_yield();
	}
	map_anon(shared_buf, SIZE, RW, MAP_FIXED);
	return NULL;
}

static bool against(void (*io)(char *buf))
{
	char *canary = map_anon(NULL, SIZE, RW, 0);
	pthread_t t;

	CHECK(canary != MAP_FAILED);
	memset(canary, 0x77, SIZE);
	shared_buf = map_anon(NULL, SIZE, RW, 0);
	CHECK(shared_buf != MAP_FAILED);
	stop = 0;
	CHECK(!pthread_create(&t, NULL, mangler, NULL));
	for (int i = 0; i < ROUNDS; i++)
		io(shared_buf);
	stop = 1;
	CHECK(!pthread_join(t, NULL));
	for (size_t i = 0; i < SIZE; i++)
		CHECK(canary[i] == 0x77);
	return !munmap(shared_buf, SIZE) && !munmap(canary, SIZE);
}

static void io_pipe(char *buf)
{
	char small[512];

	if (write(pipefd[1], buf, 4096) < 0 && errno != EFAULT && errno != EAGAIN)
		abort();
	if (read(pipefd[0], buf + 8192, 4096) < 0 && errno != EFAULT && errno != EAGAIN)
		abort();
	while (read(pipefd[0], small, sizeof(small)) > 0)
		;
}

static void io_direct(char *buf)
{
	if (pread(filefd, buf, SIZE, 0) < 0 && errno != EFAULT && errno != EINVAL)
		abort();
	if (pwrite(filefd, buf, SIZE, 0) < 0 && errno != EFAULT && errno != EINVAL)
		abort();
}

static void io_splice(char *buf)
{
	struct iovec v = { buf, 4096 };
	char small[4096];

	if (vmsplice(pipefd[1], &v, 1, SPLICE_F_NONBLOCK) < 0)
		return;
	while (read(pipefd[0], small, sizeof(small)) > 0)
		;
}

static bool pipes(void)
{
	return against(io_pipe);
}

static bool direct_io(void)
{
	char name[] = "./mm_race.XXXXXX";
	bool ok;

	filefd = mkstemp(name);
	CHECK(filefd >= 0 && !ftruncate(filefd, SIZE));
	fcntl(filefd, F_SETFL, O_DIRECT);
	ok = against(io_direct);
	close(filefd);
	unlink(name);
	return ok;
}

static bool spliced_pages(void)
{
	return against(io_splice);
}

/* Pages that a pipe still holds keep their content after munmap. */
static bool pages_outlive_munmap(void)
{
	char *p = map_anon(NULL, 4 * PAGE, RW, 0), buf[PAGE];
	struct iovec v = { p, 4 * PAGE };

	CHECK(p != MAP_FAILED);
	memset(p, 'q', 4 * PAGE);
	CHECK(vmsplice(pipefd[1], &v, 1, 0) == (ssize_t)(4 * PAGE));
	CHECK(!munmap(p, 4 * PAGE));
	for (int i = 0; i < 100; i++) { /* would reuse them */
		char *q = map_anon(NULL, 4 * PAGE, RW, 0);

		CHECK(q != MAP_FAILED && is_zero(q, 4 * PAGE));
		memset(q, 'z', 4 * PAGE);
		CHECK(!munmap(q, 4 * PAGE));
	}
	for (int i = 0; i < 4; i++) {
		CHECK(read(pipefd[0], buf, PAGE) == PAGE);
		for (size_t k = 0; k < PAGE; k++)
			CHECK(buf[k] == 'q');
	}
	return true;
}

/* mprotect while a pipe holds the pages: later, the program sees it enforced. */
static bool mprotect_of_held_pages(void)
{
	char *p = map_anon(NULL, PAGE, RW, 0), buf[PAGE];
	struct iovec v = { p, PAGE };
	int i;

	CHECK(p != MAP_FAILED);
	memset(p, 'm', PAGE);
	CHECK(vmsplice(pipefd[1], &v, 1, 0) == PAGE);
	CHECK(!mprotect(p, PAGE, PROT_NONE));
	CHECK(read(pipefd[0], buf, PAGE) == PAGE && buf[0] == 'm' && buf[PAGE - 1] == 'm');
	for (i = 0; i < 500 && try_read(p) == 0; i++)
		usleep(10000);
	CHECK(try_read(p) == SIGSEGV);
	return !munmap(p, PAGE);
}

static void *toucher(void *arg)
{
	unsigned int x = (long)arg;

	while (!stop) {
		x = x * 1103515245 + 12345;
		try_write(shared_buf + (x >> 8) % SIZE);
		try_read(shared_buf + (x >> 10) % SIZE);
	}
	return NULL;
}

static bool threads_that_touch(void)
{
	pthread_t t[3];

	shared_buf = map_anon(NULL, SIZE, RW, 0);
	CHECK(shared_buf != MAP_FAILED);
	stop = 0;
	for (long i = 0; i < 2; i++)
		CHECK(!pthread_create(&t[i], NULL, toucher, (void *)(i + 1)));
	CHECK(!pthread_create(&t[2], NULL, mangler, NULL));
	usleep(500000);
	stop = 1;
	for (int i = 0; i < 3; i++)
		CHECK(!pthread_join(t[i], NULL));
	return !munmap(shared_buf, SIZE);
}

#define FILE_SIZE (8 * MIB)

/* Looks at one byte of each page, as fast as the others; stops at the first that is not there yet. */
static void *look_at_all(void *arg)
{
	const volatile char *p = arg;

	for (size_t at = 0; at < FILE_SIZE; at += PAGE)
		if (p[at + at % 4093] != 'x')
			return (void *)(at + 1);
	return NULL;
}

/* A page of a file that is read at its first touch is whole for all threads that touch it then. */
static bool pages_come_whole(void)
{
	char path[] = "/tmp/mm-race-XXXXXX", *x = malloc(FILE_SIZE);
	int fd = mkstemp(path);
	void *bad, *first_bad = NULL;
	pthread_t t[4];

	CHECK(x && fd >= 0 && !unlink(path));
	memset(x, 'x', FILE_SIZE);
	CHECK(write(fd, x, FILE_SIZE) == FILE_SIZE);
	free(x);
	for (int round = 0; round < 10; round++) {
		char *p = mmap(NULL, FILE_SIZE, PROT_READ, MAP_PRIVATE, fd, 0);

		CHECK(p != MAP_FAILED);
		for (int i = 0; i < 4; i++)
			CHECK(!pthread_create(&t[i], NULL, look_at_all, p));
		for (int i = 0; i < 4; i++) {
			CHECK(!pthread_join(t[i], &bad));
			first_bad = first_bad ?: bad;
		}
		CHECK(!munmap(p, FILE_SIZE));
	}
	close(fd);
	CHECK(!first_bad);
	return true;
}

enum { PAGES = 16, WRITING = 0, PAUSE, PAUSED, END };

static volatile int writer_state;

/* The kernel writes for it: an address that is not there is no signal. */
static void *write_all_the_time(void *arg)
{
	char *p = arg;

	while (writer_state != END) {
		if (writer_state == PAUSE)
			writer_state = PAUSED;
		for (int i = 0; i < PAGES && writer_state == WRITING; i++)
			syscall(SYS_getrandom, p + i * PAGE, 16, 0);
	}
	return NULL;
}

/* Memory that others write while it goes away is zero when it comes back. */
static bool memory_comes_back_zero(void)
{
	int fixed = MAP_FIXED | MAP_NORESERVE, dirty = 0;
	char *p = map_anon(NULL, PAGES * PAGE, RW, 0);
	pthread_t t;

	CHECK(p != MAP_FAILED && !pthread_create(&t, NULL, write_all_the_time, p));
	for (int round = 0; round < 1000; round++) {
		memset(p, 1, PAGES * PAGE);
		writer_state = WRITING;
		sched_yield();
		CHECK(map_anon(p, PAGES * PAGE, PROT_NONE, fixed) == p);
		writer_state = PAUSE;
		while (writer_state == PAUSE)
			sched_yield();
		CHECK(!mprotect(p, PAGES * PAGE, RW));
		dirty += !is_zero(p, PAGES * PAGE);
	}
	writer_state = END;
	CHECK(!pthread_join(t, NULL));
	CHECK(!dirty);
	return true;
}

/* A file of the root's file system, large enough to come page by page. */
#define LIBC "/lib/x86_64-linux-gnu/libc.so.6"
#define LIBC_PART (1 * MIB)

/* As a child: has the kernel copy pages of a file that come only when they are touched. */
static int copy_until_killed(void)
{
	int fd = open(LIBC, O_RDONLY), out = memfd_create("copy", 0);
	char *p = mmap(NULL, LIBC_PART, PROT_READ, MAP_PRIVATE, fd, 0);

	for (int n = 0; p != MAP_FAILED; n++) {
		if (madvise(p, LIBC_PART, MADV_DONTNEED) ||
		    pwrite(out, p, LIBC_PART, 0) != LIBC_PART)
			return 1;
		if (n == 1 && write(1, "x", 1) != 1)
			return 1;
	}
	return 1;
}

/* As a child: maps a file and unmaps it, and touches none of its pages. */
static int map_until_killed(const char *path)
{
	int fd = open(path, O_RDWR);

	for (int n = 0;; n++) {
		char *p = mmap(NULL, 64 * KIB, RW, MAP_SHARED, fd, 0);

		if (p == MAP_FAILED || munmap(p, 64 * KIB))
			return 1;
		if (n == 1 && write(1, "x", 1) != 1)
			return 1;
	}
}

/* A copy in the kernel that must wait for pages of a file ends when its process is killed. */
static bool killed_in_a_copy(void)
{
	for (int i = 0; i < 20; i++) {
		bool ready = false;
		pid_t pid = start_child("copy", &ready);
		int status;

		CHECK(ready);
		nanosleep(&(struct timespec){ 0, i * 100000 }, NULL);
		CHECK(!kill(pid, SIGKILL) && waitpid(pid, &status, 0) == pid);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	return true;
}

/* Addresses of a file that two processes map and unmap belong to nobody else meanwhile. */
static bool mapped_by_two(void)
{
	char path[] = "/tmp/mm-race-XXXXXX", *shared, *own;
	int fd = mkstemp(path), status, lost = 0;
	bool ready = false;
	pid_t pid;

	CHECK(fd >= 0 && !ftruncate(fd, 64 * KIB));
	pid = start_child(path, &ready);
	CHECK(ready);
	for (int i = 0; i < 5000 && !lost; i++) {
		shared = mmap(NULL, 64 * KIB, RW, MAP_SHARED, fd, 0);
		own = map_anon(NULL, 64 * KIB, RW, 0);
		CHECK(shared != MAP_FAILED && own != MAP_FAILED);
		memset(own, 1, 64 * KIB);
		CHECK(!munmap(shared, 64 * KIB));
		for (size_t at = 0; at < 64 * KIB && !lost; at += PAGE)
			lost = try_read(own + at) || own[at] != 1;
		CHECK(!munmap(own, 64 * KIB));
	}
	CHECK(!kill(pid, SIGKILL) && waitpid(pid, &status, 0) == pid);
	close(fd);
	unlink(path);
	CHECK(!lost && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return true;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return strcmp(argv[1], "copy") ? map_until_killed(argv[1]) : copy_until_killed();
	catch_faults();
	if (pipe2(pipefd, O_NONBLOCK))
		return 1;
	run_test("munmap and mprotect against pipes", pipes);
	run_test("munmap and mprotect against O_DIRECT", direct_io);
	run_test("munmap and mprotect against vmsplice", spliced_pages);
	run_test("pages in a pipe outlive munmap", pages_outlive_munmap);
	run_test("mprotect of pages in a pipe", mprotect_of_held_pages);
	run_test("munmap and mprotect against other threads", threads_that_touch);
	run_test("pages of a file come whole", pages_come_whole);
	run_test("memory comes back as zero", memory_comes_back_zero);
	run_test("killed in a copy", killed_in_a_copy);
	run_test("a file mapped by two processes", mapped_by_two);
	return finish_tests();
}
