/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * User-mode network: libslirp terminates the guest's connections and opens sockets of this
 * process for them. No privileges needed.
 *
 * libslirp knows no offloads, but it accepts a TCP segment of any length and sends segments as
 * large as the guest's MSS allows. So a GSO frame from the guest becomes one oversized segment
 * (its checksum is completed here), and the MSS of the guest's SYN is raised, so that libslirp
 * answers with segments of 21 KiB, which the guest gets as GSO frames. Both ends are in this
 * process: no wire ever carries them.
 *
 * libslirp's descriptors live in an epoll set of their own, which is one source of the loop;
 * its interest set is updated with what changed, so the cost of a round is that of the active
 * connections (plus one walk over the list inside of libslirp).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <slirp/libslirp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "host/netd/dev.h"
#include "host/netd/log.h"
#include "host/netd/options.h"

#define BIT(n) (1ull << (n))

#define SLIRP_MTU 65521 /* the largest that libslirp takes */
/*
 * libslirp announces an opened window only if it grew by two segments, and its window is 64 KiB:
 * with segments above 32767 bytes a blocked sender would wait for ever. A third of the window.
 */
#define SLIRP_MSS 21840
#define LISTEN_BACKLOG 128 /* libslirp's own is 1, which drops concurrent connects */
#define READY_MAX 64
#define FILL_NS (100 * 1000ull) /* how stale the interest set may get under load */
#define NS_PER_MS 1000000ull

struct timer {
	struct timer *next;
	SlirpTimerCb fn;
	void *arg;
	u64 when_ns; /* 0: not armed */
};

/* One per descriptor number. */
struct watch {
	u32 want; /* events of the last fill */
	u32 armed; /* events in the epoll set, 0: not in it */
	u32 ready;
	bool seen; /* asked for in this fill */
};

struct user_net {
	struct backend be;
	struct loop_source inner; /* the epoll set of libslirp's descriptors */
	Slirp *slirp;
	struct watch *watch;
	int *active; /* numbers of the descriptors that are watched */
	unsigned watch_count, active_count;
	struct timer *timers;
	u64 features;
	u64 due_ns; /* next time libslirp wants to run */
	u64 filled_ns;
	bool ready;
	bool dirty; /* frames went in since the last fill */
	bool paused; /* the guest is behind: sockets are not read */
};

/* --- frames --------------------------------------------------------------------------- */

static ssize_t send_packet(const void *buf, size_t len, void *opaque)
{
	struct user_net *u = opaque;
	struct dev *dev = u->be.dev;
	net_hdr hdr = { 0 };

	if (len > FRAME_MAX)
		return len;
	/* libslirp computed the checksum over exactly these bytes. */
	if (u->features & BIT(VIRTIO_NET_F_GUEST_CSUM))
		hdr.hdr.flags = VIRTIO_NET_HDR_F_DATA_VALID;
	if (len > FRAME_MTU + FRAME_MIN) {
		struct frame_info info = frame_parse(buf, len);
		u64 need = info.kind == FRAME_TCP6 ? BIT(VIRTIO_NET_F_GUEST_TSO6)
						   : BIT(VIRTIO_NET_F_GUEST_TSO4);

		/* The buffer is libslirp's own stack; it does not look at it again. */
		if ((info.kind == FRAME_TCP4 || info.kind == FRAME_TCP6) && (u->features & need))
			frame_make_gso((u8 *)buf, len, &hdr);
	}
	dev_rx(dev, &hdr, buf, len);
	return len;
}

static int user_tx(struct backend *be, unsigned pair, struct tx_frame *f)
{
	struct user_net *u = (struct user_net *)be;
	u64 tso = BIT(VIRTIO_NET_F_GUEST_TSO4) | BIT(VIRTIO_NET_F_GUEST_TSO6);

	frame_set_mss(f->data, f->len, SLIRP_MSS, (u->features & tso) == tso,
		      f->hdr.hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM);
	frame_complete(f->data, f->len, &f->hdr);
	u->dirty = true;
	slirp_input(u->slirp, f->data, f->len);
	return 0;
}

/* --- time ----------------------------------------------------------------------------- */

static int64_t clock_get_ns(void *opaque)
{
	return loop_now_ns();
}

static void *timer_new(SlirpTimerCb fn, void *arg, void *opaque)
{
	struct user_net *u = opaque;
	struct timer *t = calloc(1, sizeof(*t));

	if (!t)
		abort(); /* libslirp has no other way either */
	*t = (struct timer){ u->timers, fn, arg, 0 };
	u->timers = t;
	return t;
}

static void timer_free(void *timer, void *opaque)
{
	struct user_net *u = opaque;

	for (struct timer **t = &u->timers; *t; t = &(*t)->next) {
		if (*t == timer) {
			*t = (*t)->next;
			free(timer);
			return;
		}
	}
}

static void timer_mod(void *timer, int64_t expire_ms, void *opaque)
{
	struct timer *t = timer;

	t->when_ns = expire_ms * NS_PER_MS;
}

static void run_timers(struct user_net *u, u64 now)
{
	for (struct timer *t = u->timers; t; t = t->next) {
		if (t->when_ns && t->when_ns <= now) {
			t->when_ns = 0;
			t->fn(t->arg);
			return; /* the list may have changed; the next round goes on */
		}
	}
}

/* --- descriptors ---------------------------------------------------------------------- */

static struct watch *watch_of(struct user_net *u, int fd)
{
	unsigned count = u->watch_count ? u->watch_count : 64;
	struct watch *w;
	int *a;

	if (fd < (int)u->watch_count)
		return &u->watch[fd];
	while (count <= (unsigned)fd)
		count *= 2;
	w = realloc(u->watch, count * sizeof(*w));
	if (!w)
		return NULL;
	u->watch = w;
	a = realloc(u->active, count * sizeof(*a));
	if (!a)
		return NULL;
	u->active = a;
	memset(w + u->watch_count, 0, (count - u->watch_count) * sizeof(*w));
	u->watch_count = count;
	return &w[fd];
}

static u32 to_epoll(int events)
{
	return (events & SLIRP_POLL_IN ? EPOLLIN : 0) | (events & SLIRP_POLL_OUT ? EPOLLOUT : 0) |
	       (events & SLIRP_POLL_PRI ? EPOLLPRI : 0);
}

static int from_epoll(u32 events)
{
	return (events & EPOLLIN ? SLIRP_POLL_IN : 0) | (events & EPOLLOUT ? SLIRP_POLL_OUT : 0) |
	       (events & EPOLLPRI ? SLIRP_POLL_PRI : 0) | (events & EPOLLERR ? SLIRP_POLL_ERR : 0) |
	       (events & EPOLLHUP ? SLIRP_POLL_HUP : 0);
}

static void unwatch(struct user_net *u, int fd)
{
	struct watch *w = &u->watch[fd];

	if (w->armed)
		epoll_ctl(u->inner.fd, EPOLL_CTL_DEL, fd, NULL);
	*w = (struct watch){ 0 };
	for (unsigned i = 0; i < u->active_count; i++) {
		if (u->active[i] == fd) {
			u->active[i] = u->active[--u->active_count];
			return;
		}
	}
}

static void widen_backlog(int fd)
{
	int listening = 0;
	socklen_t size = sizeof(listening);

	if (!getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) && listening)
		listen(fd, LISTEN_BACKLOG);
}

static int add_poll(int fd, int events, void *opaque)
{
	struct user_net *u = opaque;
	struct watch *w = watch_of(u, fd);
	struct epoll_event ev = { .events = to_epoll(events), .data.fd = fd };

	if (!w)
		return -1;
	w->seen = true;
	w->want = ev.events;
	if (w->armed == w->want)
		return fd;
	if (!w->armed) {
		widen_backlog(fd);
		u->active[u->active_count++] = fd;
	}
	if (epoll_ctl(u->inner.fd, w->armed ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &ev)) {
		log_debug("USER", "descriptor %d: %s", fd, strerror(errno));
		unwatch(u, fd);
		return -1;
	}
	w->armed = w->want;
	return fd;
}

static int get_revents(int idx, void *opaque)
{
	struct user_net *u = opaque;
	int events;

	if (idx < 0 || idx >= (int)u->watch_count)
		return 0;
	events = from_epoll(u->watch[idx].ready);
	u->watch[idx].ready = 0;
	return events;
}

/* libslirp closes this descriptor next. */
static void unregister_fd(int fd, void *opaque)
{
	struct user_net *u = opaque;

	if (fd >= 0 && fd < (int)u->watch_count && u->watch[fd].armed)
		unwatch(u, fd);
}

static void register_fd(int fd, void *opaque)
{
}

static void inner_event(struct loop_source *src, u32 events)
{
	struct user_net *u = (struct user_net *)((char *)src - offsetof(struct user_net, inner));

	u->ready = true;
}

/* Asks libslirp what it waits for and brings the epoll set up to date. */
static void fill(struct user_net *u, u64 now)
{
	uint32_t timeout_ms = UINT32_MAX;

	for (unsigned i = 0; i < u->active_count; i++)
		u->watch[u->active[i]].seen = false;
	slirp_pollfds_fill(u->slirp, &timeout_ms, add_poll, u);
	for (unsigned i = 0; i < u->active_count;) {
		if (u->watch[u->active[i]].seen)
			i++;
		else
			unwatch(u, u->active[i]);
	}
	u->due_ns = timeout_ms == UINT32_MAX ? UINT64_MAX : now + timeout_ms * NS_PER_MS;
	for (struct timer *t = u->timers; t; t = t->next) {
		if (t->when_ns && t->when_ns < u->due_ns)
			u->due_ns = t->when_ns;
	}
	u->filled_ns = now;
	u->dirty = false;
}

static void collect(struct user_net *u)
{
	struct epoll_event ev[READY_MAX];
	int n = epoll_wait(u->inner.fd, ev, READY_MAX, 0);

	for (int i = 0; i < n; i++)
		u->watch[ev[i].data.fd].ready = ev[i].events;
}

/* --- loop ----------------------------------------------------------------------------- */

static void pause_reading(struct user_net *u, bool pause)
{
	if (pause == u->paused)
		return;
	u->paused = pause;
	if (pause)
		loop_del(u->be.loop, &u->inner);
	else
		loop_add(u->be.loop, &u->inner, EPOLLIN);
}

static bool user_poll(struct backend *be)
{
	struct user_net *u = (struct user_net *)be;
	bool ready = u->ready;
	u64 now;

	pause_reading(u, dev_rx_congested(be->dev));
	if (!ready && !u->dirty && u->due_ns == UINT64_MAX)
		return false;
	now = loop_now_ns();
	if (ready || now >= u->due_ns || (u->dirty && now - u->filled_ns > FILL_NS)) {
		u->ready = false;
		if (ready && !u->paused)
			collect(u);
		run_timers(u, now);
		slirp_pollfds_poll(u->slirp, 0, get_revents, u);
		fill(u, now);
	}
	return ready && !u->paused;
}

static bool user_prepare_sleep(struct backend *be, int *timeout_ms)
{
	struct user_net *u = (struct user_net *)be;
	u64 now = loop_now_ns(), ms;

	/* What went in may have unblocked frames that only slirp_pollfds_poll() sends. */
	if (u->dirty)
		u->due_ns = 0;
	if (u->due_ns == UINT64_MAX)
		return true;
	if (now >= u->due_ns)
		return false;
	ms = (u->due_ns - now + NS_PER_MS - 1) / NS_PER_MS;
	if (*timeout_ms < 0 || ms < (u64)*timeout_ms)
		*timeout_ms = ms;
	return true;
}

static void user_set_features(struct backend *be, u64 features)
{
	((struct user_net *)be)->features = features;
}

static void user_close(struct backend *be)
{
	struct user_net *u = (struct user_net *)be;

	if (u->slirp)
		slirp_cleanup(u->slirp);
	if (!u->paused)
		loop_del(be->loop, &u->inner);
	close(u->inner.fd);
	free(u->watch);
	free(u->active);
	free(u);
}

static const struct backend_ops user_ops = {
	.name = "user",
	.linear = true,
	.tx = user_tx,
	.poll = user_poll,
	.prepare_sleep = user_prepare_sleep,
	.set_features = user_set_features,
	.close = user_close,
};

static void guest_error(const char *msg, void *opaque)
{
	log_debug("USER", "%s", msg);
}

static void notify(void *opaque)
{
	((struct user_net *)opaque)->dirty = true;
}

static const SlirpCb callbacks = {
	.send_packet = send_packet,
	.guest_error = guest_error,
	.clock_get_ns = clock_get_ns,
	.timer_new = timer_new,
	.timer_free = timer_free,
	.timer_mod = timer_mod,
	.register_poll_fd = register_fd,
	.unregister_poll_fd = unregister_fd,
	.notify = notify,
};

static Slirp *make_slirp(struct user_net *u, const struct options_net *opt)
{
	SlirpConfig cfg = {
		.version = 3,
		.restricted = opt->restrict_net,
		.in_enabled = true,
		.in6_enabled = true,
		.vprefix_len = 64,
		.if_mtu = SLIRP_MTU,
		.if_mru = SLIRP_MTU,
	};

	inet_pton(AF_INET, "10.0.2.0", &cfg.vnetwork);
	inet_pton(AF_INET, "255.255.255.0", &cfg.vnetmask);
	inet_pton(AF_INET, "10.0.2.2", &cfg.vhost);
	inet_pton(AF_INET, "10.0.2.15", &cfg.vdhcp_start);
	inet_pton(AF_INET, "10.0.2.3", &cfg.vnameserver);
	inet_pton(AF_INET6, "fec0::", &cfg.vprefix_addr6);
	inet_pton(AF_INET6, "fec0::2", &cfg.vhost6);
	inet_pton(AF_INET6, "fec0::3", &cfg.vnameserver6);
	return slirp_new(&cfg, &callbacks, u);
}

static int add_forward(struct user_net *u, const struct forward *f)
{
	socklen_t size = f->host.sa.sa_family == AF_INET6 ? sizeof(f->host.in6)
							  : sizeof(f->host.in);
	int flags = f->udp ? SLIRP_HOSTFWD_UDP : 0;
	char addr[INET6_ADDRSTRLEN];

	if (f->host.sa.sa_family == AF_INET6)
		flags |= SLIRP_HOSTFWD_V6ONLY;
	if (!slirp_add_hostxfwd(u->slirp, &f->host.sa, size, &f->guest.sa, size, flags))
		return 0;
	inet_ntop(f->host.sa.sa_family,
		  f->host.sa.sa_family == AF_INET6 ? (void *)&f->host.in6.sin6_addr
						   : (void *)&f->host.in.sin_addr,
		  addr, sizeof(addr));
	log_error("PUBLISH", "%s port %u: %s", addr, ntohs(f->host.in.sin_port), strerror(errno));
	return -1;
}

struct backend *slirp_open(struct loop *loop, const struct options_net *opt)
{
	struct user_net *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->be.ops = &user_ops;
	u->be.loop = loop;
	u->inner = (struct loop_source){ epoll_create1(EPOLL_CLOEXEC), inner_event };
	u->dirty = true;
	u->due_ns = UINT64_MAX;
	if (u->inner.fd < 0 || loop_add(loop, &u->inner, EPOLLIN)) {
		log_error("USER", "%s", strerror(errno));
		free(u);
		return NULL;
	}
	u->slirp = make_slirp(u, opt);
	for (unsigned i = 0; u->slirp && i < opt->forward_count; i++) {
		if (add_forward(u, &opt->forward[i]))
			goto close;
	}
	if (u->slirp)
		return &u->be;

close:
	user_close(&u->be);
	return NULL;
}
