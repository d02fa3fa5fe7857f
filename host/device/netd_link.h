/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One NIC of a TEE that is served over vhost-user: netd as our child for "user", "tap:NAME" and
 * "link:PATH", or somebody else's back end for "vhost-user:PATH". Keeps it alive.
 *
 * A thread of its own watches the connection. When netd dies it is started again (at once the
 * first time, then with growing delays), handed the arena, and continues every ring where the
 * old one stopped. The TEE takes no part in that.
 *
 * Order of calls:
 *   netd_link_start()       before the TEE boots; afterwards features and pairs are known
 *   netd_link_set_queues()  when the TEE has set up its rings (its hostcall), once
 *   netd_link_stop()        at the end; netd is gone when it returns
 *
 * Instead of netd_link_set_queues(), a caller that makes fresh rings for every back end (nicdev.h)
 * gives hooks; then nothing is resumed.
 *
 * Context: all functions may block up to config.vu.timeout_ms (and netd's start); not for vCPU
 * threads. They may be called from any other thread.
 */
#ifndef HOST_DEVICE_NETD_LINK_H
#define HOST_DEVICE_NETD_LINK_H

#include "host/device/vhost_user.h"

#define NETD_LINK_PUBLISH_MAX 64

/*
 * Called on the link's thread, one at a time. They may use vu, and must not call netd_link_*().
 */
struct netd_link_hooks {
	void (*up)(void *arg, struct vhost_user *vu); /* connected; queues not set up */
	void (*down)(void *arg);
	int event_fd; /* eventfd, stays the caller's; the link reads it before it calls event() */
	void (*event)(void *arg, struct vhost_user *vu); /* only while a back end is there */
	void *arg;
};

struct netd_link_config {
	const char *netd; /* path of the program; unused for vhost-user: */
	const char *nic; /* user | tap:NAME | link:PATH | vhost-user:PATH */
	bool listen; /* vhost-user: we own the socket and wait for the back end */
	const char *const *publish; /* user: "HOST:GUEST" and so on, as netd's -p */
	unsigned publish_count;
	unsigned pairs; /* queue pairs wanted, 0: 1 */
	unsigned spin_us; /* netd's --spin, 0: its default */
	const char *pcap; /* capture file, replaced; or NULL */
	bool restrict_net;
	/* arena_fd, arena_size, arena_offset, arena, guest_base, timeout_ms; the rest is ignored */
	struct vhost_user_config vu;
	/* One line of text for the log, without newline; NULL: "rktio: ..." on standard error. */
	void (*log)(void *arg, const char *line);
	void *log_arg;
	const struct netd_link_hooks *hooks; /* copied; NULL: netd_link_set_queues() and resume */
};

struct netd_link_stats {
	u64 restarts; /* connections made after the first */
	bool up;
	int pid; /* of netd, 0: none or not ours */
};

struct netd_link;

/**
 * netd_link_start - start the back end and shake hands
 * @cfg: copied, strings included
 *
 * Return: 0 and *out; -EINVAL for a nic that is none of ours, -ENOENT if netd is not there, -EIO
 * if it ended at once (it said why on standard error), or another negative errno.
 */
int netd_link_start(struct netd_link **out, const struct netd_link_config *cfg);

/* What the back end offered first. A later one that offers less is refused. */
u64 netd_link_features(struct netd_link *l);
unsigned netd_link_pairs(struct netd_link *l);

/* vhost_user_start(), waiting for a back end that is being restarted just now. */
int netd_link_set_queues(struct netd_link *l, u64 features, const struct vhost_user_queue *queue,
			 unsigned count);

void netd_link_get_stats(struct netd_link *l, struct netd_link_stats *stats);

/* Ends the thread and netd, frees everything. NULL is allowed. */
void netd_link_stop(struct netd_link *l);

#endif
