// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Runs a list of programs in one machine, one after the other, so that a
 * suite costs one boot: runall LIST. Each line of LIST is
 * `NAME HANG_SECONDS PROGRAM ARGUMENTS...`, separated by single blanks; a tab
 * inside an argument stands for a blank.
 * Prints around each program's output
 *
 *   @@ BEGIN NAME
 *   @@ END NAME exit N | signal N | hang | not started N
 *
 * HANG_SECONDS only detects hangs: the program is killed and reported so.
 * Prepares what the tests rely on first: /proc, /sys, /dev, tmpfs, lo.
 * As process 1 it also reaps what the tests leave behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* ARGV_MAX words of a line, the terminating NULL included. */
enum { ARGV_MAX = 64 };

static void mount_one(const char *type, const char *dir, const char *probe)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, probe);
	if (probe[0] && !access(path, F_OK))
		return;
	mkdir(dir, 0755);
	if (mount(type, dir, type, 0, NULL) && errno != EBUSY)
		printf("@@ NOTE cannot mount %s: errno %d\n", dir, errno);
	if (!strcmp(type, "tmpfs"))
		chmod(dir, 01777);
}

static void lo_up(void)
{
	struct ifreq r = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0)
		return;
	if (!ioctl(fd, SIOCGIFFLAGS, &r) && !(r.ifr_flags & IFF_UP)) {
		r.ifr_flags |= IFF_UP;
		ioctl(fd, SIOCSIFFLAGS, &r);
	}
	close(fd);
}

static void prepare(void)
{
	mount_one("proc", "/proc", "self");
	mount_one("sysfs", "/sys", "kernel");
	mount_one("devtmpfs", "/dev", "null");
	mkdir("/dev/pts", 0755);
	mount_one("devpts", "/dev/pts", "ptmx");
	mount_one("tmpfs", "/dev/shm", "");
	mount_one("tmpfs", "/tmp", "");
	symlink("/proc/self/fd", "/dev/fd");
	lo_up();
}

static void count_time(struct timespec *left, const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	left->tv_sec -= now.tv_sec - since->tv_sec;
}

/* Waits for the child; kills it when the time is over. Returns false then. */
static bool wait_for(pid_t pid, int seconds, int *status)
{
	struct timespec left = { seconds, 0 }, since;
	sigset_t chld;
	pid_t r;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	for (;;) {
		while ((r = waitpid(-1, status, WNOHANG)) > 0)
			if (r == pid)
				return true;
		clock_gettime(CLOCK_MONOTONIC, &since);
		if (left.tv_sec <= 0)
			break;
		sigtimedwait(&chld, NULL, &left);
		count_time(&left, &since);
	}
	kill(pid, SIGKILL);
	waitpid(pid, status, 0);
	return false;
}

static int start(char **argv, pid_t *pid)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&at);
	posix_spawnattr_setsigmask(&at, &none);
	posix_spawnattr_setsigdefault(&at, &all); /* who runs the suite may ignore some */
	posix_spawnattr_setflags(&at, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	r = posix_spawn(pid, argv[0], &fa, &at, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&at);
	return r;
}

/* A tab in a word of the list stands for a blank. */
static char *word(void)
{
	char *w = strtok(NULL, " \n"), *p;

	for (p = w; p && (p = strchr(p, '\t'));)
		*p = ' ';
	return w;
}

static int run_line(char *line)
{
	char *argv[ARGV_MAX], *name = strtok(line, " \n");
	char *seconds = strtok(NULL, " \n");
	int n = 0, r, status;
	pid_t pid;

	if (!name || !seconds)
		return 0;
	while (n < ARGV_MAX - 1 && (argv[n] = word()))
		n++;
	argv[n] = NULL;
	printf("@@ BEGIN %s\n", name);
	fflush(stdout);
	r = start(argv, &pid);
	if (r)
		printf("@@ END %s not started %d\n", name, r);
	else if (!wait_for(pid, atoi(seconds), &status))
		printf("@@ END %s hang\n", name);
	else if (WIFSIGNALED(status))
		printf("@@ END %s signal %d\n", name, WTERMSIG(status));
	else
		printf("@@ END %s exit %d\n", name, WEXITSTATUS(status));
	fflush(stdout);
	return r || status;
}

int main(int argc, char **argv)
{
	char line[4096];
	sigset_t chld;
	int bad = 0;
	FILE *f;

	if (argc != 2) {
		fprintf(stderr, "usage: runall LIST\n");
		return 2;
	}
	f = fopen(argv[1], "re");
	if (!f) {
		perror(argv[1]);
		return 2;
	}
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	prepare();
	while (fgets(line, sizeof(line), f))
		bad |= run_line(line);
	fclose(f);
	printf("@@ DONE\n");
	return bad != 0;
}
