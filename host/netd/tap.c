/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "host/netd/fdnet.h"
#include "host/netd/log.h"
#include "host/netd/options.h"

#define BIT(n) (1ull << (n))

static unsigned offload_of(u64 features)
{
	unsigned off = 0;

	if (!(features & BIT(VIRTIO_NET_F_GUEST_CSUM)))
		return 0;
	off = TUN_F_CSUM;
	if (features & BIT(VIRTIO_NET_F_GUEST_TSO4))
		off |= TUN_F_TSO4;
	if (features & BIT(VIRTIO_NET_F_GUEST_TSO6))
		off |= TUN_F_TSO6;
	return off;
}

/* What the kernel may leave to the guest: nothing that it did not negotiate. */
static void tap_set_features(struct backend *be, u64 features)
{
	struct fdnet *net = (struct fdnet *)be;

	if (net->queue[0].src.fd >= 0 &&
	    ioctl(net->queue[0].src.fd, TUNSETOFFLOAD, offload_of(features)))
		log_warn("TAP", "offloads not set: %s", strerror(errno));
}

static void tap_close(struct backend *be)
{
	struct fdnet *net = (struct fdnet *)be;

	for (unsigned i = 0; i < net->queue_count; i++)
		fdnet_remove(net, i);
	free(net);
}

static const struct backend_ops tap_ops = {
	.name = "tap",
	.tx = fdnet_tx,
	.poll = fdnet_poll,
	.prepare_sleep = fdnet_prepare_sleep,
	.set_features = tap_set_features,
	.close = tap_close,
};

/* One queue of the interface; creates it if it does not exist (it then ends with us). */
static int open_queue(const char *name, bool multi)
{
	struct ifreq req = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int hdr_size = sizeof(net_hdr), fd, ret;

	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	strncpy(req.ifr_name, name, IFNAMSIZ - 1);
	if (multi)
		req.ifr_flags |= IFF_MULTI_QUEUE;
	if (ioctl(fd, TUNSETIFF, &req) || ioctl(fd, TUNSETVNETHDRSZ, &hdr_size) ||
	    ioctl(fd, TUNSETOFFLOAD, 0)) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

struct backend *tap_open(struct loop *loop, const struct options_net *opt, unsigned pairs)
{
	struct fdnet *net = calloc(1, sizeof(*net));
	unsigned i;
	int fd, ret = -ENOMEM;

	if (!net)
		goto fail;
	net->be.ops = &tap_ops;
	net->be.loop = loop;
	net->queue_count = pairs;
	for (i = 0; i < pairs; i++) {
		fd = open_queue(opt->name, pairs > 1);
		ret = fd < 0 ? fd : fdnet_add(net, i, fd);
		if (ret)
			goto close_queues;
	}
	return &net->be;

close_queues:
	net->queue_count = i;
	tap_close(&net->be);
fail:
	log_error("TAP", "%s: %s%s", opt->name, strerror(-ret),
		  ret == -EPERM ? " (needs CAP_NET_ADMIN, or a tap that this user owns)" : "");
	return NULL;
}
