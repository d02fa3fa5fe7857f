/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>
#include "host/netd/loop.h"

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define SPIN_NS_FIRST (5 * NS_PER_US)
#define EVENTS_MAX 64
#define SPIN_BATCH 32

u64 loop_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

int loop_init(struct loop *loop, unsigned spin_us_max)
{
	*loop = (struct loop){ .spin_ns_max = spin_us_max * NS_PER_US };
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return loop->epoll_fd < 0 ? -errno : 0;
}

void loop_exit(struct loop *loop)
{
	close(loop->epoll_fd);
	loop->epoll_fd = -1;
}

void loop_add_client(struct loop *loop, struct loop_client *c)
{
	c->next = loop->clients;
	loop->clients = c;
}

int loop_add(struct loop *loop, struct loop_source *src, u32 events)
{
	struct epoll_event ev = { .events = events, .data.ptr = src };

	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, src->fd, &ev) ? -errno : 0;
}

void loop_del(struct loop *loop, struct loop_source *src)
{
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, src->fd, NULL);
}

/* Waits up to @timeout_ns (negative: for ever) and serves what happened. */
static int look(struct loop *loop, s64 timeout_ns)
{
	struct timespec t = { timeout_ns / 1000000000, timeout_ns % 1000000000 };
	struct epoll_event ev[EVENTS_MAX];
	int n = epoll_pwait2(loop->epoll_fd, ev, EVENTS_MAX, timeout_ns < 0 ? NULL : &t, NULL);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		struct loop_source *src = ev[i].data.ptr;

		src->event(src, ev[i].events);
	}
	return n;
}

static bool poll_clients(struct loop *loop)
{
	bool work = false;

	for (struct loop_client *c = loop->clients; c; c = c->next)
		work |= c->poll(c);
	loop->stats.rounds++;
	return work;
}

/* A short sleep would have been better spent spinning; a long one shows that it is idle. */
static void adapt(struct loop *loop, u64 slept_ns)
{
	if (slept_ns > loop->spin_ns_max) {
		loop->spin_ns /= 2;
		if (loop->spin_ns < SPIN_NS_FIRST)
			loop->spin_ns = 0;
		return;
	}
	loop->spin_ns = loop->spin_ns ? loop->spin_ns * 2 : SPIN_NS_FIRST;
	if (loop->spin_ns > loop->spin_ns_max)
		loop->spin_ns = loop->spin_ns_max;
}

static s64 prepare(struct loop *loop)
{
	int timeout_ms = -1;
	bool work = false;

	for (struct loop_client *c = loop->clients; c; c = c->next)
		work |= !c->prepare_sleep(c, &timeout_ms);
	if (work || loop->stop)
		return 0;
	if (loop->napping)
		return timeout_ms ? KICKS_NAP_US * NS_PER_US : 0;
	return timeout_ms < 0 ? -1 : timeout_ms * (s64)NS_PER_MS;
}

static int sleep_once(struct loop *loop)
{
	u64 start = loop_now_ns();
	s64 timeout_ns;
	int ret;

	kicks_charge(&loop->kicks, loop->stats.kicks - loop->kicks_charged, start);
	loop->kicks_charged = loop->stats.kicks;
	loop->napping = !kicks_allowed(&loop->kicks, start);
	timeout_ns = prepare(loop);
	if (timeout_ns && loop->napping)
		loop->stats.naps++;
	else if (timeout_ns)
		loop->stats.sleeps++;
	ret = look(loop, timeout_ns);
	for (struct loop_client *c = loop->clients; c; c = c->next)
		c->awake(c);
	if (timeout_ns && !loop->napping)
		adapt(loop, loop_now_ns() - start);
	return ret;
}

/*
 * One stretch without work: polls until there is some, or sleeps once. The clock is read once
 * per SPIN_BATCH polls; the yield lets a peer that waits for this very core run first.
 */
static int idle(struct loop *loop)
{
	u64 start = loop_now_ns();
	u64 spin_ns = kicks_allowed(&loop->kicks, start) ? loop->spin_ns : loop->spin_ns_max;

	while (!loop->stop) {
		for (int i = 0; i < SPIN_BATCH; i++) {
			if (poll_clients(loop))
				return 0;
			__builtin_ia32_pause();
		}
		if (loop_now_ns() - start >= spin_ns)
			return sleep_once(loop);
		loop->stats.looks++;
		if (look(loop, 0))
			return 0;
		sched_yield();
	}
	return 0;
}

int loop_run(struct loop *loop)
{
	u64 last_look = 0;
	int ret = 0;

	while (!loop->stop && ret >= 0) {
		if (!poll_clients(loop)) {
			ret = idle(loop);
		} else if (loop_now_ns() - last_look >= LOOP_LOOK_US * NS_PER_US) {
			ret = look(loop, 0);
			loop->stats.looks++;
			last_look = loop_now_ns();
		}
	}
	return ret < 0 ? ret : 0;
}
