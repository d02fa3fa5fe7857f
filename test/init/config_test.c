// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The parsers of init: configuration, wg-quick files, DHCP answers. */
#include "enclave/init/dhcp.h"
#include "enclave/init/value.h"
#include "enclave/init/wg.h"
#include "test/lib/tap.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct init_config c;
static char text[4096];

static int parse(const char *measured, const char *host)
{
	static char second[4096];
	int err;

	config_wipe(&c);
	config_init(&c);
	snprintf(text, sizeof(text), "%s", measured);
	snprintf(second, sizeof(second), "%s", host ?: "");
	err = config_parse(&c, text, true);
	if (!err && host)
		err = config_parse(&c, second, false);
	return err ?: config_finish(&c);
}

static void good(const char *name, bool right)
{
	tap_case(right, name, "line %d: %s", c.line, c.why);
}

static void whole_config(void)
{
	int err =
		parse("# all of it\n"
		      "hostname=box\n\n"
		      "root=hostblk\nroot.fs=ext4\nroot.mode=overlay\nroot.overlay_size=64M\n"
		      "blob.k=aGVsbG8=\n"
		      "disk.data=nvme0n1\ndisk.data.mount=/var/lib/data\ndisk.data.key=blob:k\n"
		      "disk.data.mkfs=empty\n"
		      "disk.ro=nvme1n1\ndisk.ro.ro=1\ndisk.ro.key=file:/keys/ro\ndisk.ro.fs=xfs\n"
		      "nic.eth0.addr=10.1.2.3/16\nnic.eth0.addr=fd00::1/64\nnic.eth0.gw=10.1.0.1\n"
		      "nic.eth0.gw=fd00::2\nnic.eth0.dns=9.9.9.9\nnic.eth0.mtu=9000\n"
		      "nic.eth0.protect=wireguard:file:/wg0.conf\n"
		      "nic.eth1.addr=dhcp\nnic.eth1.protect=program\n"
		      "env=A=1\nenv=B=two\\nlines\\\\\nenv=A=2\ncwd=/srv\nuser=1000:100\n"
		      "sysctl.net.core.somaxconn=1024\narg=/bin/x\narg=\narg=a=b\n",
		      NULL);

	good("whole", !err);
	good("disks", c.disk_count == 2 && c.disk[0].mkfs == MKFS_EMPTY && c.disk[1].ro &&
			      !strcmp(c.disk[0].mount, "/var/lib/data") &&
			      !strcmp(c.disk[1].key.file, "/keys/ro") && c.blob[0].size == 5);
	good("nics", c.nic_count == 2 && c.nic[0].addr_count == 2 &&
			     c.nic[0].addr[1].prefix == 64 && c.nic[0].gw[1].family == AF_INET6 &&
			     c.nic[0].mtu == 9000 && c.nic[0].protect == NIC_WIREGUARD &&
			     c.nic[1].addressing == NIC_DHCP);
	good("program", c.argc == 3 && !*c.argv[1] && !strcmp(c.argv[2], "a=b") && !c.argv[3] &&
				c.uid == 1000 && c.gid == 100 && !strcmp(c.cwd, "/srv"));
	good("env", c.env_count == 4 && !strcmp(c.env[0], "A=2") &&
			    !strcmp(c.env[1], "B=two\nlines\\") && !c.env[4]);
	good("sysctl", c.sysctl_count == 1 && !strcmp(c.sysctl[0], "net.core.somaxconn=1024"));
	err = parse("nic.eth0.addr=user\narg=x\n", NULL);
	good("user_network", !err && c.nic[0].addr[0].prefix == 24 &&
				     c.nic[0].gw[0].bytes[3] == 2 && c.dns[0].bytes[3] == 3);
}

static void host_settings(void)
{
	good("host_denied", parse("arg=x\n", "env=A=1\n") == -EPERM && strstr(c.why, "\"env\""));
	good("host_star", !parse("host_may_set=*\n", "arg=x\nnic.eth0.addr=dhcp\n"));
	good("host_list",
	     !parse("host_may_set=env,nic.*\narg=x\n", "env=A=1\nnic.eth0.addr=dhcp\n"));
	good("host_list_denied", parse("host_may_set=env,nic.*\narg=x\n", "disk.a=b\n") == -EPERM);
	good("host_list_prefix", parse("host_may_set=env\narg=x\n", "environment=1\n") == -EPERM);
	good("host_widens", parse("host_may_set=*\n", "host_may_set=*\n") == -EPERM);
}

static void bad_config(void)
{
	static const char *const lines[][2] = {
		{ "nonsense", "not KEY=VALUE" },
		{ "colour=red", "no key \"colour\"" },
		{ "root.colour=red", "no key" },
		{ "disk.a.colour=red", "no key" },
		{ "nic.eth0.colour=red", "no key" },
		{ "nic.eth0=red", "no key" },
		{ "\x1b[31m=x", "no key \"?[31m\"" },
		{ "hostname=a b", "bad value" },
		{ "hostname=", "bad value" },
		{ "cwd=relative", "bad value" },
		{ "cwd=/a/../b", "bad value" },
		{ "env=novalue", "bad value" },
		{ "env==x", "bad value" },
		{ "user=0", "bad value" },
		{ "user=4294967295:0", "bad value" },
		{ "arg=\\x", "bad value" },
		{ "arg=trailing\\", "bad value" },
		{ "stdio=pipe", "bad value" },
		{ "sysctl.../../etc/passwd=x", "bad value" },
		{ "sysctl.a/b=x", "bad value" },
		{ "disk.a=../sda", "bad value" },
		{ "disk..mount=/x", "bad value" },
		{ "disk.a.mount=/", "no key" },
		{ "disk.a.mount=/x/./y", "no key" },
		{ "disk.a.key=secret", "bad value" },
		{ "disk.a.key=file:relative", "bad value" },
		{ "disk.a.mkfs=always", "bad value" },
		{ "disk.a.ro=yes", "bad value" },
		{ "disk.a.mount=/x", "has no device" },
		{ "disk.a=b\ndisk.c=b", "used twice" },
		{ "root=b\ndisk.c=b", "used twice" },
		{ "disk.a=b\ndisk.a.ro=1\ndisk.a.mkfs=empty", "ro and mkfs" },
		{ "disk.a=b\ndisk.a.key=blob:x", "no blob.x" },
		{ "nic.eth0.protect=wireguard:blob:x", "no blob.x" },
		{ "root.mode=magic", "bad value" },
		{ "root.overlay_size=1;rm", "bad value" },
		{ "nic.lo.addr=dhcp", "bad value" },
		{ "nic.a-very-long-interface.addr=dhcp", "bad value" },
		{ "nic.eth0.addr=10.0.0.1", "bad value" },
		{ "nic.eth0.addr=10.0.0.1/33", "bad value" },
		{ "nic.eth0.addr=10.0.0/8", "bad value" },
		{ "nic.eth0.addr=::1/129", "bad value" },
		{ "nic.eth0.gw=10.0.0.1/8", "bad value" },
		{ "nic.eth0.mtu=100", "bad value" },
		{ "nic.eth0.mtu=65536", "bad value" },
		{ "nic.eth0.mtu=-1", "bad value" },
		{ "nic.eth0.protect=nothing", "bad value" },
		{ "nic.eth0.protect=wireguard:", "bad value" },
		{ "blob.k=a", "bad value" },
		{ "blob.k=aGVsbG9=", "bad value" },
		{ "blob.k=aGVsbG8=\nblob.k=aGVsbG8=", "too many, or twice" },
		{ "nic.eth0.dns=1.1.1.1\nnic.eth0.dns=1.1.1.1\nnic.eth0.dns=1.1.1.1\nnic.eth0.dns=1.1.1.1",
		  "too many" },
	};
	char name[64], config[512];

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		int err;

		snprintf(config, sizeof(config), "arg=x\n%s\n", lines[i][0]);
		snprintf(name, sizeof(name), "refuse_%zu_%.20s", i, lines[i][0]);
		value_printable(name);
		err = parse(config, NULL);
		tap_case(err == -EINVAL && strstr(c.why, lines[i][1]), name, "%d, said: %s", err,
			 c.why);
	}
	good("refuse_no_program", parse("env=A=1\n", NULL) == -EINVAL);
	good("error_line", parse("arg=x\n\nbad\n", NULL) == -EINVAL && c.line == 3);
}

static void too_many(void)
{
	static char many[CONFIG_LIST_MAX * 8 + 64];
	size_t n = 0;

	for (int i = 0; i <= CONFIG_LIST_MAX; i++)
		n += sprintf(many + n, "arg=%d\n", i);
	config_init(&c);
	good("too_many_args", config_parse(&c, many, true) == -EINVAL && strstr(c.why, "too many"));
}

static struct wg_config wg;

static int parse_wg(const char *s)
{
	snprintf(text, sizeof(text), "%s", s);
	return wg_parse(&wg, text);
}

#define KEY "aGVsbG9oZWxsb2hlbGxvaGVsbG9oZWxsb2hlbGxvaDA="

static void wireguard(void)
{
	int err = parse_wg("# c\n[Interface]\nPrivateKey = " KEY "\r\nlistenport=51820 # c\n"
			   "Address = 10.9.0.1/24, fd00::1/64\nDNS=1.1.1.1\nMTU = 1400\n\n"
			   "[Peer]\nPublicKey=" KEY "\nPresharedKey=" KEY
			   "\nAllowedIPs = 10.9.0.2/32,"
			   "fd00::2/128\nAllowedIPs = 192.168.0.0/16\nEndpoint = 10.0.2.2:51821\n"
			   "PersistentKeepalive = 25\n[peer]\nPublicKey=" KEY "\nAllowedIPs =\n"
			   "Endpoint=[fd00::9]:1\nPersistentKeepalive=off\n");
	static const char *const bad[][2] = {
		{ "", "no PrivateKey" },
		{ "[Interface]\n", "no PrivateKey" },
		{ "PrivateKey=" KEY, "before a section" },
		{ KEY, "\"this line\" before a section" },
		{ "[Interface]\n" KEY, "\"this line\" is not supported" },
		{ "[Interface]\n[" KEY "]\n", "unknown section" },
		{ "[Interface]\nPostUp = iptables", "\"PostUp\" is not supported" },
		{ "[Interface]\nPreDown = x", "\"PreDown\" is not supported" },
		{ "[Interface]\nTable = off", "\"Table\" is not supported" },
		{ "[Interface]\nSaveConfig = true", "\"SaveConfig\" is not supported" },
		{ "[Interface]\nFwMark = 1", "\"FwMark\" is not supported" },
		{ "[Interface]\nPublicKey = " KEY, "\"PublicKey\" is not supported" },
		{ "[Interface]\nPrivateKey = c2hvcnQ=", "bad value of \"PrivateKey\"" },
		{ "[Interface]\nPrivateKey = " KEY "\nListenPort = 65536", "bad value" },
		{ "[Interface]\nDNS = corp.local", "bad value" },
		{ "[Interface]\nMTU = 1", "bad value" },
		{ "[Interface]\nPrivateKey", "not KEY = VALUE" },
		{ "[Interface]\nPrivateKey=" KEY "\n[Peer]\nAllowedIPs=10.0.0.0/8",
		  "peer 1 has no" },
		{ "[Interface]\nPrivateKey=" KEY "\n[Peer]\nEndpoint=vpn.example.com:1",
		  "bad value" },
		{ "[Interface]\nPrivateKey=" KEY "\n[Peer]\nEndpoint=10.0.0.1:0", "bad value" },
		{ "[Interface]\nPrivateKey=" KEY "\n[Peer]\nEndpoint=fd00::1:1", "bad value" },
		{ "[Interface]\nPrivateKey=" KEY "\n[Peer]\nEndpoint=[10.0.0.1]:1", "bad value" },
		{ "[Interface]\nPrivateKey=" KEY "\n[Peer]\nAllowedIPs=10.0.0.0/8,,", "bad value" },
		{ "[Network]\n", "unknown section" },
	};
	char name[64];

	tap_case(!err, "wg_whole", "line %d: %s", wg.line, wg.why);
	tap_case(wg.peer_count == 2 && wg.peer[0].allowed_count == 3 &&
			 wg.peer[0].keepalive == 25 && wg.peer[0].endpoint_port == 51821 &&
			 wg.peer[1].endpoint.family == AF_INET6 && !wg.peer[1].keepalive &&
			 !wg.peer[1].has_preshared && wg.listen_port == 51820 &&
			 wg.address_count == 2 && wg.mtu == 1400 && wg.dns_count == 1,
		 "wg_values", "differ");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(name, sizeof(name), "wg_refuse_%zu", i);
		err = parse_wg(bad[i][0]);
		tap_case(err == -EINVAL && strstr(wg.why, bad[i][1]) && !strstr(wg.why, "aGVs"),
			 name, "%d, said: %s", err, wg.why);
	}
}

/* An answer with the options given, in a buffer of just that size. */
static int dhcp(const u8 *options, size_t size, struct dhcp_lease *lease)
{
	u8 *packet = calloc(1, 240 + size);
	u32 server;
	int type;

	packet[0] = 2;
	memcpy(packet + 4, "\1\2\3\4", 4);
	memcpy(packet + 16, "\12\0\2\17", 4);
	memcpy(packet + 236, "\x63\x82\x53\x63", 4);
	memcpy(packet + 240, options, size);
	type = dhcp_parse(packet, 240 + size, htonl(0x01020304), lease, &server);
	free(packet);
	return type;
}

#define DHCP(options) dhcp((const u8 *)options, sizeof(options) - 1, &lease)

static void dhcp_answers(void)
{
	struct dhcp_lease lease;

	tap_case(
		DHCP("\x35\1\2\1\4\377\377\377\0\3\4\12\0\2\2\6\x10\1\1\1\1\2\2\2\2\3\3\3\3\4\4\4\4"
		     "\x36\4\12\0\2\2\377") == 2 &&
			lease.address.prefix == 24 && lease.gw.bytes[3] == 2 &&
			lease.dns_count == CONFIG_DNS_MAX && lease.dns[2].bytes[0] == 3,
		"dhcp_offer", "values differ");
	tap_case(DHCP("\x35\1\6\377") == 6, "dhcp_refusal", "differs");
	tap_case(DHCP("\1\4\377\377\377\0\377") == -EINVAL, "dhcp_no_type", "accepted");
	tap_case(DHCP("\x35\1\5\1\4\377\0\377\0\377") == -EINVAL, "dhcp_mask_with_hole",
		 "accepted");
	tap_case(DHCP("\x35\1\5\1\4\0\0\0\0\377") == -EINVAL, "dhcp_mask_0", "accepted");
	tap_case(DHCP("\x35\1\5\1\4\377\377\377\377\377") == 5 && lease.address.prefix == 32,
		 "dhcp_mask_32", "differs");
	tap_case(DHCP("\x35") == -EINVAL, "dhcp_cut_in_option", "accepted");
	tap_case(DHCP("\x35\x20\2") == -EINVAL, "dhcp_length_beyond_end", "accepted");
	tap_case(DHCP("\0\0\0\0\x35\1\5") == 5 && lease.address.prefix == 24, "dhcp_padding",
		 "differs");
	tap_case(DHCP("\x35\1\5\3\2\1\1\6\3\1\1\1") == 5 && !lease.gw.family && !lease.dns_count,
		 "dhcp_short_options", "taken");
}

static void values(void)
{
	u32 v = 7;
	u16 port;
	struct cidr a;

	tap_case(value_u32("4294967296", UINT32_MAX, &v) && value_u32("", 1, &v) &&
			 value_u32("+1", 9, &v) && value_u32("99999999999999999999", ~0u, &v) &&
			 v == 7 && !value_u32("4294967295", UINT32_MAX, &v) && v == UINT32_MAX,
		 "value_u32", "differs");
	tap_case(value_is_path("/") && value_is_path("/a/b") && !value_is_path("/a/") &&
			 !value_is_path("//a") && !value_is_path("/..") && !value_is_path("a") &&
			 value_is_path("/..."),
		 "value_is_path", "differs");
	tap_case(value_endpoint("1.2.3.4:5", &a, &port) == 0 && port == 5 &&
			 value_endpoint(":5", &a, &port) && value_endpoint("[::1]5", &a, &port) &&
			 value_endpoint("[::1:5", &a, &port) &&
			 value_endpoint("1.2.3.4/8:5", &a, &port),
		 "value_endpoint", "differs");
}

int main(void)
{
	whole_config();
	host_settings();
	bad_config();
	too_many();
	wireguard();
	dhcp_answers();
	values();
	return tap_end();
}
