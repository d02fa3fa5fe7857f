// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Processes that end while their threads are busy: exit, exec and fatal signals. */
#include "test/guest/stress/smp.h"
#include <linux/futex.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { THREADS = 5 };

extern char **environ;

/* Each thread is somewhere else when the process ends. */
static void *be_busy(void *arg)
{
	static unsigned int never;
	static int pipes[2];
	char *p;

	switch ((int)(long)arg) {
	case 0:
		for (;;)
			syscall(SYS_futex, &never, FUTEX_WAIT, 0, NULL, NULL, 0);
	case 1:
		if (pipe(pipes) || read(pipes[0], &p, 1) < 0)
			return NULL;
		return NULL;
	case 2:
		for (;;)
			__asm__ volatile("pause");
	case 3:
		for (;;)
			nanosleep(&(struct timespec){ 0, 100000 }, NULL);
	default:
		for (;;) {
			p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				 -1, 0);
			if (p != MAP_FAILED)
				p[4096] = 1;
			munmap(p, 65536);
		}
	}
}

__attribute__((noreturn)) static void *exec_here(void *arg)
{
	char *argv[] = { arg, "child", NULL };

	execve(arg, argv, environ);
	_exit(3);
}

/* As a child: "exits N" with N = how to end. */
int exits_child(char *self, int how)
{
	pthread_t t;
	long i;

	for (i = 0; i < THREADS; i++)
		if (pthread_create(&t, NULL, be_busy, (void *)i))
			return 4;
	for (i = 0; i < how % 7; i++)
		sched_yield();
	switch (how % 4) {
	case 0:
		_exit(42);
	case 1:
		exec_here(self);
	case 2: /* the thread that execs becomes the process */
		if (pthread_create(&t, NULL, exec_here, self))
			return 4;
		break;
	}
	for (;;)
		pause(); /* the parent kills it */
}

void round_exits(struct worker *w)
{
	int how = rand_r(&w->seed) % 1000, status;
	char number[16], *argv[] = { smp_self(), "exits", number, NULL };
	pid_t pid;

	snprintf(number, sizeof(number), "%d", how);
	HOLDS(w, !posix_spawn(&pid, smp_self(), NULL, NULL, argv, environ));
	if (how % 4 == 3) {
		if (how % 3)
			nanosleep(&(struct timespec){ 0, how * 1000 }, NULL);
		HOLDS(w, !kill(pid, how & 16 ? SIGKILL : SIGTERM));
	}
	HOLDS(w, waitpid(pid, &status, 0) == pid);
	if (how % 4 == 3)
		HOLDS(w, WIFSIGNALED(status));
	else
		HOLDS(w, status == 42 << 8);
}
