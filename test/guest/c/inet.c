// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* TCP and UDP over loopback, IPv4 and IPv6. */
#include "test/guest/lib/guest.h"
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

union address {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t loopback(union address *a, int family)
{
	memset(a, 0, sizeof(*a));
	a->sa.sa_family = (sa_family_t)family;
	if (family == AF_INET) {
		a->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(a->v4);
	}
	a->v6.sin6_addr = in6addr_loopback;
	return sizeof(a->v6);
}

static int bound(int family, int type, union address *a)
{
	socklen_t len = loopback(a, family);
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	MUST(fd >= 0);
	MUST(!bind(fd, &a->sa, len));
	MUST(!getsockname(fd, &a->sa, &len));
	if (type == SOCK_STREAM)
		MUST(!listen(fd, 16));
	return fd;
}

static void tcp_pair(int family, int fd[2])
{
	union address a;
	int l = bound(family, SOCK_STREAM, &a), on = 1;

	fd[0] = socket(family, SOCK_STREAM, 0);
	MUST(!connect(fd[0], &a.sa, sizeof(a)));
	fd[1] = accept(l, NULL, NULL);
	MUST(fd[1] >= 0);
	setsockopt(fd[0], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd[1], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	close(l);
}

static void udp(int family)
{
	union address a, b, from;
	socklen_t len = sizeof(from);
	int s = bound(family, SOCK_DGRAM, &a), c = bound(family, SOCK_DGRAM, &b), i;
	char buf[2000];

	for (i = 1; i < 1500; i += 99) {
		memset(buf, i, sizeof(buf));
		EQ(sendto(c, buf, (size_t)i, 0, &a.sa, sizeof(a)), i);
		EQ(recvfrom(s, buf, sizeof(buf), 0, &from.sa, &len), i);
		EQ(from.v4.sin_port, b.v4.sin_port);
		EQ(buf[i - 1], (char)i);
	}
	EQ(sendto(c, buf, 0, 0, &a.sa, sizeof(a)), 0);
	EQ(recv(s, buf, 1, 0), 0);
	FAILS(recv(s, buf, 1, MSG_DONTWAIT), EAGAIN);
	EQ(sendto(c, buf, 100, 0, &a.sa, sizeof(a)), 100);
	EQ(recv(s, buf, 10, MSG_TRUNC), 100);
	FAILS(send(c, buf, 1, 0), EDESTADDRREQ);
	MUST(!connect(c, &a.sa, sizeof(a)));
	EQ(send(c, buf, 1, 0), 1);
	close(s);
	send(c, buf, 1, 0);
	FAILS(recv(c, buf, 1, 0), ECONNREFUSED);
	close(c);
}

static void udp4(void)
{
	udp(AF_INET);
}

static void udp6(void)
{
	udp(AF_INET6);
}

static void udp_large(void)
{
	static char out[60000], in[60000];
	union address a;
	int s = bound(AF_INET, SOCK_DGRAM, &a), i;

	for (i = 0; i < (int)sizeof(out); i++)
		out[i] = (char)(i * 7);
	EQ(sendto(s, out, sizeof(out), 0, &a.sa, sizeof(a)), sizeof(out));
	EQ(recv(s, in, sizeof(in), 0), sizeof(in));
	CHECK(!memcmp(out, in, sizeof(in)));
	FAILS(sendto(s, out, 70000, 0, &a.sa, sizeof(a)), EMSGSIZE);
	close(s);
}

struct flow {
	int fd;
	size_t size;
	uint64_t sum;
};

static void *sender(void *arg)
{
	struct flow *f = arg;
	unsigned char buf[30000];
	unsigned int seed = 3;
	size_t done, n, i;

	for (done = 0; done < f->size; done += n) {
		n = 1 + (size_t)rand_r(&seed) % sizeof(buf);
		n = n < f->size - done ? n : f->size - done;
		for (i = 0; i < n; i++) {
			buf[i] = (unsigned char)((done + i) * 13 >> 4);
			f->sum = f->sum * 31 + buf[i];
		}
		for (i = 0; i < n;) {
			ssize_t w = send(f->fd, buf + i, n - i, 0);

			if (w <= 0)
				return NULL;
			i += (size_t)w;
		}
	}
	shutdown(f->fd, SHUT_WR);
	return NULL;
}

static void stream(int family)
{
	struct flow f = { .size = 16 << 20 };
	unsigned char buf[20000];
	uint64_t sum = 0;
	size_t size = 0;
	ssize_t n, i;
	pthread_t t;
	int fd[2];

	tcp_pair(family, fd);
	f.fd = fd[0];
	MUST(!pthread_create(&t, NULL, sender, &f));
	while ((n = recv(fd[1], buf, sizeof(buf), 0)) > 0) {
		for (i = 0; i < n; i++)
			sum = sum * 31 + buf[i];
		size += (size_t)n;
	}
	EQ(n, 0);
	MUST(!pthread_join(t, NULL));
	EQ(size, f.size);
	CHECK(sum == f.sum);
	close(fd[0]);
	close(fd[1]);
}

static void tcp4_stream(void)
{
	stream(AF_INET);
}

static void tcp6_stream(void)
{
	stream(AF_INET6);
}

static void ping_pong(void)
{
	int fd[2], i;
	char c;

	tcp_pair(AF_INET, fd);
	for (i = 0; i < 2000; i++) {
		c = (char)i;
		MUST(write(fd[0], &c, 1) == 1);
		MUST(read(fd[1], &c, 1) == 1);
		MUST(write(fd[1], &c, 1) == 1);
		MUST(read(fd[0], &c, 1) == 1);
		EQ(c, (char)i);
	}
	close(fd[0]);
	close(fd[1]);
}

static void refused_and_in_use(void)
{
	union address a;
	int l = bound(AF_INET, SOCK_STREAM, &a), c = socket(AF_INET, SOCK_STREAM, 0);

	FAILS(bind(c, &a.sa, sizeof(a.v4)), EADDRINUSE);
	close(l);
	FAILS(connect(c, &a.sa, sizeof(a.v4)), ECONNREFUSED);
	close(c);
	c = socket(AF_INET, SOCK_STREAM, 0);
	FAILS(recv(c, &a, 1, 0), ENOTCONN);
	a.v4.sin_addr.s_addr = inet_addr("192.0.2.1");
	FAILS(connect(c, &a.sa, sizeof(a.v4)), ENETUNREACH);
	close(c);
}

static void nonblocking_connect(void)
{
	union address a;
	int l = bound(AF_INET, SOCK_STREAM, &a), c, err = 1;
	socklen_t len = sizeof(err);
	struct pollfd p = { .events = POLLOUT };

	c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK(!connect(c, &a.sa, sizeof(a.v4)) || errno == EINPROGRESS);
	p.fd = c;
	EQ(poll(&p, 1, -1), 1);
	EQ(getsockopt(c, SOL_SOCKET, SO_ERROR, &err, &len), 0);
	EQ(err, 0);
	FAILS(accept4(socket(AF_INET, SOCK_STREAM, 0), NULL, NULL, 0), EINVAL);
	close(c);
	close(l);
}

static void options(void)
{
	int fd[2], v = 0;
	socklen_t len = sizeof(v);
	struct linger hard = { 1, 0 };
	char c;

	tcp_pair(AF_INET, fd);
	EQ(getsockopt(fd[0], IPPROTO_TCP, TCP_NODELAY, &v, &len), 0);
	EQ(v, 1);
	EQ(getsockopt(fd[0], SOL_SOCKET, SO_TYPE, &v, &len), 0);
	EQ(v, SOCK_STREAM);
	FAILS(setsockopt(fd[0], SOL_SOCKET, 9999, &v, len), ENOPROTOOPT);
	setsockopt(fd[0], SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd[0]);
	FAILS(read(fd[1], &c, 1), ECONNRESET);
	close(fd[1]);
}

static void messages(void)
{
	char a[3], b[5];
	struct iovec out[2] = { { "abc", 3 }, { "defgh", 5 } }, in[2] = { { a, 3 }, { b, 5 } };
	struct msghdr m = { .msg_iov = out, .msg_iovlen = 2 };
	struct mmsghdr mm[2];
	union address addr;
	int s;

	s = bound(AF_INET, SOCK_DGRAM, &addr);
	MUST(!connect(s, &addr.sa, sizeof(addr.v4)));
	EQ(sendmsg(s, &m, 0), 8);
	m.msg_iov = in;
	EQ(recvmsg(s, &m, MSG_PEEK), 8);
	EQ(recvmsg(s, &m, 0), 8);
	CHECK(!memcmp(a, "abc", 3) && !memcmp(b, "defgh", 5));
	memset(mm, 0, sizeof(mm));
	mm[0].msg_hdr = mm[1].msg_hdr = (struct msghdr){ .msg_iov = out, .msg_iovlen = 2 };
	EQ(sendmmsg(s, mm, 2, 0), 2);
	mm[0].msg_hdr.msg_iov = mm[1].msg_hdr.msg_iov = in;
	EQ(recvmmsg(s, mm, 2, 0, NULL), 2);
	EQ(mm[1].msg_len, 8);
	close(s);
}

static void send_file(void)
{
	int fd[2], f = guest_tmpfile(50000);
	static unsigned char buf[50000];

	tcp_pair(AF_INET, fd);
	EQ(sendfile(fd[0], f, NULL, 50000), 50000);
	EQ(recv(fd[1], buf, sizeof(buf), MSG_WAITALL), 50000);
	EQ(buf[49999], 49999 % 251);
	close(f);
	close(fd[0]);
	close(fd[1]);
}

static void out_of_band_and_shutdown(void)
{
	int fd[2];
	char c;

	tcp_pair(AF_INET, fd);
	EQ(send(fd[0], "x", 1, MSG_OOB), 1);
	while (recv(fd[1], &c, 1, MSG_OOB) < 0 && errno == EAGAIN)
		;
	EQ(c, 'x');
	EQ(shutdown(fd[1], SHUT_RD), 0);
	EQ(read(fd[1], &c, 1), 0);
	close(fd[1]);
	close(fd[0]);
}

static void interfaces(void)
{
	struct ifreq r = { .ifr_name = "lo" };
	struct ifaddrs *all, *i;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), found = 0;

	EQ(ioctl(fd, SIOCGIFFLAGS, &r), 0);
	CHECK(r.ifr_flags & IFF_LOOPBACK && r.ifr_flags & IFF_UP);
	EQ(if_nametoindex("lo"), 1);
	MUST(!getifaddrs(&all));
	for (i = all; i; i = i->ifa_next)
		if (i->ifa_addr && !strcmp(i->ifa_name, "lo"))
			found |= i->ifa_addr->sa_family == AF_INET    ? 1
				 : i->ifa_addr->sa_family == AF_INET6 ? 2
								      : 0;
	EQ(found, 3);
	freeifaddrs(all);
	close(fd);
}

enum { CLIENTS = 50, REQUESTS = 20 };

static void serve(int l, int want)
{
	struct epoll_event e[16];
	int ep = epoll_create1(0), i, n, done = 0, fd;
	char buf[256];
	ssize_t len;

	e[0] = (struct epoll_event){ .events = EPOLLIN, .data.fd = l };
	epoll_ctl(ep, EPOLL_CTL_ADD, l, e);
	while (done < want) {
		n = epoll_wait(ep, e, 16, -1);
		for (i = 0; i < n; i++) {
			fd = e[i].data.fd;
			if (fd == l) {
				struct epoll_event c = { .events = EPOLLIN };

				c.data.fd = accept(l, NULL, NULL);
				epoll_ctl(ep, EPOLL_CTL_ADD, c.data.fd, &c);
				continue;
			}
			len = read(fd, buf, sizeof(buf));
			if (len > 0 && write(fd, buf, (size_t)len) == len)
				continue;
			close(fd);
			done++;
		}
	}
	close(ep);
}

static void *client(void *arg)
{
	union address *a = arg;
	int i, j, fd[CLIENTS / 2];
	char buf[100];

	for (i = 0; i < CLIENTS / 2; i++) {
		fd[i] = socket(a->sa.sa_family, SOCK_STREAM, 0);
		MUST(!connect(fd[i], &a->sa, sizeof(*a)));
	}
	for (j = 0; j < REQUESTS; j++)
		for (i = 0; i < CLIENTS / 2; i++) {
			memset(buf, i + j, sizeof(buf));
			MUST(write(fd[i], buf, sizeof(buf)) == sizeof(buf));
			MUST(recv(fd[i], buf, sizeof(buf), MSG_WAITALL) == sizeof(buf));
			EQ(buf[99], (char)(i + j));
		}
	for (i = 0; i < CLIENTS / 2; i++)
		close(fd[i]);
	return NULL;
}

static void epoll_server(void)
{
	union address a;
	int l = bound(AF_INET, SOCK_STREAM, &a), i;
	pthread_t t[2];

	for (i = 0; i < 2; i++)
		MUST(!pthread_create(&t[i], NULL, client, &a));
	serve(l, CLIENTS);
	for (i = 0; i < 2; i++)
		MUST(!pthread_join(t[i], NULL));
	close(l);
}

GUEST_MAIN(T(udp4), T(udp6), T(udp_large), T(tcp4_stream), T(tcp6_stream), T(ping_pong),
	   T(refused_and_in_use), T(nonblocking_connect), T(options), T(messages), T(send_file),
	   T(out_of_band_and_shutdown), T(interfaces), T(epoll_server))
