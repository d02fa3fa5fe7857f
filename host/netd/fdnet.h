/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What tap and link have in common: descriptors that carry one frame with a 12-byte virtio-net
 * header per read or write. Frames are read straight into the guest's buffers and written
 * straight out of them; the header is always copied through private memory.
 */
#ifndef HOST_NETD_FDNET_H
#define HOST_NETD_FDNET_H

#include "host/netd/dev.h"

struct fdnet_queue {
	struct loop_source src;
	struct fdnet *net;
	unsigned pair; /* frames go to this queue pair (or the first ready one) */
	bool readable;
	bool lost; /* end of file or error: the owner's business */
};

struct fdnet {
	struct backend be;
	bool peer_is_hostile; /* check the headers that we read */
	unsigned queue_count;
	struct fdnet_queue queue[DEV_PAIRS_MAX];
	void (*on_lost)(struct fdnet *net); /* called from poll, not from an event */
	u8 spill[FRAME_MAX]; /* what does not fit in the guest's buffers lands here */
};

/* Starts to watch a descriptor (non-blocking), which it takes over. */
int fdnet_add(struct fdnet *net, unsigned queue, int fd);
void fdnet_remove(struct fdnet *net, unsigned queue);

/* Implementations of struct backend_ops. */
int fdnet_tx(struct backend *be, unsigned pair, struct tx_frame *f);
bool fdnet_poll(struct backend *be);
bool fdnet_prepare_sleep(struct backend *be, int *timeout_ms);

#endif
