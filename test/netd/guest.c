/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "test/netd/guest.h"

unsigned t_passed, t_failed, t_skipped;
int t_netd_stderr = -1;
u64 t_extra_arena;

int t_end(void)
{
	printf("%u passed, %u failed, %u skipped\n", t_passed, t_failed, t_skipped);
	return t_failed != 0;
}

s64 t_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void die(const char *what)
{
	printf("not ok setup: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- layout --------------------------------------------------------------------------- */

static u64 take(u64 *next, u64 size)
{
	u64 at = *next;

	*next += (size + 4095) & ~4095ull;
	return at;
}

static void lay_out_queue(struct guest *g, unsigned i, u64 *next)
{
	struct vhost_user_queue *v = &g->vq[i];
	struct gqueue *q = &g->q[i];

	q->num = GUEST_NUM;
	q->room = i % 2 ? GUEST_TX_ROOM : g->rx_room;
	*v = (struct vhost_user_queue){ .num = q->num };
	v->desc = take(next, 16 * q->num);
	v->avail = take(next, 6 + 2 * q->num);
	v->used = take(next, 6 + 8 * q->num);
	q->buffers = take(next, (u64)q->room * q->num);
	v->kick_fd = q->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	v->call_fd = q->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void guest_init(struct guest *g, unsigned pairs, u32 rx_room)
{
	u64 next = 0;

	memset(g, 0, sizeof(*g));
	g->pairs = pairs;
	g->rx_room = rx_room;
	for (unsigned i = 0; i < 2 * pairs; i++)
		lay_out_queue(g, i, &next);
	g->size = next + t_extra_arena;
	g->arena_fd = memfd_create("test-arena", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	/* One page more than what is shared: nobody may map it. */
	if (g->arena_fd < 0 || ftruncate(g->arena_fd, g->size + 4096))
		die("arena");
	g->arena = mmap(NULL, g->size, PROT_READ | PROT_WRITE, MAP_SHARED, g->arena_fd, 0);
	if (g->arena == MAP_FAILED)
		die("mmap");
	for (unsigned i = 0; i < 2 * pairs; i++) {
		g->q[i].desc = (void *)(g->arena + g->vq[i].desc);
		g->q[i].avail = (void *)(g->arena + g->vq[i].avail);
		g->q[i].used = (void *)(g->arena + g->vq[i].used);
	}
	g->cfg = (struct vhost_user_config){ .arena_fd = g->arena_fd,
					     .arena_size = g->size,
					     .arena = g->arena };
}

void guest_exit(struct guest *g)
{
	vhost_user_free(g->vu);
	if (g->netd > 0)
		end_netd(g->netd);
	for (unsigned i = 0; i < 2 * g->pairs; i++) {
		close(g->q[i].kick);
		close(g->q[i].call);
	}
	munmap(g->arena, g->size);
	close(g->arena_fd);
}

/* --- netd ----------------------------------------------------------------------------- */

pid_t spawn_netd(const char *const *args, int fd)
{
	const char *netd = getenv("NETD");
	char number[16];
	char *argv[32] = { (char *)(netd ? netd : "build/host/netd/netd") };
	pid_t pid;
	int n = 1, i = 0;

	if (getenv("NETD_NO_SANDBOX"))
		argv[n++] = "--no-sandbox";
	snprintf(number, sizeof(number), "%d", fd);
	for (; args[i] && n < 31; i++)
		argv[n++] = strcmp(args[i], "@FD") ? (char *)args[i] : number;
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fd >= 0)
		fcntl(fd, F_SETFD, 0);
	if (t_netd_stderr >= 0)
		dup2(t_netd_stderr, 2);
	execv(argv[0], argv);
	_exit(127);
}

int end_netd(pid_t pid)
{
	int status = -1;

	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	return status;
}

void guest_spawn(struct guest *g, const char *const *args)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv))
		die("socketpair");
	g->netd = spawn_netd(args, sv[1]);
	close(sv[1]);
	if (!g->vu && vhost_user_new(&g->vu, &g->cfg))
		die("vhost_user_new");
	errno = -vhost_user_adopt(g->vu, sv[0]);
	if (errno)
		die("handshake with netd");
}

u16 *guest_avail_event(struct gqueue *q)
{
	return (u16 *)&q->used->ring[q->num];
}

u16 *guest_used_event(struct gqueue *q)
{
	return &q->avail->ring[q->num];
}

static void want_call(struct gqueue *q, bool want)
{
	if (q->event_idx)
		*(volatile u16 *)guest_used_event(q) = q->used_seen - !want;
	else
		*(volatile u16 *)&q->avail->flags = want ? 0 : VRING_AVAIL_F_NO_INTERRUPT;
}

void guest_reset_rings(struct guest *g)
{
	for (unsigned i = 0; i < 2 * g->pairs; i++) {
		struct gqueue *q = &g->q[i];

		memset(q->avail, 0, 6 + 2 * q->num);
		memset(q->used, 0, 6 + 8 * q->num);
		q->guest_base = g->cfg.guest_base;
		q->avail_idx = q->used_seen = q->in_flight = q->kick_idx = 0;
		want_call(q, false); /* until we wait */
	}
}

int guest_start(struct guest *g, u64 features)
{
	for (unsigned i = 0; i < 2 * g->pairs; i++)
		g->q[i].event_idx = features & BIT(VIRTIO_RING_F_EVENT_IDX);
	guest_reset_rings(g);
	guest_fill_rx(g);
	return vhost_user_start(g->vu, features, g->vq, 2 * g->pairs);
}

/* --- driver --------------------------------------------------------------------------- */

static u64 buffer(const struct gqueue *q, u16 id)
{
	return q->buffers + (u64)id * q->room;
}

static void post(struct gqueue *q, u16 id, u32 len, u16 flags)
{
	q->desc[id] = (struct vring_desc){ q->guest_base + buffer(q, id), len, flags, 0 };
	q->avail->ring[q->avail_idx % q->num] = id;
	q->in_flight++;
	q->avail_idx++;
	__atomic_store_n(&q->avail->idx, q->avail_idx, __ATOMIC_RELEASE);
}

static bool kick_wanted(struct gqueue *q)
{
	u16 old = q->kick_idx;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!q->event_idx)
		return !(*(volatile u16 *)&q->used->flags & VRING_USED_F_NO_NOTIFY);
	q->kick_idx = q->avail_idx;
	return vring_need_event(*(volatile u16 *)guest_avail_event(q), q->avail_idx, old);
}

void guest_kick(struct guest *g, unsigned i)
{
	struct gqueue *q = &g->q[i];
	u64 one = 1;

	if (!kick_wanted(q))
		return;
	q->kicks_sent++;
	if (write(q->kick, &one, sizeof(one)) != sizeof(one))
		die("kick");
}

void guest_fill_rx(struct guest *g)
{
	for (unsigned i = 0; i < 2 * g->pairs; i += 2) {
		while (g->q[i].in_flight < g->q[i].num)
			post(&g->q[i], g->q[i].avail_idx % g->q[i].num, g->rx_room,
			     VRING_DESC_F_WRITE);
		if (g->vu)
			guest_kick(g, i);
	}
}

static bool used_has(struct gqueue *q)
{
	return __atomic_load_n(&q->used->idx, __ATOMIC_ACQUIRE) != q->used_seen;
}

/* Sleeps until the queue's call, with the same protocol as a real driver. */
static bool wait_used(struct gqueue *q, int timeout_ms)
{
	s64 end = t_now_ms() + timeout_ms;
	struct pollfd p = { q->call, POLLIN, 0 };
	u64 count;

	while (!used_has(q)) {
		s64 left = end - t_now_ms();

		if (left <= 0)
			return false;
		want_call(q, true);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (!used_has(q))
			poll(&p, 1, left);
		want_call(q, false);
		if (read(q->call, &count, sizeof(count)) == sizeof(count))
			q->calls_seen += count;
	}
	return true;
}

static bool reap_tx(struct gqueue *q, int timeout_ms)
{
	if (!wait_used(q, timeout_ms))
		return false;
	while (used_has(q)) {
		q->used_seen++;
		q->in_flight--;
	}
	return true;
}

bool guest_tx(struct guest *g, unsigned pair, const net_hdr *hdr, const void *frame, u32 len)
{
	struct gqueue *q = &g->q[2 * pair + 1];
	u16 id = q->avail_idx % q->num;
	u8 *buf = g->arena + buffer(q, id);

	if (q->in_flight == q->num && !reap_tx(q, 5000))
		return false;
	memcpy(buf, hdr, sizeof(*hdr));
	memcpy(buf + sizeof(*hdr), frame, len);
	post(q, id, sizeof(*hdr) + len, 0);
	guest_kick(g, 2 * pair + 1);
	return true;
}

bool guest_tx_drain(struct guest *g, unsigned pair)
{
	struct gqueue *q = &g->q[2 * pair + 1];

	while (q->in_flight) {
		if (!reap_tx(q, 5000))
			return false;
	}
	return true;
}

u32 guest_rx_poll(struct guest *g, unsigned pair, net_hdr *hdr, u8 *buf)
{
	struct gqueue *q = &g->q[2 * pair];
	u32 len = 0;
	u16 n = 1;

	if (!used_has(q))
		return 0;
	for (u16 i = 0; i < n; i++) {
		struct vring_used_elem e;
		u32 skip = 0;
		u8 *src;

		if (!used_has(q))
			return 0; /* less buffers than num_buffers says */
		e = q->used->ring[q->used_seen++ % q->num];
		q->in_flight--;
		src = g->arena + buffer(q, e.id);
		if (i == 0) {
			memcpy(hdr, src, sizeof(*hdr));
			n = hdr->num_buffers;
			skip = sizeof(*hdr);
		}
		if (e.len > q->room || e.len < skip || len + e.len > GUEST_FRAME_MAX)
			return 0;
		memcpy(buf + len, src + skip, e.len - skip);
		len += e.len - skip;
	}
	guest_fill_rx(g);
	return len;
}

u32 guest_rx(struct guest *g, unsigned pair, net_hdr *hdr, u8 *buf, int timeout_ms)
{
	if (!wait_used(&g->q[2 * pair], timeout_ms))
		return 0;
	return guest_rx_poll(g, pair, hdr, buf);
}
