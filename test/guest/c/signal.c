// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Signals: handlers, masks, queues, siginfo, alternate stacks, nesting. */
#include "test/guest/lib/guest.h"
#include <setjmp.h>
#include <spawn.h>

static volatile sig_atomic_t count, order[64];
static siginfo_t info;

static void record(int sig)
{
	order[count++ % 64] = sig;
}

static void record_info(int sig, siginfo_t *si, void *uc)
{
	info = *si;
	order[count++ % 64] = sig;
}

static void on(int sig, void (*fn)(int), int flags)
{
	struct sigaction sa = { .sa_handler = fn, .sa_flags = flags };

	MUST(!sigaction(sig, &sa, NULL));
	count = 0;
}

static void on_info(int sig, int flags)
{
	struct sigaction sa = { .sa_sigaction = record_info, .sa_flags = flags | SA_SIGINFO };

	MUST(!sigaction(sig, &sa, NULL));
	memset(&info, 0, sizeof(info));
	count = 0;
}

static void block(int how, int sig)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, sig);
	MUST(!pthread_sigmask(how, &s, NULL));
}

static void handler(void)
{
	on(SIGUSR1, record, 0);
	raise(SIGUSR1);
	raise(SIGUSR1);
	EQ(count, 2);
	on(SIGUSR1, SIG_IGN, 0);
	raise(SIGUSR1);
	EQ(count, 0);
	on(SIGUSR1, record, SA_RESETHAND);
	raise(SIGUSR1);
	struct sigaction sa;

	sigaction(SIGUSR1, NULL, &sa);
	CHECK(sa.sa_handler == SIG_DFL);
	EQ(count, 1);
}

static void bad_arguments(void)
{
	struct sigaction sa = { .sa_handler = record };

	FAILS(sigaction(SIGKILL, &sa, NULL), EINVAL);
	FAILS(sigaction(SIGSTOP, &sa, NULL), EINVAL);
	FAILS(sigaction(65, &sa, NULL), EINVAL);
	FAILS(kill(getpid(), 65), EINVAL);
	FAILS(kill(0x3ffffff, 0), ESRCH);
	EQ(kill(getpid(), 0), 0);
}

static void masks(void)
{
	sigset_t pend;

	on(SIGUSR1, record, 0);
	block(SIG_BLOCK, SIGUSR1);
	raise(SIGUSR1);
	raise(SIGUSR1);
	EQ(count, 0);
	sigpending(&pend);
	EQ(sigismember(&pend, SIGUSR1), 1);
	block(SIG_UNBLOCK, SIGUSR1);
	EQ(count, 1);
	sigpending(&pend);
	EQ(sigismember(&pend, SIGUSR1), 0);
}

static void queued_in_order(void)
{
	union sigval v;
	int i;

	on_info(SIGRTMIN + 2, 0);
	on_info(SIGRTMIN + 1, 0);
	block(SIG_BLOCK, SIGRTMIN + 1);
	block(SIG_BLOCK, SIGRTMIN + 2);
	for (i = 0; i < 5; i++) {
		v.sival_int = i;
		MUST(!sigqueue(getpid(), SIGRTMIN + 2, v));
		MUST(!sigqueue(getpid(), SIGRTMIN + 1, v));
	}
	block(SIG_UNBLOCK, SIGRTMIN + 1);
	EQ(count, 5);
	EQ(info.si_value.sival_int, 4);
	block(SIG_UNBLOCK, SIGRTMIN + 2);
	EQ(count, 10);
	for (i = 0; i < 10; i++)
		EQ(order[i], SIGRTMIN + (i < 5 ? 1 : 2));
}

static void info_of_kill(void)
{
	union sigval v = { .sival_ptr = (void *)0x123456789abcdef0 };

	on_info(SIGUSR1, 0);
	kill(getpid(), SIGUSR1);
	EQ(info.si_code, SI_USER);
	EQ(info.si_pid, getpid());
	EQ(info.si_uid, getuid());
	EQ(info.si_signo, SIGUSR1);
	sigqueue(getpid(), SIGUSR1, v);
	EQ(info.si_code, SI_QUEUE);
	CHECK(info.si_value.sival_ptr == v.sival_ptr);
	pthread_kill(pthread_self(), SIGUSR1);
	EQ(info.si_code, SI_TKILL);
	EQ(info.si_pid, getpid());
}

static void info_of_child(void)
{
	char *argv[] = { (char *)guest_self(), "leave", NULL };
	int status;
	pid_t pid;

	on_info(SIGCHLD, SA_RESTART);
	MUST(!posix_spawn(&pid, guest_self(), NULL, NULL, argv, NULL));
	EQ(waitpid(pid, &status, 0), pid);
	EQ(count, 1);
	EQ(info.si_code, CLD_EXITED);
	EQ(info.si_status, 42);
	EQ(info.si_pid, pid);
	on(SIGCHLD, SIG_DFL, 0);
}

static void ignored_child_is_reaped(void)
{
	char *argv[] = { (char *)guest_self(), "leave", NULL };
	int status;
	pid_t pid;

	on(SIGCHLD, SIG_IGN, 0);
	MUST(!posix_spawn(&pid, guest_self(), NULL, NULL, argv, NULL));
	FAILS(waitpid(pid, &status, 0), ECHILD);
	on(SIGCHLD, SIG_DFL, 0);
}

static void nested_inner(int sig)
{
	order[count++] = sig;
}

static void nested_outer(int sig)
{
	order[count++] = sig;
	if (count > 1)
		return;
	raise(SIGUSR2);
	raise(SIGUSR1);
	order[count++] = -sig;
}

static void nesting(void)
{
	on(SIGUSR2, nested_inner, 0);
	on(SIGUSR1, nested_outer, 0);
	raise(SIGUSR1);
	/* USR2 interrupts; the second USR1 waits until the first handler is done. */
	EQ(order[0], SIGUSR1);
	EQ(order[1], SIGUSR2);
	EQ(order[2], -SIGUSR1);
	EQ(order[3], SIGUSR1);
}

static void deep_handler(int sig)
{
	if (++count < 200)
		raise(sig);
}

static void nodefer_depth(void)
{
	on(SIGUSR1, deep_handler, SA_NODEFER);
	raise(SIGUSR1);
	EQ(count, 200);
}

static char *alt;
static volatile int on_alt;

static void which_stack(int sig)
{
	char here;
	stack_t now;

	on_alt = &here >= alt && &here < alt + 65536;
	sigaltstack(NULL, &now);
	EQ(now.ss_flags & SS_ONSTACK, SS_ONSTACK);
	FAILS(syscall(SYS_sigaltstack, &now, NULL), EPERM);
}

static void alternate_stack(void)
{
	stack_t s = { .ss_size = 65536 }, old;

	alt = malloc(65536);
	s.ss_sp = alt;
	MUST(!sigaltstack(&s, NULL));
	on(SIGUSR1, which_stack, SA_ONSTACK);
	raise(SIGUSR1);
	EQ(on_alt, 1);
	sigaltstack(NULL, &old);
	CHECK(old.ss_sp == alt && old.ss_size == 65536 && old.ss_flags == 0);
	s.ss_size = 100;
	FAILS(sigaltstack(&s, NULL), ENOMEM);
	s.ss_flags = SS_DISABLE;
	EQ(sigaltstack(&s, NULL), 0);
	free(alt);
}

static sigjmp_buf jump;

static void jump_out(int sig)
{
	siglongjmp(jump, 1);
}

static void longjmp_out(void)
{
	volatile int i;
	sigset_t now;

	for (i = 0; i < 1000; i++) {
		if (sigsetjmp(jump, 1))
			continue;
		on(SIGUSR1, jump_out, 0);
		raise(SIGUSR1);
		CHECK(!"raise returned");
	}
	sigprocmask(SIG_BLOCK, NULL, &now);
	EQ(sigismember(&now, SIGUSR1), 0);
}

static void suspend(void)
{
	sigset_t none;

	on(SIGUSR1, record, 0);
	block(SIG_BLOCK, SIGUSR1);
	raise(SIGUSR1);
	sigemptyset(&none);
	FAILS(sigsuspend(&none), EINTR);
	EQ(count, 1);
	raise(SIGUSR1);
	EQ(count, 1);
	block(SIG_UNBLOCK, SIGUSR1);
}

static void sigwait_kinds(void)
{
	struct timespec none = { 0, 0 };
	union sigval v = { .sival_int = 77 };
	siginfo_t si;
	sigset_t s;
	int sig;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	sigaddset(&s, SIGRTMIN);
	block(SIG_BLOCK, SIGUSR1);
	block(SIG_BLOCK, SIGRTMIN);
	FAILS(sigtimedwait(&s, &si, &none), EAGAIN);
	sigqueue(getpid(), SIGRTMIN, v);
	raise(SIGUSR1);
	EQ(sigwait(&s, &sig), 0);
	EQ(sig, SIGUSR1);
	EQ(sigwaitinfo(&s, &si), SIGRTMIN);
	EQ(si.si_value.sival_int, 77);
	block(SIG_UNBLOCK, SIGUSR1);
	block(SIG_UNBLOCK, SIGRTMIN);
}

static void *take_signal(void *arg)
{
	sigset_t none;

	sigfillset(&none);
	sigdelset(&none, SIGUSR1);
	__atomic_store_n((int *)arg, 1, __ATOMIC_SEQ_CST);
	sigsuspend(&none);
	return NULL;
}

/* A process-directed signal goes to a thread that does not block it. */
static void to_the_open_thread(void)
{
	int ready = 0;
	pthread_t t;

	on_info(SIGUSR1, 0);
	block(SIG_BLOCK, SIGUSR1);
	MUST(!pthread_create(&t, NULL, take_signal, &ready));
	while (!__atomic_load_n(&ready, __ATOMIC_SEQ_CST))
		sched_yield();
	kill(getpid(), SIGUSR1);
	MUST(!pthread_join(t, NULL));
	EQ(count, 1);
	block(SIG_UNBLOCK, SIGUSR1);
}

static void broken_pipe(void)
{
	int p[2];

	MUST(!pipe(p));
	close(p[0]);
	on_info(SIGPIPE, 0);
	FAILS(write(p[1], "x", 1), EPIPE);
	EQ(count, 1);
	EQ(info.si_code, SI_USER);
	on(SIGPIPE, SIG_DFL, 0);
	close(p[1]);
}

static const struct guest_case cases[] = {
	T(handler),
	T(bad_arguments),
	T(masks),
	T(queued_in_order),
	T(info_of_kill),
	T(info_of_child),
	T(ignored_child_is_reaped),
	T(nesting),
	T(nodefer_depth),
	T(alternate_stack),
	T(longjmp_out),
	T(suspend),
	T(sigwait_kinds),
	T(to_the_open_thread),
	T(broken_pipe),
};

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "leave"))
		return 42;
	return guest_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
