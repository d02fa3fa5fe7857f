// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Memory that goes away while the kernel uses it: munmap, mprotect and exit
 * against read, write, recv, O_DIRECT, io_uring and futex on the same pages.
 * Any result of the calls is right (bytes or EFAULT); what counts is that the
 * machine and other memory stay whole.
 */
#include "test/guest/lib/guest.h"
#include <linux/futex.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { SIZE = 16 * 4096, ROUNDS = 400 };

static char *volatile shared;
static volatile int stop;
static int file, pair[2];
static char *guard;

static void allowed(ssize_t r)
{
	if (r < 0)
		CHECK(errno == EFAULT || errno == EAGAIN || errno == EINVAL || errno == ERANGE);
}

static char *map_at(char *at)
{
	char *p = mmap(at, SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED : 0), -1, 0);

	MUST(p != MAP_FAILED);
	return p;
}

/* Maps, changes and unmaps the same range; a reservation keeps others out of it. */
static void churn(void)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		map_at(shared);
		memset(shared, i, 4096);
		if (i % 3 == 0)
			mprotect(shared + 4096, 4096, PROT_READ);
		if (i % 5 == 0)
			mprotect(shared + 8192, 4096, PROT_NONE);
		if (i % 7 == 0)
			sched_yield();
		if (i % 2)
			MUST(mmap(shared, SIZE, PROT_NONE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1,
				  0) == shared);
		else
			MUST(!munmap(shared + 4096, SIZE - 4096));
	}
}

static void *reader(void *arg)
{
	while (!stop)
		allowed(pread(file, shared, SIZE, 0));
	return NULL;
}

static void *writer(void *arg)
{
	while (!stop)
		allowed(pwrite(file, shared, SIZE, 0));
	return NULL;
}

static void *receiver(void *arg)
{
	while (!stop) {
		send(pair[0], guard, 4096, MSG_DONTWAIT);
		allowed(recv(pair[1], shared, SIZE, MSG_DONTWAIT));
	}
	return NULL;
}

static void *statter(void *arg)
{
	while (!stop) {
		allowed(stat("/tmp", (struct stat *)shared));
		allowed(syscall(SYS_getcwd, shared + 4096 - 8, 100));
		allowed(syscall(SYS_futex, shared + 8192, FUTEX_WAKE, 1, NULL, NULL, 0));
		allowed(syscall(SYS_getrandom, shared + 4096, 8192, 0));
	}
	return NULL;
}

static void against(void *(*fn)(void *))
{
	pthread_t t[2];
	int i;

	stop = 0;
	file = guest_tmpfile(SIZE);
	MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	shared = map_at(NULL);
	guard = map_at(NULL);
	memset(guard, 'g', SIZE);
	for (i = 0; i < 2; i++)
		MUST(!pthread_create(&t[i], NULL, fn, NULL));
	churn();
	stop = 1;
	for (i = 0; i < 2; i++)
		MUST(!pthread_join(t[i], NULL));
	for (i = 0; i < SIZE; i++)
		if (guard[i] != 'g')
			CHECK(!"other memory changed");
	munmap(shared, SIZE);
	munmap(guard, SIZE);
	close(file);
	close(pair[0]);
	close(pair[1]);
}

static void against_read(void)
{
	against(reader);
}

static void against_write(void)
{
	against(writer);
}

static void against_recv(void)
{
	against(receiver);
}

static void against_small_copies(void)
{
	against(statter);
}

static void *blocked_read(void *arg)
{
	allowed(read(pair[1], shared, SIZE));
	return NULL;
}

/* The buffer vanishes while the reader sleeps; then data come. */
static void unmapped_while_asleep(void)
{
	pthread_t t;
	int i;

	for (i = 0; i < 50; i++) {
		MUST(!pipe(pair));
		file = pair[0];
		pair[0] = pair[1];
		pair[1] = file;
		shared = map_at(NULL);
		MUST(!pthread_create(&t, NULL, blocked_read, NULL));
		if (i % 2)
			guest_nap_ms(1);
		munmap(shared, SIZE);
		MUST(write(pair[0], "0123456789", 10) == 10);
		MUST(!pthread_join(t, NULL));
		close(pair[0]);
		close(pair[1]);
	}
}

/* The program ends while its threads are inside calls on their buffers. */
static void exit_with_calls_in_flight(void)
{
	int i;

	for (i = 0; i < 20; i++)
		EQ(guest_run_self("exit-busy", NULL), 5 << 8);
}

static int exit_busy(void)
{
	void *(*const fns[])(void *) = { reader, writer, receiver, statter, blocked_read };
	pthread_t t;
	size_t i;

	file = guest_tmpfile(SIZE);
	MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	shared = map_at(NULL);
	guard = map_at(NULL);
	for (i = 0; i < 5; i++)
		MUST(!pthread_create(&t, NULL, fns[i], NULL));
	guest_nap_ms(2);
	syscall(SYS_exit_group, 5);
	return 1;
}

/* O_DIRECT pins the pages (where the file system knows it). */
static void direct_io(void)
{
	int fd = open("/tmp/guest-direct", O_CREAT | O_RDWR | O_DIRECT, 0600), i;
	pthread_t t;

	if (fd < 0)
		fd = open("/tmp/guest-direct", O_CREAT | O_RDWR, 0600);
	MUST(fd >= 0);
	MUST(!ftruncate(fd, SIZE));
	stop = 0;
	file = fd;
	shared = map_at(NULL);
	MUST(!pthread_create(&t, NULL, reader, NULL));
	for (i = 0; i < ROUNDS; i++) {
		map_at(shared);
		sched_yield();
	}
	stop = 1;
	MUST(!pthread_join(t, NULL));
	munmap(shared, SIZE);
	close(fd);
	unlink("/tmp/guest-direct");
}

/* Pages that a pipe holds through vmsplice outlive their mapping. */
static void spliced_then_unmapped(void)
{
	struct iovec v;
	char buf[4096];
	int p[2], i;

	for (i = 0; i < 100; i++) {
		MUST(!pipe(p));
		shared = map_at(NULL);
		memset(shared, 'p', 4096);
		v = (struct iovec){ shared, 4096 };
		EQ(vmsplice(p[1], &v, 1, 0), 4096);
		munmap(shared, SIZE);
		guard = map_at(NULL);
		memset(guard, 'q', SIZE);
		EQ(read(p[0], buf, 4096), 4096);
		CHECK(buf[0] == 'p' && buf[4095] == 'p');
		munmap(guard, SIZE);
		close(p[0]);
		close(p[1]);
	}
}

static const struct guest_case cases[] = {
	T(against_read),
	T(against_write),
	T(against_recv),
	T(against_small_copies),
	T(unmapped_while_asleep),
	T(exit_with_calls_in_flight),
	T(direct_io),
	T(spliced_then_unmapped),
};

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "exit-busy"))
		return exit_busy();
	return guest_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
