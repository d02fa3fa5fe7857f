// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The connection: one message with descriptors each way; abi/nvmed.h. */
#include "host/nvmed/nvmed.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define FD_FIXED 3u
#define FD_MAX (FD_FIXED + NVMED_EVENT_MAX)

void *peer_memory(const struct peer *p, u64 iova, u64 size)
{
	if (iova > p->arena_size || size > p->arena_size - iova)
		return NULL;
	return p->arena + iova;
}

static void close_fds(const int *fds, u32 count)
{
	for (u32 i = 0; i < count; i++)
		close(fds[i]);
}

/* The number of descriptors, or a negative errno. Waits: a peer that is silent is cut off. */
static int receive_hello(int sock, struct nvmed_hello *h, int *fds)
{
	char control[CMSG_SPACE(FD_MAX * sizeof(int))];
	struct iovec iov = { h, sizeof(*h) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct timeval limit = { .tv_sec = 5 };
	struct cmsghdr *c;
	ssize_t n;
	int count = 0;

	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	if (n < 0)
		return -errno;
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(c), count * sizeof(int));
	}
	if (n == sizeof(*h) && !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return count;
	close_fds(fds, count);
	return -EPROTO;
}

static int check_hello(const struct nvmed_hello *h, int count)
{
	if (h->magic != NVMED_MAGIC)
		return -EPROTO;
	if (h->version != NVMED_VERSION)
		return -EPROTONOSUPPORT;
	if (!h->event_count || h->event_count > NVMED_EVENT_MAX ||
	    count != (int)(FD_FIXED + h->event_count) || h->control_size != NVMED_CONTROL_SIZE ||
	    !h->arena_size || h->arena_size % NVME_PAGE_SIZE)
		return -EINVAL;
	return 0;
}

static void *map_shared(int fd, u64 size)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) || st.st_size < 0 || (u64)st.st_size < size) {
		errno = EINVAL;
		return NULL;
	}
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return p == MAP_FAILED ? NULL : p;
}

static int map_peer(struct peer *p)
{
	const struct nvmed_header *h;

	p->arena = map_shared(p->arena_fd, p->arena_size);
	if (!p->arena)
		return -errno;
	p->control = map_shared(p->control_fd, NVMED_CONTROL_SIZE);
	if (!p->control)
		return -errno;
	h = (const void *)p->control;
	return h->magic == NVMED_MAGIC && h->version == NVMED_VERSION ? 0 : -EPROTO;
}

static int adopt(struct peer *p, const struct nvmed_hello *h, const int *fds)
{
	p->arena_fd = fds[0];
	p->control_fd = fds[1];
	p->kick_fd = fds[2];
	p->event_count = h->event_count;
	memcpy(p->event_fds, fds + FD_FIXED, h->event_count * sizeof(int));
	p->arena_size = h->arena_size;
	return map_peer(p);
}

static void welcome(const struct nvmed *d, int sock, int error)
{
	struct nvmed_welcome w = { .magic = NVMED_MAGIC,
				   .version = NVMED_VERSION,
				   .error = error,
				   .namespace_count = d->disk_count };

	if (send(sock, &w, sizeof(w), MSG_NOSIGNAL) < 0 && d->verbose)
		perror("nvmed: welcome");
}

void peer_refuse(const struct nvmed *d, int sock, int error)
{
	welcome(d, sock, error);
	close(sock);
}

int peer_accept(struct nvmed *d, int sock)
{
	struct peer *p = &d->peer;
	struct nvmed_hello h = { 0 };
	int fds[FD_MAX];
	int count = receive_hello(sock, &h, fds);
	int err;

	*p = (struct peer){ .sock = sock };
	if (count < 0) {
		peer_refuse(d, sock, count);
		return count;
	}
	err = check_hello(&h, count);
	if (err) {
		close_fds(fds, count);
		peer_refuse(d, sock, err);
		return err;
	}
	err = adopt(p, &h, fds);
	if (!err)
		ctrl_attach(d);
	welcome(d, sock, err);
	if (err)
		peer_close(p);
	return err;
}

void peer_close(struct peer *p)
{
	if (p->arena)
		munmap(p->arena, p->arena_size);
	if (p->control)
		munmap(p->control, NVMED_CONTROL_SIZE);
	close_fds(p->event_fds, p->event_count);
	close(p->kick_fd);
	close(p->control_fd);
	close(p->arena_fd);
	close(p->sock);
	*p = (struct peer){ .sock = -1 };
}
