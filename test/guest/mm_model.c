// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Random mmap, munmap, mprotect, madvise and mremap inside one reservation
 * against a model of each page: mapped or not, permissions, content. Fixed seeds;
 * usage: mm_model [OPERATIONS]
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "mm_test.h"

#define PAGES 512

static char *base;
static bool mapped[PAGES];
static int prot[PAGES];
static unsigned char value[PAGES]; /* first byte of the page */

static unsigned int rnd(unsigned int *s)
{
	*s = *s * 1103515245 + 12345;
	return *s >> 8;
}

static char *at(int page)
{
	return base + page * PAGE;
}

static bool do_map(int a, int n, int p)
{
	CHECK(map_anon(at(a), n * PAGE, p, MAP_FIXED) == at(a));
	for (int i = a; i < a + n; i++) {
		mapped[i] = true;
		prot[i] = p;
		value[i] = 0;
	}
	return true;
}

static bool do_unmap(int a, int n)
{
	CHECK(!munmap(at(a), n * PAGE));
	memset(mapped + a, 0, n);
	return true;
}

static bool do_protect(int a, int n, int p)
{
	bool hole = false;
	int ret = mprotect(at(a), n * PAGE, p);

	for (int i = a; i < a + n && !hole; i++) {
		hole = !mapped[i];
		if (!hole)
			prot[i] = p;
	}
	CHECK(hole ? ret == -1 && errno == ENOMEM : ret == 0);
	return true;
}

static bool do_dontneed(int a, int n)
{
	bool hole = false;
	int ret = madvise(at(a), n * PAGE, MADV_DONTNEED);

	for (int i = a; i < a + n; i++) {
		hole |= !mapped[i];
		value[i] = 0;
	}
	CHECK(hole ? ret == -1 && errno == ENOMEM : ret == 0);
	return true;
}

static bool do_write(int a, int n, int v)
{
	for (int i = a; i < a + n; i++)
		if (mapped[i] && (prot[i] & PROT_WRITE))
			*(volatile unsigned char *)at(i) = value[i] = v;
	return true;
}

static bool do_noreplace(int a, int n)
{
	void *p = map_anon(at(a), n * PAGE, RW, MAP_FIXED_NOREPLACE);

	for (int i = a; i < a + n; i++)
		if (mapped[i]) {
			CHECK(p == MAP_FAILED && errno == EEXIST);
			return true;
		}
	CHECK(p == at(a));
	for (int i = a; i < a + n; i++) {
		mapped[i] = true;
		prot[i] = RW;
		value[i] = 0;
	}
	return true;
}

static bool check_page(int i)
{
	int r = try_read(at(i));

	if (!mapped[i]) {
		CHECK(r == SIGSEGV && fault_code == SEGV_MAPERR);
		return true;
	}
	if (prot[i] == PROT_NONE) {
		CHECK(r == SIGSEGV && fault_code == SEGV_ACCERR);
		return true;
	}
	CHECK(r == 0 && *(volatile unsigned char *)at(i) == value[i]);
	if (!(prot[i] & PROT_WRITE))
		CHECK(try_write(at(i) + 8) == SIGSEGV && fault_code == SEGV_ACCERR);
	return true;
}

static bool step(unsigned int *s, int op)
{
	static const int prots[] = { PROT_NONE, PROT_READ, RW, RW, RW };
	int a = rnd(s) % PAGES, n = 1 + rnd(s) % (rnd(s) % 4 ? 10 : 120), p = prots[rnd(s) % 5];

	n = a + n > PAGES ? PAGES - a : n;
	switch (rnd(s) % 10) {
	case 0:
	case 1:
		return do_map(a, n, p);
	case 2:
	case 3:
		return do_unmap(a, n);
	case 4:
	case 5:
		return do_protect(a, n, p);
	case 6:
		return do_dontneed(a, n);
	case 7:
		return do_noreplace(a, n);
	default:
		return do_write(a, n, op);
	}
}

static int operations = 20000;
static unsigned int seed;

static bool model(void)
{
	unsigned int s = seed;

	for (int op = 0; op < operations; op++) {
		CHECK(step(&s, op));
		CHECK(check_page(rnd(&s) % PAGES) && check_page(rnd(&s) % PAGES));
		if (op % 1000 == 0)
			for (int i = 0; i < PAGES; i++)
				CHECK(check_page(i));
	}
	CHECK(!munmap(base, PAGES * PAGE));
	memset(mapped, 0, sizeof(mapped));
	return true;
}

int main(int argc, char **argv)
{
	char name[48];

	if (argc > 1)
		operations = atoi(argv[1]);
	catch_faults();
	for (seed = 1; seed <= 4; seed++) {
		base = map_anon(NULL, (PAGES + 2) * PAGE, PROT_NONE, 0);
		if (base == MAP_FAILED || munmap(base, (PAGES + 2) * PAGE))
			return 1;
		base += PAGE;
		snprintf(name, sizeof(name), "mmap family against a model, seed %u", seed);
		run_test(name, model);
	}
	return finish_tests();
}
