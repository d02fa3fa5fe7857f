// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* MAP_SHARED of files: coherent with read() and write(), written back, SIGBUS beyond the end. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "mm_test.h"

static const char *dir = "/tmp";

static int open_temp(char *name, size_t size)
{
	int fd;

	sprintf(name, "%s/mm_shared.XXXXXX", dir);
	fd = mkstemp(name);
	if (fd >= 0 && ftruncate(fd, size))
		return -1;
	return fd;
}

static char *map_shared(int fd, size_t size, off_t off)
{
	return mmap(NULL, size, RW, MAP_SHARED, fd, off);
}

static bool coherent_with_read_and_write(void)
{
	char name[64], buf[PAGE];
	int fd = open_temp(name, 16 * PAGE);
	char *p;

	CHECK(fd >= 0 && pwrite(fd, "before", 6, 0) == 6);
	p = map_shared(fd, 16 * PAGE, 0);
	CHECK(p != MAP_FAILED);
	CHECK(!memcmp(p, "before", 6) && is_zero(p + PAGE, PAGE));
	CHECK(pwrite(fd, "by write", 8, 5 * PAGE) == 8 && !memcmp(p + 5 * PAGE, "by write", 8));
	CHECK(pwrite(fd, "again", 5, 5 * PAGE + 100) == 5 &&
	      !memcmp(p + 5 * PAGE + 100, "again", 5));
	strcpy(p + 7 * PAGE, "by store");
	CHECK(pread(fd, buf, 9, 7 * PAGE) == 9 && !strcmp(buf, "by store"));
	memset(p + 9 * PAGE, 'x', 3 * PAGE);
	CHECK(pread(fd, buf, PAGE, 10 * PAGE) == PAGE && buf[0] == 'x' && buf[PAGE - 1] == 'x');
	CHECK(pread(fd, p + 12 * PAGE, 6, 0) == 6 && !memcmp(p + 12 * PAGE, "before", 6));
	CHECK(!munmap(p, 16 * PAGE));
	CHECK(pread(fd, buf, 9, 7 * PAGE) == 9 && !strcmp(buf, "by store"));
	close(fd);
	return !unlink(name);
}

static bool written_back(void)
{
	char name[64], buf[16];
	int fd = open_temp(name, 300 * PAGE), fd2;
	char *p = map_shared(fd, 300 * PAGE, 0);

	CHECK(fd >= 0 && p != MAP_FAILED);
	for (int i = 0; i < 300; i++)
		p[i * PAGE] = i;
	CHECK(!msync(p, 300 * PAGE, MS_SYNC));
	p[0] = 77;
	CHECK(!msync(p, PAGE, MS_SYNC) && !msync(p, PAGE, MS_ASYNC));
	close(fd);
	p[PAGE] = 78;
	CHECK(!munmap(p, 300 * PAGE));
	fd2 = open(name, O_RDONLY);
	CHECK(fd2 >= 0 && !fsync(fd2));
	CHECK(posix_fadvise(fd2, 0, 0, POSIX_FADV_DONTNEED) == 0);
	CHECK(pread(fd2, buf, 1, 0) == 1 && buf[0] == 77);
	CHECK(pread(fd2, buf, 1, PAGE) == 1 && buf[0] == 78);
	for (int i = 2; i < 300; i++)
		CHECK(pread(fd2, buf, 1, i * PAGE) == 1 && buf[0] == (char)i);
	close(fd2);
	return !unlink(name);
}

static bool bus_error_beyond_end(void)
{
	char name[64];
	int fd = open_temp(name, 2 * PAGE + 10);
	char *p = map_shared(fd, 8 * PAGE, 0);

	CHECK(fd >= 0 && p != MAP_FAILED);
	CHECK(try_read(p + 2 * PAGE + 4000) == 0);
	CHECK(try_read(p + 3 * PAGE) == SIGBUS && try_write(p + 7 * PAGE) == SIGBUS);
	CHECK(!ftruncate(fd, 6 * PAGE) && try_write(p + 5 * PAGE) == 0);
	CHECK(try_read(p + 6 * PAGE) == SIGBUS);
	p[2 * PAGE] = 5;
	CHECK(!ftruncate(fd, PAGE));
	CHECK(try_read(p + 2 * PAGE) == SIGBUS && try_read(p + 5 * PAGE) == SIGBUS);
	CHECK(!ftruncate(fd, 4 * PAGE) && p[2 * PAGE] == 0);
	close(fd);
	CHECK(!munmap(p, 8 * PAGE));
	return !unlink(name);
}

static bool two_mappings_in_one_process(void)
{
	char name[64];
	int fd = open_temp(name, 8 * PAGE), fd2 = open(name, O_RDWR);
	char c, *p = map_shared(fd, 8 * PAGE, 0), *q = map_shared(fd2, 4 * PAGE, 2 * PAGE);

	CHECK(p != MAP_FAILED && q != MAP_FAILED);
	p[3 * PAGE] = 9;
	CHECK(q[PAGE] == 9);
	CHECK(!munmap(q, 4 * PAGE));
	CHECK(try_read(p + 3 * PAGE) == 0 && p[3 * PAGE] == 9); /* the other one stays */
	CHECK(!munmap(p, 8 * PAGE) && try_read(p + 3 * PAGE) == SIGSEGV);
	CHECK(pread(fd, &c, 1, 3 * PAGE) == 1 && c == 9); /* the file keeps it */
	close(fd);
	close(fd2);
	return !unlink(name);
}

static bool read_only(void)
{
	char name[64];
	int fd = open_temp(name, 4 * PAGE), ro = open(name, O_RDONLY);
	char *p;

	CHECK(mmap(NULL, PAGE, RW, MAP_SHARED, ro, 0) == MAP_FAILED && errno == EACCES);
	p = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, ro, 0);
	CHECK(p != MAP_FAILED && p[0] == 0 && try_write(p + PAGE) == SIGSEGV);
	CHECK(mprotect(p, PAGE, RW) == -1 && errno == EACCES);
	CHECK(pwrite(fd, "new", 3, 0) == 3 && !memcmp(p, "new", 3));
	close(fd);
	close(ro);
	CHECK(!munmap(p, 4 * PAGE));
	return !unlink(name);
}

static bool growing_file(void)
{
	char name[64];
	int fd = open_temp(name, 0);
	char *p = MAP_FAILED;

	for (int i = 1; i <= 20; i++) { /* like SQLite's wal-index */
		CHECK(!ftruncate(fd, i * 32 * KIB));
		p = map_shared(fd, 32 * KIB, (i - 1) * 32 * KIB);
		CHECK(p != MAP_FAILED && is_zero(p, 32 * KIB));
		memset(p, i, 32 * KIB);
		CHECK(!munmap(p, 32 * KIB));
	}
	p = map_shared(fd, 20 * 32 * KIB, 0);
	CHECK(p != MAP_FAILED);
	for (int i = 0; i < 20; i++)
		CHECK(p[i * 32 * KIB] == i + 1 && p[i * 32 * KIB + 32767] == i + 1);
	CHECK(!munmap(p, 20 * 32 * KIB));
	close(fd);
	return !unlink(name);
}

static bool partial_munmap_and_mremap(void)
{
	char name[64];
	int fd = open_temp(name, 64 * PAGE);
	char *p = map_shared(fd, 32 * PAGE, 0), *q;

	CHECK(p != MAP_FAILED);
	memset(p, 1, 32 * PAGE);
	CHECK(!munmap(p + 8 * PAGE, 8 * PAGE));
	CHECK(try_read(p + 8 * PAGE) == SIGSEGV && try_write(p + 15 * PAGE) == SIGSEGV);
	CHECK(p[7 * PAGE] == 1 && p[16 * PAGE] == 1);
	CHECK(!munmap(p, 8 * PAGE));
	q = mremap(p + 16 * PAGE, 16 * PAGE, 48 * PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED && q[0] == 1 && q[47 * PAGE] == 0);
	q[47 * PAGE] = 3;
	CHECK(!munmap(q, 48 * PAGE));
	close(fd);
	return !unlink(name);
}

static bool memfd(void)
{
	int fd = syscall(SYS_memfd_create, "test", 3u); /* CLOEXEC, ALLOW_SEALING */
	char *p, c;

	CHECK(fd >= 0 && !ftruncate(fd, MIB));
	p = map_shared(fd, MIB, 0);
	CHECK(p != MAP_FAILED && is_zero(p, MIB));
	p[500000] = 42;
	CHECK(pread(fd, &c, 1, 500000) == 1 && c == 42);
	CHECK(pwrite(fd, "w", 1, 600000) == 1 && p[600000] == 'w');
	CHECK(fcntl(fd, F_ADD_SEALS, 8) == -1 && errno == EBUSY); /* F_SEAL_WRITE: it is mapped */
	CHECK(!munmap(p, MIB));
	CHECK(!fcntl(fd, F_ADD_SEALS, 8));
	CHECK(map_shared(fd, MIB, 0) == MAP_FAILED && errno == EPERM);
	CHECK(pread(fd, &c, 1, 500000) == 1 && c == 42);
	close(fd);
	return true;
}

static bool sysv(void)
{
	int id = shmget(IPC_PRIVATE, 10 * PAGE, IPC_CREAT | 0600);
	struct shmid_ds ds;
	char *p;

	if (id < 0 && errno == ENOSYS) {
		tests_skipped++;
		return true;
	}
	CHECK(id >= 0);
	p = shmat(id, NULL, 0);
	CHECK(p != (void *)-1 && is_zero(p, 10 * PAGE));
	memset(p, 3, 10 * PAGE);
	CHECK(!shmctl(id, IPC_STAT, &ds) && ds.shm_nattch == 1);
	CHECK(!shmdt(p) && try_read(p) == SIGSEGV);
	CHECK(!shmctl(id, IPC_STAT, &ds) && ds.shm_nattch == 0);
	p = shmat(id, NULL, 0);
	CHECK(p != (void *)-1 && p[9 * PAGE] == 3);
	CHECK(!shmdt(p) && !shmctl(id, IPC_RMID, NULL));
	return true;
}

static pthread_barrier_t bar;
static char *race_map;
static volatile int race_stop;

static void *race_writer(void *arg)
{
	unsigned int x = (long)arg;

	while (!race_stop) {
		x = x * 1103515245 + 12345;
		race_map[(x >> 8) % (64 * PAGE)] = x;
	}
	return NULL;
}

static bool writers_and_write_back(void)
{
	char name[64], *copy = malloc(64 * PAGE);
	int fd = open_temp(name, 64 * PAGE);
	pthread_t t[2];

	(void)bar;
	race_map = map_shared(fd, 64 * PAGE, 0);
	CHECK(race_map != MAP_FAILED);
	race_stop = 0;
	for (long i = 0; i < 2; i++)
		CHECK(!pthread_create(&t[i], NULL, race_writer, (void *)(i + 1)));
	for (int i = 0; i < 100; i++)
		CHECK(!msync(race_map, 64 * PAGE, MS_SYNC));
	race_stop = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	CHECK(pread(fd, copy, 64 * PAGE, 0) == (ssize_t)(64 * PAGE));
	CHECK(!memcmp(copy, race_map, 64 * PAGE));
	CHECK(!munmap(race_map, 64 * PAGE) && !fsync(fd));
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	race_map = malloc(64 * PAGE);
	CHECK(pread(fd, race_map, 64 * PAGE, 0) == (ssize_t)(64 * PAGE));
	CHECK(!memcmp(copy, race_map, 64 * PAGE)); /* no store was lost */
	free(race_map);
	free(copy);
	close(fd);
	return !unlink(name);
}

static bool removed_while_mapped(void)
{
	char name[64];
	int fd = open_temp(name, 32 * PAGE);
	char *p = map_shared(fd, 32 * PAGE, 0);

	CHECK(p != MAP_FAILED);
	memset(p, 4, 32 * PAGE);
	CHECK(!unlink(name) && !close(fd));
	CHECK(p[31 * PAGE] == 4);
	p[0] = 5;
	return !munmap(p, 32 * PAGE);
}

static char *map_new_file(size_t size)
{
	int fd = memfd_create("new", MFD_CLOEXEC);
	char *p = MAP_FAILED;

	if (fd >= 0 && !ftruncate(fd, size))
		p = map_shared(fd, size, 0);
	close(fd);
	return p;
}

static bool come_and_go(int count, size_t size, size_t touched)
{
	for (int i = 0; i < count; i++) {
		char *p = map_new_file(size);

		CHECK(p != MAP_FAILED);
		memset(p, 1, touched);
		CHECK(!munmap(p, size));
	}
	return true;
}

/* What a file took that is gone can be had again, however often and fast others come and go. */
static bool files_come_and_go(void)
{
	return come_and_go(150, MIB, MIB) && come_and_go(2000, 64 * KIB, 1);
}

static bool many_files_at_once(void)
{
	static char *at[400];
	int i, n = sizeof(at) / sizeof(at[0]);

	for (i = 0; i < n; i++) {
		at[i] = map_new_file(64 * KIB);
		CHECK(at[i] != MAP_FAILED);
		at[i][i] = 1;
	}
	for (i = 0; i < n; i++)
		CHECK(at[i][i] == 1 && !munmap(at[i], 64 * KIB));
	return true;
}

/* The kernel writes to a mapping for a program where the program may, and nowhere else. */
static bool read_into_mapping(void)
{
	char name[] = "/tmp/mm_shared.XXXXXX", page[PAGE], got[4];
	int rw = mkstemp(name), ro = open(name, O_RDONLY), fds[2];
	char *p;

	memset(page, 'A', PAGE);
	CHECK(rw >= 0 && ro >= 0 && !unlink(name) && write(rw, page, PAGE) == (ssize_t)PAGE);
	CHECK(!pipe(fds) && write(fds[1], "ABCD", 4) == 4);
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0);
	CHECK(p != MAP_FAILED && !try_read(p));
	CHECK(read(fds[0], p, 4) == -1 && errno == EFAULT);
	CHECK(!munmap(p, PAGE) && read(fds[0], p, 4) == -1 && errno == EFAULT);
	CHECK(write(fds[1], p, 4) == -1 && errno == EFAULT);
	CHECK(pread(rw, got, 4, 0) == 4 && !memcmp(got, "AAAA", 4));
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, rw, 0);
	CHECK(p != MAP_FAILED && !msync(p, PAGE, MS_SYNC) && read(fds[0], p, 4) == 4);
	CHECK(pread(ro, got, 4, 0) == 4 && !memcmp(got, "ABCD", 4));
	CHECK(!ftruncate(rw, 0) && write(fds[1], p, 4) == -1 && errno == EFAULT);
	close(fds[0]);
	close(fds[1]);
	close(ro);
	return !munmap(p, PAGE) && !close(rw);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		dir = argv[1];
	catch_faults();
	run_test("coherent with read and write", coherent_with_read_and_write);
	run_test("written back", written_back);
	run_test("SIGBUS beyond the end", bus_error_beyond_end);
	run_test("two mappings in one process", two_mappings_in_one_process);
	run_test("read-only shared mapping", read_only);
	run_test("growing file", growing_file);
	run_test("partial munmap and mremap", partial_munmap_and_mremap);
	run_test("memfd with seals", memfd);
	run_test("System V shared memory", sysv);
	run_test("writers against write-back", writers_and_write_back);
	run_test("removed while mapped", removed_while_mapped);
	run_test("files that come and go", files_come_and_go);
	run_test("many files at once", many_files_at_once);
	run_test("read() into a mapping", read_into_mapping);
	return finish_tests();
}
