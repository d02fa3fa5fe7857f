/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The launcher's side of a NIC's control block (abi/nicdev.h), on top of netd_link.h: tells the
 * TEE that a back end is there, waits for its rings, introduces the two, and again for each
 * back end that follows. Runs on the link's thread.
 *
 * What the TEE wrote in the block is fetched once and checked (vhost_user_start() checks the
 * places against the arena): not because the launcher has secrets, but so that a broken TEE is
 * named instead of confusing the back end.
 */
#ifndef HOST_DEVICE_NICDEV_H
#define HOST_DEVICE_NICDEV_H

#include "abi/nicdev.h"
#include "host/device/netd_link.h"

struct nicdev_config {
	struct netd_link_config link; /* hooks is ours; vu.guest_base as BOOT_DMA says (iova) */
	struct nicdev_ctl *ctl; /* zeroed block in the control window */
	u16 ring_size_max; /* 0: NICDEV_RING_SIZE_MAX */
	/* Eventfds, stay the caller's. Ring n: written by TEE_EXIT_KICK / waking vCPU n / 2. */
	int kick_fd[NICDEV_RINGS_MAX];
	int call_fd[NICDEV_RINGS_MAX];
	int ctl_kick_fd; /* TEE_EXIT_KICK with NICDEV_KICK_CTL */
	int event_fd; /* wakes the TEE after the block changed (vCPU 0's) */
};

struct nicdev;

/**
 * nicdev_start - start the back end and offer it to the TEE
 *
 * Blocks for netd's start. Errors of netd_link_start(). Before the TEE is entered, so that the
 * first look at the block finds generation 1.
 */
int nicdev_start(struct nicdev **out, const struct nicdev_config *cfg);

void nicdev_get_stats(struct nicdev *n, struct netd_link_stats *stats);

/* Ends the back end. After the TEE has stopped. NULL is allowed. */
void nicdev_stop(struct nicdev *n);

#endif
