// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/device/nvmed_link.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FD_FIXED 3u
#define ANSWER_LIMIT_S 5

static int make_control(struct nvmed_link *l)
{
	struct nvmed_header *h;
	int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

	l->control_fd = memfd_create("rktio-nvmed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (l->control_fd < 0)
		return -errno;
	/* Sealed, so that the other end can't make our accesses fault. */
	if (ftruncate(l->control_fd, NVMED_CONTROL_SIZE) ||
	    fcntl(l->control_fd, F_ADD_SEALS, seals))
		return -errno;
	h = mmap(NULL, NVMED_CONTROL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, l->control_fd, 0);
	if (h == MAP_FAILED)
		return -errno;
	l->control = h;
	h->magic = NVMED_MAGIC;
	h->version = NVMED_VERSION;
	h->event_count = l->event_count;
	h->arena_size = l->arena_size;
	return 0;
}

int nvmed_link_create(struct nvmed_link *l, const char *path, int arena_fd, u64 arena_size,
		      const int *event_fds, u32 event_count)
{
	int err;

	*l = (struct nvmed_link){ .sock = -1, .control_fd = -1, .kick_fd = -1 };
	if (!event_count || event_count > NVMED_EVENT_MAX || !arena_size || arena_size % 4096)
		return -EINVAL;
	if (strlen(path) >= sizeof(l->path))
		return -ENAMETOOLONG;
	strcpy(l->path, path);
	l->arena_fd = arena_fd;
	l->arena_size = arena_size;
	l->event_count = event_count;
	memcpy(l->event_fds, event_fds, event_count * sizeof(int));
	err = make_control(l);
	if (!err) {
		l->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		err = l->kick_fd < 0 ? -errno : 0;
	}
	if (err)
		nvmed_link_destroy(l);
	return err;
}

static int send_hello(const struct nvmed_link *l, int sock)
{
	struct nvmed_hello h = { .magic = NVMED_MAGIC,
				 .version = NVMED_VERSION,
				 .event_count = l->event_count,
				 .arena_size = l->arena_size,
				 .control_size = NVMED_CONTROL_SIZE };
	int fds[FD_FIXED + NVMED_EVENT_MAX] = { l->arena_fd, l->control_fd, l->kick_fd };
	size_t fd_bytes = (FD_FIXED + l->event_count) * sizeof(int);
	char control[CMSG_SPACE(sizeof(fds))] = { 0 };
	struct iovec iov = { &h, sizeof(h) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = CMSG_SPACE(fd_bytes) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	memcpy(fds + FD_FIXED, l->event_fds, l->event_count * sizeof(int));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(fd_bytes);
	memcpy(CMSG_DATA(c), fds, fd_bytes);
	return sendmsg(sock, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int receive_welcome(struct nvmed_link *l, int sock)
{
	struct timeval limit = { .tv_sec = ANSWER_LIMIT_S };
	struct nvmed_welcome w;
	ssize_t n;

	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	n = recv(sock, &w, sizeof(w), 0);
	if (n < 0 &&
	    errno == ECONNRESET) /* refused before the hello was read: the answer is there */
		n = recv(sock, &w, sizeof(w), 0);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ECONNRESET;
	if (n != sizeof(w) || w.magic != NVMED_MAGIC || w.error > 0)
		return -EPROTO;
	if (w.error)
		return w.error;
	l->namespace_count = w.namespace_count;
	return 0;
}

int nvmed_link_connect(struct nvmed_link *l)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock, err;

	if (l->sock >= 0)
		return 0;
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	memcpy(addr.sun_path, l->path, sizeof(addr.sun_path));
	err = connect(sock, (struct sockaddr *)&addr, sizeof(addr)) ? -errno : 0;
	if (!err)
		err = send_hello(l, sock);
	if (!err || err == -EPIPE)
		err = receive_welcome(l, sock);
	if (err) {
		close(sock);
		return err;
	}
	l->sock = sock;
	l->connections++;
	return 0;
}

int nvmed_link_serve(struct nvmed_link *l)
{
	char byte;

	if (l->sock >= 0) {
		ssize_t n = recv(l->sock, &byte, 1, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		close(l->sock);
		l->sock = -1;
	}
	return nvmed_link_connect(l) ? -ENOTCONN : 1;
}

void nvmed_link_kick(const struct nvmed_link *l)
{
	eventfd_write(l->kick_fd, 1); /* full or not: it is readable */
}

void nvmed_link_destroy(struct nvmed_link *l)
{
	if (l->sock >= 0)
		close(l->sock);
	if (l->kick_fd >= 0)
		close(l->kick_fd);
	if (l->control)
		munmap(l->control, NVMED_CONTROL_SIZE);
	if (l->control_fd >= 0)
		close(l->control_fd);
	*l = (struct nvmed_link){ .sock = -1, .control_fd = -1, .kick_fd = -1 };
}
