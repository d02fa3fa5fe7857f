/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "host/netd/log.h"
#include "host/netd/slave.h"

#define BIT(n) (1ull << (n))

#define PROTOCOL_FEATURES \
	(BIT(VU_PROTOCOL_F_MQ) | BIT(VU_PROTOCOL_F_REPLY_ACK) | BIT(VU_PROTOCOL_F_RESET_DEVICE))

/* Handlers return 0, a negative errno, or 1 with *value as the answer's payload. */
typedef int (*handler)(struct dev *dev, struct vu_msg *msg, union vu_payload *value);

static int get_features(struct dev *dev, struct vu_msg *msg, union vu_payload *value)
{
	value->u64 = dev->features_offered;
	return 1;
}

static int set_features(struct dev *dev, struct vu_msg *msg, union vu_payload *value)
{
	u64 f = msg->payload.u64;

	if (f & ~dev->features_offered)
		return -EINVAL;
	/* The header has 12 bytes for modern devices only; nobody needs the other kind. */
	if (!(f & BIT(VIRTIO_F_VERSION_1)))
		return -EINVAL;
	dev->features = f;
	for (unsigned i = 0; i < dev->pairs_max; i++) {
		dev_quiesce(dev, &dev->pair[i].rx);
		dev->pair[i].rxq.mergeable = f & BIT(VIRTIO_NET_F_MRG_RXBUF);
		vq_set_event_idx(&dev->pair[i].rx, f & BIT(VIRTIO_RING_F_EVENT_IDX));
		vq_set_event_idx(&dev->pair[i].tx, f & BIT(VIRTIO_RING_F_EVENT_IDX));
	}
	if (dev->be->ops->set_features)
		dev->be->ops->set_features(dev->be, f);
	return 0;
}

static int set_owner(struct dev *dev, struct vu_msg *msg, union vu_payload *value)
{
	return 0; /* one connection at a time: whoever talks owns it */
}

static int reset_device(struct dev *dev, struct vu_msg *msg, union vu_payload *value)
{
	u64 protocol = dev->protocol_features;

	dev_reset(dev);
	dev->protocol_features = protocol;
	return 0;
}

static void unmap_rings(struct dev *dev)
{
	for (unsigned i = 0; i < 2 * dev->pairs_max; i++) {
		struct vq *vq = dev_vring(dev, i);

		dev_quiesce(dev, vq);
		vq->used = NULL;
	}
}

static int set_mem_table(struct dev *dev, struct vu_msg *msg, union vu_payload *value)
{
	const struct vu_memory *mem = &msg->payload.memory;
	bool was_mapped[2 * DEV_PAIRS_MAX];
	int ret = 0;

	if (mem->count > VU_REGION_MAX || msg->hdr.size < 8 + mem->count * sizeof(mem->regions[0]))
		return -EPROTO;
	for (unsigned i = 0; i < 2 * dev->pairs_max; i++)
		was_mapped[i] = dev_vring(dev, i)->used;
	unmap_rings(dev);
	ret = regions_set(&dev->mem, mem, msg->fds, msg->fd_count);
	/* Rings that were set up before follow into the new table, or the old one if it failed. */
	for (unsigned i = 0; i < 2 * dev->pairs_max; i++) {
		if (was_mapped[i] && vq_map(dev_vring(dev, i)) && !ret)
			ret = -EPROTO;
	}
	return ret;
}

/* A ring that is being set up anew: not polled, and a past lie is forgiven. */
static struct vq *stopped_vring(struct dev *dev, u32 index)
{
	struct vq *vq = dev_vring(dev, index);

	if (!vq)
		return NULL;
	dev_quiesce(dev, vq);
	return vq;
}

static int set_vring_num(struct dev *dev, struct vu_msg *msg, union vu_payload *value)
{
	struct vq *vq = stopped_vring(dev, msg->payload.state.index);
	u32 num = msg->payload.state.num;

	if (!vq || !num || num > VQ_NUM_MAX || (num & (num - 1)))
		return -EINVAL;
	vq->used = NULL; /* until the addresses are checked for this size */
	vq->num = num;
	return 0;
}

static int set_vring_addr(struct dev *dev, struct vu_msg *msg, union vu_payload *value)
{
	struct vq *vq = stopped_vring(dev, msg->payload.addr.index);

	if (!vq || msg->payload.addr.flags)
		return -EINVAL;
	vq->addr = msg->payload.addr;
	return vq_map(vq);
}

static int set_vring_base(struct dev *dev, struct vu_msg *msg, union vu_payload *value)
{
	struct vq *vq = stopped_vring(dev, msg->payload.state.index);

	if (!vq || msg->payload.state.num > 0xffff)
		return -EINVAL;
	vq_set_base(vq, msg->payload.state.num);
	vq->broken = false;
	return 0;
}

static int get_vring_base(struct dev *dev, struct vu_msg *msg, union vu_payload *value)
{
	u32 index = msg->payload.state.index;
	struct vq *vq = stopped_vring(dev, index);

	if (!vq)
		return -EINVAL;
	if (vq->used)
		vq_publish(vq);
	dev_set_kick(dev, index, -1);
	vq->no_kick_fd = false;
	value->state = (struct vu_vring_state){ index, vq->next_used };
	return 1;
}

/*
 * An eventfd that can't block us. Other kinds could (a pipe that nobody reads), or would raise
 * SIGPIPE; no honest front end sends them.
 */
static int check_eventfd(int fd)
{
	char path[64], link[32] = "";
	ssize_t n;
	int flags;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, link, sizeof(link) - 1);
	/* Without /proc, trust the front end. */
	if (n > 0 && strncmp(link, "anon_inode:[eventfd]", 20))
		return -EPROTO;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK))
		return -errno;
	return 0;
}

/* Takes the eventfd out of a KICK, CALL or ERR message: *fd is -1 if it says that there is none. */
static int take_eventfd(struct dev *dev, struct vu_msg *msg, unsigned *index, int *fd)
{
	u64 v = msg->payload.u64;
	int ret;

	*index = v & VU_VRING_INDEX_MASK;
	*fd = -1;
	if (!dev_vring(dev, *index) || (v & ~(u64)(VU_VRING_INDEX_MASK | VU_VRING_NOFD)))
		return -EINVAL;
	if (v & VU_VRING_NOFD)
		return msg->fd_count ? -EPROTO : 0;
	if (msg->fd_count != 1)
		return -EPROTO;
	ret = check_eventfd(msg->fds[0]);
	if (ret)
		return ret;
	*fd = msg->fds[0];
	msg->fds[0] = -1;
	return 0;
}

static int set_vring_kick(struct dev *dev, struct vu_msg *msg, union vu_payload *value)
{
	unsigned index;
	int fd, ret;

	ret = take_eventfd(dev, msg, &index, &fd);
	if (ret)
		return ret;
	ret = dev_set_kick(dev, index, fd);
	if (ret) {
		close(fd);
		return ret;
	}
	dev_vring(dev, index)->no_kick_fd = fd < 0;
	/* Without protocol features there is no ENABLE message: the kick starts the ring. */
	if (!(dev->features & BIT(VU_F_PROTOCOL_FEATURES)))
		dev_vring(dev, index)->enabled = true;
	return 0;
}

static int replace_fd(struct dev *dev, struct vu_msg *msg, bool err)
{
	struct vq *vq;
	unsigned index;
	int fd, ret, *slot;

	ret = take_eventfd(dev, msg, &index, &fd);
	if (ret)
		return ret;
	vq = dev_vring(dev, index);
	slot = err ? &vq->err_fd : &vq->call_fd;
	if (*slot >= 0)
		close(*slot);
	*slot = fd;
	return 0;
}

static int set_vring_call(struct dev *dev, struct vu_msg *msg, union vu_payload *value)
{
	return replace_fd(dev, msg, false);
}

static int set_vring_err(struct dev *dev, struct vu_msg *msg, union vu_payload *value)
{
	return replace_fd(dev, msg, true);
}

static int get_protocol_features(struct dev *dev, struct vu_msg *msg, union vu_payload *value)
{
	value->u64 = PROTOCOL_FEATURES;
	return 1;
}

static int set_protocol_features(struct dev *dev, struct vu_msg *msg, union vu_payload *value)
{
	if (msg->payload.u64 & ~PROTOCOL_FEATURES)
		return -EINVAL;
	dev->protocol_features = msg->payload.u64;
	return 0;
}

static int get_queue_num(struct dev *dev, struct vu_msg *msg, union vu_payload *value)
{
	value->u64 = dev->pairs_max;
	return 1;
}

static int set_vring_enable(struct dev *dev, struct vu_msg *msg, union vu_payload *value)
{
	struct vq *vq = stopped_vring(dev, msg->payload.state.index);

	if (!vq || msg->payload.state.num > 1)
		return -EINVAL;
	vq->enabled = msg->payload.state.num;
	return 0;
}

struct request {
	handler fn;
	u32 size; /* exact size of the payload, or the least one if it varies */
	bool varies;
	bool fds; /* may carry descriptors */
};

static const struct request requests[VU_REQUEST_MAX] = {
	[VU_GET_FEATURES] = { get_features, 0 },
	[VU_SET_FEATURES] = { set_features, 8 },
	[VU_SET_OWNER] = { set_owner, 0 },
	[VU_RESET_OWNER] = { reset_device, 0 },
	[VU_SET_MEM_TABLE] = { set_mem_table, 8, true, true },
	[VU_SET_VRING_NUM] = { set_vring_num, sizeof(struct vu_vring_state) },
	[VU_SET_VRING_ADDR] = { set_vring_addr, sizeof(struct vu_vring_addr) },
	[VU_SET_VRING_BASE] = { set_vring_base, sizeof(struct vu_vring_state) },
	[VU_GET_VRING_BASE] = { get_vring_base, sizeof(struct vu_vring_state) },
	[VU_SET_VRING_KICK] = { set_vring_kick, 8, false, true },
	[VU_SET_VRING_CALL] = { set_vring_call, 8, false, true },
	[VU_SET_VRING_ERR] = { set_vring_err, 8, false, true },
	[VU_GET_PROTOCOL_FEATURES] = { get_protocol_features, 0 },
	[VU_SET_PROTOCOL_FEATURES] = { set_protocol_features, 8 },
	[VU_GET_QUEUE_NUM] = { get_queue_num, 0 },
	[VU_SET_VRING_ENABLE] = { set_vring_enable, sizeof(struct vu_vring_state) },
	[VU_RESET_DEVICE] = { reset_device, 0 },
};

static int dispatch(struct dev *dev, struct vu_msg *msg, union vu_payload *value)
{
	const struct request *r;

	if (msg->hdr.request >= VU_REQUEST_MAX || !requests[msg->hdr.request].fn) {
		log_info("PROTOCOL", "request %u is not known", msg->hdr.request);
		return -EOPNOTSUPP;
	}
	r = &requests[msg->hdr.request];
	/* Some front ends send a dummy payload with requests that have none. */
	if (msg->hdr.size < r->size || (msg->hdr.size > r->size && r->size && !r->varies))
		return -EPROTO;
	if (msg->fd_count && !r->fds)
		return -EPROTO;
	return r->fn(dev, msg, value);
}

int slave_handle(struct dev *dev, struct vu_msg *msg, struct vu_msg *reply)
{
	bool ack = (msg->hdr.flags & VU_FLAG_NEED_REPLY) &&
		   (dev->protocol_features & BIT(VU_PROTOCOL_F_REPLY_ACK));
	int ret;

	memset(reply, 0, sizeof(*reply));
	reply->hdr.request = msg->hdr.request;
	reply->hdr.flags = VU_VERSION | VU_FLAG_REPLY;
	reply->hdr.size = sizeof(u64); /* all answers have 8 bytes: a number or a vring state */
	if (msg->hdr.flags & VU_FLAG_REPLY)
		return -EPROTO; /* we never ask */
	ret = dispatch(dev, msg, &reply->payload);
	if (ret < 0) {
		log_warn("PROTOCOL", "request %u refused: %s", msg->hdr.request, strerror(-ret));
		if (!ack)
			return ret;
		reply->payload.u64 = -ret;
		return 1;
	}
	return ret || ack;
}
