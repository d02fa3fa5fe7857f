/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "host/device/nicdev.h"

struct nicdev {
	struct nicdev_config cfg;
	struct netd_link *link;
	u32 generation; /* ours: odd while a back end is there */
	u32 served; /* the generation whose rings the back end has */
};

static void say(struct nicdev *n, const char *what, int err)
{
	char line[160];

	snprintf(line, sizeof(line), "NIC: %s: %s%s%s", n->cfg.link.nic, what, err ? ": " : "",
		 err ? strerror(err) : "");
	if (n->cfg.link.log)
		n->cfg.link.log(n->cfg.link.log_arg, line);
	else
		fprintf(stderr, "rktio: %s\n", line);
}

static void publish(struct nicdev *n, u32 generation)
{
	u64 one = 1;

	n->generation = generation;
	/* Orders the rest of .host before the number that says it is valid. */
	__atomic_store_n(&n->cfg.ctl->host.generation, generation, __ATOMIC_RELEASE);
	if (write(n->cfg.event_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		say(n, "cannot wake the TEE", errno);
}

static void link_up(void *arg, struct vhost_user *vu)
{
	struct nicdev *n = arg;
	struct nicdev_host *h = &n->cfg.ctl->host;

	h->magic = NICDEV_MAGIC;
	h->features = vhost_user_features(vu) & NICDEV_FEATURES;
	h->pairs_max = vhost_user_pairs(vu);
	h->ring_size_max = n->cfg.ring_size_max;
	publish(n, n->generation + 1);
}

static void link_down(void *arg)
{
	struct nicdev *n = arg;

	publish(n, n->generation + 1);
}

/* One fetch of what the TEE wrote. Returns the number of rings or a negative errno. */
static int fetch(struct nicdev *n, u64 *features, struct vhost_user_queue *queue)
{
	const volatile struct nicdev_ctl *ctl = n->cfg.ctl;
	u16 pairs = ctl->tee.pairs;

	*features = ctl->tee.features;
	if (!pairs || pairs > NICDEV_PAIRS_MAX || 2u * pairs > VHOST_USER_QUEUES_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < 2u * pairs; i++) {
		const volatile struct nicdev_vring *v = &ctl->vring[i];
		u32 size = v->size;

		if (size < NICDEV_RING_SIZE_MIN || size > n->cfg.ring_size_max)
			return -EINVAL;
		/* Addresses in the block count from guest_base, as those in descriptors do. */
		queue[i] = (struct vhost_user_queue){
			.num = size,
			.desc = v->desc - n->cfg.link.vu.guest_base,
			.avail = v->avail - n->cfg.link.vu.guest_base,
			.used = v->used - n->cfg.link.vu.guest_base,
			.kick_fd = n->cfg.kick_fd[i],
			.call_fd = n->cfg.call_fd[i],
		};
	}
	return 2 * pairs;
}

static void tee_kicked(void *arg, struct vhost_user *vu)
{
	struct vhost_user_queue queue[VHOST_USER_QUEUES_MAX];
	struct nicdev *n = arg;
	u32 generation;
	u64 features;
	int ret;

	/* Pairs with the TEE's store of the number behind everything else. */
	generation = __atomic_load_n(&n->cfg.ctl->tee.generation, __ATOMIC_ACQUIRE);
	if (*(volatile u32 *)&n->cfg.ctl->tee.state == NICDEV_TEE_FAILED)
		say(n, "the TEE gave up this device", 0);
	if (generation != n->generation || generation == n->served)
		return;
	n->served = generation;
	ret = fetch(n, &features, queue);
	if (ret > 0)
		ret = vhost_user_start(vu, features, queue, ret);
	if (ret)
		say(n, "rings not accepted", -ret);
}

static const struct netd_link_hooks hooks = {
	.up = link_up,
	.down = link_down,
	.event = tee_kicked,
};

int nicdev_start(struct nicdev **out, const struct nicdev_config *cfg)
{
	struct nicdev *n = calloc(1, sizeof(*n));
	struct netd_link_config link = cfg->link;
	struct netd_link_hooks h = hooks;
	int ret;

	if (!n)
		return -ENOMEM;
	n->cfg = *cfg;
	n->cfg.link.nic = strdup(cfg->link.nic);
	if (!n->cfg.ring_size_max)
		n->cfg.ring_size_max = NICDEV_RING_SIZE_MAX;
	h.arg = n;
	h.event_fd = cfg->ctl_kick_fd;
	link.hooks = &h;
	ret = n->cfg.link.nic ? netd_link_start(&n->link, &link) : -ENOMEM;
	if (ret) {
		free((char *)n->cfg.link.nic);
		free(n);
		return ret;
	}
	*out = n;
	return 0;
}

void nicdev_get_stats(struct nicdev *n, struct netd_link_stats *stats)
{
	netd_link_get_stats(n->link, stats);
}

void nicdev_stop(struct nicdev *n)
{
	if (!n)
		return;
	netd_link_stop(n->link);
	free((char *)n->cfg.link.nic);
	free(n);
}
