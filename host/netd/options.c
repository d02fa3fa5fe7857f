/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host/netd/log.h"
#include "host/netd/options.h"

static const char usage[] =
	"usage: netd [GLOBAL] DEVICE...\n"
	"Serves virtio-net devices over vhost-user.\n"
	"\n"
	"A device starts with one of\n"
	"  --socket PATH       listen on PATH for the front end\n"
	"  --client PATH       connect to the front end at PATH, again whenever it goes away\n"
	"  --fd N              inherited connected socket; netd ends with it\n"
	"followed by\n"
	"  --net KIND          user | tap:NAME | link:PATH | sink | echo\n"
	"  -p, --publish [ADDR:]HOST:[GADDR:]GUEST[/udp]\n"
	"                      user: forward a port of this machine to the guest\n"
	"  --restrict          user: no connections from the guest to the world\n"
	"  --queues N          queue pairs to offer, 1..64 (1)\n"
	"  --pcap FILE         capture all frames\n"
	"\n"
	"GLOBAL\n"
	"  --spin US           longest time to poll before sleeping, 0..1000 (50)\n"
	"  --no-sandbox        keep all system calls (for debugging and sanitizers)\n"
	"  --stats             print counters as JSON at exit (and on SIGUSR1)\n"
	"  --log LEVEL         error | warn | info | debug (warn)\n"
	"  --help\n";

enum {
	O_SOCKET = 256,
	O_CLIENT,
	O_FD,
	O_NET,
	O_RESTRICT,
	O_QUEUES,
	O_PCAP,
	O_SPIN,
	O_STATS,
	O_NO_SANDBOX,
	O_LOG,
	O_HELP,
};

static const struct option long_options[] = {
	{ "socket", 1, NULL, O_SOCKET },
	{ "client", 1, NULL, O_CLIENT },
	{ "fd", 1, NULL, O_FD },
	{ "net", 1, NULL, O_NET },
	{ "publish", 1, NULL, 'p' },
	{ "restrict", 0, NULL, O_RESTRICT },
	{ "queues", 1, NULL, O_QUEUES },
	{ "pcap", 1, NULL, O_PCAP },
	{ "spin", 1, NULL, O_SPIN },
	{ "stats", 0, NULL, O_STATS },
	{ "no-sandbox", 0, NULL, O_NO_SANDBOX },
	{ "log", 1, NULL, O_LOG },
	{ "help", 0, NULL, O_HELP },
	{ NULL, 0, NULL, 0 },
};

static int bad(const char *what, const char *text)
{
	log_error("USAGE", "%s: %s", what, text);
	return -EINVAL;
}

static bool parse_number(const char *text, unsigned min, unsigned max, unsigned *out)
{
	char *end;
	unsigned long v;

	if (*text < '0' || *text > '9')
		return false;
	v = strtoul(text, &end, 10);
	if (*end || v < min || v > max)
		return false;
	*out = v;
	return true;
}

static int parse_net(struct options_net *net, const char *text)
{
	static const struct {
		const char *prefix;
		enum net_kind kind;
	} kinds[] = { { "tap:", NET_TAP }, { "link:", NET_LINK } };

	for (int i = 0; i < 2; i++) {
		size_t n = strlen(kinds[i].prefix);

		if (strncmp(text, kinds[i].prefix, n) || !text[n])
			continue;
		net->kind = kinds[i].kind;
		net->name = text + n;
		if (net->kind == NET_TAP && strlen(net->name) >= IFNAMSIZ)
			return bad("--net", "interface name is too long");
		return 0;
	}
	if (!strcmp(text, "user"))
		net->kind = NET_USER;
	else if (!strcmp(text, "sink"))
		net->kind = NET_SINK;
	else if (!strcmp(text, "echo"))
		net->kind = NET_ECHO;
	else
		return bad("--net", text);
	return 0;
}

static int parse_log(const char *text)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };

	for (int i = 0; i < 4; i++) {
		if (!strcmp(text, names[i])) {
			log_level = LOG_ERROR + i;
			return 0;
		}
	}
	return bad("--log", text);
}

static int new_device(struct options *opt, enum conn_mode mode, char *arg)
{
	struct options_dev *d = &opt->dev[opt->dev_count];
	unsigned fd = 0;

	if (opt->dev_count == OPT_DEVICES_MAX)
		return bad("too many devices", arg);
	if (mode == CONN_FD && !parse_number(arg, 0, 1 << 20, &fd))
		return bad("--fd", arg);
	*d = (struct options_dev){ .mode = mode, .fd = fd, .pairs = 1 };
	d->path = mode == CONN_FD ? NULL : arg;
	opt->dev_count++;
	return 0;
}

static int device_option(struct options_dev *d, int c, char *arg)
{
	struct options_net *net = &d->net;
	const char *why;

	switch (c) {
	case O_NET:
		return parse_net(net, arg);
	case 'p':
		if (net->forward_count == OPT_FORWARDS_MAX)
			return bad("too many forwards", arg);
		why = forward_parse(&net->forward[net->forward_count++], arg);
		if (why)
			log_error("USAGE", "-p %s: %s", arg, why);
		return why ? -EINVAL : 0;
	case O_RESTRICT:
		net->restrict_net = true;
		return 0;
	case O_QUEUES:
		return parse_number(arg, 1, DEV_PAIRS_MAX, &d->pairs) ? 0 : bad("--queues", arg);
	default:
		d->pcap = arg;
		return 0;
	}
}

static int one_option(struct options *opt, int c, char *arg)
{
	switch (c) {
	case O_SOCKET:
		return new_device(opt, CONN_LISTEN, arg);
	case O_CLIENT:
		return new_device(opt, CONN_CONNECT, arg);
	case O_FD:
		return new_device(opt, CONN_FD, arg);
	case O_SPIN:
		return parse_number(arg, 0, 1000, &opt->spin_us) ? 0 : bad("--spin", arg);
	case O_STATS:
		opt->stats = true;
		return 0;
	case O_NO_SANDBOX:
		opt->no_sandbox = true;
		return 0;
	case O_LOG:
		return parse_log(arg);
	case O_HELP:
		fputs(usage, stdout);
		return 1;
	case '?':
		return bad("unknown or incomplete option", "see --help");
	default:
		if (!opt->dev_count)
			return bad("option before the first device", "see --help");
		return device_option(&opt->dev[opt->dev_count - 1], c, arg);
	}
}

static int check(const struct options *opt)
{
	if (!opt->dev_count)
		return bad("no device", "see --help");
	for (unsigned i = 0; i < opt->dev_count; i++) {
		const struct options_net *net = &opt->dev[i].net;

		if (net->kind == NET_NONE)
			return bad("device without --net", "see --help");
		if (net->kind != NET_USER && (net->forward_count || net->restrict_net))
			return bad("-p and --restrict", "only with --net user");
	}
	return 0;
}

int options_parse(struct options *opt, int argc, char **argv)
{
	int c, ret;

	memset(opt, 0, sizeof(*opt));
	opt->spin_us = LOOP_SPIN_US_MAX;
	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, "p:", long_options, NULL)) != -1) {
		ret = one_option(opt, c, optarg);
		if (ret)
			return ret;
	}
	if (optind != argc)
		return bad("unexpected argument", argv[optind]);
	return check(opt);
}
