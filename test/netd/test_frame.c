/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Unit tests of netd's pure parts: checksums, MSS, GSO headers, flow hashes, forwards, options. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "host/netd/frame.h"
#include "host/netd/log.h"
#include "host/netd/options.h"
#include "test/netd/guest.h"
#include "test/netd/minitcp.h"

static u32 seed = 1;

static u32 random32(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 3 ^ seed << 7;
}

static void csum_of_all_sizes(void)
{
	u8 buf[300];

	for (int i = 0; i < 300; i++)
		buf[i] = random32();
	/* Against RFC 1071 written differently; the result is in network order in both. */
	for (unsigned off = 0; off < 8; off++) {
		for (unsigned len = 0; len < 290; len++)
			CHECK(htons(csum_fold(csum_add(buf + off, len))) ==
				      inet_csum(buf + off, len, 0),
			      "%u %u", off, len);
	}
	memset(buf, 0xff, sizeof(buf));
	CHECK(csum_fold(csum_add(buf, 300)) == 0xffff);
	PASS();
}

/* An IPv4 (or IPv6) TCP frame with options and payload and a right checksum. */
static u32 make_tcp(u8 *f, bool v6, u8 flags, const u8 *opt, u32 opt_len, u32 payload)
{
	u32 ip_len = v6 ? 40 : 20, tcp_len = 20 + opt_len, len = 14 + ip_len + tcp_len + payload;
	u8 *ip = f + 14, *tcp = ip + ip_len, ph[40] = { 0 };

	memset(f, 0, 14 + ip_len + tcp_len);
	for (u32 i = 0; i < payload; i++)
		tcp[tcp_len + i] = random32();
	*(u16 *)(f + 12) = htons(v6 ? 0x86dd : 0x800);
	*(u32 *)tcp = random32();
	tcp[12] = tcp_len / 4 << 4;
	tcp[13] = flags;
	memcpy(tcp + 20, opt, opt_len);
	if (v6) {
		ip[0] = 0x60;
		*(u16 *)(ip + 4) = htons(tcp_len + payload);
		ip[6] = 6;
		for (int i = 8; i < 40; i++)
			ip[i] = random32();
		memcpy(ph, ip + 8, 32);
		*(u16 *)(ph + 34) = htons(tcp_len + payload);
		ph[39] = 6;
	} else {
		ip[0] = 0x45;
		*(u16 *)(ip + 2) = htons(20 + tcp_len + payload);
		ip[9] = 6;
		for (int i = 12; i < 20; i++)
			ip[i] = random32();
		memcpy(ph, ip + 12, 8);
		*(u16 *)(ph + 10) = htons(tcp_len + payload);
		ph[9] = 6;
	}
	*(u16 *)(tcp + 16) = htons(~inet_csum(tcp, tcp_len + payload, inet_csum(ph, 40, 0)));
	return len;
}

static void gso_header_and_back(void)
{
	static u8 f[FRAME_MAX], g[FRAME_MAX];

	for (int i = 0; i < 400; i++) {
		u32 len = make_tcp(f, i & 1, 0x18, (u8 *)"\1\1\x8\xa\1\2\3\4\5\6\7\x8", 12,
				   1500 + i * 37);
		net_hdr h;

		memcpy(g, f, len);
		CHECK(frame_make_gso(g, len, &h));
		CHECK(h.hdr.flags == VIRTIO_NET_HDR_F_NEEDS_CSUM && h.hdr.gso_size);
		CHECK(h.hdr.gso_type ==
		      (i & 1 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4));
		CHECK(h.hdr.hdr_len == 14 + (i & 1 ? 40 : 20) + 32);
		CHECK(frame_hdr_check(&h, len,
				      BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4) |
					      BIT(VIRTIO_NET_F_HOST_TSO6)));
		/* Completing the partial checksum gives the original again. */
		frame_complete(g, len, &h);
		CHECK(!memcmp(f, g, len), "round %d", i);
	}
	PASS();
}

static void complete_avoids_zero(void)
{
	u8 f[60] = { 0 };
	net_hdr h = {
		.hdr = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6 }
	};

	f[34] = f[35] = 0xff; /* sums up to ffff, whose complement is 0 */
	frame_complete(f, 60, &h);
	CHECK(f[40] == 0xff && f[41] == 0xff);
	PASS();
}

static void mss(void)
{
	static u8 f[2000], g[2000];
	const u8 opts[] = { 2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7 };
	const u8 odd[] = { 1, 2, 4, 5, 180, 0, 0, 0 }, cut[] = { 2, 4, 5, 0x14, 9, 200, 0, 0 };
	u32 len;

	for (int v6 = 0; v6 < 2; v6++) {
		for (int i = 0; i < 200; i++) {
			len = make_tcp(f, v6, 2, opts, sizeof(opts), i);
			memcpy(g, f, len);
			frame_set_mss(g, len, 21840, true, false);
			CHECK(*(u16 *)(g + len - i - 18) == htons(21840));
			/* With the old value back it must be the old frame, checksum included. */
			frame_set_mss(g, len, 1460, false, false);
			CHECK(!memcmp(f, g, len), "v6 %d round %d", v6, i);
		}
		len = make_tcp(f, v6, 2, opts, sizeof(opts), 0);
		memcpy(g, f, len);
		frame_set_mss(g, len, 21840, false, false); /* not raised */
		CHECK(!memcmp(f, g, len));
		frame_set_mss(g, len, 21840, true, true); /* partial: checksum field stays */
		CHECK(!memcmp(f + len - 24, g + len - 24, 2));
		len = make_tcp(f, v6, 0x10, opts, sizeof(opts), 0);
		memcpy(g, f, len);
		frame_set_mss(g, len, 21840, true, false); /* no SYN */
		CHECK(!memcmp(f, g, len));
		len = make_tcp(f, v6, 2, odd, sizeof(odd), 0);
		memcpy(g, f, len);
		frame_set_mss(g, len, 21840, true, false);
		CHECK(!memcmp(f, g, len));
		len = make_tcp(f, v6, 2, cut + 4, 4, 0); /* an option longer than the header */
		memcpy(g, f, len);
		frame_set_mss(g, len, 21840, true, false);
		CHECK(!memcmp(f, g, len));
	}
	PASS();
}

/* Any bytes: offsets stay inside (ASan would tell), and no header is seen where none fits. */
static void parse_anything(void)
{
	unsigned kinds[4] = { 0 };

	for (int i = 0; i < 200000; i++) {
		u32 len = random32() % 120;
		u8 *f = malloc(len ? len : 1);
		struct frame_info info;
		net_hdr h;

		for (u32 k = 0; k < len; k++)
			f[k] = random32();
		if (len > 14 && i % 4) {
			*(u16 *)(f + 12) = htons(i & 1 ? 0x86dd : 0x800);
			f[14] = i & 1 ? 0x60 : 0x40 | (random32() % 16);
			if (len > 23)
				f[i & 1 ? 20 : 23] = i & 2 ? 6 : 17;
			if (len > 21 && !(i & 1))
				f[20] = f[21] = 0; /* no fragment */
		}
		info = frame_parse(f, len);
		CHECK(info.kind == FRAME_OTHER ||
		      info.l4 + (info.kind == FRAME_UDP ? 8u : 20u) <= len);
		CHECK(info.kind == FRAME_OTHER || info.l4 - info.l3 >= 20);
		kinds[info.kind]++;
		frame_flow_hash(f, &info);
		frame_set_mss(f, len, 1000, true, false);
		frame_make_gso(f, len, &h);
		free(f);
	}
	for (int i = 0; i < 4; i++)
		CHECK(kinds[i] > 500, "kind %d: %u", i, kinds[i]);
	PASS();
}

/* Options without length, of length zero, and an MSS option that its header cuts off. */
static void broken_options(void)
{
	static const u8 opts[][4] = {
		{ 5, 0, 5, 0 }, { 1, 1, 1, 5 }, { 1, 1, 2, 4 }, { 1, 2, 4, 5 }
	};
	static u8 f[200];

	for (int i = 0; i < 4; i++) {
		u32 len = make_tcp(f, false, 2, opts[i], 4, 0);
		u8 *g = malloc(len);

		memcpy(g, f, len);
		frame_set_mss(g, len, 9000, true, false);
		CHECK(!memcmp(f, g, len), "%d", i);
		free(g);
	}
	PASS();
}

/* Cut at every length, in memory that ends there. */
static void every_cut(void)
{
	static u8 f[2000];
	const u8 opts[] = {
		8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 5
	}; /* the last option has no length */
	struct frame_info info;

	for (int v6 = 0; v6 < 2; v6++) {
		u32 whole = make_tcp(f, v6, 2, opts, sizeof(opts), 0);

		for (int proto = 6; proto <= 17; proto += 11) {
			f[v6 ? 20 : 23] = proto;
			for (u32 len = 0; len <= whole; len++) {
				u8 *g = malloc(len ? len : 1);
				net_hdr h;

				memcpy(g, f, len);
				info = frame_parse(g, len);
				CHECK((info.kind != FRAME_OTHER) ==
					      (len >= (proto == 6 ? whole : whole - 32 + 8)),
				      "%u", len);
				frame_flow_hash(g, &info);
				frame_set_mss(g, len, 9000, true, false);
				frame_make_gso(g, len, &h);
				free(g);
			}
		}
	}
	PASS();
}

static void hash_is_symmetric(void)
{
	static u8 f[2000], g[2000];
	unsigned used[16] = { 0 };

	for (int i = 0; i < 1600; i++) {
		bool v6 = i & 1;
		u32 len = make_tcp(f, v6, 0x10, f, 0, 10), a = 14 + (v6 ? 8 : 12), n = v6 ? 16 : 4;
		u32 l4 = 14 + (v6 ? 40 : 20), h;
		struct frame_info x, y;

		memcpy(g, f, len);
		memcpy(g + a, f + a + n, n);
		memcpy(g + a + n, f + a, n);
		memcpy(g + l4, f + l4 + 2, 2);
		memcpy(g + l4 + 2, f + l4, 2);
		x = frame_parse(f, len);
		y = frame_parse(g, len);
		h = frame_flow_hash(f, &x);
		CHECK(h && h == frame_flow_hash(g, &y));
		used[(h % 256) / 16]++;
	}
	for (int i = 0; i < 16; i++)
		CHECK(used[i] > 50 && used[i] < 150, "bucket %d: %u", i, used[i]);
	PASS();
}

static const struct {
	const char *text;
	bool udp;
	const char *host, *guest;
	u16 host_port, guest_port;
} good_forwards[] = {
	{ "8080:80", false, "127.0.0.1", "0.0.0.0", 8080, 80 },
	{ "tcp:8080:80", false, "127.0.0.1", "0.0.0.0", 8080, 80 },
	{ "udp:53:5353", true, "127.0.0.1", "0.0.0.0", 53, 5353 },
	{ "0.0.0.0:1:65535", false, "0.0.0.0", "0.0.0.0", 1, 65535 },
	{ "1.2.3.4:1:5.6.7.8:2", false, "1.2.3.4", "5.6.7.8", 1, 2 },
	{ "1:5.6.7.8:2", false, "127.0.0.1", "5.6.7.8", 1, 2 },
	{ "8080:80/tcp", false, "127.0.0.1", "0.0.0.0", 8080, 80 },
	{ "0.0.0.0:53:53/udp", true, "0.0.0.0", "0.0.0.0", 53, 53 },
	{ "[::1]:1:2", false, "::1", "fec0::15", 1, 2 },
	{ "udp:[::]:1:[fec0::9]:2", true, "::", "fec0::9", 1, 2 },
	{ "1:[fec0::9]:2", false, "::1", "fec0::9", 1, 2 },
};

static const char *const bad_forwards[] = {
	"",
	"80",
	"80:",
	":80",
	"0:80",
	"80:0",
	"65536:1",
	"1:65536",
	"-1:80",
	"1:-80",
	"a:b",
	"1.2.3:1:2",
	"1.2.3.4.5:1:2",
	"1:2:3",
	"[::1:1:2",
	"::1:1:2",
	"[::1]:1:1.2.3.4:2",
	"udp:",
	"sctp:1:2",
	"1:2:3:4:5",
	"1 :2",
	"0x10:2",
	"1:2 ",
	"1:2/",
	"1:2/sctp",
	"1:2/udp/udp",
	"udp:1:2/tcp",
	"/udp",
};

static void forwards(void)
{
	struct forward f;

	for (unsigned i = 0; i < sizeof(good_forwards) / sizeof(good_forwards[0]); i++) {
		char host[64], guest[64];
		const char *why = forward_parse(&f, good_forwards[i].text);
		bool v6;

		CHECK(!why, "%s: %s", good_forwards[i].text, why);
		v6 = f.host.sa.sa_family == AF_INET6;
		inet_ntop(f.host.sa.sa_family,
			  v6 ? (void *)&f.host.in6.sin6_addr : (void *)&f.host.in.sin_addr, host,
			  64);
		inet_ntop(f.guest.sa.sa_family,
			  v6 ? (void *)&f.guest.in6.sin6_addr : (void *)&f.guest.in.sin_addr, guest,
			  64);
		CHECK(!strcmp(host, good_forwards[i].host) &&
			      !strcmp(guest, good_forwards[i].guest),
		      "%s: %s %s", good_forwards[i].text, host, guest);
		CHECK(f.udp == good_forwards[i].udp &&
			      ntohs(f.host.in.sin_port) == good_forwards[i].host_port &&
			      ntohs(f.guest.in.sin_port) == good_forwards[i].guest_port,
		      "%s", good_forwards[i].text);
	}
	for (unsigned i = 0; i < sizeof(bad_forwards) / sizeof(bad_forwards[0]); i++)
		CHECK(forward_parse(&f, bad_forwards[i]), "\"%s\" was taken", bad_forwards[i]);
	PASS();
}

static int parse(struct options *o, const char *line)
{
	static char copy[512];
	char *argv[32] = { "netd" }, *save;
	int argc = 1;

	strcpy(copy, line);
	for (char *t = strtok_r(copy, " ", &save); t; t = strtok_r(NULL, " ", &save))
		argv[argc++] = t;
	return options_parse(o, argc, argv);
}

static void command_line(void)
{
	static const char *const bad[] = {
		"",
		"--net user",
		"--socket /s",
		"--socket /s --net",
		"--socket /s --net bridge",
		"--socket /s --net tap:",
		"--socket /s --net tap:name-that-is-too-long",
		"--socket /s --net sink -p 1:2",
		"--socket /s --net user -p 1",
		"--socket /s --net user --queues 0",
		"--socket /s --net user --queues 65",
		"--socket /s --net user --queues x",
		"--spin 1001 --socket /s --net user",
		"--fd x --net user",
		"--socket /s --net user extra",
		"--nonsense",
		"--log loud --socket /s --net user",
		"-p 1:2 --socket /s --net user",
		"--socket /s --net tap:t --restrict",
	};
	struct options o;

	log_level = LOG_NONE;
	CHECK(parse(&o, "--spin 10 --stats --socket /a --net user -p 1:2 -p udp:3:4 --pcap /p "
			"--client /b --net tap:t0 --queues 4") == 0);
	CHECK(o.dev_count == 2 && o.spin_us == 10 && o.stats);
	CHECK(o.dev[0].mode == CONN_LISTEN && !strcmp(o.dev[0].path, "/a") &&
	      o.dev[0].net.kind == NET_USER && o.dev[0].net.forward_count == 2 &&
	      !strcmp(o.dev[0].pcap, "/p") && o.dev[0].pairs == 1);
	CHECK(o.dev[1].mode == CONN_CONNECT && o.dev[1].net.kind == NET_TAP &&
	      o.dev[1].pairs == 4 && !strcmp(o.dev[1].net.name, "t0") && !o.dev[1].pcap);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(parse(&o, bad[i]) == -EINVAL, "%s", bad[i]);
	PASS();
}

int main(void)
{
	csum_of_all_sizes();
	gso_header_and_back();
	complete_avoids_zero();
	mss();
	parse_anything();
	broken_options();
	every_cut();
	hash_is_symmetric();
	forwards();
	command_line();
	return t_end();
}
