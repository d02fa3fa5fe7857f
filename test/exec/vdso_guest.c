// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Guest program: the vDSO's answers against the kernel's. Runs natively too.
 */
#include <elf.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int passed, failed;

static void result(const char *name, bool ok, const char *why)
{
	printf(ok ? "ok %s\n" : "not ok %s: %s\n", name, why);
	ok ? passed++ : failed++;
}

static int64_t ns(const struct timespec *t)
{
	return t->tv_sec * 1000000000ll + t->tv_nsec;
}

static int64_t fast(clockid_t clock)
{
	struct timespec t = { -1, -1 };

	clock_gettime(clock, &t);
	return ns(&t);
}

static int64_t slow(clockid_t clock)
{
	struct timespec t = { -1, -1 };

	syscall(SYS_clock_gettime, clock, &t);
	return ns(&t);
}

/* Alternating, neither may run behind the other. */
static void agree(const char *name, clockid_t clock)
{
	int64_t last = slow(clock), now;
	char why[96];

	for (int n = 0; n < 20000; n++) {
		now = n & 1 ? slow(clock) : fast(clock);
		if (now < last) {
			snprintf(why, sizeof(why), "%s went back by %lld ns",
				 n & 1 ? "kernel" : "vDSO", (long long)(last - now));
			result(name, false, why);
			return;
		}
		last = now;
	}
	result(name, true, "");
}

static int64_t latest;
static volatile int backwards;

static void *watch(void *arg)
{
	for (int n = 0; n < 200000; n++) {
		int64_t before = __atomic_load_n(&latest, __ATOMIC_SEQ_CST),
			now = fast(CLOCK_MONOTONIC);

		if (now < before)
			backwards++;
		while (now > before &&
		       !__atomic_compare_exchange_n(&latest, &before, now, false, __ATOMIC_SEQ_CST,
						    __ATOMIC_SEQ_CST))
			;
	}
	return NULL;
}

/* What one thread saw, no other sees later as the future. */
static void monotonic_across_threads(void)
{
	pthread_t t[4];
	char why[64];

	for (int n = 0; n < 4; n++)
		pthread_create(&t[n], NULL, watch, NULL);
	for (int n = 0; n < 4; n++)
		pthread_join(t[n], NULL);
	snprintf(why, sizeof(why), "%d times backwards", backwards);
	result("monotonic across threads", !backwards, why);
}

static void odd_ones(void)
{
	struct timespec a, b;
	struct timeval tv;
	unsigned int cpu = ~0u, node = ~0u;
	int64_t t;

	result("invalid clock", clock_gettime(12345, &a) == -1 && errno == EINVAL, "");
	result("processor time",
	       fast(CLOCK_PROCESS_CPUTIME_ID) > 0 &&
		       fast(CLOCK_PROCESS_CPUTIME_ID) <= slow(CLOCK_PROCESS_CPUTIME_ID),
	       "");
	result("resolution",
	       !clock_getres(CLOCK_MONOTONIC, &a) &&
		       !syscall(SYS_clock_getres, CLOCK_MONOTONIC, &b) && ns(&a) == ns(&b),
	       "");
	t = slow(CLOCK_REALTIME);
	gettimeofday(&tv, NULL);
	result("gettimeofday",
	       tv.tv_sec * 1000000ll + tv.tv_usec >= t / 1000 &&
		       tv.tv_sec * 1000000ll + tv.tv_usec <= slow(CLOCK_REALTIME) / 1000,
	       "");
	t = slow(CLOCK_REALTIME_COARSE) / 1000000000;
	result("time", time(NULL) >= t && time(NULL) <= slow(CLOCK_REALTIME) / 1000000000, "");
	result("getcpu",
	       !getcpu(&cpu, &node) && cpu < (unsigned int)sysconf(_SC_NPROCESSORS_CONF) && !node,
	       "");
}

static bool executed(long *count)
{
	FILE *f = fopen("/proc/rktio_rewrite", "r");
	bool ok = f && fscanf(f, "executed %ld", count) == 1;

	if (f)
		fclose(f);
	return ok;
}

/* Inside: the clock must not be read by system calls. */
static void without_calls(void)
{
	long before, after;
	char why[64];

	if (!executed(&before))
		return;
	for (int n = 0; n < 50000; n++)
		fast(CLOCK_MONOTONIC);
	executed(&after);
	snprintf(why, sizeof(why), "%ld system calls", after - before);
	result("without system calls", after - before < 5000, why);
}

int main(void)
{
	const char *vdso = (const char *)getauxval(AT_SYSINFO_EHDR);

	result("present", vdso && !memcmp(vdso, ELFMAG, SELFMAG), "no AT_SYSINFO_EHDR");
	agree("realtime", CLOCK_REALTIME);
	agree("monotonic", CLOCK_MONOTONIC);
	agree("monotonic raw", CLOCK_MONOTONIC_RAW);
	agree("boottime", CLOCK_BOOTTIME);
	agree("tai", CLOCK_TAI);
	agree("monotonic coarse", CLOCK_MONOTONIC_COARSE);
	monotonic_across_threads();
	odd_ones();
	without_calls();
	printf("%d passed, %d failed, 0 skipped\n", passed, failed);
	return !!failed;
}
