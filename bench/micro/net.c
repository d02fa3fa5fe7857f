// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Loopback: UDP datagrams of 32 bytes, TCP echo through an epoll server thread. */
#include "bench/micro/micro.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { DATAGRAM = 32 };

static int rx, tx, listener, conn;
static struct sockaddr_in addr;
static pthread_t server;

static int bound(int type)
{
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, type, 0);

	addr = (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, len) ||
	    getsockname(fd, (struct sockaddr *)&addr, &len))
		return -errno;
	return fd;
}

static int udp_setup(void)
{
	rx = bound(SOCK_DGRAM);
	if (rx < 0)
		return rx;
	tx = socket(AF_INET, SOCK_DGRAM, 0);
	return tx < 0 ? -errno : 0;
}

static void udp_teardown(void)
{
	close(rx);
	close(tx);
}

static void send_one(void)
{
	char buf[DATAGRAM] = "";

	if (sendto(tx, buf, DATAGRAM, 0, (struct sockaddr *)&addr, sizeof(addr)) != DATAGRAM)
		must(0, "sendto");
}

/* Nobody reads: when the receive buffer is full, loopback drops the datagram. */
static void udp_sendto_loop(long n)
{
	while (n--)
		send_one();
}

static void udp_send_recv_loop(long n)
{
	char buf[64];

	while (n--) {
		send_one();
		if (recv(rx, buf, sizeof(buf), 0) != DATAGRAM)
			must(0, "recv");
	}
}

static void *echo_server(void *arg)
{
	struct epoll_event e = { .events = EPOLLIN };
	int ep = epoll_create1(0), fd = accept(listener, NULL, NULL), on = 1;
	char buf[64];
	ssize_t n;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
	while (epoll_wait(ep, &e, 1, -1) >= 0) {
		n = read(fd, buf, sizeof(buf));
		if (n <= 0 || write(fd, buf, (size_t)n) != n)
			break;
	}
	close(fd);
	close(ep);
	return NULL;
}

static int echo_setup(void)
{
	int on = 1;

	listener = bound(SOCK_STREAM);
	if (listener < 0 || listen(listener, 1))
		return -errno;
	if (pthread_create(&server, NULL, echo_server, NULL))
		return -EAGAIN;
	conn = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(conn, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return connect(conn, (struct sockaddr *)&addr, sizeof(addr)) ? -errno : 0;
}

static void echo_loop(long n)
{
	char c = 'e';

	while (n--)
		if (write(conn, &c, 1) != 1 || read(conn, &c, 1) != 1)
			must(0, "echo");
}

static void echo_teardown(void)
{
	close(conn);
	pthread_join(server, NULL);
	close(listener);
}

const struct bench net_benches[] = {
	{ "udp32_sendto", udp_setup, udp_sendto_loop, udp_teardown },
	{ "udp32_send_recv", udp_setup, udp_send_recv_loop, udp_teardown },
	{ "tcp_echo_epoll", echo_setup, echo_loop, echo_teardown },
	{ .name = NULL },
};
