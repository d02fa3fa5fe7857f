/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "host/device/netd_link.h"
#include "host/device/spawn.h"

#define ARGS_MAX (2 * NETD_LINK_PUBLISH_MAX + 16)
#define STOP_MS 2000
#define EXTERNAL "vhost-user:"

struct netd_link {
	struct netd_link_config cfg;
	struct netd_link_hooks hooks; /* up is NULL if there are none */
	char *argv[ARGS_MAX]; /* all allocated; NULL-terminated */
	unsigned argc;
	char fd_arg[16];
	unsigned fd_arg_at;
	char *path; /* of a back end that is not our child */
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock; /* everything below */
	pthread_cond_t changed;
	int wake; /* eventfd: stop was set */
	bool stop;
	bool up;
	bool started; /* the thread tried for the first time, with this result: */
	int start_ret;
	u64 restarts;
	u64 features;
	unsigned pairs;
	struct vhost_user *vu;
	struct spawn_proc proc;
	struct spawn_backoff backoff;
};

static __attribute__((format(printf, 2, 3))) void say(struct netd_link *l, const char *fmt, ...)
{
	char line[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (l->cfg.log)
		l->cfg.log(l->cfg.log_arg, line);
	else
		fprintf(stderr, "rktio: %s\n", line);
}

/* --- set-up --------------------------------------------------------------------------- */

static int add_arg(struct netd_link *l, const char *text)
{
	if (l->argc + 1 >= ARGS_MAX)
		return -E2BIG;
	l->argv[l->argc] = strdup(text);
	return l->argv[l->argc++] ? 0 : -ENOMEM;
}

static int add_number(struct netd_link *l, const char *name, unsigned value)
{
	char text[16];
	int ret = add_arg(l, name);

	snprintf(text, sizeof(text), "%u", value);
	return ret ? ret : add_arg(l, text);
}

static int make_args(struct netd_link *l)
{
	const struct netd_link_config *c = &l->cfg;
	int ret = add_arg(l, c->netd);

	if (!ret && c->spin_us)
		ret = add_number(l, "--spin", c->spin_us);
	if (!ret)
		ret = add_number(l, "--fd", 0); /* filled in at each start */
	l->fd_arg_at = l->argc - 1;
	if (!ret)
		ret = add_arg(l, "--net") ?: add_arg(l, c->nic);
	if (!ret)
		ret = add_number(l, "--queues", c->pairs);
	for (unsigned i = 0; i < c->publish_count && !ret; i++)
		ret = add_arg(l, "-p") ?: add_arg(l, c->publish[i]);
	if (!ret && c->restrict_net)
		ret = add_arg(l, "--restrict");
	if (!ret && c->pcap)
		unlink(c->pcap); /* netd appends, for its restarts */
	if (!ret && c->pcap)
		ret = add_arg(l, "--pcap") ?: add_arg(l, c->pcap);
	return ret;
}

static bool is_ours(const char *nic)
{
	return !strcmp(nic, "user") || !strncmp(nic, "tap:", 4) || !strncmp(nic, "link:", 5);
}

static int parse_nic(struct netd_link *l)
{
	const char *nic = l->cfg.nic;

	if (!strncmp(nic, EXTERNAL, strlen(EXTERNAL))) {
		l->path = strdup(nic + strlen(EXTERNAL));
		return l->path ? 0 : -ENOMEM;
	}
	if (!is_ours(nic) || !l->cfg.netd || l->cfg.publish_count > NETD_LINK_PUBLISH_MAX)
		return -EINVAL;
	return make_args(l);
}

/* --- the thread ----------------------------------------------------------------------- */

static int spawn_netd(struct netd_link *l)
{
	char *saved = l->argv[l->fd_arg_at];
	int sv[2], ret;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv))
		return -errno;
	snprintf(l->fd_arg, sizeof(l->fd_arg), "%d", sv[1]);
	l->argv[l->fd_arg_at] = l->fd_arg;
	spawn_backoff_started(&l->backoff);
	ret = spawn_start(&l->proc, l->argv, sv[1]);
	l->argv[l->fd_arg_at] = saved;
	close(sv[1]);
	if (ret) {
		close(sv[0]);
		return ret;
	}
	ret = vhost_user_adopt(l->vu, sv[0]);
	if (ret) {
		spawn_stop(&l->proc, 0);
		/* it ended before or after it read our first message */
		ret = ret == -ECONNRESET || ret == -EPIPE ? -EIO : ret;
	}
	return ret;
}

static int bring_up(struct netd_link *l)
{
	int ret = l->path ? vhost_user_connect(l->vu) : spawn_netd(l);

	if (ret)
		return ret;
	if (!l->features) {
		l->features = vhost_user_features(l->vu);
		l->pairs = vhost_user_pairs(l->vu);
		return 0;
	}
	return l->hooks.up ? 0 : vhost_user_resume(l->vu);
}

/*
 * Waits for something to do: stop, the end of the connection, the hooks' event; with a timeout
 * for stop alone. Without the lock: poll only.
 */
static void watch(struct netd_link *l, int timeout_ms)
{
	bool all = timeout_ms < 0;
	struct pollfd p[3] = { { l->wake, POLLIN, 0 },
			       { all ? vhost_user_fd(l->vu) : -1, POLLIN, 0 },
			       { all && l->hooks.up ? l->hooks.event_fd : -1, POLLIN, 0 } };
	u64 count;

	pthread_mutex_unlock(&l->lock);
	poll(p, 3, timeout_ms);
	pthread_mutex_lock(&l->lock);
	if (!l->stop && p[2].revents && read(l->hooks.event_fd, &count, sizeof(count)) > 0)
		l->hooks.event(l->hooks.arg, l->vu);
}

static void set_up(struct netd_link *l, bool up)
{
	bool was = l->up;

	l->up = up;
	pthread_cond_broadcast(&l->changed);
	if (!l->hooks.up || was == up)
		return;
	if (up)
		l->hooks.up(l->hooks.arg, l->vu);
	else
		l->hooks.down(l->hooks.arg);
}

static void lost(struct netd_link *l)
{
	unsigned delay = spawn_backoff_died(&l->backoff);
	int ret;

	set_up(l, false);
	spawn_stop(&l->proc, 0);
	say(l, "NETD: %s: back end is gone, starting again", l->cfg.nic);
	while (!l->stop) {
		watch(l, delay);
		if (l->stop)
			return;
		ret = bring_up(l);
		if (!ret) {
			l->restarts++;
			set_up(l, true);
			return;
		}
		delay = spawn_backoff_died(&l->backoff);
		spawn_stop(&l->proc, 0);
		if (!l->path || ret != -ETIMEDOUT)
			say(l, "NETD: %s: %s", l->cfg.nic, strerror(-ret));
	}
}

static void *run(void *arg)
{
	struct netd_link *l = arg;

	pthread_mutex_lock(&l->lock);
	l->start_ret = bring_up(l);
	l->started = true;
	set_up(l, !l->start_ret);
	while (!l->stop && !l->start_ret) {
		watch(l, -1);
		if (!l->stop && !vhost_user_check(l->vu))
			lost(l);
	}
	set_up(l, false);
	spawn_stop(&l->proc, l->stop ? STOP_MS : 0);
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

/* --- interface ------------------------------------------------------------------------ */

static void free_link(struct netd_link *l)
{
	vhost_user_free(l->vu);
	if (l->wake >= 0)
		close(l->wake);
	for (unsigned i = 0; i < l->argc; i++)
		free(l->argv[i]);
	free(l->path);
	free((char *)l->cfg.nic);
	pthread_cond_destroy(&l->changed);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static struct netd_link *new_link(const struct netd_link_config *cfg)
{
	struct netd_link *l = calloc(1, sizeof(*l));
	pthread_condattr_t attr;

	if (!l)
		return NULL;
	l->cfg = *cfg;
	l->cfg.nic = strdup(cfg->nic);
	if (cfg->hooks)
		l->hooks = *cfg->hooks;
	l->proc = (struct spawn_proc)SPAWN_NONE;
	l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!l->cfg.pairs)
		l->cfg.pairs = 1;
	pthread_mutex_init(&l->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&l->changed, &attr);
	pthread_condattr_destroy(&attr);
	return l;
}

static int wait_first(struct netd_link *l)
{
	int ret;

	pthread_mutex_lock(&l->lock);
	while (!l->started)
		pthread_cond_wait(&l->changed, &l->lock);
	ret = l->start_ret;
	pthread_mutex_unlock(&l->lock);
	return ret;
}

int netd_link_start(struct netd_link **out, const struct netd_link_config *cfg)
{
	struct netd_link *l = new_link(cfg);
	struct vhost_user_config vu = cfg->vu;
	int ret;

	if (!l)
		return -ENOMEM;
	ret = l->cfg.nic && l->wake >= 0 ? parse_nic(l) : -ENOMEM;
	if (ret)
		goto fail;
	vu.path = l->path;
	vu.listen = cfg->listen;
	ret = vhost_user_new(&l->vu, &vu);
	if (ret)
		goto fail;
	/* The thread is netd's parent: the kernel ends netd with it. */
	ret = -pthread_create(&l->thread, NULL, run, l);
	if (ret)
		goto fail;
	l->has_thread = true;
	ret = wait_first(l);
	if (ret)
		goto stop;
	*out = l;
	return 0;

stop:
	netd_link_stop(l);
	return ret;
fail:
	free_link(l);
	return ret;
}

u64 netd_link_features(struct netd_link *l)
{
	return l->features;
}

unsigned netd_link_pairs(struct netd_link *l)
{
	return l->pairs;
}

int netd_link_set_queues(struct netd_link *l, u64 features, const struct vhost_user_queue *queue,
			 unsigned count)
{
	unsigned wait_ms = l->cfg.vu.timeout_ms ? l->cfg.vu.timeout_ms : 5000;
	struct timespec end;
	int ret = 0;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += wait_ms / 1000 + 1;
	pthread_mutex_lock(&l->lock);
	while (!l->up && !ret)
		ret = -pthread_cond_timedwait(&l->changed, &l->lock, &end);
	if (!ret)
		ret = vhost_user_start(l->vu, features, queue, count);
	pthread_mutex_unlock(&l->lock);
	return ret;
}

void netd_link_get_stats(struct netd_link *l, struct netd_link_stats *stats)
{
	pthread_mutex_lock(&l->lock);
	*stats = (struct netd_link_stats){ l->restarts, l->up, l->proc.pid };
	pthread_mutex_unlock(&l->lock);
}

void netd_link_stop(struct netd_link *l)
{
	u64 one = 1;

	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	l->stop = true;
	if (write(l->wake, &one, sizeof(one)) < 0)
		say(l, "NETD: %s", strerror(errno));
	pthread_mutex_unlock(&l->lock);
	if (l->has_thread)
		pthread_join(l->thread, NULL);
	free_link(l);
}
