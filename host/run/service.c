// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/run/service.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/run/stats.h"

#define FORCE_MS 2000
#define POLL_FIXED 3 /* signals, listener, quit */

static const int handled[] = {
	SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGUSR1, SIGTSTP, SIGCONT
};

static void signal_set(sigset_t *set)
{
	size_t i;

	sigemptyset(set);
	for (i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
		sigaddset(set, handled[i]);
}

void service_block_signals(void)
{
	sigset_t set;

	signal_set(&set);
	sigaddset(&set, SIGURG); /* a back end's threads may take it, no other has a handler */
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Without the TEE's consent: leave the terminal and the file system clean, then go. */
__attribute__((noreturn)) static void force_exit(struct launcher *l)
{
	console_close(&l->console);
	rundir_close(&l->private->dir);
	_exit(EXIT_SIGNAL_BASE + l->private->force_signal);
}

static void arm_force(struct launcher_private *p, int signo)
{
	if (p->force_signal)
		return;
	p->force_signal = signo;
	clock_gettime(CLOCK_MONOTONIC, &p->force_at);
	p->force_at.tv_nsec += (FORCE_MS % 1000) * 1000000l;
	p->force_at.tv_sec += FORCE_MS / 1000 + p->force_at.tv_nsec / 1000000000;
	p->force_at.tv_nsec %= 1000000000;
}

/* Milliseconds until force_at, rounded up; -1: for ever. */
static int time_left(const struct launcher_private *p)
{
	struct timespec now;
	long ms;

	if (!p->force_signal)
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (p->force_at.tv_sec - now.tv_sec) * 1000 +
	     (p->force_at.tv_nsec - now.tv_nsec + 999999) / 1000000;
	return ms > 0 ? ms : 0;
}

void service_end(struct launcher *l, int signo, bool force)
{
	struct launcher_private *p = l->private;
	bool polite = !force && ++p->ends_seen == 1;

	pthread_mutex_lock(&p->lock);
	if (!p->ops)
		p->pending_signal = signo;
	if (polite && p->ops)
		polite = p->ops->signal && !p->ops->signal(p->ctx, signo);
	if (!polite && p->ops && p->ops->kill)
		p->ops->kill(p->ctx);
	pthread_mutex_unlock(&p->lock);
	if (!polite)
		arm_force(p, signo);
}

bool service_stats(struct launcher *l, struct rkt_stats *out)
{
	struct launcher_private *p = l->private;
	bool have = true;

	pthread_mutex_lock(&p->lock);
	if (p->ops && p->ops->stats)
		p->ops->stats(p->ctx, out);
	else if (p->have_stats)
		*out = p->last;
	else
		have = false;
	pthread_mutex_unlock(&p->lock);
	return have;
}

static void pass_winsize(struct launcher *l)
{
	struct launcher_private *p = l->private;
	struct console_size size;

	console_size(&l->console, &size);
	pthread_mutex_lock(&p->lock);
	if (p->ops && p->ops->winsize)
		p->ops->winsize(p->ctx, &size);
	pthread_mutex_unlock(&p->lock);
}

static void on_signal(struct launcher *l)
{
	struct signalfd_siginfo info;
	struct rkt_stats stats;

	if (read(l->private->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGWINCH:
		pass_winsize(l);
		break;
	case SIGUSR1:
		if (service_stats(l, &stats))
			stats_print(stderr, &stats);
		break;
	case SIGTSTP:
		console_restore(&l->console);
		kill(getpid(), SIGSTOP);
		break;
	case SIGCONT:
		console_resume(&l->console);
		pass_winsize(l);
		break;
	default:
		service_end(l, info.ssi_signo, false);
	}
}

static bool same_user(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) &&
	       (cred.uid == geteuid() || cred.uid == 0);
}

static void accept_client(struct launcher_private *p)
{
	int i, fd = accept4(p->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	for (i = 0; i < CLIENTS_MAX && p->clients[i].fd >= 0; i++)
		;
	if (i == CLIENTS_MAX || !same_user(fd)) {
		close(fd);
		return;
	}
	p->clients[i].used = 0;
	p->clients[i].fd = fd;
}

static void drop_client(struct client *c)
{
	close(c->fd);
	c->fd = -1;
}

static int answer(struct launcher *l, struct client *c, const char *line)
{
	size_t size = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);
	int ret = -ENOMEM;

	if (!out)
		return ret;
	control_answer(l, line, out);
	fputc('\n', out);
	/* A client that does not read its answers has no claim to more. */
	if (!fclose(out))
		ret = send(c->fd, text, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size
			      ? 0
			      : -EPIPE;
	free(text);
	return ret;
}

static void serve_client(struct launcher *l, struct client *c)
{
	ssize_t n = recv(c->fd, c->line + c->used, sizeof(c->line) - 1 - c->used, 0);
	char *end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop_client(c);
		return;
	}
	c->used += n;
	while ((end = memchr(c->line, '\n', c->used))) {
		*end = '\0';
		if (answer(l, c, c->line)) {
			drop_client(c);
			return;
		}
		c->used -= end + 1 - c->line;
		memmove(c->line, end + 1, c->used);
	}
	if (c->used == sizeof(c->line) - 1)
		drop_client(c); /* no command is that long */
}

static void serve_ready(struct launcher *l, const struct pollfd *polls)
{
	struct launcher_private *p = l->private;
	int i;

	if (polls[0].revents)
		on_signal(l);
	for (i = 0; i < CLIENTS_MAX; i++)
		if (p->clients[i].fd >= 0 && polls[POLL_FIXED + i].revents)
			serve_client(l, &p->clients[i]);
	if (polls[1].revents)
		accept_client(p);
}

static void *service_main(void *arg)
{
	struct launcher *l = arg;
	struct launcher_private *p = l->private;
	struct pollfd polls[POLL_FIXED + CLIENTS_MAX];
	int i, n;

	pthread_setname_np(pthread_self(), "rktio-service");
	for (;;) {
		polls[0] = (struct pollfd){ .fd = p->signal_fd, .events = POLLIN };
		polls[1] = (struct pollfd){ .fd = p->listen_fd, .events = POLLIN };
		polls[2] = (struct pollfd){ .fd = p->quit_fd, .events = POLLIN };
		for (i = 0; i < CLIENTS_MAX; i++)
			polls[POLL_FIXED + i] =
				(struct pollfd){ .fd = p->clients[i].fd, .events = POLLIN };
		n = poll(polls, POLL_FIXED + CLIENTS_MAX, time_left(p));
		if (polls[2].revents)
			return NULL;
		if (p->force_signal && !time_left(p))
			force_exit(l);
		if (n > 0)
			serve_ready(l, polls);
	}
}

static int listen_socket(struct launcher_private *p, struct err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd, ret;

	if (snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/ctl", p->dir.path) >=
	    (int)sizeof(addr.sun_path))
		return err_set(err, E_RUNDIR, "%s/ctl: too long for a socket", p->dir.path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set_errno(err, E_HOST, errno, "socket");
	mask = umask(0177);
	ret = bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, CLIENTS_MAX);
	umask(mask);
	if (ret) {
		ret = err_set_errno(err, E_RUNDIR, errno, "%s", addr.sun_path);
		close(fd);
		return ret;
	}
	return fd;
}

int service_start(struct launcher *l, struct err *err)
{
	struct launcher_private *p = l->private;
	sigset_t set;
	int i, ret;

	for (i = 0; i < CLIENTS_MAX; i++)
		p->clients[i].fd = -1;
	clock_gettime(CLOCK_MONOTONIC, &p->started);
	signal_set(&set);
	p->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	p->quit_fd = eventfd(0, EFD_CLOEXEC);
	if (p->signal_fd < 0 || p->quit_fd < 0)
		return err_set_errno(err, E_HOST, errno, "signalfd or eventfd");
	p->listen_fd = listen_socket(p, err);
	if (p->listen_fd < 0)
		return p->listen_fd;
	ret = pthread_create(&p->thread, NULL, service_main, l);
	if (ret)
		return err_set_errno(err, E_HOST, ret, "pthread_create");
	p->thread_runs = true;
	return 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void service_stop(struct launcher *l)
{
	struct launcher_private *p = l->private;
	int i;

	if (p->thread_runs) {
		eventfd_write(p->quit_fd, 1);
		pthread_join(p->thread, NULL);
		p->thread_runs = false;
		for (i = 0; i < CLIENTS_MAX; i++)
			close_fd(&p->clients[i].fd);
	}
	close_fd(&p->signal_fd);
	close_fd(&p->quit_fd);
	close_fd(&p->listen_fd);
}
