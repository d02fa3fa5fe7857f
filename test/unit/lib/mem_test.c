// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The kernel's memcpy(), memset() and memmove() (arch/rkt/lib/mem.S) against libc's: each length
 * up to some beyond the longest that is done by moves, at each alignment, memmove() at each
 * small distance. The whole buffer is compared, so a byte too many shows as well.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 2048, LEN_MAX = 400, ALIGNMENTS = 9, MIDDLE = 700, FAR = 300, NEAR = 70 };

/* Renamed by the build: mem.S calls them __memcpy and so on. */
void *tee_memcpy(void *to, const void *from, size_t len);
void *tee_memset(void *s, int c, size_t n);
void *tee_memmove(void *dest, const void *src, size_t count);

static unsigned char ours[SIZE], theirs[SIZE];
static int failed;

static void fill(void)
{
	for (int i = 0; i < SIZE; i++)
		ours[i] = theirs[i] = (unsigned char)rand();
}

static void check(const char *what, const void *returned, size_t to, size_t len, int distance)
{
	if (returned == ours + to && !memcmp(ours, theirs, SIZE))
		return;
	printf("not ok %s: %zu bytes to offset %zu, distance %d\n", what, len, to, distance);
	failed++;
}

static void set_and_copy(size_t to, size_t len)
{
	void *r;

	fill();
	r = tee_memset(ours + to, 0x1a5 + (int)len, len);
	memset(theirs + to, 0x1a5 + (int)len, len);
	check("memset", r, to, len, 0);
	fill();
	r = tee_memcpy(ours + to, ours + SIZE / 2 + 3 * to, len);
	memcpy(theirs + to, theirs + SIZE / 2 + 3 * to, len);
	check("memcpy", r, to, len, 0);
}

static void move(size_t len)
{
	for (int d = -FAR; d <= FAR; d += d >= -NEAR && d < NEAR ? 1 : 7) {
		size_t to = (size_t)(MIDDLE + d);
		void *r;

		fill();
		r = tee_memmove(ours + to, ours + MIDDLE, len);
		memmove(theirs + to, theirs + MIDDLE, len);
		check("memmove", r, to, len, d);
	}
}

int main(void)
{
	for (size_t len = 0; len <= LEN_MAX; len++) {
		for (size_t to = 100; to < 100 + ALIGNMENTS; to++)
			set_and_copy(to, len);
		move(len);
	}
	printf("%s memory functions: %d wrong\n", failed ? "not ok" : "ok", failed);
	return failed != 0;
}
