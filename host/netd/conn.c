/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>
#include "host/netd/conn.h"
#include "host/netd/log.h"
#include "host/netd/slave.h"

#define RETRY_MS_FIRST 10
#define RETRY_MS_MAX 1000
#define SEND_TIMEOUT_S 5 /* a front end that does not read its replies */

#define conn_of(src, member) ((struct conn *)((char *)(src)-offsetof(struct conn, member)))

static int make_address(struct sockaddr_un *sa, const char *path)
{
	*sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(sa->sun_path))
		return -ENAMETOOLONG;
	strcpy(sa->sun_path, path);
	return 0;
}

static void arm_retry(struct conn *c)
{
	struct itimerspec t = { .it_value = { c->retry_ms / 1000,
					      (c->retry_ms % 1000) * 1000000L } };

	timerfd_settime(c->timer.fd, 0, &t, NULL);
	c->retry_ms *= 2;
	if (c->retry_ms > RETRY_MS_MAX)
		c->retry_ms = RETRY_MS_MAX;
}

static void drop(struct conn *c, const char *why)
{
	log_info("FRONTEND", "%s: %s", c->path ? c->path : "inherited socket", why);
	loop_del(c->loop, &c->sock);
	close(c->sock.fd);
	c->sock.fd = -1;
	vu_rx_reset(&c->rx);
	dev_reset(c->dev);
	if (c->mode == CONN_FD)
		c->loop->stop = true;
	if (c->mode == CONN_CONNECT) {
		c->retry_ms = RETRY_MS_FIRST;
		arm_retry(c);
	}
}

static int handle_message(struct conn *c)
{
	struct vu_msg reply;
	int ret;

	log_debug("MESSAGE", "request %u, %u bytes, %u fds", c->rx.msg.hdr.request,
		  c->rx.msg.hdr.size, c->rx.msg.fd_count);
	ret = slave_handle(c->dev, &c->rx.msg, &reply);
	vu_msg_close_fds(&c->rx.msg);
	return ret > 0 ? vu_send(c->sock.fd, &reply) : ret;
}

static void sock_event(struct loop_source *src, u32 events)
{
	struct conn *c = conn_of(src, sock);
	int ret = vu_recv(&c->rx, src->fd);

	if (ret > 0)
		ret = handle_message(c);
	if (ret == -ECONNRESET)
		drop(c, "front end disconnected");
	else if (ret < 0)
		drop(c, strerror(-ret));
}

static int adopt(struct conn *c, int fd)
{
	struct timeval timeout = { .tv_sec = SEND_TIMEOUT_S };
	int ret;

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	c->sock.fd = fd;
	ret = loop_add(c->loop, &c->sock, EPOLLIN);
	if (ret) {
		close(fd);
		c->sock.fd = -1;
	}
	return ret;
}

/* The old front end died and its successor was faster than our event loop. */
static bool old_one_is_gone(struct conn *c)
{
	char byte;

	return recv(c->sock.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void listener_event(struct loop_source *src, u32 events)
{
	struct conn *c = conn_of(src, listener);
	int fd = accept4(src->fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (c->sock.fd >= 0 && old_one_is_gone(c))
		drop(c, "front end disconnected");
	if (c->sock.fd >= 0) {
		log_warn("FRONTEND", "%s: a second front end is refused", c->path);
		close(fd);
		return;
	}
	if (!adopt(c, fd))
		log_info("FRONTEND", "%s: connected", c->path);
}

static void try_connect(struct conn *c)
{
	struct sockaddr_un sa;
	int fd;

	make_address(&sa, c->path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&sa, sizeof(sa))) {
		log_info("FRONTEND", "%s: connected", c->path);
		if (!adopt(c, fd))
			return;
	} else if (fd >= 0) {
		close(fd);
	}
	arm_retry(c);
}

static void timer_event(struct loop_source *src, u32 events)
{
	struct conn *c = conn_of(src, timer);
	u64 count;

	if (read(src->fd, &count, sizeof(count)) == sizeof(count) && c->sock.fd < 0)
		try_connect(c);
}

/* Whether the socket file belongs to a living listener. Anything but a socket counts as alive. */
static bool in_use(const struct sockaddr_un *sa)
{
	struct stat st;
	bool alive;
	int fd;

	if (lstat(sa->sun_path, &st))
		return errno != ENOENT;
	if (!S_ISSOCK(st.st_mode))
		return true;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return true;
	alive = !connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) || errno != ECONNREFUSED;
	close(fd);
	return alive;
}

static int start_listening(struct conn *c)
{
	struct sockaddr_un sa;
	int fd, ret = make_address(&sa, c->path);
	mode_t mask;

	if (ret)
		return ret;
	if (in_use(&sa))
		return -EADDRINUSE;
	unlink(c->path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	mask = umask(0177);
	ret = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) ? -errno : 0;
	umask(mask);
	if (ret)
		goto close_fd;
	c->owns_path = true;
	if (listen(fd, 4)) {
		ret = -errno;
		goto close_fd;
	}
	c->listener.fd = fd;
	return loop_add(c->loop, &c->listener, EPOLLIN);

close_fd:
	close(fd);
	return ret;
}

static int start_connecting(struct conn *c)
{
	struct sockaddr_un sa;
	int ret = make_address(&sa, c->path);

	if (ret)
		return ret;
	c->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (c->timer.fd < 0)
		return -errno;
	ret = loop_add(c->loop, &c->timer, EPOLLIN);
	if (!ret)
		try_connect(c);
	return ret;
}

int conn_open(struct conn *c, struct loop *loop, struct dev *dev, enum conn_mode mode,
	      const char *path, int fd)
{
	int ret;

	*c = (struct conn){
		.listener = { -1, listener_event },
		.sock = { -1, sock_event },
		.timer = { -1, timer_event },
		.mode = mode,
		.path = path,
		.retry_ms = RETRY_MS_FIRST,
		.dev = dev,
		.loop = loop,
	};
	if (mode == CONN_LISTEN)
		ret = start_listening(c);
	else if (mode == CONN_CONNECT)
		ret = start_connecting(c);
	else
		ret = adopt(c, fd);
	if (ret)
		log_error("SOCKET", "%s: %s", path ? path : "inherited socket", strerror(-ret));
	return ret;
}

void conn_close(struct conn *c)
{
	struct loop_source *all[] = { &c->sock, &c->listener, &c->timer };

	for (int i = 0; i < 3; i++) {
		if (all[i]->fd < 0)
			continue;
		loop_del(c->loop, all[i]);
		close(all[i]->fd);
		all[i]->fd = -1;
	}
	vu_rx_reset(&c->rx);
	if (c->owns_path)
		unlink(c->path);
	c->owns_path = false;
}
