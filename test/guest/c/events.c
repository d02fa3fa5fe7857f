// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* epoll, poll, select, eventfd, timerfd, signalfd, inotify, pidfd. */
#include "test/guest/lib/guest.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

static int ep;

static void add(int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	MUST(!epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
}

static int ready(struct epoll_event *e)
{
	return epoll_wait(ep, e, 8, 0);
}

static void level_triggered(void)
{
	struct epoll_event e[8];
	int p[2];
	char c;

	ep = epoll_create1(EPOLL_CLOEXEC);
	MUST(!pipe(p));
	add(p[0], EPOLLIN);
	EQ(ready(e), 0);
	write(p[1], "ab", 2);
	EQ(ready(e), 1);
	EQ(ready(e), 1);
	EQ(e[0].data.fd, p[0]);
	read(p[0], &c, 1);
	EQ(ready(e), 1);
	read(p[0], &c, 1);
	EQ(ready(e), 0);
	close(p[1]);
	EQ(ready(e), 1);
	EQ(e[0].events, EPOLLHUP);
	close(p[0]);
	EQ(ready(e), 0);
	close(ep);
}

static void edge_triggered(void)
{
	struct epoll_event e[8];
	int s[2];

	ep = epoll_create1(0);
	MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	add(s[0], EPOLLIN | EPOLLET | EPOLLRDHUP);
	write(s[1], "a", 1);
	EQ(ready(e), 1);
	EQ(ready(e), 0);
	write(s[1], "b", 1);
	EQ(ready(e), 1);
	EQ(ready(e), 0);
	shutdown(s[1], SHUT_WR);
	EQ(ready(e), 1);
	CHECK(e[0].events & EPOLLRDHUP);
	close(s[0]);
	close(s[1]);
	close(ep);
}

static void oneshot_and_errors(void)
{
	struct epoll_event e[8] = { { .events = EPOLLIN } };
	int p[2], f = guest_tmpfile(1);

	ep = epoll_create1(0);
	MUST(!pipe(p));
	add(p[0], EPOLLIN | EPOLLONESHOT);
	write(p[1], "a", 1);
	EQ(ready(e), 1);
	EQ(ready(e), 0);
	e[0].events = EPOLLIN | EPOLLONESHOT;
	EQ(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], e), 0);
	EQ(ready(e), 1);
	FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], e), EEXIST);
	FAILS(epoll_ctl(ep, EPOLL_CTL_MOD, p[1], e), ENOENT);
	FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, f, e), EPERM);
	FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, ep, e), EINVAL);
	EQ(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL), 0);
	EQ(ready(e), 0);
	close(p[0]);
	close(p[1]);
	close(f);
	close(ep);
}

static void nested(void)
{
	struct epoll_event e[8];
	int inner = epoll_create1(0), outer = epoll_create1(0), p[2];

	MUST(!pipe(p));
	ep = inner;
	add(p[0], EPOLLIN);
	ep = outer;
	add(inner, EPOLLIN);
	EQ(ready(e), 0);
	write(p[1], "a", 1);
	EQ(ready(e), 1);
	EQ(e[0].data.fd, inner);
	close(p[0]);
	close(p[1]);
	close(inner);
	close(outer);
}

static void *waiter(void *arg)
{
	struct epoll_event e;

	if (epoll_wait(*(int *)arg, &e, 1, -1) == 1)
		eventfd_write(e.data.fd, 1);
	return NULL;
}

/* EPOLLEXCLUSIVE or not: everybody gets away in the end. */
static void threads_wait(void)
{
	pthread_t t[4];
	int fd = eventfd(0, EFD_NONBLOCK), i;

	ep = epoll_create1(0);
	add(fd, EPOLLIN);
	for (i = 0; i < 4; i++)
		MUST(!pthread_create(&t[i], NULL, waiter, &ep));
	guest_nap_ms(5);
	eventfd_write(fd, 1);
	for (i = 0; i < 4; i++)
		MUST(!pthread_join(t[i], NULL));
	close(fd);
	close(ep);
}

static void event_fd(void)
{
	int fd = eventfd(3, EFD_NONBLOCK), sem = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
	eventfd_t v;

	EQ(eventfd_read(fd, &v), 0);
	EQ(v, 3);
	FAILS(eventfd_read(fd, &v), EAGAIN);
	EQ(eventfd_write(fd, 0xfffffffffffffffeULL), 0);
	FAILS(eventfd_write(fd, 1), EAGAIN);
	EQ(eventfd_read(sem, &v), 0);
	EQ(v, 1);
	EQ(eventfd_read(sem, &v), 0);
	FAILS(eventfd_read(sem, &v), EAGAIN);
	FAILS(write(fd, "short", 5), EINVAL);
	close(fd);
	close(sem);
}

static void timer_fd(void)
{
	struct itimerspec it = { { 0, 2000000 }, { 0, 2000000 } };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	struct pollfd p = { fd, POLLIN, 0 };
	uint64_t n = 0, sum = 0;

	FAILS(read(fd, &n, 8), EAGAIN);
	MUST(!timerfd_settime(fd, 0, &it, NULL));
	while (sum < 3) {
		EQ(poll(&p, 1, -1), 1);
		EQ(read(fd, &n, 8), 8);
		sum += n;
	}
	EQ(timerfd_gettime(fd, &it), 0);
	EQ(it.it_interval.tv_nsec, 2000000);
	memset(&it, 0, sizeof(it));
	EQ(timerfd_settime(fd, 0, &it, NULL), 0);
	FAILS(read(fd, &n, 8), EAGAIN);
	close(fd);
}

static void signal_fd(void)
{
	struct signalfd_siginfo si;
	union sigval v = { .sival_int = 12 };
	sigset_t s;
	int fd;

	sigemptyset(&s);
	sigaddset(&s, SIGRTMIN + 6);
	sigprocmask(SIG_BLOCK, &s, NULL);
	fd = signalfd(-1, &s, SFD_NONBLOCK);
	FAILS(read(fd, &si, sizeof(si)), EAGAIN);
	sigqueue(getpid(), SIGRTMIN + 6, v);
	sigqueue(getpid(), SIGRTMIN + 6, v);
	EQ(read(fd, &si, sizeof(si)), sizeof(si));
	EQ(si.ssi_int, 12);
	EQ(si.ssi_pid, getpid());
	EQ(read(fd, &si, sizeof(si)), sizeof(si));
	FAILS(read(fd, &si, sizeof(si)), EAGAIN);
	sigprocmask(SIG_UNBLOCK, &s, NULL);
	close(fd);
}

static uint32_t next_event(int fd, char *name)
{
	char buf[512] __attribute__((aligned(8)));
	static size_t have, at;
	static char keep[512] __attribute__((aligned(8)));
	struct inotify_event *e;

	if (at >= have) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n <= 0)
			return 0;
		memcpy(keep, buf, (size_t)n);
		have = (size_t)n;
		at = 0;
	}
	e = (struct inotify_event *)(keep + at);
	at += sizeof(*e) + e->len;
	strcpy(name, e->len ? e->name : "");
	return e->mask;
}

static void inotify(void)
{
	char name[256];
	int fd = inotify_init1(IN_NONBLOCK), f, w;

	mkdir("/tmp/guest-in", 0700);
	w = inotify_add_watch(fd, "/tmp/guest-in",
			      IN_CREATE | IN_MODIFY | IN_DELETE | IN_MOVE | IN_CLOSE_WRITE |
				      IN_DELETE_SELF);
	MUST(w > 0);
	f = open("/tmp/guest-in/a", O_CREAT | O_WRONLY, 0600);
	EQ(next_event(fd, name), IN_CREATE);
	CHECK(!strcmp(name, "a"));
	write(f, "x", 1);
	EQ(next_event(fd, name), IN_MODIFY);
	close(f);
	EQ(next_event(fd, name), IN_CLOSE_WRITE);
	rename("/tmp/guest-in/a", "/tmp/guest-in/b");
	EQ(next_event(fd, name), IN_MOVED_FROM);
	EQ(next_event(fd, name), IN_MOVED_TO);
	CHECK(!strcmp(name, "b"));
	unlink("/tmp/guest-in/b");
	EQ(next_event(fd, name), IN_DELETE);
	rmdir("/tmp/guest-in");
	EQ(next_event(fd, name), IN_DELETE_SELF);
	EQ(next_event(fd, name), IN_IGNORED);
	FAILS(inotify_rm_watch(fd, w), EINVAL);
	close(fd);
}

static void selects(void)
{
	struct timeval tv = { 0, 1000 };
	struct timespec ts = { 0, 1000 };
	fd_set r, w;
	int p[2];

	MUST(!pipe(p));
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(p[0], &r);
	FD_SET(p[1], &w);
	EQ(select(p[1] + 1, &r, &w, NULL, &tv), 1);
	CHECK(!FD_ISSET(p[0], &r) && FD_ISSET(p[1], &w));
	FD_SET(p[0], &r);
	EQ(pselect(p[0] + 1, &r, NULL, NULL, &ts, NULL), 0);
	CHECK(!FD_ISSET(p[0], &r));
	write(p[1], "x", 1);
	FD_SET(p[0], &r);
	EQ(select(p[0] + 1, &r, NULL, NULL, NULL), 1);
	close(p[0]);
	FD_SET(p[0], &r);
	FAILS(select(p[0] + 1, &r, NULL, NULL, &tv), EBADF);
	close(p[1]);
}

static void polls(void)
{
	struct pollfd f[3] = { { -1, POLLIN, 0 }, { 900, POLLIN, 0 }, { 0, POLLIN, 0 } };
	struct timespec ts = { 0, 1000 };
	int p[2];

	MUST(!pipe(p));
	f[2].fd = p[0];
	EQ(poll(f, 3, 0), 1);
	EQ(f[1].revents, POLLNVAL);
	f[1].fd = -1;
	EQ(ppoll(f, 3, &ts, NULL), 0);
	write(p[1], "x", 1);
	EQ(poll(f, 3, -1), 1);
	EQ(f[2].revents, POLLIN);
	close(p[0]);
	close(p[1]);
}

static void pidfd(void)
{
	struct pollfd p = { .events = POLLIN };
	int status;
	pid_t pid = vfork();

	if (!pid) {
		execl(guest_self(), "self", "child", NULL);
		_exit(127);
	}
	MUST(pid > 0);
	p.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	MUST(p.fd >= 0);
	EQ(poll(&p, 1, 0), 0);
	EQ(syscall(SYS_pidfd_send_signal, p.fd, SIGKILL, NULL, 0), 0);
	EQ(poll(&p, 1, -1), 1);
	EQ(waitpid(pid, &status, 0), pid);
	EQ(status, SIGKILL);
	FAILS(syscall(SYS_pidfd_send_signal, p.fd, 0, NULL, 0), ESRCH);
	close(p.fd);
}

static const struct guest_case cases[] = {
	T(level_triggered), T(edge_triggered), T(oneshot_and_errors), T(nested),  T(threads_wait),
	T(event_fd),	    T(timer_fd),       T(signal_fd),	      T(inotify), T(selects),
	T(polls),	    T(pidfd),
};

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "child"))
		for (;;)
			pause();
	return guest_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
