// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Guest program with fixed addresses (built -no-pie): it can execute itself in
 * its own place again and again, but not be resident twice: inside, the second
 * one fails with ENOMEM before anything is lost; natively it runs.
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
{
	int left = argc > 1 ? atoi(argv[1]) : 5, err, status = -1,
	    inside = !access("/proc/rktio_rewrite", F_OK), ok;
	char count[16], *again[] = { "/proc/self/exe", count, NULL },
			*child[] = { argv[0], "-1", NULL };
	pid_t pid;

	if (left < 0)
		return 42; /* the second resident */
	if (left > 0) {
		snprintf(count, sizeof(count), "%d", left - 1);
		execv(again[0], again);
		printf("not ok exec-fixed in place: %s\n0 passed, 1 failed, 0 skipped\n",
		       strerror(errno));
		return 1;
	}
	printf("ok exec-fixed in place\n");
	err = posix_spawn(&pid, "/proc/self/exe", NULL, NULL, child, environ);
	if (!err)
		waitpid(pid, &status, 0);
	ok = inside ? err == ENOMEM : !err && WIFEXITED(status) && WEXITSTATUS(status) == 42;
	printf(ok ? "ok exec-fixed twice\n" : "not ok exec-fixed twice: error %d status %#x\n", err,
	       status);
	printf("%d passed, %d failed, 0 skipped\n", 1 + ok, !ok);
	return !ok;
}
