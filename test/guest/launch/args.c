// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Prints what it was given: arguments, the listed environment, standard streams. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static const char *const names[] = { "PATH", "HOME", "LANG", "TZ", "NOT_SET" };
	char cwd[256];
	size_t i;

	for (i = 0; i < (size_t)argc; i++)
		printf("argv[%zu] %zu %.40s\n", i, strlen(argv[i]), argv[i]);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		printf("%s=%s\n", names[i], getenv(names[i]) ? getenv(names[i]) : "(none)");
	printf("cwd %s\n", getcwd(cwd, sizeof(cwd)) ? cwd : "(none)");
	for (i = 0; i < 8; i++)
		printf("fd %zu %s\n", i, fcntl((int)i, F_GETFD) == -1 ? "closed" : "open");
	return 0;
}
