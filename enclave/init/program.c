// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "enclave/init/init.h"
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KILL_WAIT_S 5

/* Shared with the vfork() child: how far it came. */
struct start {
	const char *step;
	int err;
};

/*
 * Like execvpe(), but a file that is no program fails instead of going to a
 * shell. Returns only if all failed, with the errno that says most.
 */
static void exec_search(const struct init_config *c)
{
	static char path[4096]; /* the child of vfork() must not allocate */
	const char *dirs = getenv("PATH");
	int found = ENOENT;

	if (strchr(c->argv[0], '/')) {
		execve(c->argv[0], c->argv, c->env);
		return;
	}
	while (dirs && *dirs) {
		size_t n = strcspn(dirs, ":");

		if (n + strlen(c->argv[0]) + 2 <= sizeof(path)) {
			memcpy(path, dirs, n);
			path[n] = '/';
			memcpy(path + n + 1, c->argv[0], strlen(c->argv[0]) + 1);
			execve(path, c->argv, c->env);
			if (errno != ENOENT && errno != ENOTDIR)
				found = errno;
		}
		dirs += n + (dirs[n] == ':');
	}
	errno = found;
}

__attribute__((noreturn)) static void child(const struct init_config *c, volatile struct start *s,
					    const sigset_t *none)
{
	s->step = "session";
	if (setsid() < 0)
		goto failed;
	if (isatty(0))
		ioctl(0, TIOCSCTTY, 0);
	s->step = "user";
	if ((c->uid || c->gid) && (setgroups(0, NULL) || setgid(c->gid) || setuid(c->uid)))
		goto failed;
	s->step = "cwd";
	if (chdir(c->cwd))
		goto failed;
	sigprocmask(SIG_SETMASK, none, NULL);
	s->step = NULL;
	exec_search(c);
failed:
	s->err = errno;
	_exit(127);
}

/* Return: the program's pid, or -1 with *end set. */
static pid_t start_program(struct init_config *c, struct end *end)
{
	volatile struct start s = { 0 };
	sigset_t none;
	pid_t pid;

	sigemptyset(&none);
	environ = c->env; /* PATH is the program's */
	pid = vfork();
	if (!pid)
		child(c, &s, &none);
	if (pid < 0)
		init_die("PROGRAM", "vfork: %s", strerror(errno));
	if (!s.err)
		return pid;
	waitpid(pid, NULL, 0);
	if (s.step)
		init_die("PROGRAM", "%s: %s", s.step, strerror(s.err));
	if (!in_tee()) /* else the launcher says it */
		init_log("PROGRAM", "%s: %s", c->argv[0], strerror(s.err));
	*end = (struct end){ END_EXEC_FAILED, s.err };
	return -1;
}

/* Takes in all children that ended. Return: true when the program was among them. */
static bool reap(pid_t program, struct end *end)
{
	bool ended = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != program)
			continue;
		if (WIFSIGNALED(status))
			*end = (struct end){ END_SIGNALED, WTERMSIG(status) };
		else
			*end = (struct end){ END_EXITED, WEXITSTATUS(status) };
		ended = true;
	}
	return ended;
}

static void wait_for_end(pid_t program, const sigset_t *all, struct end *end)
{
	siginfo_t info;
	int sig;

	for (;;) {
		sig = sigwaitinfo(all, &info);
		if (sig == SIGCHLD && reap(program, end))
			return;
		if (sig > 0 && sig != SIGCHLD)
			kill(program, sig);
	}
}

/* Whatever the program left running must not write to the disks any more. */
static void kill_rest(void)
{
	sigset_t chld;
	time_t end = time(NULL) + KILL_WAIT_S;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	if (getpid() == 1)
		kill(-1, SIGKILL);
	while (time(NULL) < end) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid < 0)
			return;
		if (!pid)
			sigtimedwait(&chld, NULL, &(struct timespec){ .tv_nsec = 100000000 });
	}
}

struct end program_run(struct init_config *c)
{
	struct end end = { END_INIT_FAILED, 0 };
	sigset_t all;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	pid = start_program(c, &end);
	if (pid > 0)
		wait_for_end(pid, &all, &end);
	kill_rest();
	return end;
}
