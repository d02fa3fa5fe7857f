// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The mmap family, as Linux defines it: runs natively and inside, with the same results. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "mm_test.h"

static bool anon_is_zero_and_writable(void)
{
	static const size_t sizes[] = { 1, PAGE, 64 * KIB, 256 * KIB, MIB, 9 * MIB };

	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			char *p = map_anon(NULL, sizes[i], RW, 0);

			CHECK(p != MAP_FAILED && !((uintptr_t)p % PAGE));
			CHECK(is_zero(p, sizes[i]));
			memset(p, 0x5a, sizes[i]);
			CHECK(p[sizes[i] - 1] == 0x5a);
			CHECK(!munmap(p, sizes[i]));
		}
	return true;
}

static bool unmapped_memory_faults(void)
{
	char *p = map_anon(NULL, 16 * PAGE, RW, 0);

	CHECK(p != MAP_FAILED);
	memset(p, 1, 16 * PAGE);
	CHECK(!munmap(p, 16 * PAGE));
	CHECK(try_read(p) == SIGSEGV && fault_code == SEGV_MAPERR && fault_addr == p);
	CHECK(try_write(p + 5 * PAGE) == SIGSEGV && fault_addr == p + 5 * PAGE);
	return true;
}

static bool partial_munmap(void)
{
	char *p = map_anon(NULL, 64 * PAGE, RW, 0);

	CHECK(p != MAP_FAILED);
	memset(p, 7, 64 * PAGE);
	CHECK(!munmap(p + 10 * PAGE, 20 * PAGE));
	CHECK(p[10 * PAGE - 1] == 7 && p[30 * PAGE] == 7);
	CHECK(try_read(p + 10 * PAGE) == SIGSEGV && try_read(p + 29 * PAGE) == SIGSEGV);
	CHECK(!munmap(p, 64 * PAGE)); /* with the hole */
	CHECK(try_read(p) == SIGSEGV && try_read(p + 63 * PAGE) == SIGSEGV);
	CHECK(!munmap(p, 64 * PAGE)); /* nothing there at all */
	CHECK(munmap(p + 1, PAGE) == -1 && errno == EINVAL);
	CHECK(munmap(p, 0) == -1 && errno == EINVAL);
	return true;
}

static bool fixed_replaces(void)
{
	char *p = map_anon(NULL, 48 * PAGE, RW, 0), *q;

	CHECK(p != MAP_FAILED && !munmap(p + 32 * PAGE, 16 * PAGE));
	memset(p, 3, 32 * PAGE);
	q = map_anon(p + 8 * PAGE, 8 * PAGE, RW, MAP_FIXED);
	CHECK(q == p + 8 * PAGE && is_zero(q, 8 * PAGE));
	CHECK(p[8 * PAGE - 1] == 3 && p[16 * PAGE] == 3);
	q = map_anon(p + 30 * PAGE, 8 * PAGE, PROT_READ, MAP_FIXED); /* beyond the end too */
	CHECK(q == p + 30 * PAGE && is_zero(q, 8 * PAGE) && try_write(q) == SIGSEGV);
	CHECK(fault_code == SEGV_ACCERR && p[30 * PAGE - 1] == 3);
	CHECK(map_anon(p + 1, PAGE, RW, MAP_FIXED) == MAP_FAILED && errno == EINVAL);
	CHECK(!munmap(p, 38 * PAGE));
	return true;
}

/* Inside there is no such file. */
static size_t mappings_max(void)
{
	FILE *f = fopen("/proc/sys/vm/max_map_count", "r");
	size_t count = 65530;

	if (!f)
		return count;
	if (fscanf(f, "%zu", &count) != 1)
		count = 65530;
	fclose(f);
	return count;
}

/* Each odd page becomes a mapping of its own. Return: whether there is a limit, reached now. */
static bool use_up_mappings(char *p, size_t count)
{
	for (size_t i = 1; i < count; i += 2)
		if (mprotect(p + i * PAGE, PAGE, PROT_READ))
			return errno == ENOMEM;
	return false;
}

/* One mapping too many: what should have been replaced is as it was. */
static bool fixed_at_the_limit(void)
{
	char *q = map_anon(NULL, 8 * PAGE, RW, 0), *p;
	size_t count = mappings_max();

	CHECK(q != MAP_FAILED);
	memset(q, 3, 8 * PAGE);
	CHECK(!mprotect(q + 7 * PAGE, PAGE, PROT_READ)); /* no neighbour to be joined with */
	p = map_anon(NULL, (count + 8) * PAGE, PROT_NONE, MAP_NORESERVE);
	CHECK(p != MAP_FAILED && use_up_mappings(p, count + 8));
	CHECK(map_anon(q + 2 * PAGE, PAGE, PROT_NONE, MAP_FIXED) == MAP_FAILED && errno == ENOMEM);
	for (int i = 0; i < 8; i++)
		CHECK(q[i * PAGE] == 3);
	CHECK(!munmap(p, (count + 8) * PAGE));
	p = map_anon(NULL, PAGE, RW, 0); /* not the addresses of the other */
	CHECK(p != MAP_FAILED && (p < q || p >= q + 8 * PAGE));
	return !munmap(p, PAGE) && !munmap(q, 8 * PAGE);
}

static bool noreplace(void)
{
	char *p = map_anon(NULL, 8 * PAGE, RW, 0);

	CHECK(p != MAP_FAILED);
	p[4 * PAGE] = 9;
	CHECK(map_anon(p + 4 * PAGE, PAGE, RW, MAP_FIXED_NOREPLACE) == MAP_FAILED);
	CHECK(errno == EEXIST && p[4 * PAGE] == 9);
	CHECK(!munmap(p + 4 * PAGE, PAGE));
	CHECK(map_anon(p + 4 * PAGE, PAGE, RW, MAP_FIXED_NOREPLACE) == p + 4 * PAGE);
	CHECK(p[4 * PAGE] == 0);
	return !munmap(p, 8 * PAGE);
}

static bool hints(void)
{
	char *p = map_anon(NULL, 64 * PAGE, PROT_NONE, 0), *q;

	CHECK(p != MAP_FAILED && !munmap(p, 64 * PAGE));
	q = map_anon(p, 4 * PAGE, RW, 0);
	CHECK(q == p); /* free: honoured */
	p = map_anon(q, 4 * PAGE, RW, 0);
	CHECK(p != MAP_FAILED && p != q); /* taken: elsewhere */
	CHECK(!munmap(p, 4 * PAGE) && !munmap(q, 4 * PAGE));
	p = map_anon(NULL, PAGE, RW, MAP_32BIT);
	CHECK(p != MAP_FAILED && (uintptr_t)p < 1UL << 31);
	return !munmap(p, PAGE);
}

static bool mprotect_is_enforced(void)
{
	char *p = map_anon(NULL, 16 * PAGE, RW, 0);

	CHECK(p != MAP_FAILED);
	memset(p, 4, 16 * PAGE);
	CHECK(!mprotect(p + 4 * PAGE, 4 * PAGE, PROT_READ));
	CHECK(try_write(p + 4 * PAGE) == SIGSEGV && fault_code == SEGV_ACCERR);
	CHECK(try_write(p + 3 * PAGE) == 0 && try_write(p + 8 * PAGE) == 0);
	CHECK(try_read(p + 5 * PAGE) == 0 && p[5 * PAGE] == 4);
	CHECK(!mprotect(p, 16 * PAGE, PROT_NONE));
	CHECK(try_read(p) == SIGSEGV && try_read(p + 15 * PAGE) == SIGSEGV);
	CHECK(!mprotect(p, 16 * PAGE, RW) && p[5 * PAGE] == 4 && try_write(p + 5 * PAGE) == 0);
	CHECK(!munmap(p + 8 * PAGE, PAGE));
	CHECK(mprotect(p, 16 * PAGE, PROT_READ) == -1 && errno == ENOMEM);
	CHECK(try_write(p) == SIGSEGV); /* what lies before the hole was changed */
	CHECK(mprotect(p + 1, PAGE, RW) == -1 && errno == EINVAL);
	return !munmap(p, 16 * PAGE);
}

static bool exec_permission(void)
{
	static const unsigned char ret42[] = { 0xb8, 42, 0, 0, 0, 0xc3 };
	unsigned char *p = map_anon(NULL, PAGE, RW, 0);
	int (*fn)(void) = (int (*)(void))p;

	CHECK(p != MAP_FAILED);
	memcpy(p, ret42, sizeof(ret42));
	fault_expected = 1;
	if (!sigsetjmp(fault_jmp, 1)) {
		fn();
		fault_expected = 0;
		CHECK(!"ran without permission");
	}
	fault_expected = 0;
	CHECK(fault_sig == SIGSEGV && fault_addr == p);
	CHECK(!mprotect(p, PAGE, PROT_READ | PROT_EXEC) && fn() == 42);
	CHECK(try_write(p) == SIGSEGV);
	return !munmap(p, PAGE);
}

static bool use_huge_reservation(char *q)
{
	CHECK(!mprotect(q, MIB, RW));
	memset(q, 1, MIB);
	CHECK(try_read(q - 1) == SIGSEGV && try_read(q + MIB) == SIGSEGV);
	CHECK(!madvise(q, MIB, MADV_DONTNEED) && is_zero(q, MIB));
	CHECK(!mprotect(q, MIB, PROT_NONE));
	CHECK(map_anon(q + GIB, 4 * MIB, RW, MAP_FIXED) == q + GIB);
	q[GIB] = 1;
	return true;
}

/* The addresses can be had, memory there can't. */
static bool huge_reservation_is_refused(char *q)
{
	CHECK(mprotect(q, MIB, RW) == -1 && errno == ENOMEM);
	CHECK(map_anon(q, MIB, RW, MAP_FIXED) == MAP_FAILED && errno == ENOMEM);
	CHECK(try_read(q) == SIGSEGV);
	CHECK(!mprotect(q, MIB, PROT_NONE));
	return true;
}

static bool huge_reservation(void)
{
	char *p = map_anon(NULL, 64 * GIB, PROT_NONE, MAP_NORESERVE), *q = p + 40 * GIB;

	CHECK(p != MAP_FAILED);
	CHECK(try_read(p) == SIGSEGV && try_read(p + 63 * GIB) == SIGSEGV);
	if (!(memory_is_static() ? huge_reservation_is_refused(q) : use_huge_reservation(q)))
		return false;
	return !munmap(p, 64 * GIB);
}

static bool large_lazy(void)
{
	size_t size = 256 * MIB;
	char *p = map_anon(NULL, size, RW, MAP_NORESERVE);

	CHECK(p != MAP_FAILED);
	for (size_t i = 0; i < size; i += 17 * MIB)
		p[i] = 1 + i / MIB;
	for (size_t i = 0; i < size; i += 17 * MIB)
		CHECK(p[i] == (char)(1 + i / MIB) && p[i + 1] == 0 && p[i + PAGE] == 0);
	return !munmap(p, size);
}

static bool dontneed(void)
{
	static const size_t sizes[] = { PAGE, 16 * PAGE, 64 * PAGE, 512 * PAGE };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		char *p = map_anon(NULL, sizes[i] + 2 * PAGE, RW, 0);

		CHECK(p != MAP_FAILED);
		memset(p, 6, sizes[i] + 2 * PAGE);
		CHECK(!madvise(p + PAGE, sizes[i], MADV_DONTNEED));
		CHECK(p[PAGE - 1] == 6 && p[sizes[i] + PAGE] == 6);
		CHECK(is_zero(p + PAGE, sizes[i]));
		memset(p, 6, sizes[i]);
		CHECK(!madvise(p, sizes[i], MADV_FREE)); /* content or zero, never a fault */
		p[0] = 1;
		CHECK(p[0] == 1);
		CHECK(!munmap(p, sizes[i] + 2 * PAGE));
	}
	return true;
}

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

static bool dontneed_locked(void)
{
	char *p = map_anon(NULL, 2 * PAGE, RW, 0);

	CHECK(p != MAP_FAILED);
	memset(p, 6, 2 * PAGE);
	CHECK(!mlock(p, PAGE));
	CHECK(madvise(p, PAGE, MADV_DONTNEED) == -1 && errno == EINVAL);
	CHECK(madvise(p, PAGE, MADV_FREE) == -1 && errno == EINVAL);
	CHECK(p[0] == 6);
	CHECK(!madvise(p, 2 * PAGE, MADV_DONTNEED_LOCKED) && is_zero(p, 2 * PAGE));
	return !munmap(p, 2 * PAGE);
}

static bool madvise_errors(void)
{
	char *p = map_anon(NULL, 8 * PAGE, RW, 0);

	CHECK(p != MAP_FAILED);
	CHECK(madvise(p + 1, PAGE, MADV_DONTNEED) == -1 && errno == EINVAL);
	CHECK(madvise(p, PAGE, 9999) == -1 && errno == EINVAL);
	CHECK(!madvise(p, 0, MADV_DONTNEED));
	CHECK(!madvise(p, 8 * PAGE, MADV_WILLNEED) && !madvise(p, 8 * PAGE, MADV_SEQUENTIAL));
	CHECK(!madvise(p, 8 * PAGE, MADV_DONTDUMP) && !madvise(p, 8 * PAGE, MADV_DODUMP));
	CHECK(!munmap(p + 4 * PAGE, PAGE));
	memset(p + 5 * PAGE, 1, PAGE);
	CHECK(madvise(p, 8 * PAGE, MADV_DONTNEED) == -1 && errno == ENOMEM);
	CHECK(p[5 * PAGE] == 0); /* done behind the hole too */
	CHECK(!mprotect(p + 5 * PAGE, PAGE, PROT_READ));
	CHECK(madvise(p + 3 * PAGE, 3 * PAGE, MADV_POPULATE_WRITE) == -1 && errno == ENOMEM);
	return !munmap(p, 8 * PAGE);
}

static bool mremap_in_all_ways(void)
{
	char *p = map_anon(NULL, 8 * PAGE, RW, 0), *q, *r;

	CHECK(p != MAP_FAILED);
	for (int i = 0; i < 8; i++)
		p[i * PAGE] = 'a' + i;
	CHECK(mremap(p, 8 * PAGE, 4 * PAGE, 0) == p); /* shrink */
	CHECK(try_read(p + 4 * PAGE) == SIGSEGV && p[3 * PAGE] == 'd');
	q = mremap(p, 4 * PAGE, 600 * PAGE, MREMAP_MAYMOVE); /* grow */
	CHECK(q != MAP_FAILED && q[0] == 'a' && q[3 * PAGE] == 'd' && q[4 * PAGE] == 0);
	CHECK(is_zero(q + 4 * PAGE, 596 * PAGE));
	q[599 * PAGE] = 'z';
	CHECK(q == p || try_read(p) == SIGSEGV);
	r = map_anon(NULL, 600 * PAGE, RW, 0);
	CHECK(r != MAP_FAILED);
	memset(r, 1, PAGE);
	CHECK(mremap(q, 600 * PAGE, 600 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, r) == r);
	CHECK(r[0] == 'a' && r[599 * PAGE] == 'z' && try_read(q) == SIGSEGV);
	CHECK(!mprotect(r + PAGE, PAGE, PROT_READ));
	CHECK(mremap(r, 3 * PAGE, 5 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT);
	q = map_anon(NULL, PAGE, RW, 0);
	CHECK(mremap(r, 5 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q) == q); /* the rest goes */
	CHECK(q[0] == 'a' && try_read(r) == SIGSEGV && try_read(r + 4 * PAGE) == SIGSEGV);
	CHECK(mremap(q, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, r) == r);
	CHECK(map_anon(r + PAGE, 4 * PAGE, RW, MAP_FIXED) == r + PAGE);
	CHECK(!mprotect(r + PAGE, PAGE, PROT_READ));
	CHECK(mremap(r, 3 * PAGE, 3 * PAGE, 0) == r); /* nothing to do, whatever lies there */
	CHECK(mremap(r + 1, PAGE, PAGE, 0) == MAP_FAILED && errno == EINVAL);
	CHECK(mremap(r, PAGE, 0, 0) == MAP_FAILED && errno == EINVAL);
	return !munmap(r, 600 * PAGE);
}

static bool mremap_blocked(void)
{
	char *p = map_anon(NULL, 8 * PAGE, RW, 0), *q;

	CHECK(p != MAP_FAILED);
	p[0] = 5;
	CHECK(!munmap(p + 4 * PAGE, 4 * PAGE));
	CHECK(map_anon(p + 4 * PAGE, PAGE, RW, MAP_FIXED) == p + 4 * PAGE);
	CHECK(mprotect(p + 4 * PAGE, PAGE, PROT_READ) == 0);
	CHECK(mremap(p, 4 * PAGE, 6 * PAGE, 0) == MAP_FAILED && errno == ENOMEM);
	q = mremap(p, 4 * PAGE, 6 * PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED && q != p && q[0] == 5);
	return !munmap(q, 6 * PAGE) && !munmap(p, 8 * PAGE);
}

static bool brk_heap(void)
{
	char *base = sbrk(0), *p;

	CHECK(base != (void *)-1);
	p = sbrk(3 * MIB);
	if (p == (void *)-1) {
		tests_skipped++;
		return true;
	}
	CHECK(p == base && is_zero(p, 3 * MIB));
	memset(p, 8, 3 * MIB);
	CHECK(sbrk(-2 * (long)MIB) == base + 3 * MIB && sbrk(0) == base + MIB);
	CHECK(p[MIB - 1] == 8);
	CHECK(sbrk(MIB) == base + MIB && is_zero(base + MIB + PAGE, MIB - PAGE));
	CHECK(sbrk(-2 * (long)MIB) == base + 2 * MIB && sbrk(0) == base);
	return true;
}

static int recurse(int kib)
{
	volatile char frame[1000];

	frame[0] = kib;
	frame[999] = kib;
	if (kib <= 0)
		return 0;
	return recurse(kib - 1) + (frame[0] == frame[999]);
}

static bool deep_stack(void)
{
	struct rlimit r;

	CHECK(!getrlimit(RLIMIT_STACK, &r));
	CHECK(r.rlim_cur >= 8 * MIB);
	CHECK(recurse(6500) == 6500); /* about 7 MiB */
	return true;
}

static void *thread_deep(void *arg)
{
	return (void *)(long)recurse(1500);
}

static bool thread_stacks(void)
{
	pthread_t t[16];
	void *r;

	for (int round = 0; round < 8; round++) {
		for (int i = 0; i < 16; i++)
			CHECK(!pthread_create(&t[i], NULL, thread_deep, NULL));
		for (int i = 0; i < 16; i++)
			CHECK(!pthread_join(t[i], &r) && r == (void *)1500L);
	}
	return true;
}

static int temp_file(size_t size)
{
	char name[] = "/tmp/mm_basic.XXXXXX";
	int fd = mkstemp(name);
	char buf[PAGE];

	if (fd < 0)
		return fd;
	unlink(name);
	for (size_t i = 0; i < size; i += PAGE) {
		memset(buf, 'A' + i / PAGE % 26, PAGE);
		if (write(fd, buf, size - i < PAGE ? size - i : PAGE) < 0)
			return -1;
	}
	return fd;
}

static bool private_file(void)
{
	static const size_t sizes[] = { 3 * PAGE + 100, 64 * PAGE, 3000 * PAGE + 1 };

	for (size_t n = 0; n < sizeof(sizes) / sizeof(*sizes); n++) {
		size_t size = sizes[n];
		int fd = temp_file(size);
		char *p, c;

		CHECK(fd >= 0);
		p = mmap(NULL, size, RW, MAP_PRIVATE, fd, 0);
		CHECK(p != MAP_FAILED);
		for (size_t i = 0; i < size; i += PAGE)
			CHECK(p[i] == 'A' + (char)(i / PAGE % 26));
		if (size % PAGE)
			CHECK(p[size] == 0);
		p[0] = '!';
		CHECK(pread(fd, &c, 1, 0) == 1 && c == 'A');
		CHECK(!munmap(p, size));
		p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 2 * PAGE);
		CHECK(p != MAP_FAILED && p[0] == 'C' && try_write(p) == SIGSEGV);
		CHECK(!mprotect(p, PAGE, RW));
		p[0] = '!';
		CHECK(!munmap(p, PAGE));
		CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 1) == MAP_FAILED);
		close(fd);
	}
	return true;
}

static bool private_file_dontneed(void)
{
	int fd = temp_file(16 * PAGE);
	char *p = mmap(NULL, 16 * PAGE, RW, MAP_PRIVATE, fd, 0);

	CHECK(fd >= 0 && p != MAP_FAILED);
	memset(p, '!', 16 * PAGE);
	CHECK(!madvise(p, 8 * PAGE, MADV_DONTNEED));
	CHECK(p[0] == 'A' && p[7 * PAGE] == 'H' && p[8 * PAGE] == '!');
	close(fd);
	return !munmap(p, 16 * PAGE);
}

static bool beyond_the_end(void)
{
	int fd = temp_file(PAGE + 1);
	char *p = mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);

	CHECK(fd >= 0 && p != MAP_FAILED);
	CHECK(p[PAGE] == 'B' && p[PAGE + 1] == 0);
	CHECK(try_read(p + 2 * PAGE) == SIGBUS && try_read(p + 3 * PAGE) == SIGBUS);
	close(fd);
	return !munmap(p, 4 * PAGE);
}

#ifndef MADV_POPULATE_READ /* not in musl */
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

/* What can be had is there all the same. */
static bool populate_over_the_end(int fd, int type)
{
	char *p = mmap(NULL, 400 * PAGE, RW, type, fd, 0);

	CHECK(p != MAP_FAILED);
	for (int advice = MADV_POPULATE_READ; advice <= MADV_POPULATE_WRITE; advice++) {
		CHECK(!madvise(p, 300 * PAGE, advice));
		CHECK(madvise(p, 301 * PAGE, advice) == -1 && errno == EFAULT);
		CHECK(madvise(p + 300 * PAGE, PAGE, advice) == -1 && errno == EFAULT);
	}
	CHECK(!mlock(p + 299 * PAGE, PAGE));
	CHECK(mlock(p + 299 * PAGE, 2 * PAGE) == -1 && errno == ENOMEM);
	CHECK(p[0] == 'A' && p[299 * PAGE] == 'A' + 299 % 26);
	return !munmap(p, 400 * PAGE);
}

static bool populate_beyond_the_end(void)
{
	int fd = temp_file(299 * PAGE + 1);
	bool ok;

	CHECK(fd >= 0);
	ok = populate_over_the_end(fd, MAP_PRIVATE) && populate_over_the_end(fd, MAP_SHARED);
	close(fd);
	return ok;
}

static bool file_errors(void)
{
	int fd = open("/dev/null", O_WRONLY), dir = open("/", O_RDONLY);

	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED && errno == EACCES);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, dir, 0) == MAP_FAILED && errno == ENODEV);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 999, 0) == MAP_FAILED && errno == EBADF);
	CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	CHECK(errno == EINVAL);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
	CHECK(mmap(NULL, ~0UL - PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	CHECK(errno == ENOMEM);
	close(fd);
	close(dir);
	return true;
}

static bool dev_zero(void)
{
	int fd = open("/dev/zero", O_RDWR);
	char *p;

	if (fd < 0) {
		tests_skipped++;
		return true;
	}
	p = mmap(NULL, 3 * PAGE, RW, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED && is_zero(p, 3 * PAGE));
	p[0] = 1;
	close(fd);
	return !munmap(p, 3 * PAGE);
}

static bool syscalls_see_user_memory(void)
{
	char *p = map_anon(NULL, 4 * MIB, RW, 0);
	int fd[2];

	CHECK(p != MAP_FAILED && !pipe(fd));
	CHECK(write(fd[1], p + 3 * MIB, 100) == 100); /* not yet touched: zeroes */
	CHECK(read(fd[0], p + 2 * MIB, 100) == 100 && is_zero(p + 2 * MIB, 100));
	CHECK(!mprotect(p, PAGE, PROT_READ));
	CHECK(write(fd[1], "x", 1) == 1);
	CHECK(read(fd[0], p, 1) == -1 && errno == EFAULT);
	CHECK(!mprotect(p, PAGE, PROT_NONE));
	CHECK(write(fd[1], p, 1) == -1 && errno == EFAULT);
	CHECK(!munmap(p, 4 * MIB));
	CHECK(write(fd[1], p, 1) == -1 && errno == EFAULT);
	close(fd[0]);
	close(fd[1]);
	return true;
}

static bool mincore_and_mlock(void)
{
	unsigned char vec[64];
	char *p = map_anon(NULL, 64 * PAGE, RW, 0);

	CHECK(p != MAP_FAILED);
	memset(p, 1, 64 * PAGE);
	CHECK(!mincore(p, 64 * PAGE, vec));
	for (int i = 0; i < 64; i++)
		CHECK(vec[i] & 1);
	CHECK(!munmap(p + 60 * PAGE, 4 * PAGE));
	CHECK(mincore(p, 64 * PAGE, vec) == -1 && errno == ENOMEM);
	CHECK(mincore(p + 1, PAGE, vec) == -1 && errno == EINVAL);
	CHECK(!mlock(p, 4 * PAGE) && !munlock(p, 4 * PAGE));
	CHECK(mlock(p, 64 * PAGE) == -1 && errno == ENOMEM);
	CHECK(!mprotect(p + 2 * PAGE, PAGE, PROT_NONE));
	CHECK(mlock(p, 4 * PAGE) == -1 && errno == ENOMEM && !munlock(p, 4 * PAGE));
	CHECK(!msync(p, 4 * PAGE, MS_SYNC));
	CHECK(msync(p, 64 * PAGE, MS_ASYNC) == -1 && errno == ENOMEM);
	CHECK(msync(p, PAGE, MS_SYNC | MS_ASYNC) == -1 && errno == EINVAL);
	return !munmap(p, 60 * PAGE);
}

/* What is locked already is joined with what mlockall() locks; that is there at once too. */
static bool mlockall_over_neighbours(void)
{
	static unsigned char vec[600];
	char *p = map_anon(NULL, sizeof(vec) * PAGE, RW, 0);

	CHECK(p != MAP_FAILED && !mlock(p, PAGE));
	if (mlockall(MCL_CURRENT)) { /* not for everybody */
		tests_skipped++;
		return !munmap(p, sizeof(vec) * PAGE);
	}
	CHECK(!mincore(p, sizeof(vec) * PAGE, vec));
	for (size_t i = 0; i < sizeof(vec); i++)
		CHECK(vec[i] & 1);
	CHECK(!munlockall());
	return !munmap(p, sizeof(vec) * PAGE);
}

static bool shared_anonymous(void)
{
	char *p = mmap(NULL, 16 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED && is_zero(p, 16 * PAGE));
	memset(p, 1, 16 * PAGE);
	CHECK(!mprotect(p, PAGE, PROT_READ) && try_write(p) == SIGSEGV);
	CHECK(!madvise(p, 16 * PAGE, MADV_DONTNEED) && p[0] == 1 && p[15 * PAGE] == 1);
	return !munmap(p, 16 * PAGE);
}

static bool maps_file(void)
{
	char *p = map_anon(NULL, 5 * PAGE, RW, 0), want[64], line[512];
	FILE *f = fopen("/proc/self/maps", "r");
	bool found = false;

	CHECK(p != MAP_FAILED && f);
	CHECK(!mprotect(p + PAGE, PAGE, PROT_READ | PROT_EXEC));
	snprintf(want, sizeof(want), "%08lx-%08lx r-xp", (long)p + PAGE, (long)p + 2 * PAGE);
	while (fgets(line, sizeof(line), f))
		found |= !strncmp(line, want, strlen(want));
	fclose(f);
	CHECK(found);
	return !munmap(p, 5 * PAGE);
}

int main(void)
{
	catch_faults();
	run_test("anonymous memory is zero and writable", anon_is_zero_and_writable);
	run_test("unmapped memory faults", unmapped_memory_faults);
	run_test("partial munmap", partial_munmap);
	run_test("MAP_FIXED replaces", fixed_replaces);
	run_test("MAP_FIXED with all mappings used up", fixed_at_the_limit);
	run_test("MAP_FIXED_NOREPLACE", noreplace);
	run_test("hints and MAP_32BIT", hints);
	run_test("mprotect is enforced", mprotect_is_enforced);
	run_test("execute permission", exec_permission);
	run_test("64 GiB reservation", huge_reservation);
	run_test("large mapping, committed when touched", large_lazy);
	run_test("madvise DONTNEED and FREE", dontneed);
	run_test("madvise DONTNEED_LOCKED", dontneed_locked);
	run_test("madvise errors", madvise_errors);
	run_test("mremap", mremap_in_all_ways);
	run_test("mremap, blocked", mremap_blocked);
	run_test("brk", brk_heap);
	run_test("main stack of 7 MiB", deep_stack);
	run_test("thread stacks", thread_stacks);
	run_test("private file mapping", private_file);
	run_test("private file mapping, DONTNEED", private_file_dontneed);
	run_test("private file mapping, last page", beyond_the_end);
	run_test("populate beyond the end of a file", populate_beyond_the_end);
	run_test("mmap errors", file_errors);
	run_test("/dev/zero", dev_zero);
	run_test("system calls and user memory", syscalls_see_user_memory);
	run_test("mincore, mlock, msync", mincore_and_mlock);
	run_test("mlockall", mlockall_over_neighbours);
	run_test("MAP_SHARED anonymous", shared_anonymous);
	run_test("/proc/self/maps", maps_file);
	return finish_tests();
}
