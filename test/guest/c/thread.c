// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Threads: create, join, detach, cancel, stacks, thread-local storage. */
#include "test/guest/lib/guest.h"
#include <semaphore.h>

enum { THREADS = 8, ROUNDS = 200 };

static __thread int tls_data = 41;
static __thread char tls_zero[5000];
static __thread int tls_aligned __attribute__((aligned(64))) = 7;

static void *tls_thread(void *arg)
{
	long n = (long)arg;
	int i;

	CHECK(tls_data == 41 && tls_aligned == 7 && tls_zero[4999] == 0);
	CHECK((uintptr_t)&tls_aligned % 64 == 0);
	for (i = 0; i < 1000; i++) {
		tls_data += (int)n;
		tls_zero[i] = (char)n;
		if (i % 100 == 0)
			sched_yield();
	}
	return (void *)(long)(tls_data + tls_zero[999]);
}

static void tls(void)
{
	pthread_t t[THREADS];
	void *r;
	long i;

	for (i = 0; i < THREADS; i++)
		MUST(!pthread_create(&t[i], NULL, tls_thread, (void *)i));
	for (i = 0; i < THREADS; i++) {
		MUST(!pthread_join(t[i], &r));
		EQ((long)r, 41 + 1000 * i + i);
	}
	EQ(tls_data, 41);
}

static void *identity(void *arg)
{
	return arg;
}

static void create_join_many(void)
{
	pthread_t t;
	void *r;
	long i;

	for (i = 0; i < ROUNDS; i++) {
		MUST(!pthread_create(&t, NULL, identity, (void *)i));
		MUST(!pthread_join(t, &r));
		EQ((long)r, i);
	}
}

static void *wait_sem(void *arg)
{
	sem_wait(arg);
	return NULL;
}

static void hundred_at_once(void)
{
	pthread_t t[100];
	sem_t sem;
	int i;

	sem_init(&sem, 0, 0);
	for (i = 0; i < 100; i++)
		MUST(!pthread_create(&t[i], NULL, wait_sem, &sem));
	for (i = 0; i < 100; i++)
		sem_post(&sem);
	for (i = 0; i < 100; i++)
		MUST(!pthread_join(t[i], NULL));
}

static int detached_done;

static void *detached_thread(void *arg)
{
	__atomic_add_fetch(&detached_done, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/* A detached thread frees the stack that it runs on. */
static void detached(void)
{
	pthread_attr_t a;
	pthread_t t;
	int i;

	detached_done = 0;
	pthread_attr_init(&a);
	pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
	for (i = 0; i < 50; i++)
		MUST(!pthread_create(&t, &a, detached_thread, NULL));
	while (__atomic_load_n(&detached_done, __ATOMIC_SEQ_CST) < 50)
		guest_nap_ms(1);
}

static int use_stack(int depth)
{
	volatile char page[4096];

	memset((void *)page, depth, sizeof(page));
	return depth ? use_stack(depth - 1) + page[17] : page[0];
}

static void *deep(void *arg)
{
	return (void *)(long)use_stack((int)(long)arg);
}

static void stack_sizes(void)
{
	static const size_t sizes[] = { 65536, 1 << 20, 8 << 20, 64 << 20 };
	pthread_attr_t a;
	pthread_t t;
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		pthread_attr_init(&a);
		MUST(!pthread_attr_setstacksize(&a, sizes[i]));
		MUST(!pthread_create(&t, &a, deep, (void *)(sizes[i] / 4400 - 5)));
		MUST(!pthread_join(t, NULL));
		pthread_attr_destroy(&a);
	}
}

static void main_stack_deep(void)
{
	use_stack((7 << 20) / 4400);
}

static pthread_key_t key;
static int destroyed;

static void destroy(void *value)
{
	__atomic_add_fetch(&destroyed, (int)(long)value, __ATOMIC_SEQ_CST);
}

static void *set_key(void *arg)
{
	pthread_setspecific(key, arg);
	return pthread_getspecific(key);
}

static void keys(void)
{
	pthread_t t[4];
	void *r;
	long i;

	destroyed = 0;
	MUST(!pthread_key_create(&key, destroy));
	for (i = 0; i < 4; i++)
		MUST(!pthread_create(&t[i], NULL, set_key, (void *)(i + 1)));
	for (i = 0; i < 4; i++) {
		MUST(!pthread_join(t[i], &r));
		EQ((long)r, i + 1);
	}
	EQ(destroyed, 10);
	pthread_key_delete(key);
}

static int once_count;

static void once_only(void)
{
	once_count++;
}

static void *once_thread(void *arg)
{
	pthread_once(arg, once_only);
	return NULL;
}

static void once(void)
{
	static pthread_once_t control = PTHREAD_ONCE_INIT;
	pthread_t t[4];
	int i;

	for (i = 0; i < 4; i++)
		MUST(!pthread_create(&t[i], NULL, once_thread, &control));
	for (i = 0; i < 4; i++)
		MUST(!pthread_join(t[i], NULL));
	EQ(once_count, 1);
}

static int cleaned;

static void cleanup(void *arg)
{
	__atomic_store_n((int *)arg, 1, __ATOMIC_SEQ_CST);
}

static void *cancel_me(void *arg)
{
	char c;
	int *p = arg;

	pthread_cleanup_push(cleanup, &cleaned);
	if (read(p[0], &c, 1) == 1)
		CHECK(!"read returned");
	pthread_cleanup_pop(0);
	return NULL;
}

static void cancel_in_read(void)
{
	pthread_t t;
	int p[2];
	void *r;

	cleaned = 0;
	MUST(!pipe(p));
	MUST(!pthread_create(&t, NULL, cancel_me, p));
	guest_nap_ms(5);
	MUST(!pthread_cancel(t));
	MUST(!pthread_join(t, &r));
	CHECK(r == PTHREAD_CANCELED);
	EQ(cleaned, 1);
	close(p[0]);
	close(p[1]);
}

static void *spin_asynchronous(void *arg)
{
	volatile int *started = arg;
	int old;

	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
	*started = 1;
	while (*started)
		__asm__ volatile("pause");
	return NULL;
}

static void cancel_compute_loop(void)
{
	volatile int started = 0;
	pthread_t t;
	void *r;

	MUST(!pthread_create(&t, NULL, spin_asynchronous, (void *)&started));
	while (!started)
		sched_yield();
	MUST(!pthread_cancel(t));
	MUST(!pthread_join(t, &r));
	CHECK(r == PTHREAD_CANCELED);
}

static void *ids_thread(void *arg)
{
	pid_t *ids = arg;

	ids[0] = getpid();
	ids[1] = guest_gettid();
	return NULL;
}

static void ids(void)
{
	pid_t in[2];
	pthread_t t;

	EQ(getpid(), guest_gettid());
	MUST(!pthread_create(&t, NULL, ids_thread, in));
	MUST(!pthread_join(t, NULL));
	EQ(in[0], getpid());
	CHECK(in[1] != getpid());
}

static void set_name(void)
{
	char name[16] = "";

	MUST(!pthread_setname_np(pthread_self(), "fifteen-letters"));
	MUST(!pthread_getname_np(pthread_self(), name, sizeof(name)));
	CHECK(!strcmp(name, "fifteen-letters"));
	EQ(pthread_setname_np(pthread_self(), "sixteen--letters"), ERANGE);
}

GUEST_MAIN(T(tls), T(create_join_many), T(hundred_at_once), T(detached), T(stack_sizes),
	   T(main_stack_deep), T(keys), T(once), T(cancel_in_read), T(cancel_compute_loop), T(ids),
	   T(set_name))
