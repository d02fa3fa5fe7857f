// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Mutexes (all kinds, robust), condition variables, rwlocks, barriers, semaphores, spin locks. */
#include "test/guest/lib/guest.h"
#include <semaphore.h>

enum { THREADS = 4, ROUNDS = 20000 };

static pthread_mutex_t mutex;
static pthread_spinlock_t spin;
static long counter;

static void start_join(void *(*fn)(void *), void *arg)
{
	pthread_t t[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		MUST(!pthread_create(&t[i], NULL, fn, arg));
	for (i = 0; i < THREADS; i++)
		MUST(!pthread_join(t[i], NULL));
}

static void *add_locked(void *arg)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		if (i % 1000 == 0)
			sched_yield();
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void mutex_kind(int type, int robust, int shared)
{
	pthread_mutexattr_t a;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_settype(&a, type);
	pthread_mutexattr_setrobust(&a, robust);
	pthread_mutexattr_setpshared(&a, shared);
	MUST(!pthread_mutex_init(&mutex, &a));
	counter = 0;
	start_join(add_locked, NULL);
	EQ(counter, (long)THREADS * ROUNDS);
	EQ(pthread_mutex_destroy(&mutex), 0);
}

static void mutex_normal(void)
{
	mutex_kind(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PROCESS_PRIVATE);
}

static void mutex_recursive(void)
{
	mutex_kind(PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED, PTHREAD_PROCESS_PRIVATE);
}

static void mutex_robust_shared(void)
{
	mutex_kind(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PROCESS_SHARED);
}

static void mutex_errorcheck(void)
{
	pthread_mutexattr_t a;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK);
	MUST(!pthread_mutex_init(&mutex, &a));
	EQ(pthread_mutex_lock(&mutex), 0);
	EQ(pthread_mutex_lock(&mutex), EDEADLK);
	EQ(pthread_mutex_trylock(&mutex), EBUSY);
	EQ(pthread_mutex_unlock(&mutex), 0);
	EQ(pthread_mutex_unlock(&mutex), EPERM);
}

static void *lock_and_die(void *arg)
{
	pthread_mutex_lock(arg);
	return NULL;
}

/* The kernel walks the dead thread's robust list. */
static void robust_owner_dies(void)
{
	pthread_mutexattr_t a;
	pthread_t t;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	MUST(!pthread_mutex_init(&mutex, &a));
	MUST(!pthread_create(&t, NULL, lock_and_die, &mutex));
	MUST(!pthread_join(t, NULL));
	EQ(pthread_mutex_lock(&mutex), EOWNERDEAD);
	EQ(pthread_mutex_consistent(&mutex), 0);
	EQ(pthread_mutex_unlock(&mutex), 0);
	EQ(pthread_mutex_lock(&mutex), 0);
	EQ(pthread_mutex_unlock(&mutex), 0);
}

static struct timespec in_ms(clockid_t clock, int ms)
{
	struct timespec t;

	clock_gettime(clock, &t);
	t.tv_nsec += ms * 1000000L;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

static void *timed_lock(void *arg)
{
	struct timespec t = in_ms(CLOCK_REALTIME, 20);

	return (void *)(long)pthread_mutex_timedlock(&mutex, &t);
}

static void mutex_timeout(void)
{
	pthread_t t;
	void *r;

	pthread_mutex_init(&mutex, NULL);
	pthread_mutex_lock(&mutex);
	MUST(!pthread_create(&t, NULL, timed_lock, NULL));
	MUST(!pthread_join(t, &r));
	EQ((long)r, ETIMEDOUT);
	pthread_mutex_unlock(&mutex);
}

static struct {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	int turn;
} ring = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };

static void *take_turns(void *arg)
{
	int me = (int)(long)arg, i;

	for (i = 0; i < 500; i++) {
		pthread_mutex_lock(&ring.lock);
		while (ring.turn % THREADS != me)
			pthread_cond_wait(&ring.cond, &ring.lock);
		ring.turn++;
		pthread_cond_broadcast(&ring.cond);
		pthread_mutex_unlock(&ring.lock);
	}
	return NULL;
}

static void cond_turns(void)
{
	pthread_t t[THREADS];
	long i;

	ring.turn = 0;
	for (i = 0; i < THREADS; i++)
		MUST(!pthread_create(&t[i], NULL, take_turns, (void *)i));
	for (i = 0; i < THREADS; i++)
		MUST(!pthread_join(t[i], NULL));
	EQ(ring.turn, 500 * THREADS);
}

static void cond_timeout(void)
{
	pthread_condattr_t a;
	pthread_cond_t c;
	struct timespec t;

	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_cond_init(&c, &a);
	pthread_mutex_init(&mutex, NULL);
	pthread_mutex_lock(&mutex);
	t = in_ms(CLOCK_MONOTONIC, 20);
	EQ(pthread_cond_timedwait(&c, &mutex, &t), ETIMEDOUT);
	t = in_ms(CLOCK_MONOTONIC, 0);
	EQ(pthread_cond_timedwait(&c, &mutex, &t), ETIMEDOUT);
	pthread_mutex_unlock(&mutex);
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static long pair[2];

static void *read_write(void *arg)
{
	int i;

	for (i = 0; i < 5000; i++) {
		if (i % 10 == 0) {
			pthread_rwlock_wrlock(&rwlock);
			pair[0]++;
			pair[1]--;
		} else {
			pthread_rwlock_rdlock(&rwlock);
			if (pair[0] + pair[1])
				CHECK(!"readers see a half-done write");
		}
		pthread_rwlock_unlock(&rwlock);
	}
	return NULL;
}

static void rwlocks(void)
{
	memset(pair, 0, sizeof(pair));
	start_join(read_write, NULL);
	EQ(pair[0], 500 * THREADS);
	EQ(pair[1], -500 * THREADS);
}

static pthread_barrier_t barrier;
static int serial, phase[THREADS];

static void *phases(void *arg)
{
	static int next;
	int me = __atomic_fetch_add(&next, 1, __ATOMIC_SEQ_CST) % THREADS;
	int i, j;

	for (i = 1; i <= 200; i++) {
		__atomic_store_n(&phase[me], i, __ATOMIC_SEQ_CST);
		if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
			__atomic_add_fetch(&serial, 1, __ATOMIC_SEQ_CST);
		for (j = 0; j < THREADS; j++)
			CHECK(__atomic_load_n(&phase[j], __ATOMIC_SEQ_CST) >= i);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static void barriers(void)
{
	serial = 0;
	MUST(!pthread_barrier_init(&barrier, NULL, THREADS));
	start_join(phases, NULL);
	EQ(serial, 200);
}

static void *sem_user(void *arg)
{
	static int inside;
	int i;

	for (i = 0; i < 2000; i++) {
		while (sem_wait(arg))
			;
		CHECK(__atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST) <= 2);
		__atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
		sem_post(arg);
	}
	return NULL;
}

static void semaphores(void)
{
	struct timespec t;
	sem_t sem;
	int v;

	MUST(!sem_init(&sem, 0, 2));
	start_join(sem_user, &sem);
	sem_getvalue(&sem, &v);
	EQ(v, 2);
	sem_wait(&sem);
	sem_wait(&sem);
	FAILS(sem_trywait(&sem), EAGAIN);
	t = in_ms(CLOCK_REALTIME, 10);
	FAILS(sem_timedwait(&sem, &t), ETIMEDOUT);
}

static void named_semaphore(void)
{
	sem_t *s = sem_open("/guest-sem", O_CREAT | O_EXCL, 0600, 1);

	MUST(s != SEM_FAILED);
	EQ(sem_unlink("/guest-sem"), 0);
	EQ(sem_wait(s), 0);
	FAILS(sem_trywait(s), EAGAIN);
	EQ(sem_post(s), 0);
	EQ(sem_close(s), 0);
}

static void *add_spinning(void *arg)
{
	int i;

	for (i = 0; i < 2000; i++) {
		pthread_spin_lock(&spin);
		counter++;
		pthread_spin_unlock(&spin);
	}
	return NULL;
}

/* Works only when compute loops are preempted (more spinners than vCPUs). */
static void spin_locks(void)
{
	counter = 0;
	pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
	start_join(add_spinning, NULL);
	EQ(counter, 2000 * THREADS);
}

GUEST_MAIN(T(mutex_normal), T(mutex_recursive), T(mutex_robust_shared), T(mutex_errorcheck),
	   T(robust_owner_dies), T(mutex_timeout), T(cond_turns), T(cond_timeout), T(rwlocks),
	   T(barriers), T(semaphores), T(named_semaphore), T(spin_locks))
