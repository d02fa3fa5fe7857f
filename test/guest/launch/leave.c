// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Leaves in the way that the arguments say; test/guest/runner/launch.py looks at the status. */
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int number;

static void *exit_from_thread(void *arg)
{
	exit(number);
}

static int orphans(const char *self)
{
	char *argv[] = { "leave", "sleep", NULL };
	pid_t pid;
	int i;

	for (i = 0; i < 3; i++)
		if (posix_spawn(&pid, self, NULL, NULL, argv, NULL))
			return 99;
	return number;
}

static int much_stdout(void)
{
	char line[64];
	int i;

	for (i = 0; i < number / 64; i++) {
		snprintf(line, sizeof(line), "%062d", i);
		if (puts(line) < 0)
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	pthread_t t;

	if (argc > 1 && !strcmp(argv[1], "sleep"))
		return sleep(3600) != 0;
	if (argc < 3)
		return 98;
	number = atoi(argv[2]);
	if (!strcmp(argv[1], "signal"))
		return raise(number);
	if (!strcmp(argv[1], "orphans"))
		return orphans(argv[0]);
	if (!strcmp(argv[1], "stdout"))
		return much_stdout();
	if (!strcmp(argv[1], "thread") && !pthread_create(&t, NULL, exit_from_thread, NULL))
		pause();
	return number;
}
