// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Threads and processes: pipe and futex ping-pong, create and join, fork, spawn. */
#include "bench/micro/micro.h"
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int to[2], from[2], word;
static pthread_t peer;

static void *pipe_peer(void *arg)
{
	char c;

	while (read(to[0], &c, 1) == 1 && write(from[1], &c, 1) == 1)
		;
	return NULL;
}

static int pingpong_setup(void)
{
	if (pipe(to) || pipe(from))
		return -errno;
	return -pthread_create(&peer, NULL, pipe_peer, NULL);
}

static int pingpong_cross_setup(void)
{
	if (pipe(to) || pipe(from))
		return -errno;
	return start_on_two_cpus(&peer, pipe_peer);
}

static void pingpong_loop(long n)
{
	char c = 0;

	while (n--)
		if (write(to[1], &c, 1) != 1 || read(from[0], &c, 1) != 1)
			must(0, "ping-pong");
}

static void pingpong_teardown(void)
{
	close(to[1]);
	pthread_join(peer, NULL);
	close(to[0]);
	close(from[0]);
	close(from[1]);
}

static void pingpong_cross_teardown(void)
{
	pingpong_teardown();
	any_cpu();
}

static long futex(int op, int val)
{
	return syscall(SYS_futex, &word, op, val, NULL, NULL, 0);
}

static void futex_wake_loop(long n)
{
	while (n--)
		futex(FUTEX_WAKE_PRIVATE, 1);
}

/* 0: the peer's turn is over, 1: its turn, 2: end. */
static void *futex_peer(void *arg)
{
	for (;;) {
		while (__atomic_load_n(&word, __ATOMIC_ACQUIRE) == 0)
			futex(FUTEX_WAIT_PRIVATE, 0);
		if (__atomic_load_n(&word, __ATOMIC_ACQUIRE) == 2)
			return NULL;
		__atomic_store_n(&word, 0, __ATOMIC_RELEASE);
		futex(FUTEX_WAKE_PRIVATE, 1);
	}
}

static int futex_setup(void)
{
	word = 0;
	return -pthread_create(&peer, NULL, futex_peer, NULL);
}

static int futex_cross_setup(void)
{
	word = 0;
	return start_on_two_cpus(&peer, futex_peer);
}

static void futex_loop(long n)
{
	while (n--) {
		__atomic_store_n(&word, 1, __ATOMIC_RELEASE);
		futex(FUTEX_WAKE_PRIVATE, 1);
		while (__atomic_load_n(&word, __ATOMIC_ACQUIRE) == 1)
			futex(FUTEX_WAIT_PRIVATE, 1);
	}
}

static void futex_teardown(void)
{
	__atomic_store_n(&word, 2, __ATOMIC_RELEASE);
	futex(FUTEX_WAKE_PRIVATE, 1);
	pthread_join(peer, NULL);
}

static void futex_cross_teardown(void)
{
	futex_teardown();
	any_cpu();
}

static void *nothing(void *arg)
{
	return arg;
}

static void create_join_loop(long n)
{
	pthread_t t;

	while (n--)
		if (pthread_create(&t, NULL, nothing, NULL) || pthread_join(t, NULL))
			must(0, "pthread_create");
}

static int fork_setup(void)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (!pid)
		_exit(0);
	return waitpid(pid, &status, 0) == pid ? 0 : -errno;
}

static void fork_loop(long n)
{
	int status;
	pid_t pid;

	while (n--) {
		pid = fork();
		if (!pid)
			_exit(0);
		if (waitpid(pid, &status, 0) != pid)
			must(0, "fork");
	}
}

static void vfork_loop(long n)
{
	int status;
	pid_t pid;

	while (n--) {
		pid = vfork();
		if (!pid)
			_exit(0);
		if (waitpid(pid, &status, 0) != pid)
			must(0, "vfork");
	}
}

static void spawn_loop(long n)
{
	char *argv[] = { "/bin/true", NULL };
	int status;
	pid_t pid;

	while (n--)
		if (posix_spawn(&pid, argv[0], NULL, NULL, argv, NULL) ||
		    waitpid(pid, &status, 0) != pid)
			must(0, "posix_spawn");
}

static int spawn_setup(void)
{
	return access("/bin/true", X_OK) ? -errno : 0;
}

static void yield_loop(long n)
{
	while (n--)
		sched_yield();
}

const struct bench sched_benches[] = {
	{ "pipe_pingpong", pingpong_setup, pingpong_loop, pingpong_teardown },
	{ "futex_wake", NULL, futex_wake_loop, NULL },
	{ "futex_pingpong", futex_setup, futex_loop, futex_teardown },
	{ "pthread_cj", NULL, create_join_loop, NULL },
	{ "fork_wait", fork_setup, fork_loop, NULL },
	{ "vfork_wait", NULL, vfork_loop, NULL },
	{ "spawn_wait", spawn_setup, spawn_loop, NULL },
	{ "yield", NULL, yield_loop, NULL },
	{ .name = "pipe_cross",
	  .setup = pingpong_cross_setup,
	  .loop = pingpong_loop,
	  .teardown = pingpong_cross_teardown },
	{ .name = "futex_cross",
	  .setup = futex_cross_setup,
	  .loop = futex_loop,
	  .teardown = futex_cross_teardown },
	{ .name = NULL },
};
