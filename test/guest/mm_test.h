/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the mm_*.c programs share: results, and touching memory that may not be there. */
#ifndef MM_TEST_H
#define MM_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096UL
#define KIB 1024UL
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

static int tests_passed, tests_failed, tests_skipped;

#define CHECK(cond)                                                                           \
	do {                                                                                  \
		if (!(cond)) {                                                                \
			printf("# %s:%d: %s (errno %d)\n", __FILE__, __LINE__, #cond, errno); \
			return false;                                                         \
		}                                                                             \
	} while (0)

/* As guest_memory_is_static(). */
static inline bool memory_is_static(void)
{
	return getenv("GUEST_STATIC") != NULL;
}

static inline void run_test(const char *name, bool (*fn)(void))
{
	fflush(stdout);
	if (fn()) {
		printf("ok %s\n", name);
		tests_passed++;
	} else {
		printf("not ok %s: see above\n", name);
		tests_failed++;
	}
}

static inline int finish_tests(void)
{
	printf("%d passed, %d failed, %d skipped\n", tests_passed, tests_failed, tests_skipped);
	return tests_failed != 0;
}

static __thread sigjmp_buf fault_jmp;
static __thread volatile sig_atomic_t fault_expected;
static __thread volatile int fault_sig, fault_code;
static __thread void *volatile fault_addr;

static void on_fault(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	if (!fault_expected)
		_exit(99);
	fault_sig = sig;
	fault_code = si->si_code;
	fault_addr = si->si_addr;
	siglongjmp(fault_jmp, 1);
}

static inline void catch_faults(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
}

/* Each returns 0 if the access worked, else the signal. */
static inline int try_read(const volatile void *p)
{
	fault_expected = 1;
	if (sigsetjmp(fault_jmp, 1)) {
		fault_expected = 0;
		return fault_sig;
	}
	(void)*(const volatile char *)p;
	fault_expected = 0;
	return 0;
}

static inline int try_write(volatile void *p)
{
	fault_expected = 1;
	if (sigsetjmp(fault_jmp, 1)) {
		fault_expected = 0;
		return fault_sig;
	}
	*(volatile char *)p = 1;
	fault_expected = 0;
	return 0;
}

static inline bool is_zero(const void *p, size_t size)
{
	const char *c = p;

	for (size_t i = 0; i < size; i++)
		if (c[i])
			return false;
	return true;
}

static inline void *map_anon(void *hint, size_t size, int prot, int flags)
{
	return mmap(hint, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

#define RW (PROT_READ | PROT_WRITE)

extern char **environ;

/*
 * Starts this program with an argument; the child says on its standard output that it is at work.
 * Return: its process id, -1 if there is none.
 */
static inline pid_t start_child(char *what, bool *ready)
{
	char *argv[] = { "/proc/self/exe", what, NULL }, c;
	posix_spawn_file_actions_t fa;
	pid_t pid = -1;
	int p[2];

	if (pipe2(p, O_CLOEXEC) || posix_spawn_file_actions_init(&fa) ||
	    posix_spawn_file_actions_adddup2(&fa, p[1], 1))
		return -1;
	if (posix_spawn(&pid, argv[0], &fa, NULL, argv, environ))
		pid = -1;
	posix_spawn_file_actions_destroy(&fa);
	close(p[1]);
	*ready = pid > 0 && read(p[0], &c, 1) == 1;
	close(p[0]);
	return pid;
}

#endif
