// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The futex call itself: every operation without priority inheritance; private and shared keys. */
#include "test/guest/lib/guest.h"
#include <limits.h>
#include <linux/futex.h>
#include <spawn.h>

static int word, word2, woken;
static pid_t waiter_tid;

static long fut(int *u, int op, int val, const struct timespec *t, int *u2, int val3)
{
	return syscall(SYS_futex, u, op, val, t, u2, val3);
}

static void wait_mismatch(void)
{
	word = 1;
	FAILS(fut(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EAGAIN);
	FAILS(fut(&word, FUTEX_WAIT, 0, NULL, NULL, 0), EAGAIN);
	FAILS(fut((int *)((char *)&word + 1), FUTEX_WAIT, 0, NULL, NULL, 0), EINVAL);
	FAILS(fut(NULL, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
	FAILS(fut(&word, 99, 0, NULL, NULL, 0), ENOSYS);
}

static void wait_timeout(void)
{
	struct timespec t = { 0, 5000000 }, bad = { 0, 2000000000 }, past = { 1, 0 };

	word = 0;
	FAILS(fut(&word, FUTEX_WAIT_PRIVATE, 0, &t, NULL, 0), ETIMEDOUT);
	FAILS(fut(&word, FUTEX_WAIT_PRIVATE, 0, &bad, NULL, 0), EINVAL);
	FAILS(fut(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, &past, NULL, -1), ETIMEDOUT);
	FAILS(fut(&word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 0, &past, NULL, -1),
	      ETIMEDOUT);
	FAILS(fut(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, &past, NULL, 0), EINVAL);
}

struct wait_arg {
	int *word, op, bits;
	pid_t tid;
};

static void *waiter(void *arg)
{
	struct wait_arg *w = arg;

	__atomic_store_n(&w->tid, guest_gettid(), __ATOMIC_SEQ_CST);
	if (fut(w->word, w->op, 0, NULL, NULL, w->bits) == 0)
		__atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void start_waiters(pthread_t *t, struct wait_arg *w, int n, int *at, int op)
{
	int i;

	woken = 0;
	for (i = 0; i < n; i++) {
		w[i] = (struct wait_arg){ at, op, 1 << i, 0 };
		MUST(!pthread_create(&t[i], NULL, waiter, &w[i]));
	}
	for (i = 0; i < n; i++) {
		while (!__atomic_load_n(&w[i].tid, __ATOMIC_SEQ_CST))
			sched_yield();
		guest_wait_asleep(w[i].tid);
	}
}

static void join_all(pthread_t *t, int n)
{
	while (n--)
		MUST(!pthread_join(t[n], NULL));
}

static void wake_counts(void)
{
	struct wait_arg w[4];
	pthread_t t[4];

	word = 0;
	start_waiters(t, w, 4, &word, FUTEX_WAIT_PRIVATE);
	EQ(fut(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 1);
	EQ(fut(&word, FUTEX_WAKE_PRIVATE, 2, NULL, NULL, 0), 2);
	EQ(fut(&word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0), 1);
	EQ(fut(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
	join_all(t, 4);
	EQ(woken, 4);
}

static void wake_bitset(void)
{
	struct wait_arg w[4];
	pthread_t t[4];

	word = 0;
	start_waiters(t, w, 4, &word, FUTEX_WAIT_BITSET_PRIVATE);
	EQ(fut(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 4), 1);
	EQ(fut(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 4), 0);
	EQ(fut(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, -1), 3);
	join_all(t, 4);
}

static void requeue(void)
{
	struct wait_arg w[4];
	pthread_t t[4];

	word = word2 = 0;
	start_waiters(t, w, 4, &word, FUTEX_WAIT_PRIVATE);
	FAILS(fut(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)9L, &word2, 5), EAGAIN);
	EQ(fut(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)2L, &word2, 0), 3);
	EQ(fut(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0), 1);
	EQ(fut(&word2, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0), 2);
	join_all(t, 4);
}

static void wake_op(void)
{
	struct wait_arg w[2];
	pthread_t t[2];

	word = 0;
	word2 = 5;
	start_waiters(t, w, 2, &word, FUTEX_WAIT_PRIVATE);
	EQ(fut(&word, FUTEX_WAKE_OP_PRIVATE, 9, (void *)9L, &word2,
	       FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 99)),
	   2);
	EQ(word2, 8);
	EQ(fut(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1L, &word2,
	       FUTEX_OP(FUTEX_OP_SET, 1, FUTEX_OP_CMP_EQ, 8)),
	   0);
	EQ(word2, 1);
	join_all(t, 2);
}

static void nothing(int sig)
{
}

static void *wait_interrupted(void *arg)
{
	__atomic_store_n(&waiter_tid, guest_gettid(), __ATOMIC_SEQ_CST);
	long r = fut(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);

	return (void *)(long)(r ? errno : 0);
}

static void interrupted(void)
{
	struct sigaction sa = { .sa_handler = nothing };
	pthread_t t;
	void *r;

	sigaction(SIGUSR1, &sa, NULL);
	word = waiter_tid = 0;
	MUST(!pthread_create(&t, NULL, wait_interrupted, NULL));
	while (!__atomic_load_n(&waiter_tid, __ATOMIC_SEQ_CST))
		sched_yield();
	guest_wait_asleep(waiter_tid);
	pthread_kill(t, SIGUSR1);
	MUST(!pthread_join(t, &r));
	EQ((long)r, EINTR);
}

/* A second program waits on the same page of a shared file mapping. */
static int shared_child(void)
{
	int fd = open("/dev/shm/guest-futex", O_RDWR);
	int *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return 90;
	__atomic_store_n(&p[1], 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&p[0], __ATOMIC_SEQ_CST) == 0)
		fut(&p[0], FUTEX_WAIT, 0, NULL, NULL, 0);
	return p[0];
}

static void *map_shared(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	void *p;

	if (fd < 0 || ftruncate(fd, 4096))
		return MAP_FAILED;
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return p;
}

static void shared_between_programs(void)
{
	char *argv[] = { (char *)guest_self(), "child", NULL };
	int *p = map_shared("/dev/shm/guest-futex"), status;
	pid_t pid;

	MUST(p != MAP_FAILED);
	MUST(!posix_spawn(&pid, guest_self(), NULL, NULL, argv, NULL));
	while (!__atomic_load_n(&p[1], __ATOMIC_SEQ_CST))
		guest_nap_ms(1);
	guest_nap_ms(10);
	__atomic_store_n(&p[0], 33, __ATOMIC_SEQ_CST);
	fut(&p[0], FUTEX_WAKE, 9, NULL, NULL, 0);
	MUST(waitpid(pid, &status, 0) == pid);
	EQ(status, 33 << 8);
	munmap(p, 4096);
	unlink("/dev/shm/guest-futex");
}

/* Also the case that the frame is asked for by name. */
static void child(void)
{
	exit(shared_child());
}

static const struct guest_case cases[] = {
	T(wait_mismatch), T(wait_timeout), T(wake_counts), T(wake_bitset),
	T(requeue),	  T(wake_op),	   T(interrupted), T(shared_between_programs),
};

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "child"))
		child();
	return guest_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
