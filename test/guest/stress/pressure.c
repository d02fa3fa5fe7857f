// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * pressure SECONDS [SEED]: programs eat memory until there is none, while others
 * start, map and write files. Anything may be refused or an eater killed; what must
 * hold: memory that was given keeps its content, everybody goes on, and at the end as
 * much is free as at the beginning. Natively RLIMIT_AS stands in for the TEE's limit.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHUNKS_MAX = 16384, EATERS = 3, MAPPERS = 2, WORKERS = EATERS + MAPPERS + 1 };
enum { STACK_SIZE = 256 << 10 };

#define NATIVE_LIMIT (256ul << 20)
#define FAIL(why)                                                                            \
	do {                                                                                 \
		fprintf(stderr, "pressure: line %d: %s, errno %d, seed %u\n", __LINE__, why, \
			errno, seed0);                                                       \
		_exit(1);                                                                    \
	} while (0)
#define HOLDS(cond)                  \
	do {                         \
		if (!(cond))         \
			FAIL(#cond); \
	} while (0)

static char self[256];
static volatile int over;
static unsigned int seed0;
static unsigned long done[WORKERS];

/* ---- the eater, a process of its own ---- */

static struct {
	char *at;
	size_t size;
} chunks[CHUNKS_MAX];

static void check_chunk(int i)
{
	size_t at;

	for (at = 0; at < chunks[i].size; at += 4096)
		if (chunks[i].at[at] != (char)(i + at / 4096))
			_exit(7);
}

static bool eat_one(int i, unsigned int *seed)
{
	size_t pages = 1 + (size_t)rand_r(seed) % (rand_r(seed) % 4 ? 64 : 2048), at;
	char *p;

	p = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) {
		if (errno != ENOMEM)
			_exit(6);
		return false;
	}
	for (at = 0; at < pages * 4096; at += 4096) {
		if (p[at])
			_exit(8);
		p[at] = (char)(i + at / 4096);
	}
	chunks[i].at = p;
	chunks[i].size = pages * 4096;
	return true;
}

/* Tells on descriptor 1 how many bytes it got. */
static int eat(unsigned int seed)
{
	struct rlimit r = { NATIVE_LIMIT, NATIVE_LIMIT };
	unsigned long sum = 0;
	int n = 0, i;

	if (!getenv("GUEST_INSIDE"))
		setrlimit(RLIMIT_AS, &r);
	while (n < CHUNKS_MAX && eat_one(n, &seed))
		sum += chunks[n++].size;
	for (i = 0; i < n; i++)
		check_chunk(i);
	for (i = 0; i < n; i += 2)
		munmap(chunks[i].at, chunks[i].size);
	for (i = 1; i < n; i += 2)
		check_chunk(i);
	return write(1, &sum, sizeof(sum)) == sizeof(sum) ? 42 : 5;
}

extern char **environ;

/*
 * Killed when it touched what there is no memory for; SIGSEGV when there was none in the middle of
 * its exec, when there is no way back any more; 127 from ld.so that could not map a library.
 */
static bool may_end_so(int status)
{
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGSEGV;
	return WEXITSTATUS(status) == 127;
}

/* Return: what one eater got; 0 when it could not start or was killed. */
static unsigned long run_eater(unsigned int seed)
{
	char number[16], *argv[] = { self, "eat", number, NULL };
	posix_spawn_file_actions_t fa;
	unsigned long sum = 0;
	int p[2], status, err;
	pid_t pid;

	snprintf(number, sizeof(number), "%u", seed);
	if (pipe2(p, O_CLOEXEC) || posix_spawn_file_actions_init(&fa))
		return 0;
	posix_spawn_file_actions_adddup2(&fa, p[1], 1);
	err = posix_spawn(&pid, self, &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	close(p[1]);
	HOLDS(!err || err == ENOMEM || err == EAGAIN);
	if (!err) {
		HOLDS(waitpid(pid, &status, 0) == pid);
		if (status == 42 << 8)
			HOLDS(read(p[0], &sum, sizeof(sum)) == sizeof(sum));
		else if (!may_end_so(status)) {
			fprintf(stderr, "pressure: an eater ended with status %x\n", status);
			FAIL("only the kernel may end an eater, for want of memory");
		}
	}
	close(p[0]);
	return sum;
}

/* ---- the others ---- */

static void *eaters(void *arg)
{
	long i = (long)arg;
	unsigned int seed = seed0 + (unsigned int)i;

	while (!over) {
		run_eater((unsigned int)rand_r(&seed));
		__atomic_add_fetch(&done[i], 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *mappers(void *arg)
{
	long i = (long)arg;
	char *p;

	while (!over) {
		p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED) {
			HOLDS(errno == ENOMEM);
			sched_yield();
			continue;
		}
		HOLDS(!p[0] && !p[65535]);
		memset(p, 'm', 65536);
		HOLDS(!mprotect(p, 4096, PROT_READ) || errno == ENOMEM);
		HOLDS(p[100] == 'm' && !munmap(p, 65536));
		__atomic_add_fetch(&done[i], 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *filer(void *arg)
{
	static char buf[8192], back[8192];
	long i = (long)arg;
	ssize_t n;
	int fd;

	memset(buf, 'f', sizeof(buf));
	while (!over) {
		fd = open("/tmp/pressure", O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0600);
		if (fd < 0) {
			HOLDS(errno == ENOMEM || errno == ENOSPC);
			continue;
		}
		n = write(fd, buf, sizeof(buf));
		HOLDS(n > 0 || errno == ENOSPC || errno == ENOMEM);
		if (n > 0)
			HOLDS(pread(fd, back, sizeof(back), 0) == n && !memcmp(buf, back, n));
		close(fd);
		__atomic_add_fetch(&done[i], 1, __ATOMIC_RELAXED);
	}
	unlink("/tmp/pressure");
	return NULL;
}

/*
 * malloc() keeps a heap for each thread that used it, and the stacks. Where addresses are memory
 * (SGX1), that would be less for the last eater.
 */
static void keep_little(pthread_attr_t *attr)
{
	HOLDS(mallopt(M_ARENA_MAX, 1));
	HOLDS(!pthread_attr_init(attr) && !pthread_attr_setstacksize(attr, STACK_SIZE));
}

static void mix(long seconds)
{
	void *(*fn)(void *);
	pthread_t t[WORKERS];
	pthread_attr_t attr;
	struct timespec now;
	time_t end;
	long i;

	keep_little(&attr);
	for (i = 0; i < WORKERS; i++) {
		fn = i < EATERS ? eaters : i < EATERS + MAPPERS ? mappers : filer;
		HOLDS(!pthread_create(&t[i], &attr, fn, (void *)i));
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	for (end = now.tv_sec + seconds; now.tv_sec < end;) {
		nanosleep(&(struct timespec){ 1, 0 }, NULL);
		clock_gettime(CLOCK_MONOTONIC, &now);
	}
	over = 1;
	for (i = 0; i < WORKERS; i++)
		HOLDS(!pthread_join(t[i], NULL) && done[i]);
}

int main(int argc, char **argv)
{
	unsigned long before, after;

	seed0 = argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 0) : 1;
	if (argc > 1 && !strcmp(argv[1], "eat"))
		return eat(seed0);
	HOLDS(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	before = run_eater(1);
	HOLDS(before);
	mix(argc > 1 ? atol(argv[1]) : 10);
	after = run_eater(1);
	fprintf(stderr, "pressure: an eater gets %lu KiB, at first %lu KiB\n", after >> 10,
		before >> 10);
	HOLDS(after >= before - before / 16);
	puts("ok pressure");
	return 0;
}
