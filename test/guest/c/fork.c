// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * fork() is refused inside (ENOSYS) until a later stage brings it, and must
 * never be something in between; natively it works. Both print the same.
 */
#include "test/guest/lib/guest.h"
#include <sys/syscall.h>

static void refused_or_right(long pid)
{
	int status;

	if (pid == 0)
		_exit(7);
	if (guest_inside()) {
		EQ(pid, -1);
		EQ(errno, ENOSYS);
		return;
	}
	MUST(pid > 0);
	MUST(waitpid((pid_t)pid, &status, 0) == pid);
	EQ(status, 7 << 8);
}

static void by_libc(void)
{
	refused_or_right(fork());
}

static void by_syscall(void)
{
	refused_or_right(syscall(SYS_fork));
}

static void by_clone(void)
{
	refused_or_right(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

static void after_refusal(void)
{
	int i;

	for (i = 0; i < 100; i++)
		refused_or_right(fork());
	EQ(guest_run_self("by_libc", NULL), 0);
}

static const struct guest_case cases[] = {
	T(by_libc),
	T(by_syscall),
	T(by_clone),
	T(after_refusal),
};

int main(int argc, char **argv)
{
	if (argc > 1 && freopen("/dev/null", "w", stdout) == NULL)
		return 1;
	return guest_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
