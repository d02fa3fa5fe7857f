/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The frame of every guest test: a program that checks itself and prints the
 * same lines natively and inside, whatever the number of vCPUs.
 *
 * A program is a list of cases, GUEST_MAIN(T(a), T(b)). Each case is a
 * `static void a(void)`. The frame prints one of
 *
 *   ok NAME
 *   skip NAME: why          (the machine lacks what the case needs)
 *   not ok NAME: FILE:LINE: why
 *
 * and at the end `N passed, N failed, N skipped`; the exit status is 1 when a
 * case failed. With arguments only the named cases run. Output must not
 * contain addresses, pids, times or anything else that differs between runs:
 * test/guest/run.py compares it line by line.
 *
 * What a program may rely on: it is started by runall (or by hand) with /tmp
 * and /dev/shm as tmpfs, /proc, /sys and /dev mounted and lo up. It cleans up
 * after itself. Nothing is decided by the wall clock.
 */
#ifndef GUEST_H
#define GUEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct guest_case {
	const char *name;
	void (*run)(void);
};

#define T(fn)           \
	{               \
#fn, fn \
	}
#define GUEST_MAIN(...)                                                                 \
	static const struct guest_case guest_cases[] = { __VA_ARGS__ };                 \
	int main(int argc, char **argv)                                                 \
	{                                                                               \
		return guest_main(argc, argv, guest_cases,                              \
				  (int)(sizeof(guest_cases) / sizeof(guest_cases[0]))); \
	}

int guest_main(int argc, char **argv, const struct guest_case *cases, int count);
/* What guest_main() does first; a program that branches off before calls it by hand. */
void guest_init(const char *argv0);

/* Marks the case as failed (only the first reason is printed); any thread. */
void guest_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Marks the case as skipped; the reason must not depend on the run. */
void guest_skip(const char *why);
/* Leaves the case: back to the frame from the main thread, else pthread_exit(). */
void guest_leave(void) __attribute__((noreturn));
/* The name of the running case, for a function that serves many cases. */
const char *guest_case_name(void);
/* True when the program runs inside the TEE (GUEST_INSIDE is set). */
bool guest_inside(void);
/* Inside, with all memory there from the start (docs/memory.md): an address is its memory. */
bool guest_memory_is_static(void);

/*
 * The path of this program; argv[0] may be relative. For a program with fixed addresses
 * (NAME.nopie, NAME.static, NAME.musl), which can't be there twice inside the TEE, it is
 * that of its position-independent variant NAME.
 */
const char *guest_self(void);
/* Runs this program again with the arguments, returns the wait status. */
int guest_run_self(const char *arg1, const char *arg2);
/* Sleeps; only to let another thread get somewhere, never as a criterion. */
void guest_nap_ms(int ms);
/* A thread's state letter from /proc/self/task/TID/stat, '?' if it is gone. */
char guest_task_state(pid_t tid);
/* Waits until the thread sleeps in the kernel (state S); hang detection is runall's. */
void guest_wait_asleep(pid_t tid);
/* Creates an unlinked temporary file of that size in /tmp, filled with i % 251. */
int guest_tmpfile(size_t size);
pid_t guest_gettid(void);

/* The case goes on after a failed CHECK and is left after a failed MUST. */
#define CHECK(cond)                                                                    \
	do {                                                                           \
		if (!(cond))                                                           \
			guest_fail(__FILE__, __LINE__, "%s (errno %d)", #cond, errno); \
	} while (0)
#define MUST(cond)                                                                     \
	do {                                                                           \
		if (!(cond)) {                                                         \
			guest_fail(__FILE__, __LINE__, "%s (errno %d)", #cond, errno); \
			guest_leave();                                                 \
		}                                                                      \
	} while (0)
#define EQ(a, b)                                                                                   \
	do {                                                                                       \
		long long eq_a = (long long)(a), eq_b = (long long)(b);                            \
		if (eq_a != eq_b)                                                                  \
			guest_fail(__FILE__, __LINE__, "%s is %lld, want %s = %lld", #a, eq_a, #b, \
				   eq_b);                                                          \
	} while (0)
/* The call fails with exactly this errno. */
#define FAILS(call, err)                                                                         \
	do {                                                                                     \
		errno = 0;                                                                       \
		long long f_r = (long long)(call);                                               \
		int f_e = errno;                                                                 \
		if (f_r != -1 || f_e != (err))                                                   \
			guest_fail(__FILE__, __LINE__, "%s gives %lld errno %d, want %s", #call, \
				   f_r, f_e, #err);                                              \
	} while (0)

#endif
