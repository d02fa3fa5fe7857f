/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* netd with the user-mode network: protocol, packets, TCP both ways, death and return. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "test/netd/minitcp.h"

#define GUEST_IP "10.0.2.15"
#define GATEWAY "10.0.2.2"
#define BULK (24 << 20)

static char publish[64];
static u16 port;

/* A port that is free now; nobody else on this machine is after just this one. */
static u16 free_port(int type)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	socklen_t size = sizeof(sa);
	int s = socket(AF_INET, type, 0);

	bind(s, (struct sockaddr *)&sa, sizeof(sa));
	getsockname(s, (struct sockaddr *)&sa, &size);
	close(s);
	return ntohs(sa.sin_port);
}

static void spawn_user(struct guest *g)
{
	const char *args[] = { "--fd", "@FD", "--net", "user", "-p", publish, "--stats", NULL };

	port = free_port(SOCK_STREAM);
	snprintf(publish, sizeof(publish), "%u:7", port);
	guest_spawn(g, args);
}

static void set_up(struct guest *g, struct net *n)
{
	guest_init(g, 1, 2048);
	spawn_user(g);
	guest_start(g, GUEST_FEATURES | BIT(VIRTIO_RING_F_EVENT_IDX));
	net_init(n, g, GUEST_IP, GATEWAY);
}

static int host_connect(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(0x7f000001) };
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(s, (struct sockaddr *)&sa, sizeof(sa))) {
		close(s);
		return -1;
	}
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
			ssize_t w = write(s, buf + done, sizeof(buf) - done);

			if (w <= 0)
				return NULL;
			done += w;
		}
	}
	return NULL;
}

static void *read_pattern(void *arg)
{
	int s = *(int *)arg;
	static u8 buf[65536];
	size_t off = 0;
	ssize_t r;

	while (off < BULK && (r = read(s, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < r; i++) {
			if (buf[i] != pattern(off + i))
				return "wrong byte";
		}
		off += r;
	}
	return off == BULK ? NULL : "too short";
}

/* --- cases ---------------------------------------------------------------------------- */

static void handshake(void)
{
	struct guest g;

	guest_init(&g, 1, 2048);
	spawn_user(&g);
	CHECK((vhost_user_features(g.vu) & GUEST_FEATURES) == GUEST_FEATURES);
	CHECK(!(vhost_user_features(g.vu) & BIT(VIRTIO_RING_F_INDIRECT_DESC)));
	CHECK(vhost_user_pairs(g.vu) == 1);
	CHECK(vhost_user_start(g.vu, GUEST_FEATURES | BIT(VIRTIO_F_RING_PACKED), g.vq, 2) ==
	      -EINVAL);
	CHECK(guest_start(&g, GUEST_FEATURES) == 0);
	guest_exit(&g);
	PASS();
}

static void arp_and_ping(void)
{
	u8 echo[64] = { 8 }, reply[2048];
	struct guest g;
	struct net n;
	u32 len, src;

	set_up(&g, &n);
	CHECK(net_resolve(&n));
	for (int i = 8; i < 64; i++)
		echo[i] = i;
	/* Twice: with a checksum to be completed by netd, and with a complete one. */
	for (int gso = 0; gso < 2; gso++) {
		n.gso = false;
		echo[2] = echo[3] = 0;
		*(u16 *)(echo + 2) = htons(~inet_csum(echo, 64, 0));
		net_send_ip(&n, 1, echo, 64, -1);
		len = net_recv_ip(&n, 1, reply, &src, 5000);
		CHECK(len == 64, "%u", len);
		CHECK(reply[0] == 0 && !memcmp(reply + 8, echo + 8, 56));
		CHECK(src == n.peer_ip);
	}
	guest_exit(&g);
	PASS();
}

static void dhcp_offer(void)
{
	u8 d[8 + 300] = { 0 }, reply[2048];
	struct guest g;
	struct net n;
	u32 len, src;

	set_up(&g, &n);
	n.ip = 0;
	n.peer_ip = 0xffffffff;
	memcpy(d, "\0\x44\0\x43\x01\x34\0\0", 8); /* 68 -> 67 */
	memcpy(d + 8, "\1\1\6\0\x12\x34\x56\x78", 8);
	memcpy(d + 8 + 28, n.mac, 6);
	memcpy(d + 8 + 236, "\x63\x82\x53\x63\x35\1\1\xff", 8);
	net_send_ip(&n, 17, d, sizeof(d), 6);
	len = net_recv_ip(&n, 17, reply, &src, 5000);
	CHECK(len > 248, "%u", len);
	CHECK(!memcmp(reply + 8 + 16, "\x0a\0\2\x0f", 4)); /* your address: 10.0.2.15 */
	guest_exit(&g);
	PASS();
}

static void ping6(void)
{
	static const u8 gw[16] = { 0xfe, 0xc0, [15] = 2 }, me[16] = { 0xfe, 0xc0, [15] = 0x15 };
	u8 f[14 + 40 + 32] = { 0x33, 0x33, 0xff, 0,    0,    2,	   0x52,
			       0x54, 0,	   0x12, 0x34, 0x56, 0x86, 0xdd };
	u8 *ip = f + 14, *icmp = ip + 40, buf[GUEST_FRAME_MAX], ph[40] = { 0 };
	struct guest g;
	struct net n;
	net_hdr h = { 0 };
	u32 len = 0;

	set_up(&g, &n);
	ip[0] = 0x60;
	ip[5] = 32;
	ip[6] = 58;
	ip[7] = 255;
	memcpy(ip + 8, me, 16);
	memcpy(ip + 24, "\xff\2\0\0\0\0\0\0\0\0\0\1\xff\0\0\2", 16);
	icmp[0] = 135; /* neighbour solicitation */
	memcpy(icmp + 8, gw, 16);
	icmp[24] = 1;
	icmp[25] = 1;
	memcpy(icmp + 26, n.mac, 6);
	memcpy(ph, ip + 8, 32);
	ph[35] = 32;
	ph[39] = 58;
	*(u16 *)(icmp + 2) = htons(~inet_csum(icmp, 32, inet_csum(ph, 40, 0)));
	guest_tx(&g, 0, &h, f, sizeof(f));
	do {
		len = guest_rx(&g, 0, &h, buf, 5000);
	} while (len && buf[14 + 40] != 136);
	CHECK(len >= 14 + 40 + 24);
	CHECK(!memcmp(buf + 14 + 40 + 8, gw, 16));
	guest_exit(&g);
	PASS();
}

static void tcp_in_bulk(void)
{
	struct guest g;
	struct net n;
	pthread_t t;
	int s;

	set_up(&g, &n);
	n.data = malloc(BULK);
	n.data_max = BULK;
	CHECK(net_resolve(&n));
	s = host_connect();
	CHECK(s >= 0);
	CHECK(tcp_accept(&n, 7, 5000));
	pthread_create(&t, NULL, write_pattern, &s);
	CHECK(tcp_recv_until(&n, BULK, 5000), "got %zu", n.data_len);
	pthread_join(t, NULL);
	for (size_t i = 0; i < BULK; i++)
		CHECK(n.data[i] == pattern(i), "at %zu", i);
	CHECK(n.bad_frames == 0, "%u", n.bad_frames);
	/* The MSS of the guest is 1460, and yet frames are large: they come as GSO frames. */
	CHECK(n.biggest_rx > 16384 && n.gso_frames, "%u", n.biggest_rx);
	close(s);
	tcp_close(&n);
	CHECK(n.fin_seen);
	free(n.data);
	guest_exit(&g);
	PASS();
}

static void tcp_out_bulk(bool gso)
{
	struct guest g;
	struct net n;
	pthread_t t;
	void *why;
	u8 *data = malloc(BULK);
	int s;

	set_up(&g, &n);
	n.gso = gso;
	for (size_t i = 0; i < BULK; i++)
		data[i] = pattern(i);
	s = host_connect();
	CHECK(s >= 0);
	CHECK(tcp_accept(&n, 7, 5000));
	pthread_create(&t, NULL, read_pattern, &s);
	CHECK(tcp_send(&n, data, BULK));
	while (n.snd_una != n.snd_nxt)
		CHECK(net_step(&n, 5000));
	pthread_join(t, &why);
	CHECK(!why, "%s", (char *)why);
	CHECK(n.bad_frames == 0);
	close(s);
	tcp_close(&n);
	free(data);
	guest_exit(&g);
	PASS();
}

static void tcp_out_gso(void)
{
	tcp_out_bulk(true);
}

static void tcp_out_plain(void)
{
	tcp_out_bulk(false);
}

static void no_offloads(void)
{
	u64 plain = BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_NET_F_MRG_RXBUF);
	struct guest g;
	struct net n;
	char c = 'x';
	int s;

	guest_init(&g, 1, 2048);
	spawn_user(&g);
	guest_start(&g, plain);
	net_init(&n, &g, GUEST_IP, GATEWAY);
	n.gso = false;
	n.data = malloc(1 << 20);
	n.data_max = 1 << 20;
	s = host_connect();
	CHECK(s >= 0);
	CHECK(tcp_accept(&n, 7, 5000));
	for (int i = 0; i < 100000; i++)
		CHECK(write(s, &c, 1) == 1);
	CHECK(tcp_recv_until(&n, 100000, 5000));
	CHECK(n.gso_frames == 0 && n.bad_frames == 0 && n.biggest_rx <= 1460, "%u %u", n.bad_frames,
	      n.biggest_rx);
	close(s);
	free(n.data);
	guest_exit(&g);
	PASS();
}

/* Fewer receive buffers than one large frame needs at times: frames wait, none is lost. */
static void starved_guest(void)
{
	struct guest g;
	struct net n;
	pthread_t t;
	int s;

	guest_init(&g, 1, 256); /* 256 x 256 bytes = 64 KiB in all */
	spawn_user(&g);
	guest_start(&g, GUEST_FEATURES);
	net_init(&n, &g, GUEST_IP, GATEWAY);
	n.data = malloc(BULK);
	n.data_max = BULK;
	s = host_connect();
	CHECK(tcp_accept(&n, 7, 5000));
	pthread_create(&t, NULL, write_pattern, &s);
	CHECK(tcp_recv_until(&n, BULK, 5000), "got %zu", n.data_len);
	pthread_join(t, NULL);
	for (size_t i = 0; i < BULK; i++)
		CHECK(n.data[i] == pattern(i), "at %zu", i);
	close(s);
	free(n.data);
	guest_exit(&g);
	PASS();
}

/* Many clients at once, while netd is busy elsewhere: the kernel keeps them for it. */
static void burst_of_connections(void)
{
	struct pollfd p[64];
	struct guest g;
	struct net n;
	int up = 0;

	set_up(&g, &n);
	CHECK(net_resolve(&n));
	kill(g.netd, SIGSTOP);
	for (int i = 0; i < 64; i++) {
		struct sockaddr_in sa = { .sin_family = AF_INET,
					  .sin_port = htons(port),
					  .sin_addr.s_addr = htonl(0x7f000001) };

		p[i].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		p[i].events = POLLOUT;
		connect(p[i].fd, (struct sockaddr *)&sa, sizeof(sa));
	}
	for (int i = 0; i < 64; i++)
		up += poll(&p[i], 1, 100) == 1 && !(p[i].revents & (POLLERR | POLLHUP));
	kill(g.netd, SIGCONT);
	for (int i = 0; i < 64; i++)
		close(p[i].fd);
	CHECK(up == 64, "%d of 64", up);
	guest_exit(&g);
	PASS();
}

static void udp_both_ways(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	const char *args[] = { "--fd", "@FD", "--net", "user", "-p", publish, NULL };
	u8 buf[2048], answer[8 + 5];
	struct guest g;
	struct net n;
	u32 len, src;
	int s;

	guest_init(&g, 1, 2048);
	sa.sin_port = htons(free_port(SOCK_DGRAM));
	snprintf(publish, sizeof(publish), "udp:127.0.0.1:%u:9", ntohs(sa.sin_port));
	guest_spawn(&g, args);
	guest_start(&g, GUEST_FEATURES);
	net_init(&n, &g, GUEST_IP, GATEWAY);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK(sendto(s, "hello", 5, 0, (void *)&sa, sizeof(sa)) == 5);
	len = net_recv_ip(&n, 17, buf, &src, 5000);
	CHECK(len == 13 && !memcmp(buf + 8, "hello", 5), "%u", len);
	memcpy(answer, buf + 2, 2);
	memcpy(answer + 2, buf, 2);
	memcpy(answer + 4, "\0\x0d\0\0", 4);
	memcpy(answer + 8, "world", 5);
	n.peer_ip = src;
	CHECK(net_resolve(&n));
	net_send_ip(&n, 17, answer, sizeof(answer), 6);
	CHECK(recv(s, buf, sizeof(buf), 0) == 5 && !memcmp(buf, "world", 5));
	close(s);
	guest_exit(&g);
	PASS();
}

static u64 cpu_ticks(pid_t pid)
{
	char path[64], line[1024] = "", *p;
	unsigned long user = 0, sys = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f || !fgets(line, sizeof(line), f))
		return 0;
	fclose(f);
	p = strrchr(line, ')');
	sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys);
	return user + sys;
}

static void idle_costs_nothing(void)
{
	struct guest g;
	struct net n;
	u64 before;

	set_up(&g, &n);
	CHECK(net_resolve(&n));
	usleep(20000);
	before = cpu_ticks(g.netd);
	usleep(500000);
	/* 50 ticks would be a busy process; the granularity is one tick. */
	CHECK(cpu_ticks(g.netd) - before <= 1, "%lu ticks", cpu_ticks(g.netd) - before);
	guest_exit(&g);
	PASS();
}

static void maps_only_the_region(void)
{
	char path[64], line[512];
	unsigned long start, end, off, found = 0;
	struct guest g;
	struct net n;
	FILE *f;

	set_up(&g, &n);
	CHECK(net_resolve(&n));
	snprintf(path, sizeof(path), "/proc/%d/maps", g.netd);
	f = fopen(path, "re");
	CHECK(f);
	while (fgets(line, sizeof(line), f)) {
		if (!strstr(line, "memfd:"))
			continue;
		CHECK(strstr(line, "memfd:test-arena"), "%s", line);
		CHECK(sscanf(line, "%lx-%lx %*s %lx", &start, &end, &off) == 3);
		CHECK(end - start == g.size && off == 0, "%s", line);
		found++;
	}
	fclose(f);
	CHECK(found == 1);
	guest_exit(&g);
	PASS();
}

static void is_sandboxed(void)
{
	char path[64], status[4096] = "";
	struct guest g;
	struct net n;
	FILE *f;

	set_up(&g, &n);
	CHECK(net_resolve(&n)); /* it is in its loop */
	snprintf(path, sizeof(path), "/proc/%d/status", g.netd);
	f = fopen(path, "re");
	CHECK(f && fread(status, 1, sizeof(status) - 1, f) > 0);
	fclose(f);
	if (getenv("NETD_NO_SANDBOX"))
		SKIP("sanitizer build");
	CHECK(strstr(status, "NoNewPrivs:\t1\n"), "%s", status);
	CHECK(strstr(status, "Seccomp:\t2\n"), "%s", status);
	guest_exit(&g);
	PASS();
}

static void kill_and_resume(void)
{
	struct guest g;
	struct net n;
	int status;

	set_up(&g, &n);
	CHECK(net_resolve(&n));
	for (int round = 0; round < 3; round++) {
		kill(g.netd, SIGKILL);
		waitpid(g.netd, &status, 0);
		CHECK(!vhost_user_check(g.vu));
		memset(n.peer_mac, 0xff, 6);
		spawn_user(&g);
		CHECK(vhost_user_resume(g.vu) == 0);
		CHECK(net_resolve(&n), "round %d", round);
	}
	guest_exit(&g);
	PASS();
}

static void front_end_dies_and_returns(void)
{
	char path[64];
	const char *args[] = { "--socket", path, "--net", "user", NULL };
	struct guest g;
	struct net n;
	pid_t pid;

	snprintf(path, sizeof(path), "/tmp/netd-test-%d.sock", getpid());
	pid = spawn_netd(args, -1);
	for (int round = 0; round < 3; round++) {
		guest_init(&g, 1, 2048);
		g.cfg.path = path;
		CHECK(vhost_user_new(&g.vu, &g.cfg) == 0);
		CHECK(vhost_user_connect(g.vu) == 0);
		CHECK(guest_start(&g, GUEST_FEATURES) == 0);
		net_init(&n, &g, GUEST_IP, GATEWAY);
		CHECK(net_resolve(&n), "round %d", round);
		guest_exit(&g);
	}
	CHECK(end_netd(pid) == 0);
	CHECK(access(path, F_OK) && errno == ENOENT);
	PASS();
}

static void netd_connects_to_us(void)
{
	char path[64];
	const char *args[] = { "--client", path, "--net", "user", NULL };
	struct guest g;
	struct net n;
	pid_t pid;

	snprintf(path, sizeof(path), "/tmp/netd-test-%d.sock", getpid());
	pid = spawn_netd(args, -1);
	for (int round = 0; round < 2; round++) {
		guest_init(&g, 1, 2048);
		g.cfg.path = path;
		g.cfg.listen = true;
		CHECK(vhost_user_new(&g.vu, &g.cfg) == 0);
		CHECK(vhost_user_connect(g.vu) == 0);
		CHECK(guest_start(&g, GUEST_FEATURES) == 0);
		net_init(&n, &g, GUEST_IP, GATEWAY);
		CHECK(net_resolve(&n));
		guest_exit(&g);
	}
	CHECK(end_netd(pid) == 0);
	PASS();
}

static void ends_with_its_launcher(void)
{
	struct guest g;
	int status;

	guest_init(&g, 1, 2048);
	spawn_user(&g);
	vhost_user_free(g.vu);
	g.vu = NULL;
	CHECK(waitpid(g.netd, &status, 0) == g.netd && status == 0);
	g.netd = 0;
	guest_exit(&g);
	PASS();
}

int main(void)
{
	handshake();
	arp_and_ping();
	dhcp_offer();
	ping6();
	tcp_in_bulk();
	tcp_out_gso();
	tcp_out_plain();
	no_offloads();
	starved_guest();
	burst_of_connections();
	udp_both_ways();
	idle_costs_nothing();
	maps_only_the_region();
	is_sandboxed();
	kill_and_resume();
	front_end_dies_and_returns();
	netd_connects_to_us();
	ends_with_its_launcher();
	return t_end();
}
