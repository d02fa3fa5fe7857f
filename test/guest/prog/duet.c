// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * duet FILE: runs a server and clients against it. Lines of FILE:
 *
 *   server PROGRAM ARG...   starts it, its output discarded
 *   port N                  waits until 127.0.0.1:N accepts
 *   ready PROGRAM ARG...    runs a client again and again until its status is 0
 *   show PROGRAM ARG...     runs a client, its output is the test's
 *   hide PROGRAM ARG...     runs a client, only its status counts
 *   stop SIGNAL             ends the server and waits for it
 *
 * Prints the status of everything. Words are separated by blanks.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORDS_MAX = 64 };

extern char **environ;
static pid_t server;
static int bad;

static pid_t start(char **argv, bool quiet)
{
	posix_spawn_file_actions_t fa;
	pid_t pid = -1;

	posix_spawn_file_actions_init(&fa);
	if (quiet) {
		posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY, 0);
		posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY, 0);
	}
	errno = posix_spawn(&pid, argv[0], &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	if (errno) {
		printf("%s: not started, errno %d\n", argv[0], errno);
		bad = 1;
		return -1;
	}
	return pid;
}

/* Death by `expected` (0: none) is as good as exit 0. */
static void finish(const char *name, pid_t pid, int expected)
{
	int status;

	if (pid <= 0 || waitpid(pid, &status, 0) != pid)
		return;
	if (WIFSIGNALED(status))
		printf("%s: signal %d\n", name, WTERMSIG(status));
	else
		printf("%s: exit %d\n", name, WEXITSTATUS(status));
	bad |= WIFSIGNALED(status) ? WTERMSIG(status) != expected : status;
}

static bool server_gone(void)
{
	siginfo_t si = { .si_pid = 0 };

	if (!waitid(P_PID, (id_t)server, &si, WEXITED | WNOHANG | WNOWAIT) && !si.si_pid)
		return false;
	printf("the server is gone\n");
	bad = 1;
	return true;
}

static void wait_ready(char **argv)
{
	struct timespec t = { 0, 5000000 };
	int status;
	pid_t pid;

	while (!server_gone()) {
		pid = start(argv, true);
		if (pid <= 0 || waitpid(pid, &status, 0) != pid || !status)
			return;
		nanosleep(&t, NULL);
	}
}

/* Until it accepts, or the server has ended. */
static void wait_port(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timespec t = { 0, 5000000 };
	int fd, r;

	for (;;) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		r = connect(fd, (struct sockaddr *)&a, sizeof(a));
		close(fd);
		if (!r || server_gone())
			return;
		nanosleep(&t, NULL);
	}
}

static void line(char **w)
{
	if (!strcmp(w[0], "server")) {
		server = start(w + 1, true);
	} else if (!strcmp(w[0], "port")) {
		wait_port(atoi(w[1]));
	} else if (!strcmp(w[0], "ready")) {
		wait_ready(w + 1);
	} else if (!strcmp(w[0], "show") || !strcmp(w[0], "hide")) {
		finish(w[1], start(w + 1, w[0][0] == 'h'), 0);
	} else if (!strcmp(w[0], "stop")) {
		kill(server, atoi(w[1]));
		finish("server", server, atoi(w[1]));
	}
}

int main(int argc, char **argv)
{
	char buf[4096], *w[WORDS_MAX];
	FILE *f = argc > 1 ? fopen(argv[1], "re") : NULL;
	int n;

	if (!f)
		return 2;
	setvbuf(stdout, NULL, _IONBF, 0);
	while (fgets(buf, sizeof(buf), f)) {
		n = 0;
		w[n] = strtok(buf, " \n");
		while (w[n] && n < WORDS_MAX - 1)
			w[++n] = strtok(NULL, " \n");
		if (w[0] && w[0][0] != '#')
			line(w);
	}
	fclose(f);
	return bad != 0;
}
