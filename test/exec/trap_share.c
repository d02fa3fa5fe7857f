// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Guest program: which share of a workload's system calls traps after warm-up?
 *
 *	trap_share [-s SERVER ARG... ;] PROGRAM ARG...
 *
 * Starts the server if there is one, runs PROGRAM twice, and looks at
 * /proc/rktio_rewrite around the second run. Natively there is no such file:
 * one case is skipped.
 */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHARE_MAX 0.001

extern char **environ;

struct counters {
	long executed, trapped, resumed;
};

static bool look(struct counters *c)
{
	FILE *f = fopen("/proc/rktio_rewrite", "r");
	char name[64];
	long value;

	if (!f)
		return false;
	while (fscanf(f, "%63s %ld", name, &value) == 2) {
		if (!strcmp(name, "executed"))
			c->executed = value;
		else if (!strcmp(name, "trapped"))
			c->trapped = value;
		else if (!strcmp(name, "resumed"))
			c->resumed = value;
		if (getenv("VERBOSE"))
			printf("# %s %ld\n", name, value);
	}
	fclose(f);
	return true;
}

static pid_t start(char **argv)
{
	pid_t pid;
	int err = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);

	if (err) {
		fprintf(stderr, "%s: %s\n", argv[0], strerror(err));
		exit(1);
	}
	return pid;
}

static int run(char **argv)
{
	pid_t pid = start(argv);
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* Splits "-s SERVER ARG... ;" off the front. */
static char **server_of(char ***argv)
{
	char **server = NULL, **a = *argv;

	if (*a && !strcmp(*a, "-s")) {
		server = ++a;
		while (*a && strcmp(*a, ";"))
			a++;
		if (*a)
			*a++ = NULL;
		*argv = a;
	}
	return server;
}

int main(int argc, char **argv)
{
	struct counters before, after;
	char **program = argv + 1, **server = server_of(&program);
	pid_t pid = server ? start(server) : 0;
	double share;
	int status;

	if (!*program)
		return 2;
	sleep(server ? 1 : 0); /* until it listens; nothing is measured here */
	status = run(program);
	if (!look(&before)) {
		printf("# skipped: not inside\n0 passed, 0 failed, 1 skipped\n");
		before.executed = -1;
	}
	if (!status)
		status = run(program);
	if (pid) {
		kill(pid, SIGTERM);
		waitpid(pid, NULL, 0);
	}
	if (before.executed < 0)
		return !!status;
	look(&after);
	after.executed -= before.executed;
	after.trapped -= before.trapped;
	after.resumed -= before.resumed;
	share = (double)(after.trapped + after.resumed) / after.executed;
	printf("# %ld system calls, %ld trapped, %ld resumed: %.4f %%\n", after.executed,
	       after.trapped, after.resumed, 100 * share);
	/* a program that starts anew meets its sites for the first time: up to 500 traps are warm-up */
	if (!status && after.trapped + after.resumed <= 500 + SHARE_MAX * after.executed) {
		printf("ok trap-share %s\n1 passed, 0 failed, 0 skipped\n", program[0]);
		return 0;
	}
	printf("not ok trap-share %s: status %#x\n0 passed, 1 failed, 0 skipped\n", program[0],
	       status);
	return 1;
}
