/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The event loop: one thread, one epoll descriptor, and the policy of when to sleep.
 *
 * While there is work the rings are polled and descriptors are looked at every LOOP_LOOK_US at
 * most. Without work the loop spins for a time that adapts (longer after sleeps that turned
 * out short, none after long ones, never above the configured limit) and then sleeps.
 *
 * A sleep may end with a kick; their number is bounded by an allowance (host/lib/kicks.h). When it is
 * used up, the loop naps instead, behind a full spin, unarmed.
 */
#ifndef HOST_NETD_LOOP_H
#define HOST_NETD_LOOP_H

#include <sys/epoll.h>
#include "abi/types.h"
#include "host/lib/kicks.h"

#define LOOP_SPIN_US_MAX 50
#define LOOP_LOOK_US 10

/* A descriptor in the loop. Must not move or be freed while an event may be pending for it. */
struct loop_source {
	int fd;
	void (*event)(struct loop_source *src, u32 events);
};

/* What is polled. Each function is called by the loop's thread only. */
struct loop_client {
	/* Does a bounded amount of work; returns whether there was any. */
	bool (*poll)(struct loop_client *c);
	/*
	 * Arms the wake-ups (not those of rings when loop.napping) and looks once more; returns
	 * false if there is work after all. May lower *timeout_ms (-1: none).
	 */
	bool (*prepare_sleep)(struct loop_client *c, int *timeout_ms);
	/* Disarms the wake-ups: polling goes on. */
	void (*awake)(struct loop_client *c);
	struct loop_client *next;
};

struct loop_stats {
	u64 rounds;
	u64 sleeps;
	u64 naps;
	u64 kicks;
	u64 looks; /* epoll_wait() without sleeping */
};

struct loop {
	int epoll_fd;
	bool stop;
	u64 spin_ns_max;
	u64 spin_ns; /* how long to spin before the next sleep */
	bool napping;
	struct kicks kicks;
	u64 kicks_charged; /* of stats.kicks */
	struct loop_client *clients;
	struct loop_stats stats;
};

int loop_init(struct loop *loop, unsigned spin_us_max);
void loop_exit(struct loop *loop);
void loop_add_client(struct loop *loop, struct loop_client *c);

/* Adds or removes a descriptor; events as in epoll_ctl(). Return 0 or a negative errno. */
int loop_add(struct loop *loop, struct loop_source *src, u32 events);
void loop_del(struct loop *loop, struct loop_source *src);

/**
 * loop_run - work until loop->stop
 *
 * A signal handler may set loop->stop; sleeping is interrupted by signals.
 *
 * Return: 0, or a negative errno if epoll itself fails.
 */
int loop_run(struct loop *loop);

/* Monotonic time. */
u64 loop_now_ns(void);

#endif
