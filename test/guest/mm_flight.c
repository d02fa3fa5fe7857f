// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Changes of memory that the kernel has references to, as I/O in flight has. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sys/uio.h>

#include "mm_test.h"

/* Four pages, of which the kernel has the second one in a pipe. */
static char *with_page_in_flight(int fds[2])
{
	char *p = map_anon(NULL, 4 * PAGE, RW, 0);
	struct iovec iov = { .iov_base = p + PAGE, .iov_len = PAGE };

	if (p == MAP_FAILED || pipe(fds))
		return NULL;
	memset(p, 1, 4 * PAGE);
	return vmsplice(fds[1], &iov, 1, 0) == (ssize_t)PAGE ? p : NULL;
}

static void end_flight(int fds[2])
{
	char page[PAGE];

	(void)!read(fds[0], page, sizeof(page));
	close(fds[0]);
	close(fds[1]);
}

/* Permissions may come when the page is back. */
static bool becomes(char *p, int want, int (*access)(void *))
{
	for (int i = 0; i < 1000 && access(p) != want; i++)
		usleep(10000);
	return access(p) == want;
}

static int reads(void *p)
{
	return try_read(p);
}

static int writes(void *p)
{
	return try_write(p);
}

/* What is mapped where a page in flight was has its own permissions and content. */
static bool fixed_over_flight(int prot, int fd)
{
	int fds[2], flags = MAP_PRIVATE | MAP_FIXED | (fd < 0 ? MAP_ANONYMOUS : 0);
	char *p = with_page_in_flight(fds), want = fd < 0 ? 0 : 9;

	CHECK(p && mmap(p, 4 * PAGE, prot, flags, fd, 0) == p);
	end_flight(fds);
	CHECK(becomes(p + 2 * PAGE - 1, SIGSEGV, writes));
	CHECK(prot ? p[PAGE] == want && p[0] == want : becomes(p + PAGE, SIGSEGV, reads));
	return !munmap(p, 4 * PAGE);
}

static bool fixed_over_pages_in_flight(void)
{
	static char pages[4 * PAGE];
	char name[] = "/tmp/mm_flight.XXXXXX";
	int fd = mkstemp(name);

	memset(pages, 9, sizeof(pages));
	CHECK(fd >= 0 && !unlink(name) &&
	      write(fd, pages, sizeof(pages)) == (ssize_t)sizeof(pages));
	for (int prot = PROT_NONE; prot <= PROT_READ; prot++)
		CHECK(fixed_over_flight(prot, -1) && fixed_over_flight(prot, fd));
	return !close(fd);
}

static bool dontneed_of_pages_in_flight(void)
{
	int fds[2];
	char *p = map_anon(NULL, 4 * PAGE, RW, 0);
	struct iovec iov = { .iov_base = p + PAGE, .iov_len = PAGE };

	CHECK(p != MAP_FAILED && !pipe(fds));
	memset(p, 1, 4 * PAGE);
	CHECK(!mprotect(p, 4 * PAGE, PROT_READ) && vmsplice(fds[1], &iov, 1, 0) == (ssize_t)PAGE);
	CHECK(!madvise(p, 4 * PAGE, MADV_DONTNEED) && !p[PAGE]);
	end_flight(fds);
	CHECK(becomes(p + 2 * PAGE - 1, SIGSEGV, writes) && !p[PAGE]);
	return !munmap(p, 4 * PAGE);
}

/* Memory below the end of the heap is gone, also if it is in flight. */
static bool brk_of_pages_in_flight(void)
{
	char *p = sbrk(0), *heap = (char *)(((uintptr_t)p + PAGE - 1) & -PAGE);
	struct iovec iov = { .iov_base = heap + PAGE, .iov_len = PAGE };
	int fds[2];

	CHECK(!pipe(fds) && !brk(heap + 4 * PAGE));
	memset(heap, 1, 4 * PAGE);
	CHECK(vmsplice(fds[1], &iov, 1, 0) == (ssize_t)PAGE && !brk(heap));
	end_flight(fds);
	CHECK(becomes(heap + PAGE, SIGSEGV, reads) && try_read(heap) == SIGSEGV);
	CHECK(!brk(heap + 4 * PAGE) && is_zero(heap, 4 * PAGE));
	return !brk(heap);
}
int main(void)
{
	catch_faults();
	run_test("MAP_FIXED", fixed_over_pages_in_flight);
	run_test("MADV_DONTNEED", dontneed_of_pages_in_flight);
	run_test("brk", brk_of_pages_in_flight);
	return finish_tests();
}
