/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* netd with a tap, in a network namespace of our own: the kernel is the peer. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "test/netd/minitcp.h"

#define HOST_IP "10.9.0.1"
#define GUEST_IP "10.9.0.2"
#define BULK (24 << 20)

static bool have_ns;

static void enter_namespace(void)
{
	uid_t uid = getuid();
	char map[32];
	int fd;

	have_ns = !unshare(CLONE_NEWNET);
	if (have_ns || unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return;
	fd = open("/proc/self/uid_map", O_WRONLY);
	snprintf(map, sizeof(map), "0 %u 1", uid);
	have_ns = fd >= 0 && write(fd, map, strlen(map)) > 0;
	close(fd);
}

static void address(struct ifreq *r, const char *ip)
{
	struct sockaddr_in *sa = (struct sockaddr_in *)&r->ifr_addr;

	sa->sin_family = AF_INET;
	sa->sin_addr.s_addr = inet_addr(ip);
}

static bool configure(const char *ifname)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = { 0 };
	bool ok;

	strcpy(r.ifr_name, ifname);
	address(&r, HOST_IP);
	ok = !ioctl(s, SIOCSIFADDR, &r);
	address(&r, "255.255.255.0");
	ok = ok && !ioctl(s, SIOCSIFNETMASK, &r) && !ioctl(s, SIOCGIFFLAGS, &r);
	r.ifr_flags |= IFF_UP | IFF_RUNNING;
	ok = ok && !ioctl(s, SIOCSIFFLAGS, &r);
	close(s);
	return ok;
}

static bool set_up(struct guest *g, struct net *n, unsigned pairs, u64 features)
{
	char queues[8];
	const char *args[] = { "--fd",	   "@FD",  "--net",   "tap:ntest0",
			       "--queues", queues, "--stats", NULL };

	snprintf(queues, sizeof(queues), "%u", pairs);
	guest_init(g, pairs, 2048);
	guest_spawn(g, args);
	net_init(n, g, GUEST_IP, HOST_IP);
	n->data = malloc(BULK);
	n->data_max = BULK;
	return !guest_start(g, features) && configure("ntest0");
}

static void tear_down(struct guest *g, struct net *n)
{
	guest_exit(g);
	free(n->data);
}

static int start_connect(u16 port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = inet_addr(GUEST_IP) };
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (connect(s, (struct sockaddr *)&sa, sizeof(sa)) && errno != EINPROGRESS)
		return -1;
	return s;
}

static u8 pattern(size_t i)
{
	return (i * 2654435761u) >> 13;
}

static void *write_pattern(void *arg)
{
	int s = *(int *)arg;
	static u8 buf[65536];

	for (size_t off = 0; off < BULK; off += sizeof(buf)) {
		for (size_t i = 0; i < sizeof(buf); i++)
			buf[i] = pattern(off + i);
		for (size_t done = 0; done < sizeof(buf);) {
			struct pollfd p = { s, POLLOUT, 0 };
			ssize_t w = write(s, buf + done, sizeof(buf) - done);

			if (w > 0)
				done += w;
			else if (errno != EAGAIN || poll(&p, 1, 5000) <= 0)
				return NULL;
		}
	}
	return NULL;
}

static void *read_pattern(void *arg)
{
	int s = *(int *)arg;
	static u8 buf[65536];
	size_t off = 0;

	while (off < BULK) {
		struct pollfd p = { s, POLLIN, 0 };
		ssize_t r;

		if (poll(&p, 1, 5000) <= 0)
			return "timeout";
		r = read(s, buf, sizeof(buf));
		if (r <= 0)
			return "too short";
		for (ssize_t i = 0; i < r; i++) {
			if (buf[i] != pattern(off + i))
				return "wrong byte";
		}
		off += r;
	}
	return NULL;
}

static void ping_the_kernel(void)
{
	u8 echo[64] = { 8 }, reply[2048];
	struct guest g;
	struct net n;
	u32 src, len;

	if (!have_ns)
		SKIP("no network namespace (needs root or user namespaces)");
	CHECK(set_up(&g, &n, 1, GUEST_FEATURES));
	CHECK(net_resolve(&n));
	for (int i = 4; i < 64; i++)
		echo[i] = i;
	*(u16 *)(echo + 2) = htons(~inet_csum(echo, 64, 0));
	net_send_ip(&n, 1, echo, 64, -1);
	len = net_recv_ip(&n, 1, reply, &src, 5000);
	CHECK(len == 64 && reply[0] == 0 && !memcmp(reply + 4, echo + 4, 60), "%u", len);
	tear_down(&g, &n);
	PASS();
}

static void bulk_in(u64 features, bool large)
{
	struct guest g;
	struct net n;
	pthread_t t;
	int s;

	CHECK(set_up(&g, &n, 1, features));
	n.gso = features & BIT(VIRTIO_NET_F_CSUM);
	CHECK(net_resolve(&n));
	s = start_connect(7);
	CHECK(s >= 0 && tcp_accept(&n, 7, 5000));
	pthread_create(&t, NULL, write_pattern, &s);
	CHECK(tcp_recv_until(&n, BULK, 5000), "got %zu", n.data_len);
	pthread_join(t, NULL);
	for (size_t i = 0; i < BULK; i++)
		CHECK(n.data[i] == pattern(i), "at %zu", i);
	CHECK(n.bad_frames == 0, "%u", n.bad_frames);
	if (large)
		CHECK(n.biggest_rx > 32768 && n.gso_frames > 100, "%u", n.biggest_rx);
	else
		CHECK(n.biggest_rx <= 1460 && n.gso_frames == 0, "%u", n.biggest_rx);
	close(s);
	tear_down(&g, &n);
	PASS();
}

static void bulk_out(void)
{
	struct guest g;
	struct net n;
	pthread_t t;
	void *why;
	int s;

	CHECK(set_up(&g, &n, 1, GUEST_FEATURES));
	for (size_t i = 0; i < BULK; i++)
		n.data[i] = pattern(i);
	CHECK(net_resolve(&n));
	s = start_connect(7);
	CHECK(s >= 0 && tcp_accept(&n, 7, 5000));
	pthread_create(&t, NULL, read_pattern, &s);
	CHECK(tcp_send(&n, n.data, BULK));
	pthread_join(t, &why);
	CHECK(!why, "%s", (char *)why);
	/* 60000 byte segments: far less frames than bytes / 1460. */
	CHECK(n.g->q[1].avail_idx < BULK / 1460 / 4, "%u", n.g->q[1].avail_idx);
	close(s);
	tear_down(&g, &n);
	PASS();
}

static void two_queue_pairs(void)
{
	struct guest g;
	struct net n;
	pthread_t t;
	int s;

	CHECK(set_up(&g, &n, 2, GUEST_FEATURES));
	CHECK(vhost_user_pairs(g.vu) == 2);
	CHECK(net_resolve(&n));
	/* Frames sent by pair 1 teach the kernel to deliver this flow to pair 1. */
	n.pair = 1;
	s = start_connect(7);
	CHECK(s >= 0 && tcp_accept(&n, 7, 5000));
	memset(n.rx_pair_seen, 0, sizeof(n.rx_pair_seen));
	pthread_create(&t, NULL, write_pattern, &s);
	CHECK(tcp_recv_until(&n, BULK, 5000), "got %zu", n.data_len);
	pthread_join(t, NULL);
	for (size_t i = 0; i < BULK; i++)
		CHECK(n.data[i] == pattern(i), "at %zu", i);
	CHECK(n.rx_pair_seen[1] > 10 * n.rx_pair_seen[0], "%u %u", n.rx_pair_seen[0],
	      n.rx_pair_seen[1]);
	close(s);
	tear_down(&g, &n);
	PASS();
}

static void interface_goes_with_netd(void)
{
	struct guest g;
	struct net n;

	CHECK(set_up(&g, &n, 1, GUEST_FEATURES));
	CHECK(if_nametoindex("ntest0"));
	tear_down(&g, &n);
	CHECK(!if_nametoindex("ntest0"));
	PASS();
}

int main(void)
{
	u64 plain = BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_NET_F_MRG_RXBUF);

	enter_namespace();
	ping_the_kernel();
	if (have_ns) {
		bulk_in(GUEST_FEATURES, true);
		bulk_in(plain, false);
		bulk_out();
		two_queue_pairs();
		interface_goes_with_netd();
	}
	return t_end();
}
