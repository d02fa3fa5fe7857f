// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Out of memory: mmap() and malloc() say ENOMEM, and the program goes on.
 * Natively RLIMIT_AS stands in for the memory limit of the TEE; inside, the
 * limit is what --memory left for programs.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sys/resource.h>
#include <sys/wait.h>

#include "mm_test.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#define CHUNK (16 * MIB)
#define CHUNKS_MAX 4096

static char *chunks[CHUNKS_MAX];

static int fill(void)
{
	int n = 0;

	while (n < CHUNKS_MAX) {
		char *p = map_anon(NULL, CHUNK, RW, 0);

		if (p == MAP_FAILED)
			break;
		memset(p, n, CHUNK);
		chunks[n++] = p;
	}
	return n;
}

static bool enomem_at_the_limit(void)
{
	int first = 0, n;

	for (int round = 0; round < 3; round++) {
		n = fill();
		CHECK(n > 0 && n < CHUNKS_MAX && errno == ENOMEM);
		CHECK(!first || (n >= first - 2 && n <= first + 2)); /* all of it came back */
		first = first ? first : n;
		for (int i = 0; i < n; i++) {
			CHECK(chunks[i][CHUNK - 1] == (char)i);
			CHECK(!munmap(chunks[i], CHUNK));
		}
	}
	return true;
}

static bool is_low(const char *p)
{
	return (uintptr_t)p < 4 * GIB;
}

/* Where addresses are memory, those below 4 GiB are given to who does not ask for them last. */
static bool all_windows(void)
{
	int n = fill(), low = 0;

	CHECK(n > 1 && !is_low(chunks[0]));
	for (int i = 0; i < n; i++) {
		low += is_low(chunks[i]);
		CHECK(!low || is_low(chunks[i]));
		CHECK(!munmap(chunks[i], CHUNK));
	}
	CHECK(low || !memory_is_static());
	return true;
}

static bool one_too_large(void)
{
	CHECK(map_anon(NULL, 900 * GIB, RW, 0) == MAP_FAILED && errno == ENOMEM);
	CHECK(malloc(900 * GIB) == NULL && errno == ENOMEM);
	return true;
}

static bool small_ones_after_failure(void)
{
	int n = fill();
	char *p;

	CHECK(n > 0);
	CHECK(!munmap(chunks[--n], CHUNK));
	for (int i = 0; i < 1000; i++) {
		p = map_anon(NULL, 64 * KIB, RW, 0);
		CHECK(p != MAP_FAILED && is_zero(p, 64 * KIB));
		memset(p, 1, 64 * KIB);
		CHECK(!munmap(p, 64 * KIB));
	}
	while (n)
		CHECK(!munmap(chunks[--n], CHUNK));
	return true;
}

static void on_usr1(int sig)
{
	(void)sig;
}

/* From a signal on: in vain, for more than is left. */
static int ask_too_much(void)
{
	char *area = map_anon(NULL, 8 * MIB, RW, MAP_NORESERVE);
	char *large = (char *)(((uintptr_t)area + 4 * MIB - 1) & ~(4 * MIB - 1));
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	signal(SIGUSR1, on_usr1);
	if (area == MAP_FAILED || write(1, "x", 1) != 1)
		return 1;
	sigsuspend(&old);
	for (;;)
		madvise(large, 4 * MIB, MADV_POPULATE_WRITE);
}

static bool small_ones_beside_failure(void)
{
	bool ready = false;
	pid_t pid = start_child("ask", &ready);
	int n, m = 0, status;
	char *small[16], *p;

	CHECK(ready);
	n = fill();
	CHECK(n > 0);
	for (; m < 16 && (p = map_anon(NULL, MIB, RW, 0)) != MAP_FAILED; m++)
		memset(small[m] = p, 1, MIB);
	CHECK(m ? !munmap(small[--m], MIB) : !munmap(chunks[--n], CHUNK));
	CHECK(!kill(pid, SIGUSR1));
	for (int i = 0; i < 100000; i++) {
		p = map_anon(NULL, 64 * KIB, RW, 0);
		CHECK(p != MAP_FAILED && !munmap(p, 64 * KIB));
	}
	CHECK(!kill(pid, SIGKILL) && waitpid(pid, &status, 0) == pid);
	while (m)
		CHECK(!munmap(small[--m], MIB));
	while (n)
		CHECK(!munmap(chunks[--n], CHUNK));
	return true;
}

/* Has all the memory there is, says so, and does nothing more. */
static int be_a_hog(void)
{
	for (size_t size = CHUNK; size >= 64 * KIB; size /= 4) {
		char *p;

		while ((p = map_anon(NULL, size, RW, 0)) != MAP_FAILED)
			memset(p, 1, size);
	}
	if (write(1, "x", 1) != 1)
		return 1;
	for (;;)
		pause();
}

/*
 * A hog may be the one to go before it is ready: memory is promised beyond what there is.
 * Return: its process id, when it has eaten; -1 if there is none.
 */
static pid_t start_hog(void)
{
	bool ready = false;
	pid_t pid;
	int tries;

	for (tries = 0; tries < 5; tries++) {
		pid = start_child("hog", &ready);
		if (pid < 0 || ready)
			return pid;
		waitpid(pid, NULL, 0);
	}
	return -1;
}

static bool who_has_most_goes(void)
{
	char *promised = map_anon(NULL, CHUNK, RW, MAP_NORESERVE);
	pid_t hog = start_hog();
	int status;

	CHECK(promised != MAP_FAILED && hog > 0);
	if (!getenv("GUEST_INSIDE")) /* there is too much memory to use up */
		CHECK(!kill(hog, SIGKILL));
	memset(promised, 7, CHUNK);
	if (memory_is_static()) /* the promise is memory: nobody goes for it */
		CHECK(!waitpid(hog, &status, WNOHANG) && !kill(hog, SIGKILL));
	CHECK(waitpid(hog, &status, 0) == hog);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	for (size_t i = 0; i < CHUNK; i++)
		CHECK(promised[i] == 7);
	CHECK(!munmap(promised, CHUNK));
	return true;
}

int main(int argc, char **argv)
{
	struct rlimit r = { GIB, GIB };

	if (argc > 1)
		return strcmp(argv[1], "hog") ? ask_too_much() : be_a_hog();

	if (!getenv("GUEST_INSIDE"))
		setrlimit(RLIMIT_AS, &r);
	run_test("ENOMEM at the limit", enomem_at_the_limit);
	run_test("memory of all windows", all_windows);
	run_test("one mapping above the limit", one_too_large);
	run_test("small mappings after failure", small_ones_after_failure);
	run_test("small mappings beside one that fails", small_ones_beside_failure);
	run_test("who has most goes", who_has_most_goes);
	return finish_tests();
}
