// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Runs inside the TEE and touches addresses that the driver (reach_test.py) names.
 *
 * Line in: r ADDRESS or w ADDRESS VALUE, hexadecimal, 8 bytes each. Line out: the value that is
 * there afterwards, or "fault SIGNAL".
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>

static sigjmp_buf back;

static void handler(int sig)
{
	siglongjmp(back, sig);
}

static void touch(char what, unsigned long addr, unsigned long value)
{
	volatile unsigned long *at = (void *)addr;
	int sig = sigsetjmp(back, 1);

	if (sig) {
		printf("fault %d\n", sig);
		return;
	}
	if (what == 'w')
		*at = value;
	printf("%lx\n", *at);
}

int main(void)
{
	unsigned long addr, value;
	char line[128], what;

	signal(SIGSEGV, handler);
	signal(SIGBUS, handler);
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("READY");
	while (fgets(line, sizeof(line), stdin)) {
		value = 0;
		if (sscanf(line, "%c %lx %lx", &what, &addr, &value) < 2)
			return 2;
		touch(what, addr, value);
	}
	return 3;
}
