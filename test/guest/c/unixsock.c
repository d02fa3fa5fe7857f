// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* UNIX sockets: stream, datagram, seqpacket, abstract names, passed descriptors, credentials. */
#include "test/guest/lib/guest.h"
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static void pair_types(void)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	char buf[16];
	size_t i;
	int s[2];

	for (i = 0; i < 3; i++) {
		MUST(!socketpair(AF_UNIX, types[i], 0, s));
		EQ(send(s[0], "one", 3, 0), 3);
		EQ(send(s[0], "two!", 4, 0), 4);
		EQ(recv(s[1], buf, 16, 0), types[i] == SOCK_STREAM ? 7 : 3);
		close(s[0]);
		if (types[i] == SOCK_SEQPACKET)
			EQ(recv(s[1], buf, 16, 0), 4);
		if (types[i] != SOCK_DGRAM)
			EQ(recv(s[1], buf, 16, 0), 0);
		close(s[1]);
	}
}

static socklen_t address(struct sockaddr_un *a, const char *name)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	memcpy(a->sun_path, name, 16);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 16);
}

static void listen_on(const char *name)
{
	struct sockaddr_un a;
	socklen_t len = address(&a, name);
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), s;
	char buf[4];

	FAILS(connect(c, (struct sockaddr *)&a, len), name[0] ? ENOENT : ECONNREFUSED);
	MUST(!bind(l, (struct sockaddr *)&a, len));
	FAILS(connect(c, (struct sockaddr *)&a, len), ECONNREFUSED);
	MUST(!listen(l, 2));
	MUST(!connect(c, (struct sockaddr *)&a, len));
	s = accept(l, NULL, NULL);
	MUST(s >= 0);
	EQ(write(c, "ping", 4), 4);
	EQ(read(s, buf, 4), 4);
	EQ(shutdown(c, SHUT_WR), 0);
	EQ(read(s, buf, 4), 0);
	EQ(write(s, "pong", 4), 4);
	EQ(read(c, buf, 4), 4);
	FAILS(bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&a, len), EADDRINUSE);
	close(s);
	close(c);
	close(l);
}

static void path_name(void)
{
	char name[16] = "/tmp/guest-un";

	listen_on(name);
	EQ(unlink(name), 0);
}

static void abstract_name(void)
{
	char name[16] = "\0guest-abstract";

	listen_on(name);
}

union control {
	char buf[256];
	struct cmsghdr align;
};

static void send_fds(int s, const int *fds, int n)
{
	union control c = { .buf = "" };
	struct iovec v = { "F", 1 };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = c.buf,
			    .msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(h), fds, n * sizeof(int));
	MUST(sendmsg(s, &m, 0) == 1);
}

static int recv_fds(int s, int *fds, int flags)
{
	union control c;
	char b;
	struct iovec v = { &b, 1 };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = c.buf,
			    .msg_controllen = sizeof(c.buf) };
	struct cmsghdr *h;
	size_t n;

	MUST(recvmsg(s, &m, flags) == 1);
	h = CMSG_FIRSTHDR(&m);
	if (!h || h->cmsg_type != SCM_RIGHTS)
		return 0;
	n = h->cmsg_len - CMSG_LEN(0);
	memcpy(fds, CMSG_DATA(h), n);
	return (int)(n / sizeof(int));
}

static void pass_descriptors(void)
{
	int s[2], fds[3], got[3] = { -1, -1, -1 }, i;
	unsigned char c;

	MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	for (i = 0; i < 3; i++) {
		fds[i] = guest_tmpfile(100);
		lseek(fds[i], i * 10, SEEK_SET);
	}
	send_fds(s[0], fds, 3);
	for (i = 0; i < 3; i++)
		close(fds[i]);
	EQ(recv_fds(s[1], got, MSG_CMSG_CLOEXEC), 3);
	for (i = 0; i < 3; i++) {
		EQ(read(got[i], &c, 1), 1);
		EQ(c, i * 10);
		EQ(fcntl(got[i], F_GETFD), FD_CLOEXEC);
		close(got[i]);
	}
	close(s[0]);
	close(s[1]);
}

/* A socket that is on its way inside itself: the garbage collector frees it. */
static void pass_itself(void)
{
	int s[2], i;

	for (i = 0; i < 50; i++) {
		MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, s));
		send_fds(s[0], s, 2);
		close(s[0]);
		close(s[1]);
	}
}

static void credentials(void)
{
	int s[2], on = 1;
	struct ucred u = { 0 };
	socklen_t len = sizeof(u);
	union control c;
	char b;
	struct iovec v = { &b, 1 };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = c.buf,
			    .msg_controllen = sizeof(c.buf) };
	struct cmsghdr *h;

	MUST(!socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	MUST(!setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	EQ(send(s[0], "c", 1, 0), 1);
	MUST(recvmsg(s[1], &m, 0) == 1);
	h = CMSG_FIRSTHDR(&m);
	MUST(h && h->cmsg_type == SCM_CREDENTIALS);
	memcpy(&u, CMSG_DATA(h), sizeof(u));
	EQ(u.pid, getpid());
	EQ(u.uid, getuid());
	MUST(!getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &u, &len));
	EQ(u.pid, getpid());
	close(s[0]);
	close(s[1]);
}

static void *echo(void *arg)
{
	int fd = *(int *)arg;
	char buf[5000];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		if (write(fd, buf, (size_t)n) != n)
			break;
	close(fd);
	return NULL;
}

static void much_traffic(void)
{
	static char out[5000], in[5000];
	pthread_t t[4];
	int s[4][2], i, j, n;

	for (i = 0; i < 4; i++) {
		MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, s[i]));
		MUST(!pthread_create(&t[i], NULL, echo, &s[i][1]));
	}
	for (j = 0; j < 500; j++) {
		for (i = 0; i < 4; i++) {
			memset(out, i + j, sizeof(out));
			MUST(write(s[i][0], out, sizeof(out)) == sizeof(out));
		}
		for (i = 0; i < 4; i++) {
			for (n = 0; n < (int)sizeof(in);)
				n += (int)read(s[i][0], in + n, sizeof(in) - n);
			memset(out, i + j, sizeof(out));
			if (memcmp(in, out, sizeof(in)))
				CHECK(!"echo differs");
		}
	}
	for (i = 0; i < 4; i++) {
		close(s[i][0]);
		MUST(!pthread_join(t[i], NULL));
	}
}

GUEST_MAIN(T(pair_types), T(path_name), T(abstract_name), T(pass_descriptors), T(pass_itself),
	   T(credentials), T(much_traffic))
