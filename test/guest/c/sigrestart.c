// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a signal does to a sleeping syscall: SA_RESTART restarts some, others
 * always give EINTR, sleeps tell the rest. A helper thread waits until the
 * main thread sleeps, signals it, and (where the call is to be restarted)
 * makes it finish.
 */
#include "test/guest/lib/guest.h"
#include <limits.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/socket.h>

enum { SIGNALS = 3 };

static struct {
	pthread_t main;
	pid_t main_tid;
	int handled;
	int feed[2]; /* a pipe or socket pair: what the main thread sleeps on, what wakes it */
	int restarts;
	int word;
} r;

static void handled(int sig)
{
	__atomic_add_fetch(&r.handled, 1, __ATOMIC_SEQ_CST);
}

static void *disturb(void *arg)
{
	int i, seen;

	for (i = 0; i < (r.restarts ? SIGNALS : 1); i++) {
		guest_wait_asleep(r.main_tid);
		seen = __atomic_load_n(&r.handled, __ATOMIC_SEQ_CST);
		pthread_kill(r.main, SIGUSR1);
		while (__atomic_load_n(&r.handled, __ATOMIC_SEQ_CST) == seen)
			guest_nap_ms(1);
	}
	if (r.restarts) {
		guest_wait_asleep(r.main_tid);
		r.word = 1;
		if (arg)
			((void (*)(void))arg)();
	}
	return NULL;
}

static pthread_t helper;

/* finish() lets the restarted call end. */
static void begin(int restart, void (*finish)(void))
{
	struct sigaction sa = { .sa_handler = handled, .sa_flags = restart ? SA_RESTART : 0 };

	MUST(!sigaction(SIGUSR1, &sa, NULL));
	r.main = pthread_self();
	r.main_tid = guest_gettid();
	r.handled = 0;
	r.word = 0;
	r.restarts = restart;
	MUST(!pthread_create(&helper, NULL, disturb, (void *)finish));
}

static void end(void)
{
	MUST(!pthread_join(helper, NULL));
	EQ(r.handled, r.restarts ? SIGNALS : 1);
}

static void write_feed(void)
{
	MUST(write(r.feed[1], "w", 1) == 1);
}

static void feed_pair(int sockets)
{
	if (sockets)
		MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, r.feed));
	else
		MUST(!pipe(r.feed));
}

static void feed_close(void)
{
	close(r.feed[0]);
	close(r.feed[1]);
}

static void read_pipe(void)
{
	char c;

	feed_pair(0);
	begin(0, NULL);
	FAILS(read(r.feed[0], &c, 1), EINTR);
	end();
	begin(1, write_feed);
	EQ(read(r.feed[0], &c, 1), 1);
	EQ(c, 'w');
	end();
	feed_close();
}

static void recv_socket(void)
{
	char c;

	feed_pair(1);
	begin(0, NULL);
	FAILS(recv(r.feed[0], &c, 1, 0), EINTR);
	end();
	begin(1, write_feed);
	EQ(recv(r.feed[0], &c, 1, 0), 1);
	end();
	feed_close();
}

static void drain(void)
{
	char buf[65536];

	while (recv(r.feed[1], buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
}

static void write_full_socket(void)
{
	char buf[4096] = "";

	feed_pair(1);
	while (send(r.feed[0], buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	begin(0, NULL);
	FAILS(write(r.feed[0], buf, 1), EINTR);
	end();
	begin(1, drain);
	EQ(write(r.feed[0], buf, 1), 1);
	end();
	feed_close();
}

/* A timeout on the socket makes even SA_RESTART calls give EINTR. */
static void recv_with_timeout(void)
{
	struct timeval t = { 3600, 0 };
	struct sigaction sa = { .sa_handler = handled, .sa_flags = SA_RESTART };
	char c;

	feed_pair(1);
	setsockopt(r.feed[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	begin(0, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	FAILS(recv(r.feed[0], &c, 1, 0), EINTR);
	end();
	feed_close();
}

static struct sockaddr_in listening;

static void connect_to(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	MUST(!connect(fd, (struct sockaddr *)&listening, sizeof(listening)));
	close(fd);
}

static void accept_tcp(void)
{
	socklen_t len = sizeof(listening);
	int fd = socket(AF_INET, SOCK_STREAM, 0), c;

	listening = (struct sockaddr_in){ .sin_family = AF_INET,
					  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	MUST(!bind(fd, (struct sockaddr *)&listening, sizeof(listening)));
	MUST(!listen(fd, 4));
	MUST(!getsockname(fd, (struct sockaddr *)&listening, &len));
	begin(0, NULL);
	FAILS(accept(fd, NULL, NULL), EINTR);
	end();
	begin(1, connect_to);
	c = accept(fd, NULL, NULL);
	CHECK(c >= 0);
	end();
	close(c);
	close(fd);
}

/* These never restart, SA_RESTART or not. */
static void never_restarted(void)
{
	struct sigaction sa = { .sa_handler = handled, .sa_flags = SA_RESTART };
	struct pollfd p = { .events = POLLIN };
	struct epoll_event ev;
	int ep = epoll_create1(0);
	fd_set set;

	feed_pair(0);
	p.fd = r.feed[0];
	begin(0, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	FAILS(poll(&p, 1, -1), EINTR);
	end();
	begin(0, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	FAILS(epoll_wait(ep, &ev, 1, -1), EINTR);
	end();
	FD_ZERO(&set);
	FD_SET(r.feed[0], &set);
	begin(0, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	FAILS(select(r.feed[0] + 1, &set, NULL, NULL, NULL), EINTR);
	end();
	begin(0, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	FAILS(pause(), EINTR);
	end();
	close(ep);
	feed_close();
}

static void nanosleep_tells_the_rest(void)
{
	struct timespec t = { 3600, 0 }, rem = { 0, 0 };

	begin(0, NULL);
	FAILS(nanosleep(&t, &rem), EINTR);
	end();
	CHECK(rem.tv_sec >= 3000 && rem.tv_sec < 3600);
	begin(0, NULL);
	EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &rem), EINTR);
	end();
	CHECK(rem.tv_sec >= 3000 && rem.tv_sec < 3600);
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += 3600;
	begin(0, NULL);
	EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL), EINTR);
	end();
}

static void *stop_and_go(void *arg)
{
	char *argv[] = { (char *)guest_self(), "stopper", arg, NULL };
	int status;
	pid_t pid;

	guest_wait_asleep(r.main_tid);
	if (posix_spawn(&pid, guest_self(), NULL, NULL, argv, NULL))
		return NULL;
	waitpid(pid, &status, 0);
	return NULL;
}

/* Stop and continue without a handler: the sleep goes on (restart block) and ends in time. */
static void sleep_across_stop(void)
{
	struct timespec t = { 0, 300000000 }, rem;
	char me[16];
	pthread_t h;

	snprintf(me, sizeof(me), "%d", getpid());
	r.main_tid = guest_gettid();
	MUST(!pthread_create(&h, NULL, stop_and_go, me));
	EQ(nanosleep(&t, &rem), 0);
	MUST(!pthread_join(h, NULL));
}

static void wake_word(void)
{
	syscall(SYS_futex, &r.word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void futex_wait(void)
{
	struct timespec t = { 3600, 0 };

	begin(0, NULL);
	FAILS(syscall(SYS_futex, &r.word, FUTEX_WAIT, 0, NULL, NULL, 0), EINTR);
	end();
	begin(0, NULL);
	FAILS(syscall(SYS_futex, &r.word, FUTEX_WAIT, 0, &t, NULL, 0), EINTR);
	end();
	/* Restarted after each signal, until the word changes. */
	begin(1, wake_word);
	CHECK(!syscall(SYS_futex, &r.word, FUTEX_WAIT, 0, NULL, NULL, 0) || errno == EAGAIN);
	end();
}

static void wait_child(void)
{
	char *argv[] = { (char *)guest_self(), "sleeper", NULL };
	posix_spawn_file_actions_t fa;
	int status;
	pid_t pid;

	feed_pair(1);
	fcntl(r.feed[1], F_SETFD, FD_CLOEXEC);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, r.feed[0], 0);
	MUST(!posix_spawn(&pid, guest_self(), &fa, NULL, argv, NULL));
	begin(0, NULL);
	FAILS(waitpid(pid, &status, 0), EINTR);
	end();
	begin(1, write_feed);
	EQ(waitpid(pid, &status, 0), pid);
	end();
	feed_close();
}

static int locked;

static void unlock(void)
{
	flock(locked, LOCK_UN);
}

static void file_lock(void)
{
	int fd;

	locked = open("/tmp/guest-flock", O_CREAT | O_RDWR, 0600);
	fd = open("/tmp/guest-flock", O_RDWR);
	MUST(!flock(locked, LOCK_EX));
	begin(0, NULL);
	FAILS(flock(fd, LOCK_EX), EINTR);
	end();
	begin(1, unlock);
	EQ(flock(fd, LOCK_EX), 0);
	end();
	close(fd);
	close(locked);
	unlink("/tmp/guest-flock");
}

static int stopper(pid_t pid)
{
	kill(pid, SIGSTOP);
	guest_nap_ms(20);
	kill(pid, SIGCONT);
	return 0;
}

static const struct guest_case cases[] = {
	T(read_pipe),
	T(recv_socket),
	T(write_full_socket),
	T(recv_with_timeout),
	T(accept_tcp),
	T(never_restarted),
	T(nanosleep_tells_the_rest),
	T(sleep_across_stop),
	T(futex_wait),
	T(wait_child),
	T(file_lock),
};

int main(int argc, char **argv)
{
	char c;

	if (argc > 2 && !strcmp(argv[1], "stopper"))
		return stopper(atoi(argv[2]));
	if (argc > 1 && !strcmp(argv[1], "sleeper"))
		return read(0, &c, 1) != 1;
	return guest_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
