/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `ok NAME` or `not ok NAME: why` per case and a closing count. One file per program includes it. */
#ifndef TEST_TAP_H
#define TEST_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static unsigned int tap_passed, tap_failed, tap_skipped;

/* Reports one case; the message after the name says why it failed. */
__attribute__((format(printf, 3, 4), unused)) static bool tap_case(bool good, const char *name,
								   const char *why, ...)
{
	va_list args;

	if (good) {
		tap_passed++;
		printf("ok %s\n", name);
		return true;
	}
	tap_failed++;
	printf("not ok %s: ", name);
	va_start(args, why);
	vprintf(why, args);
	va_end(args);
	printf("\n");
	return false;
}

__attribute__((unused)) static void tap_skip(const char *name, const char *why)
{
	tap_skipped++;
	printf("ok %s # SKIP %s\n", name, why);
}

/* The closing line; its value is the program's exit status. */
__attribute__((unused)) static int tap_end(void)
{
	printf("%u passed, %u failed, %u skipped\n", tap_passed, tap_failed, tap_skipped);
	return tap_failed ? 1 : 0;
}

#endif
