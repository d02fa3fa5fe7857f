// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Timers and clocks: itimers, POSIX timers, alarm, monotonicity, resolutions, job control. */
#include "test/guest/lib/guest.h"
#include <spawn.h>
#include <sys/time.h>

#ifdef __GLIBC__
#define sigev_notify_thread_id _sigev_un._tid
#endif

static volatile sig_atomic_t count;
static volatile int code, value, overruns;

static void record(int sig, siginfo_t *si, void *uc)
{
	count++;
	code = si->si_code;
	value = si->si_value.sival_int;
	overruns = si->si_overrun;
}

static void on(int sig)
{
	struct sigaction sa = { .sa_sigaction = record, .sa_flags = SA_SIGINFO | SA_RESTART };

	MUST(!sigaction(sig, &sa, NULL));
	count = 0;
}

static void burn_until(int n)
{
	while (count < n)
		__asm__ volatile("pause");
}

static void interval(int which, int sig)
{
	struct itimerval it = { { 0, 5000 }, { 0, 5000 } }, off = { { 0, 0 }, { 0, 0 } }, now;

	on(sig);
	MUST(!setitimer(which, &it, NULL));
	burn_until(5);
	MUST(!setitimer(which, &off, &now));
	EQ(now.it_interval.tv_usec, 5000);
	EQ(code, SI_KERNEL);
	MUST(!getitimer(which, &now));
	EQ(now.it_value.tv_usec, 0);
}

static void itimer_real(void)
{
	interval(ITIMER_REAL, SIGALRM);
}

/* Count CPU time: they need the accounting of a loop that makes no syscalls. */
static void itimer_virtual(void)
{
	interval(ITIMER_VIRTUAL, SIGVTALRM);
}

static void itimer_prof(void)
{
	interval(ITIMER_PROF, SIGPROF);
}

static void alarm_call(void)
{
	on(SIGALRM);
	EQ(alarm(100), 0);
	CHECK(alarm(1) >= 99);
	while (!count)
		pause();
	EQ(count, 1);
	EQ(alarm(0), 0);
}

static timer_t make(clockid_t clock, int notify, int sig, int v)
{
	struct sigevent ev = { .sigev_notify = notify, .sigev_signo = sig };
	timer_t t;

	ev.sigev_value.sival_int = v;
	MUST(!timer_create(clock, &ev, &t));
	return t;
}

static void posix_signal(void)
{
	struct itimerspec it = { { 0, 3000000 }, { 0, 3000000 } }, off = { { 0, 0 }, { 0, 0 } };
	timer_t t = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN + 3, 4711);

	on(SIGRTMIN + 3);
	MUST(!timer_settime(t, 0, &it, NULL));
	while (count < 3)
		pause();
	EQ(code, SI_TIMER);
	EQ(value, 4711);
	MUST(!timer_settime(t, 0, &off, &it));
	EQ(it.it_interval.tv_nsec, 3000000);
	EQ(timer_delete(t), 0);
	FAILS(syscall(SYS_timer_delete, 12345), EINVAL);
}

static void posix_overrun(void)
{
	struct itimerspec it = { { 0, 1000000 }, { 0, 1000000 } };
	timer_t t = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN + 4, 1);
	sigset_t s;

	on(SIGRTMIN + 4);
	sigemptyset(&s);
	sigaddset(&s, SIGRTMIN + 4);
	sigprocmask(SIG_BLOCK, &s, NULL);
	MUST(!timer_settime(t, 0, &it, NULL));
	guest_nap_ms(30);
	sigprocmask(SIG_UNBLOCK, &s, NULL);
	CHECK(count >= 1);
	CHECK(overruns >= 5 || count > 1);
	timer_delete(t);
}

static void posix_cpu_clock(void)
{
	struct itimerspec it = { { 0, 0 }, { 0, 10000000 } };
	timer_t t = make(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, SIGRTMIN + 5, 2);

	on(SIGRTMIN + 5);
	MUST(!timer_settime(t, 0, &it, NULL));
	burn_until(1);
	EQ(value, 2);
	timer_delete(t);
}

static int notified;

static void notify(union sigval v)
{
	__atomic_add_fetch(&notified, v.sival_int, __ATOMIC_SEQ_CST);
}

static void posix_thread(void)
{
	struct itimerspec it = { { 0, 0 }, { 0, 1000000 } };
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD, .sigev_notify_function = notify };
	timer_t t;

	ev.sigev_value.sival_int = 5;
	MUST(!timer_create(CLOCK_MONOTONIC, &ev, &t));
	MUST(!timer_settime(t, 0, &it, NULL));
	while (!__atomic_load_n(&notified, __ATOMIC_SEQ_CST))
		guest_nap_ms(1);
	EQ(notified, 5);
	timer_delete(t);
}

static void posix_thread_id(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR2 };
	struct itimerspec it = { { 0, 0 }, { 0, 1000000 } };
	timer_t t;

	ev.sigev_notify_thread_id = guest_gettid();
	on(SIGUSR2);
	MUST(!timer_create(CLOCK_MONOTONIC, &ev, &t));
	MUST(!timer_settime(t, 0, &it, NULL));
	burn_until(1);
	timer_delete(t);
}

static const clockid_t clocks[] = {
	CLOCK_REALTIME,		CLOCK_MONOTONIC,       CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW,
	CLOCK_MONOTONIC_COARSE, CLOCK_REALTIME_COARSE, CLOCK_TAI
};

static int64_t now_ns(clockid_t c)
{
	struct timespec t;

	MUST(!clock_gettime(c, &t));
	CHECK(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void never_backwards(void)
{
	int64_t a, b;
	size_t c;
	int i;

	for (c = 0; c < sizeof(clocks) / sizeof(clocks[0]); c++)
		for (a = now_ns(clocks[c]), i = 0; i < 20000; i++, a = b) {
			b = now_ns(clocks[c]);
			if (b < a)
				CHECK(!"clock went back");
		}
}

static int64_t latest;

/* The largest value that anyone has seen is never above what is read afterwards. */
static void *watch_clock(void *arg)
{
	int64_t seen, mine;
	int i;

	for (i = 0; i < 50000; i++) {
		seen = __atomic_load_n(&latest, __ATOMIC_SEQ_CST);
		mine = now_ns(CLOCK_MONOTONIC);
		if (mine < seen)
			CHECK(!"another thread saw a later time");
		while (mine > seen &&
		       !__atomic_compare_exchange_n(&latest, &seen, mine, false, __ATOMIC_SEQ_CST,
						    __ATOMIC_SEQ_CST))
			;
		if (i % 5000 == 0)
			guest_nap_ms(1);
	}
	return NULL;
}

static void never_backwards_across_threads(void)
{
	pthread_t t[4];
	int i;

	for (i = 0; i < 4; i++)
		MUST(!pthread_create(&t[i], NULL, watch_clock, NULL));
	for (i = 0; i < 4; i++)
		MUST(!pthread_join(t[i], NULL));
}

/* vDSO and syscall read the same clock; time(), gettimeofday() agree. */
static void clocks_agree(void)
{
	struct timespec t;
	struct timeval tv;
	int64_t a, b;

	a = now_ns(CLOCK_MONOTONIC);
	MUST(!syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t));
	b = now_ns(CLOCK_MONOTONIC);
	CHECK(a <= t.tv_sec * 1000000000LL + t.tv_nsec);
	CHECK(b >= t.tv_sec * 1000000000LL + t.tv_nsec);
	a = now_ns(CLOCK_REALTIME);
	gettimeofday(&tv, NULL);
	CHECK(llabs(a / 1000 - (tv.tv_sec * 1000000LL + tv.tv_usec)) < 10000000);
	CHECK(llabs(time(NULL) - tv.tv_sec) <= 10);
	CHECK(tv.tv_sec > 1700000000);
	EQ(clock_getres(CLOCK_MONOTONIC, &t), 0);
	EQ(t.tv_nsec, 1);
	FAILS(clock_gettime(99, &t), EINVAL);
}

static void sleep_is_not_short(void)
{
	static const int ms[] = { 0, 1, 5, 50 };
	int64_t a;
	size_t i;

	for (i = 0; i < sizeof(ms) / sizeof(ms[0]); i++) {
		a = now_ns(CLOCK_MONOTONIC);
		guest_nap_ms(ms[i]);
		CHECK(now_ns(CLOCK_MONOTONIC) - a >= ms[i] * 1000000LL);
	}
}

static void stop_and_continue(void)
{
	char *argv[] = { (char *)guest_self(), "sleep", NULL };
	siginfo_t si;
	int status;
	pid_t pid;

	MUST(!posix_spawn(&pid, guest_self(), NULL, NULL, argv, NULL));
	kill(pid, SIGSTOP);
	EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	kill(pid, SIGTERM);
	EQ(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGCONT);
	EQ(waitid(P_PID, pid, &si, WCONTINUED | WEXITED | WNOWAIT), 0);
	EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	MUST(!posix_spawn(&pid, guest_self(), NULL, NULL, argv, NULL));
	kill(pid, SIGSTOP);
	EQ(waitid(P_PID, pid, &si, WSTOPPED), 0);
	EQ(si.si_code, CLD_STOPPED);
	kill(pid, SIGCONT);
	EQ(waitid(P_PID, pid, &si, WCONTINUED), 0);
	EQ(si.si_code, CLD_CONTINUED);
	kill(pid, SIGKILL);
	EQ(waitpid(pid, &status, 0), pid);
}

static const struct guest_case cases[] = {
	T(itimer_real),
	T(itimer_virtual),
	T(itimer_prof),
	T(alarm_call),
	T(posix_signal),
	T(posix_overrun),
	T(posix_cpu_clock),
	T(posix_thread),
	T(posix_thread_id),
	T(never_backwards),
	T(never_backwards_across_threads),
	T(clocks_agree),
	T(sleep_is_not_short),
	T(stop_and_continue),
};

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "sleep"))
		for (;;)
			pause();
	return guest_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
