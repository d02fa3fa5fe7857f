// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Memory: anonymous, file, fixed, partial unmap, protection, mremap, brk, madvise, reservations. */
#include "test/guest/lib/guest.h"
#include <sys/mman.h>
#include <sys/resource.h>

#ifndef MADV_POPULATE_READ /* not in musl */
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

enum { PAGE = 4096 };

static char *anon(size_t size, int prot)
{
	char *p = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(p != MAP_FAILED);
	return p;
}

/* True when the byte can be read, asked of the kernel: no fault is taken. */
static bool readable(const void *p)
{
	int fd[2];
	bool r;

	MUST(!pipe(fd));
	r = write(fd[1], p, 1) == 1;
	close(fd[0]);
	close(fd[1]);
	return r;
}

static void zeroed(void)
{
	char *p;
	int i, j;

	for (i = 0; i < 20; i++) {
		p = anon(16 * PAGE, PROT_READ | PROT_WRITE);
		for (j = 0; j < 16 * PAGE; j++)
			if (p[j])
				CHECK(!"memory is not zero");
		memset(p, 0xff, 16 * PAGE);
		MUST(!munmap(p, 16 * PAGE));
	}
}

static void partial_unmap(void)
{
	char *p = anon(8 * PAGE, PROT_READ | PROT_WRITE);

	memset(p, 7, 8 * PAGE);
	EQ(munmap(p + 2 * PAGE, 2 * PAGE), 0);
	CHECK(readable(p) && !readable(p + 2 * PAGE) && !readable(p + 3 * PAGE));
	CHECK(readable(p + 4 * PAGE));
	EQ(p[5 * PAGE], 7);
	EQ(munmap(p, 8 * PAGE), 0);
	CHECK(!readable(p) && !readable(p + 7 * PAGE));
	EQ(munmap(p, 8 * PAGE), 0);
	FAILS(munmap(p + 1, PAGE), EINVAL);
	FAILS(munmap(p, 0), EINVAL);
}

static void fixed(void)
{
	char *p = anon(8 * PAGE, PROT_READ | PROT_WRITE), *q;

	memset(p, 1, 8 * PAGE);
	q = mmap(p + PAGE, 2 * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(q == p + PAGE);
	EQ(p[0], 1);
	EQ(p[PAGE], 0);
	EQ(p[3 * PAGE], 1);
	q = mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	CHECK(q == MAP_FAILED && errno == EEXIST);
	munmap(p + 4 * PAGE, PAGE);
	q = mmap(p + 4 * PAGE, PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	CHECK(q == p + 4 * PAGE);
	EQ(p[4 * PAGE], 0);
	q = mmap(p + 1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(q == MAP_FAILED && errno == EINVAL);
	munmap(p, 8 * PAGE);
}

static void file_private(void)
{
	int fd = guest_tmpfile(3 * PAGE);
	char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0), c;
	int i;

	MUST(p != MAP_FAILED);
	for (i = 0; i < 3 * PAGE; i++)
		if ((unsigned char)p[i] != i % 251)
			CHECK(!"file content");
	p[100] = 1;
	pread(fd, &c, 1, 100);
	EQ((unsigned char)c, 100);
	munmap(p, 3 * PAGE);
	p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, PAGE);
	MUST(p != MAP_FAILED);
	EQ((unsigned char)p[0], PAGE % 251);
	munmap(p, PAGE);
	FAILS((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 1), EINVAL);
	FAILS((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 999, 0), EBADF);
	FAILS((long)mmap(NULL, 0, PROT_READ, MAP_PRIVATE, fd, 0), EINVAL);
	close(fd);
}

/* mapping, read() and write() see the same bytes at once. */
static void file_shared(void)
{
	int fd = guest_tmpfile(2 * PAGE);
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), buf[4];

	MUST(p != MAP_FAILED);
	memcpy(p + 10, "map!", 4);
	EQ(pread(fd, buf, 4, 10), 4);
	CHECK(!memcmp(buf, "map!", 4));
	EQ(pwrite(fd, "file", 4, PAGE + 10), 4);
	CHECK(!memcmp(p + PAGE + 10, "file", 4));
	EQ(msync(p, 2 * PAGE, MS_SYNC), 0);
	munmap(p, 2 * PAGE);
	EQ(pread(fd, buf, 4, 10), 4);
	CHECK(!memcmp(buf, "map!", 4));
	close(fd);
}

static void file_shared_grows(void)
{
	int fd = guest_tmpfile(100);
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), c = 0;

	MUST(p != MAP_FAILED);
	EQ(ftruncate(fd, 4 * PAGE), 0);
	p[3 * PAGE + 5] = 'g';
	EQ(pread(fd, &c, 1, 3 * PAGE + 5), 1);
	EQ(c, 'g');
	EQ(p[200], 0);
	munmap(p, 4 * PAGE);
	close(fd);
}

static void anon_shared(void)
{
	int *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	int status;

	MUST(p != MAP_FAILED);
	EQ(*p, 0);
	pid = vfork();
	if (!pid) {
		*p = 99;
		_exit(0);
	}
	waitpid(pid, &status, 0);
	EQ(*p, 99);
	munmap(p, PAGE);
}

static void memfd(void)
{
	int fd = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char *p, c = 0;

	MUST(fd >= 0);
	MUST(!ftruncate(fd, 2 * PAGE));
	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	MUST(p != MAP_FAILED);
	p[PAGE] = 'm';
	EQ(pread(fd, &c, 1, PAGE), 1);
	EQ(c, 'm');
	FAILS(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	munmap(p, 2 * PAGE);
	EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	FAILS(write(fd, "x", 1), EPERM);
	close(fd);
}

static void protection(void)
{
	char *p = anon(4 * PAGE, PROT_READ | PROT_WRITE);

	p[0] = p[PAGE] = p[2 * PAGE] = 3;
	EQ(mprotect(p + PAGE, PAGE, PROT_NONE), 0);
	CHECK(readable(p) && !readable(p + PAGE) && readable(p + 2 * PAGE));
	EQ(mprotect(p, 3 * PAGE, PROT_READ), 0);
	EQ(p[PAGE], 3);
	FAILS(read(open("/dev/zero", O_RDONLY), p, 1), EFAULT);
	EQ(mprotect(p, 4 * PAGE, PROT_READ | PROT_WRITE), 0);
	p[PAGE] = 4;
	munmap(p + 2 * PAGE, PAGE);
	FAILS(mprotect(p, 4 * PAGE, PROT_READ), ENOMEM);
	FAILS(syscall(SYS_mprotect, p + 1, PAGE, PROT_READ), EINVAL);
	munmap(p, 4 * PAGE);
}

static void use_reservation(char *p, size_t size)
{
	size_t at;

	for (at = 0; at < size; at += size / 16) {
		MUST(!mprotect(p + at, 2 * PAGE, PROT_READ | PROT_WRITE));
		p[at + PAGE] = (char)(at >> 30);
	}
	for (at = 0; at < size; at += size / 16)
		EQ(p[at + PAGE], (char)(at >> 30));
}

static void reservation(void)
{
	size_t size = 64UL << 30;
	char *p = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	MUST(p != MAP_FAILED);
	if (guest_memory_is_static())
		FAILS(mprotect(p + size / 2, 2 * PAGE, PROT_READ | PROT_WRITE), ENOMEM);
	else
		use_reservation(p, size);
	EQ(munmap(p, size), 0);
	CHECK(!readable(p));
}

static void advice(void)
{
	char *p = anon(4 * PAGE, PROT_READ | PROT_WRITE);
	int fd = guest_tmpfile(PAGE);
	char *f = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	memset(p, 9, 4 * PAGE);
	EQ(madvise(p + PAGE, PAGE, MADV_DONTNEED), 0);
	EQ(p[0], 9);
	EQ(p[PAGE], 0);
	EQ(p[2 * PAGE], 9);
	EQ(madvise(p, 4 * PAGE, MADV_FREE), 0);
	p[0] = 5;
	EQ(p[0], 5);
	EQ(madvise(p, 4 * PAGE, MADV_WILLNEED), 0);
	FAILS(madvise(p, PAGE, 9999), EINVAL);
	f[1] = 77;
	EQ(madvise(f, PAGE, MADV_DONTNEED), 0);
	EQ(f[1], 1);
	munmap(p, 4 * PAGE);
	munmap(f, PAGE);
	close(fd);
}

/* What the permissions forbid is invalid, a hole is lack of memory. */
static void populate(void)
{
	char *p = anon(2 * PAGE, PROT_READ);

	EQ(madvise(p, PAGE, MADV_POPULATE_READ), 0);
	FAILS(madvise(p, PAGE, MADV_POPULATE_WRITE), EINVAL);
	MUST(!mprotect(p + PAGE, PAGE, PROT_NONE));
	FAILS(madvise(p, 2 * PAGE, MADV_POPULATE_READ), EINVAL);
	munmap(p + PAGE, PAGE);
	FAILS(madvise(p, 2 * PAGE, MADV_POPULATE_READ), ENOMEM);
	munmap(p, PAGE);
}

static void remap(void)
{
	char *p = anon(4 * PAGE, PROT_READ | PROT_WRITE), *q;

	memset(p, 6, 4 * PAGE);
	q = mremap(p, 4 * PAGE, 2 * PAGE, 0);
	CHECK(q == p && !readable(p + 2 * PAGE));
	q = mremap(p, 2 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
	MUST(q != MAP_FAILED);
	EQ(q[2 * PAGE - 1], 6);
	EQ(q[63 * PAGE], 0);
	q[63 * PAGE] = 1;
	EQ(munmap(q, 64 * PAGE), 0);
	FAILS((long)mremap(q, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
}

/* By syscall: musl's brk() refuses. */
static char *brk_to(char *end)
{
	return (char *)syscall(SYS_brk, end);
}

static void grow_and_shrink_brk(void)
{
	char *start = brk_to(NULL), *p = (char *)(((uintptr_t)start + 4095) & ~4095UL);
	int i;

	CHECK(brk_to(p + 100 * PAGE) == p + 100 * PAGE);
	for (i = 0; i < 100 * PAGE; i += 512)
		p[i] = 1;
	CHECK(brk_to(start) == start);
	CHECK(!readable(p + PAGE));
	CHECK(brk_to(p + 10 * PAGE) == p + 10 * PAGE);
	EQ(p[PAGE * 5], 0);
	CHECK(brk_to((char *)8) == p + 10 * PAGE);
	CHECK(brk_to(start) == start);
}

static void limits(void)
{
	struct rlimit old, small = { 64 << 20, RLIM_INFINITY };
	char *p;

	getrlimit(RLIMIT_AS, &old);
	small.rlim_max = old.rlim_max;
	MUST(!setrlimit(RLIMIT_AS, &small));
	p = mmap(NULL, 256 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p == MAP_FAILED && errno == ENOMEM);
	MUST(!setrlimit(RLIMIT_AS, &old));
	p = mmap(NULL, 1UL << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(p == MAP_FAILED && errno == ENOMEM);
	p = mmap(NULL, -1UL, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p == MAP_FAILED && errno == ENOMEM);
}

static void locking(void)
{
	char *p = anon(4 * PAGE, PROT_READ | PROT_WRITE);
	unsigned char vec[4] = { 0 };

	EQ(mlock(p, PAGE), 0);
	EQ(munlock(p, PAGE), 0);
	p[0] = 1;
	EQ(mincore(p, PAGE, vec), 0);
	EQ(vec[0] & 1, 1);
	munmap(p, 4 * PAGE);
	FAILS(mincore(p, PAGE, vec), ENOMEM);
}

static void *churn(void *arg)
{
	unsigned int seed = (unsigned int)(long)arg;
	size_t size[16] = { 0 };
	char *p[16] = { NULL };
	int i, n;

	for (i = 0; i < 2000; i++) {
		n = rand_r(&seed) % 16;
		if (p[n]) {
			if (p[n][0] != n + 1 || p[n][size[n] - 1] != n + 1)
				CHECK(!"memory changed");
			munmap(p[n], size[n]);
		}
		size[n] = (size_t)(1 + rand_r(&seed) % 32) * PAGE;
		p[n] = anon(size[n], PROT_READ | PROT_WRITE);
		p[n][0] = p[n][size[n] - 1] = (char)(n + 1);
	}
	for (n = 0; n < 16; n++)
		if (p[n])
			munmap(p[n], size[n]);
	return NULL;
}

static void threads_churn(void)
{
	pthread_t t[4];
	long i;

	for (i = 0; i < 4; i++)
		MUST(!pthread_create(&t[i], NULL, churn, (void *)i));
	for (i = 0; i < 4; i++)
		MUST(!pthread_join(t[i], NULL));
}

static void big_allocation(void)
{
	size_t size = 256UL << 20, i;
	char *p = malloc(size);

	MUST(p);
	for (i = 0; i < size; i += 1 << 20)
		p[i] = 1;
	free(p);
}

GUEST_MAIN(T(zeroed), T(partial_unmap), T(fixed), T(file_private), T(file_shared),
	   T(file_shared_grows), T(anon_shared), T(memfd), T(protection), T(reservation), T(advice),
	   T(populate), T(remap), T(grow_and_shrink_brk), T(limits), T(locking), T(threads_churn),
	   T(big_allocation))
