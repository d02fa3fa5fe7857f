/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Two devices back to back over a Unix socket that keeps message boundaries (SOCK_SEQPACKET):
 * whoever comes first listens on the path, the other one connects. Nothing is lost while both
 * live: a full socket stalls the sender's queue.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>
#include "host/netd/fdnet.h"
#include "host/netd/log.h"
#include "host/netd/options.h"

#define RETRY_MS 100
#define SOCK_BUF (4 << 20)
#define SOCK_FLAGS (SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK)

struct link {
	struct fdnet net;
	struct loop_source listener;
	struct loop_source timer; /* runs while not connected */
	struct sockaddr_un sa;
	struct stat own; /* the file that we made */
};

#define link_of(src, member) ((struct link *)((char *)(src)-offsetof(struct link, member)))

static void set_timer(struct link *l, long ms)
{
	struct itimerspec t = { { 0, ms * 1000000L }, { 0, ms * 1000000L } };

	timerfd_settime(l->timer.fd, 0, &t, NULL);
}

static bool path_is_ours(struct link *l)
{
	struct stat st;

	return l->listener.fd >= 0 && !stat(l->sa.sun_path, &st) && st.st_ino == l->own.st_ino &&
	       st.st_dev == l->own.st_dev;
}

static void stop_listening(struct link *l)
{
	if (l->listener.fd < 0)
		return;
	if (path_is_ours(l))
		unlink(l->sa.sun_path);
	loop_del(l->net.be.loop, &l->listener);
	close(l->listener.fd);
	l->listener.fd = -1;
}

static void connected(struct link *l, int fd)
{
	int size = SOCK_BUF;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (fdnet_add(&l->net, 0, fd)) {
		close(fd);
		l->net.queue[0].src.fd = -1;
		return;
	}
	l->net.queue[0].readable = true;
	set_timer(l, 0);
	dev_tx_resume(l->net.be.dev);
	log_info("LINK", "%s: connected", l->sa.sun_path);
}

static void start_listening(struct link *l)
{
	int fd = socket(AF_UNIX, SOCK_FLAGS, 0);

	if (fd < 0)
		return;
	if (bind(fd, (struct sockaddr *)&l->sa, sizeof(l->sa)) || listen(fd, 1) ||
	    stat(l->sa.sun_path, &l->own))
		goto close_fd;
	l->listener.fd = fd;
	if (!loop_add(l->net.be.loop, &l->listener, EPOLLIN))
		return;
	l->listener.fd = -1;
close_fd:
	close(fd);
}

static void try_once(struct link *l)
{
	int fd;

	if (path_is_ours(l))
		return; /* the peer comes to us */
	stop_listening(l);
	fd = socket(AF_UNIX, SOCK_FLAGS, 0);
	if (fd < 0)
		return;
	if (!connect(fd, (struct sockaddr *)&l->sa, sizeof(l->sa))) {
		connected(l, fd);
		return;
	}
	if (errno == ECONNREFUSED)
		unlink(l->sa.sun_path); /* its owner is dead */
	close(fd);
	start_listening(l);
}

static void timer_event(struct loop_source *src, u32 events)
{
	struct link *l = link_of(src, timer);
	u64 count;

	if (read(src->fd, &count, sizeof(count)) == sizeof(count) && l->net.queue[0].src.fd < 0)
		try_once(l);
}

static void listener_event(struct loop_source *src, u32 events)
{
	struct link *l = link_of(src, listener);
	int fd = accept4(src->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (l->net.queue[0].src.fd >= 0) {
		log_warn("LINK", "%s: a third end is refused", l->sa.sun_path);
		close(fd);
		return;
	}
	connected(l, fd);
}

static void link_lost(struct fdnet *net)
{
	struct link *l = (struct link *)net;

	log_info("LINK", "%s: peer is gone", l->sa.sun_path);
	fdnet_remove(net, 0);
	dev_tx_resume(net->be.dev);
	set_timer(l, RETRY_MS);
}

static void link_close(struct backend *be)
{
	struct link *l = (struct link *)be;

	fdnet_remove(&l->net, 0);
	stop_listening(l);
	loop_del(be->loop, &l->timer);
	close(l->timer.fd);
	free(l);
}

static const struct backend_ops link_ops = {
	.name = "link",
	.tx = fdnet_tx,
	.poll = fdnet_poll,
	.prepare_sleep = fdnet_prepare_sleep,
	.close = link_close,
};

struct backend *link_open(struct loop *loop, const struct options_net *opt)
{
	struct link *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->net.be.ops = &link_ops;
	l->net.be.loop = loop;
	l->net.peer_is_hostile = true;
	l->net.queue_count = 1;
	l->net.queue[0].src.fd = -1;
	l->net.on_lost = link_lost;
	l->listener = (struct loop_source){ -1, listener_event };
	l->sa.sun_family = AF_UNIX;
	l->timer =
		(struct loop_source){ timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
				      timer_event };
	if (strlen(opt->name) >= sizeof(l->sa.sun_path) || l->timer.fd < 0 ||
	    loop_add(loop, &l->timer, EPOLLIN)) {
		log_error("LINK", "%s: cannot be used", opt->name);
		free(l);
		return NULL;
	}
	strcpy(l->sa.sun_path, opt->name);
	set_timer(l, 1);
	return &l->net.be;
}
