/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "host/device/vu_msg.h"

void vu_msg_close_fds(struct vu_msg *msg)
{
	for (unsigned i = 0; i < msg->fd_count; i++) {
		if (msg->fds[i] >= 0)
			close(msg->fds[i]);
	}
	msg->fd_count = 0;
}

void vu_rx_reset(struct vu_rx *rx)
{
	vu_msg_close_fds(&rx->msg);
	rx->got = 0;
}

/*
 * Room for more than VU_FD_MAX, so that a flood arrives here and is closed rather than
 * being cut by the kernel (which closes the rest, but then says so only in msg_flags).
 */
#define FD_ROOM 64

static int take_fds(struct vu_msg *msg, struct msghdr *mh)
{
	int ret = (mh->msg_flags & MSG_CTRUNC) ? -EPROTO : 0;
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		size_t count;
		int fd;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (msg->fd_count < VU_FD_MAX) {
				msg->fds[msg->fd_count++] = fd;
			} else {
				close(fd);
				ret = -EPROTO;
			}
		}
	}
	return ret;
}

static ssize_t recv_part(struct vu_msg *msg, int sock, void *buf, size_t size)
{
	char control[CMSG_SPACE(FD_ROOM * sizeof(int))] __attribute__((aligned(8)));
	struct iovec iov = { buf, size };
	struct msghdr mh = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;
	int ret;

	do {
		n = recvmsg(sock, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	ret = take_fds(msg, &mh);
	if (ret)
		return ret;
	return n ? n : -ECONNRESET;
}

/* The one length gate: everything behind it may rely on size <= the payload union. */
static int check_header(const struct vu_header *h)
{
	if ((h->flags & VU_VERSION_MASK) != VU_VERSION)
		return -EPROTO;
	if (h->size > sizeof(union vu_payload))
		return -EPROTO;
	return 0;
}

static int recv_step(struct vu_rx *rx, int sock)
{
	struct vu_msg *msg = &rx->msg;
	const size_t hdr_size = sizeof(msg->hdr);
	ssize_t n;

	if (rx->got < hdr_size) {
		n = recv_part(msg, sock, (u8 *)&msg->hdr + rx->got, hdr_size - rx->got);
	} else {
		size_t off = rx->got - hdr_size;

		n = recv_part(msg, sock, (u8 *)&msg->payload + off, msg->hdr.size - off);
	}
	if (n < 0)
		return n;
	rx->got += n;
	return rx->got == hdr_size ? check_header(&msg->hdr) : 0;
}

int vu_recv(struct vu_rx *rx, int sock)
{
	struct vu_msg *msg = &rx->msg;
	int ret;

	if (rx->got == 0)
		memset(msg, 0, sizeof(*msg));
	do {
		ret = recv_step(rx, sock);
		if (ret == -EAGAIN)
			return 0;
		if (ret) {
			vu_rx_reset(rx);
			return ret;
		}
	} while (rx->got < sizeof(msg->hdr) || rx->got < sizeof(msg->hdr) + msg->hdr.size);
	rx->got = 0;
	return 1;
}

int vu_send(int sock, const struct vu_msg *msg)
{
	char control[CMSG_SPACE(VU_FD_MAX * sizeof(int))] __attribute__((aligned(8))) = { 0 };
	struct iovec iov[2] = {
		{ (void *)&msg->hdr, sizeof(msg->hdr) },
		{ (void *)&msg->payload, msg->hdr.size },
	};
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = 2 };
	size_t left = sizeof(msg->hdr) + msg->hdr.size;
	ssize_t n;

	if (msg->hdr.size > sizeof(msg->payload) || msg->fd_count > VU_FD_MAX)
		return -EINVAL;
	if (msg->fd_count) {
		struct cmsghdr *c = (struct cmsghdr *)control;

		mh.msg_control = control;
		mh.msg_controllen = CMSG_SPACE(msg->fd_count * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(msg->fd_count * sizeof(int));
		memcpy(CMSG_DATA(c), msg->fds, msg->fd_count * sizeof(int));
	}
	do {
		n = sendmsg(sock, &mh, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	/* A message is far below the socket buffer: part of one means a dying peer. */
	return (size_t)n == left ? 0 : -EIO;
}
