/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "host/device/spawn.h"

#define HEALTHY_MS 10000
#define DELAY_MS_MIN 10
#define DELAY_MS_MAX 1000

extern char **environ;

static u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

/*
 * Runs in the child, on the parent's stack and memory, while the parent's thread waits: only
 * system calls that change the child alone, and nothing but *err is written.
 */
static void child(char *const argv[], int keep_fd, pid_t parent, volatile int *err)
{
	sigset_t none;

	sigemptyset(&none);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127); /* died before we asked to be told */
	if (keep_fd >= 0 && fcntl(keep_fd, F_SETFD, 0))
		goto fail;
	setsid();
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(argv[0], argv, environ);
fail:
	*err = errno;
	_exit(127);
}

__attribute__((noinline)) static pid_t start(char *const argv[], int keep_fd, volatile int *err)
{
	pid_t parent = getpid();
	pid_t pid = vfork();

	if (pid == 0)
		child(argv, keep_fd, parent, err);
	return pid;
}

int spawn_start(struct spawn_proc *proc, char *const argv[], int keep_fd)
{
	volatile int err = 0;
	sigset_t all, old;
	pid_t pid;

	/* No handler of the launcher may run in the child while memory is shared. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid = start(argv, keep_fd, &err);
	if (pid < 0)
		err = errno;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (pid < 0)
		return -err;
	if (err) {
		waitpid(pid, NULL, 0);
		return -err;
	}
	proc->pid = pid;
	proc->pidfd = syscall(SYS_pidfd_open, pid, 0);
	if (proc->pidfd >= 0)
		return 0;
	err = errno;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	*proc = (struct spawn_proc)SPAWN_NONE;
	return -err;
}

bool spawn_alive(struct spawn_proc *proc, int *status)
{
	int st = 0;

	if (!proc->pid)
		return false;
	if (waitpid(proc->pid, &st, WNOHANG) == 0)
		return true;
	if (status)
		*status = st;
	close(proc->pidfd);
	*proc = (struct spawn_proc)SPAWN_NONE;
	return false;
}

int spawn_stop(struct spawn_proc *proc, unsigned grace_ms)
{
	struct pollfd p = { proc->pidfd, POLLIN, 0 };
	int status = -1;

	if (!spawn_alive(proc, &status))
		return status;
	kill(proc->pid, SIGTERM);
	if (poll(&p, 1, grace_ms) <= 0)
		kill(proc->pid, SIGKILL);
	waitpid(proc->pid, &status, 0);
	close(proc->pidfd);
	*proc = (struct spawn_proc)SPAWN_NONE;
	return status;
}

void spawn_backoff_started(struct spawn_backoff *b)
{
	b->started_ms = now_ms();
}

unsigned spawn_backoff_died(struct spawn_backoff *b)
{
	if (now_ms() - b->started_ms >= HEALTHY_MS) {
		b->delay_ms = 0;
		return 0;
	}
	b->delay_ms = b->delay_ms ? b->delay_ms * 2 : DELAY_MS_MIN;
	if (b->delay_ms > DELAY_MS_MAX)
		b->delay_ms = DELAY_MS_MAX;
	return b->delay_ms;
}
