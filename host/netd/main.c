/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* netd: virtio-net devices for a TEE, over vhost-user. See docs/netd.md. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "host/netd/conn.h"
#include "host/netd/log.h"
#include "host/netd/options.h"
#include "host/netd/sandbox.h"

struct device {
	struct backend *be;
	struct dev dev;
	struct conn conn;
	bool has_dev, has_conn;
};

static struct loop loop;
static struct device devices[OPT_DEVICES_MAX];
static volatile sig_atomic_t want_stats;

static void on_stop(int sig)
{
	loop.stop = true;
}

static void on_usr1(int sig)
{
	want_stats = 1;
}

/* The front end took shared memory away. Nothing can be saved, but leave no file behind. */
static void on_bus(int sig)
{
	static const char msg[] = "netd: MEMORY: the front end shrank its shared memory\n";

	if (write(STDERR_FILENO, msg, sizeof(msg) - 1) < 0)
		_exit(1);
	for (unsigned i = 0; i < OPT_DEVICES_MAX; i++) {
		if (devices[i].has_conn && devices[i].conn.owns_path)
			unlink(devices[i].conn.path);
	}
	_exit(1);
}

static void set_signals(void)
{
	struct sigaction sa = { .sa_handler = on_stop };

	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sa.sa_handler = on_usr1;
	sigaction(SIGUSR1, &sa, NULL);
	sa.sa_handler = on_bus;
	sigaction(SIGBUS, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
}

static void print_stats(void)
{
	for (unsigned i = 0; i < OPT_DEVICES_MAX; i++) {
		if (devices[i].has_dev)
			dev_print_stats(&devices[i].dev);
	}
}

static bool stats_poll(struct loop_client *c)
{
	if (want_stats) {
		want_stats = 0;
		print_stats();
	}
	return false;
}

/* A stop or USR1 between the last look and the sleep is seen here or interrupts epoll_wait(). */
static bool stats_prepare_sleep(struct loop_client *c, int *timeout_ms)
{
	return !want_stats && !loop.stop;
}

static void stats_awake(struct loop_client *c)
{
}

static struct loop_client stats_client = { stats_poll, stats_prepare_sleep, stats_awake };

static struct backend *open_backend(const struct options_dev *o)
{
	switch (o->net.kind) {
	case NET_USER:
		return slirp_open(&loop, &o->net);
	case NET_TAP:
		return tap_open(&loop, &o->net, o->pairs);
	case NET_LINK:
		return link_open(&loop, &o->net);
	case NET_SINK:
		return sink_open(&loop);
	case NET_ECHO:
		return echo_open(&loop);
	default:
		return NULL;
	}
}

static int open_device(struct device *d, const struct options_dev *o)
{
	d->be = open_backend(o);
	if (!d->be)
		return -EIO;
	if (dev_init(&d->dev, &loop, d->be, o->pairs)) {
		log_error("MEMORY", "%u queue pairs: %s", o->pairs, strerror(ENOMEM));
		return -ENOMEM;
	}
	d->has_dev = true;
	if (o->pcap) {
		d->dev.pcap = pcap_open(o->pcap);
		if (!d->dev.pcap) {
			log_error("PCAP", "%s: %s", o->pcap, strerror(errno));
			return -errno;
		}
	}
	d->has_conn = true;
	return conn_open(&d->conn, &loop, &d->dev, o->mode, o->path, o->fd);
}

static void close_device(struct device *d)
{
	if (d->has_conn)
		conn_close(&d->conn);
	if (d->has_dev)
		dev_exit(&d->dev);
	if (d->be)
		d->be->ops->close(d->be);
	pcap_close(d->dev.pcap);
}

int main(int argc, char **argv)
{
	static struct options opt;
	int ret = options_parse(&opt, argc, argv);

	if (ret)
		return ret < 0 ? 2 : 0;
	set_signals();
	prctl(PR_SET_TIMERSLACK, 1000); /* ns: naps are short */
	ret = loop_init(&loop, opt.spin_us);
	if (ret) {
		log_error("EPOLL", "%s", strerror(-ret));
		return 1;
	}
	loop_add_client(&loop, &stats_client);
	for (unsigned i = 0; i < opt.dev_count && !ret; i++)
		ret = open_device(&devices[i], &opt.dev[i]);
	if (!ret && !opt.no_sandbox) {
		ret = sandbox_enter();
		if (ret)
			log_error("SANDBOX", "%s (--no-sandbox goes without)", strerror(-ret));
	}
	if (!ret)
		ret = loop_run(&loop);
	if (opt.stats)
		print_stats();
	for (unsigned i = 0; i < opt.dev_count; i++)
		close_device(&devices[i]);
	loop_exit(&loop);
	return ret ? 1 : 0;
}
