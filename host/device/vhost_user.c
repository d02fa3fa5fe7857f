/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "host/device/vhost_user.h"
#include "host/device/vu_msg.h"

#define BIT(n) (1ull << (n))
#define TIMEOUT_MS 5000
#define RETRY_MS 20
#define F_VERSION_1 32

#define PROTOCOL_WANTED (BIT(VU_PROTOCOL_F_MQ) | BIT(VU_PROTOCOL_F_REPLY_ACK))

struct vhost_user {
	struct vhost_user_config cfg;
	struct sockaddr_un sa;
	int listen_fd;
	int sock;
	struct vu_rx rx;
	u64 offered;
	u64 protocol;
	unsigned pairs;
	/* For vhost_user_resume(). */
	u64 features;
	unsigned queue_count;
	struct vhost_user_queue queue[VHOST_USER_QUEUES_MAX];
};

static s64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* --- connection ----------------------------------------------------------------------- */

static int make_listener(struct vhost_user *vu)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), ret;
	mode_t mask;

	if (fd < 0)
		return -errno;
	/* A file that somebody listens on stays; one that is left over goes. */
	if (!connect(fd, (struct sockaddr *)&vu->sa, sizeof(vu->sa))) {
		close(fd);
		return -EADDRINUSE;
	}
	if (errno == ECONNREFUSED)
		unlink(vu->sa.sun_path);
	mask = umask(0177);
	ret = bind(fd, (struct sockaddr *)&vu->sa, sizeof(vu->sa)) ? -errno : 0;
	umask(mask);
	if (!ret && listen(fd, 1)) {
		ret = -errno;
		unlink(vu->sa.sun_path);
	}
	if (ret) {
		close(fd);
		return ret;
	}
	vu->listen_fd = fd;
	return 0;
}

int vhost_user_new(struct vhost_user **out, const struct vhost_user_config *cfg)
{
	struct vhost_user *vu;
	int ret = 0;

	if (cfg->path && strlen(cfg->path) >= sizeof(vu->sa.sun_path))
		return -ENAMETOOLONG;
	vu = calloc(1, sizeof(*vu));
	if (!vu)
		return -ENOMEM;
	vu->cfg = *cfg;
	if (!vu->cfg.timeout_ms)
		vu->cfg.timeout_ms = TIMEOUT_MS;
	vu->sock = vu->listen_fd = -1;
	vu->sa.sun_family = AF_UNIX;
	if (cfg->path)
		strcpy(vu->sa.sun_path, cfg->path);
	if (cfg->path && cfg->listen)
		ret = make_listener(vu);
	if (ret) {
		free(vu);
		return ret;
	}
	*out = vu;
	return 0;
}

static void disconnect(struct vhost_user *vu)
{
	vu_rx_reset(&vu->rx);
	if (vu->sock >= 0)
		close(vu->sock);
	vu->sock = -1;
}

void vhost_user_free(struct vhost_user *vu)
{
	if (!vu)
		return;
	disconnect(vu);
	if (vu->listen_fd >= 0) {
		close(vu->listen_fd);
		unlink(vu->sa.sun_path);
	}
	free(vu);
}

int vhost_user_fd(const struct vhost_user *vu)
{
	return vu->sock;
}

int vhost_user_listen_fd(const struct vhost_user *vu)
{
	return vu->listen_fd;
}

bool vhost_user_check(struct vhost_user *vu)
{
	char byte;
	ssize_t n;

	if (vu->sock < 0)
		return false;
	n = recv(vu->sock, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	/* An unasked message is no better than the end of the connection. */
	disconnect(vu);
	return false;
}

static int get_sock(struct vhost_user *vu)
{
	s64 end = now_ms() + vu->cfg.timeout_ms;
	int fd;

	for (;;) {
		if (vu->listen_fd >= 0) {
			struct pollfd p = { vu->listen_fd, POLLIN, 0 };

			poll(&p, 1, RETRY_MS);
			fd = accept4(vu->listen_fd, NULL, NULL, SOCK_CLOEXEC);
			if (fd >= 0)
				return fd;
		} else {
			fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
			if (fd < 0)
				return -errno;
			if (!connect(fd, (struct sockaddr *)&vu->sa, sizeof(vu->sa)))
				return fd;
			if (errno != ENOENT && errno != ECONNREFUSED && errno != EAGAIN) {
				int ret = -errno;

				close(fd);
				return ret;
			}
			close(fd);
			poll(NULL, 0, RETRY_MS);
		}
		if (now_ms() >= end)
			return -ETIMEDOUT;
	}
}

/* --- requests ------------------------------------------------------------------------- */

static int wait_reply(struct vhost_user *vu, u32 request, union vu_payload *value)
{
	s64 end = now_ms() + vu->cfg.timeout_ms;
	struct vu_msg *m = &vu->rx.msg;
	int ret;

	for (;;) {
		struct pollfd p = { vu->sock, POLLIN, 0 };
		s64 left = end - now_ms();

		ret = vu_recv(&vu->rx, vu->sock);
		if (ret)
			break;
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, left) < 0 && errno != EINTR)
			return -errno;
	}
	if (ret < 0)
		return ret;
	vu_msg_close_fds(m); /* no answer carries descriptors */
	if (m->hdr.request != request || !(m->hdr.flags & VU_FLAG_REPLY) || m->hdr.size != 8)
		return -EPROTO;
	*value = m->payload;
	return 0;
}

/* Sends a request; with answer, stores what came back in msg->payload. */
static int request(struct vhost_user *vu, struct vu_msg *msg, bool answer)
{
	bool ack = !answer && (vu->protocol & BIT(VU_PROTOCOL_F_REPLY_ACK));
	int ret;

	msg->hdr.flags = VU_VERSION | (ack ? VU_FLAG_NEED_REPLY : 0);
	ret = vu_send(vu->sock, msg);
	if (!ret && (answer || ack))
		ret = wait_reply(vu, msg->hdr.request, &msg->payload);
	if (!ret && ack && msg->payload.u64)
		ret = -EIO;
	return ret;
}

static int get_u64(struct vhost_user *vu, u32 req, u64 *value)
{
	struct vu_msg m = { .hdr = { .request = req } };
	int ret = request(vu, &m, true);

	*value = m.payload.u64;
	return ret;
}

static int set_u64(struct vhost_user *vu, u32 req, u64 value)
{
	struct vu_msg m = { .hdr = { .request = req, .size = 8 }, .payload.u64 = value };

	return request(vu, &m, false);
}

static int set_state(struct vhost_user *vu, u32 req, u32 index, u32 num)
{
	struct vu_msg m = { .hdr = { .request = req, .size = sizeof(struct vu_vring_state) },
			    .payload.state = { index, num } };

	return request(vu, &m, false);
}

static int set_fd(struct vhost_user *vu, u32 req, u32 index, int fd)
{
	struct vu_msg m = { .hdr = { .request = req, .size = 8 }, .payload.u64 = index };

	if (fd >= 0) {
		m.fds[0] = fd;
		m.fd_count = 1;
	} else {
		m.payload.u64 |= VU_VRING_NOFD;
	}
	return request(vu, &m, false);
}

/* --- handshake ------------------------------------------------------------------------ */

static int ask_protocol(struct vhost_user *vu)
{
	u64 value;
	int ret = get_u64(vu, VU_GET_PROTOCOL_FEATURES, &value);

	if (ret)
		return ret;
	value &= PROTOCOL_WANTED;
	ret = set_u64(vu, VU_SET_PROTOCOL_FEATURES, value);
	if (ret)
		return ret;
	vu->protocol = value;
	if (!(value & BIT(VU_PROTOCOL_F_MQ)))
		return 0;
	ret = get_u64(vu, VU_GET_QUEUE_NUM, &value);
	if (ret)
		return ret;
	if (!value)
		return -EPROTO;
	vu->pairs = value < VHOST_USER_QUEUES_MAX / 2 ? value : VHOST_USER_QUEUES_MAX / 2;
	return 0;
}

int vhost_user_adopt(struct vhost_user *vu, int sock)
{
	struct timeval timeout = { vu->cfg.timeout_ms / 1000, vu->cfg.timeout_ms % 1000 * 1000 };
	struct vu_msg owner = { .hdr = { .request = VU_SET_OWNER } };
	int ret;

	disconnect(vu);
	vu->sock = sock;
	vu->protocol = 0;
	vu->pairs = 1;
	setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	ret = get_u64(vu, VU_GET_FEATURES, &vu->offered);
	if (!ret)
		ret = request(vu, &owner, false);
	if (!ret && !(vu->offered & BIT(F_VERSION_1)))
		ret = -EPROTO;
	if (!ret && (vu->offered & BIT(VU_F_PROTOCOL_FEATURES)))
		ret = ask_protocol(vu);
	if (ret)
		disconnect(vu);
	return ret;
}

int vhost_user_connect(struct vhost_user *vu)
{
	int fd = vu->cfg.path ? get_sock(vu) : -EINVAL;

	return fd < 0 ? fd : vhost_user_adopt(vu, fd);
}

u64 vhost_user_features(const struct vhost_user *vu)
{
	return vu->offered & ~BIT(VU_F_PROTOCOL_FEATURES);
}

unsigned vhost_user_pairs(const struct vhost_user *vu)
{
	return vu->pairs;
}

/* --- queues --------------------------------------------------------------------------- */

static bool in_arena(const struct vhost_user *vu, u64 off, u64 size)
{
	return off < vu->cfg.arena_size && size <= vu->cfg.arena_size - off;
}

static int check_queue(const struct vhost_user *vu, const struct vhost_user_queue *q)
{
	if (!q->num)
		return 0;
	if (q->num & (q->num - 1) || q->desc % 16 || q->avail % 2 || q->used % 4)
		return -EINVAL;
	if (!in_arena(vu, q->desc, 16ull * q->num) || !in_arena(vu, q->avail, 6 + 2ull * q->num) ||
	    !in_arena(vu, q->used, 6 + 8ull * q->num))
		return -EINVAL;
	return 0;
}

static int send_memory(struct vhost_user *vu)
{
	struct vu_msg m = { .hdr = { .request = VU_SET_MEM_TABLE,
				     .size = 8 + sizeof(struct vu_region) },
			    .fds = { vu->cfg.arena_fd },
			    .fd_count = 1 };

	m.payload.memory.count = 1;
	m.payload.memory.regions[0] = (struct vu_region){
		.guest_addr = vu->cfg.guest_base,
		.size = vu->cfg.arena_size,
		.user_addr = vu->cfg.guest_base,
		.mmap_offset = vu->cfg.arena_offset,
	};
	return request(vu, &m, false);
}

static int set_up_queue(struct vhost_user *vu, u32 i, u16 base)
{
	const struct vhost_user_queue *q = &vu->queue[i];
	struct vu_msg addr = { .hdr = { .request = VU_SET_VRING_ADDR,
					.size = sizeof(struct vu_vring_addr) } };
	int ret;

	addr.payload.addr = (struct vu_vring_addr){
		.index = i,
		.desc = vu->cfg.guest_base + q->desc,
		.used = vu->cfg.guest_base + q->used,
		.avail = vu->cfg.guest_base + q->avail,
	};
	ret = set_state(vu, VU_SET_VRING_NUM, i, q->num);
	if (!ret)
		ret = set_state(vu, VU_SET_VRING_BASE, i, base);
	if (!ret)
		ret = request(vu, &addr, false);
	if (!ret)
		ret = set_fd(vu, VU_SET_VRING_CALL, i, q->call_fd);
	if (!ret)
		ret = set_fd(vu, VU_SET_VRING_KICK, i, q->kick_fd);
	return ret;
}

static u16 used_idx(const struct vhost_user *vu, const struct vhost_user_queue *q)
{
	return __atomic_load_n((u16 *)((u8 *)vu->cfg.arena + q->used + 2), __ATOMIC_ACQUIRE);
}

static int start(struct vhost_user *vu, bool resume)
{
	u64 features = vu->features | (vu->offered & BIT(VU_F_PROTOCOL_FEATURES));
	int ret = set_u64(vu, VU_SET_FEATURES, features);

	if (!ret)
		ret = send_memory(vu);
	for (unsigned i = 0; i < vu->queue_count && !ret; i++) {
		if (vu->queue[i].num)
			ret = set_up_queue(vu, i, resume ? used_idx(vu, &vu->queue[i]) : 0);
	}
	if (!(features & BIT(VU_F_PROTOCOL_FEATURES)))
		return ret; /* such queues start with their kick descriptor */
	for (unsigned i = 0; i < vu->queue_count && !ret; i++) {
		if (vu->queue[i].num)
			ret = set_state(vu, VU_SET_VRING_ENABLE, i, 1);
	}
	return ret;
}

int vhost_user_start(struct vhost_user *vu, u64 features, const struct vhost_user_queue *queue,
		     unsigned count)
{
	if (vu->sock < 0)
		return -ENOTCONN;
	if (features & ~vhost_user_features(vu) || !(features & BIT(F_VERSION_1)) || !count ||
	    count > 2 * vu->pairs)
		return -EINVAL;
	for (unsigned i = 0; i < count; i++) {
		if (check_queue(vu, &queue[i]))
			return -EINVAL;
	}
	vu->features = features;
	vu->queue_count = count;
	memcpy(vu->queue, queue, count * sizeof(*queue));
	return start(vu, false);
}

static void wake_all(struct vhost_user *vu)
{
	u64 one = 1;

	for (unsigned i = 0; i < vu->queue_count; i++) {
		if (vu->queue[i].num && vu->queue[i].call_fd >= 0 &&
		    write(vu->queue[i].call_fd, &one, sizeof(one)) < 0)
			continue; /* counter full: awake anyway */
	}
}

int vhost_user_resume(struct vhost_user *vu)
{
	int ret;

	if (vu->sock < 0)
		return -ENOTCONN;
	if (vu->features & ~vhost_user_features(vu) || vu->queue_count > 2 * vu->pairs)
		return -EPROTO;
	if (!vu->queue_count)
		return 0; /* the TEE has not set anything up yet */
	ret = start(vu, true);
	if (!ret)
		wake_all(vu);
	return ret;
}

int vhost_user_stop(struct vhost_user *vu, u16 *base, unsigned count)
{
	int ret = 0;

	if (vu->sock < 0)
		return -ENOTCONN;
	for (unsigned i = 0; i < vu->queue_count && !ret; i++) {
		struct vu_msg m = { .hdr = { .request = VU_GET_VRING_BASE,
					     .size = sizeof(struct vu_vring_state) },
				    .payload.state = { i, 0 } };

		if (!vu->queue[i].num)
			continue;
		ret = request(vu, &m, true);
		if (!ret && base && i < count)
			base[i] = m.payload.state.num;
	}
	return ret;
}
