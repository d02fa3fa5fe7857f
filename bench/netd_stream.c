/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * netd end to end: TCP through the user network (or a tap in this network namespace) between a
 * socket of this machine and a small guest. Prints wall-clock rates and, what counts on a shared
 * machine, netd's CPU time per unit.
 *
 *   netd_stream user|tap [MIB] [ROUNDTRIPS]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "test/netd/minitcp.h"

static struct guest g;
static struct net n;
static size_t bulk = 1024u << 20;
static u8 buf[1 << 20];

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

static double netd_cpu(void)
{
	clockid_t clock;
	struct timespec ts;

	if (clock_getcpuclockid(g.netd, &clock) || clock_gettime(clock, &ts))
		return 0;
	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

static void *writer(void *arg)
{
	int s = *(int *)arg;

	for (size_t left = bulk; left;) {
		struct pollfd p = { s, POLLOUT, 0 };
		ssize_t w = write(s, buf, left < sizeof(buf) ? left : sizeof(buf));

		if (w > 0)
			left -= w;
		else if (errno != EAGAIN || poll(&p, 1, 5000) <= 0)
			break;
	}
	return NULL;
}

static void *reader(void *arg)
{
	static u8 in[1 << 20];
	int s = *(int *)arg;

	for (size_t left = bulk; left;) {
		struct pollfd p = { s, POLLIN, 0 };
		ssize_t r;

		if (poll(&p, 1, 5000) <= 0)
			break;
		r = read(s, in, sizeof(in));
		if (r <= 0)
			break;
		left -= r;
	}
	return NULL;
}

static void *requester(void *arg)
{
	int s = ((int *)arg)[0], count = ((int *)arg)[1];
	char c[64] = { 0 };

	for (int i = 0; i < count; i++) {
		struct pollfd p = { s, POLLIN, 0 };

		if (write(s, c, 64) != 64 || poll(&p, 1, 5000) <= 0 || read(s, c, 64) <= 0)
			break;
	}
	return NULL;
}

static int connect_to(const char *ip, u16 port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = inet_addr(ip) };
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (connect(s, (struct sockaddr *)&sa, sizeof(sa)) && errno != EINPROGRESS)
		exit(1);
	return s;
}

static void configure_tap(void)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = { .ifr_name = "nbench0" };
	struct sockaddr_in *sa = (struct sockaddr_in *)&r.ifr_addr;

	sa->sin_family = AF_INET;
	sa->sin_addr.s_addr = inet_addr("10.9.0.1");
	ioctl(s, SIOCSIFADDR, &r);
	sa->sin_addr.s_addr = inet_addr("255.255.255.0");
	ioctl(s, SIOCSIFNETMASK, &r);
	ioctl(s, SIOCGIFFLAGS, &r);
	r.ifr_flags |= IFF_UP;
	ioctl(s, SIOCSIFFLAGS, &r);
	close(s);
}

static void report(const char *what, double wall, double cpu, double units, const char *unit)
{
	printf("%-12s %8.2f s wall, %10.1f %s/s, netd %6.2f s CPU (%3.0f %%), %10.1f %s per CPU second\n",
	       what, wall, units / wall, unit, cpu, 100 * cpu / wall, units / cpu, unit);
}

static void streams(int s)
{
	double t = now(), c = netd_cpu();
	pthread_t th;

	pthread_create(&th, NULL, writer, &s);
	if (!tcp_recv_until(&n, bulk, 5000))
		printf("in: stalled at %zu\n", n.data_len);
	pthread_join(th, NULL);
	report("host->guest", now() - t, netd_cpu() - c, bulk / 1e6, "MB");
	t = now();
	c = netd_cpu();
	pthread_create(&th, NULL, reader, &s);
	for (size_t left = bulk; left; left -= left < sizeof(buf) ? left : sizeof(buf)) {
		if (!tcp_send(&n, buf, left < sizeof(buf) ? left : sizeof(buf)))
			printf("out: stalled with %zu to go\n", left);
	}
	pthread_join(th, NULL);
	report("guest->host", now() - t, netd_cpu() - c, bulk / 1e6, "MB");
}

static void round_trips(int s, int count)
{
	int arg[2] = { s, count };
	double t = now(), c = netd_cpu();
	pthread_t th;

	pthread_create(&th, NULL, requester, arg);
	n.data_len = 0;
	for (int i = 1; i <= count; i++) {
		if (!tcp_recv_until(&n, i * 64, 5000) || !tcp_send(&n, buf, 64))
			break;
	}
	pthread_join(th, NULL);
	report("round trips", now() - t, netd_cpu() - c, count, "rt");
}

int main(int argc, char **argv)
{
	bool tap = argc > 1 && !strcmp(argv[1], "tap");
	const char *args[] = { "--fd",	  "@FD",
			       "--net",	  tap ? "tap:nbench0" : "user",
			       "--spin",  getenv("SPIN") ? getenv("SPIN") : "50",
			       "--stats", tap ? NULL : "-p",
			       "39177:7", NULL };
	int s;

	if (argc > 2)
		bulk = (size_t)atoi(argv[2]) << 20;
	guest_init(&g, 1, 4096);
	guest_spawn(&g, args);
	if (guest_start(&g, GUEST_FEATURES))
		return 1;
	if (tap)
		configure_tap();
	net_init(&n, &g, tap ? "10.9.0.2" : "10.0.2.15", tap ? "10.9.0.1" : "10.0.2.2");
	if (!net_resolve(&n))
		return 1;
	s = tap ? connect_to("10.9.0.2", 7) : connect_to("127.0.0.1", 39177);
	if (!tcp_accept(&n, 7, 5000))
		return 1;
	streams(s);
	round_trips(s, argc > 3 ? atoi(argv[3]) : 20000);
	guest_exit(&g);
	return 0;
}
