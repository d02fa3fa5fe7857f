/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One virtio-net device: the state that a front end sets up, its queue pairs, its backend.
 *
 * Packets: guest -> tx queue -> backend, backend -> dev_rx() -> rx queue -> guest.
 * Everything runs on the loop's thread.
 */
#ifndef HOST_NETD_DEV_H
#define HOST_NETD_DEV_H

#include "host/netd/backend.h"
#include "host/netd/loop.h"
#include "host/netd/pcap.h"
#include "host/netd/regions.h"
#include "host/netd/rxq.h"
#include "host/netd/vq.h"

#define DEV_PAIRS_MAX 64
#define DEV_TX_BURST 64
#define DEV_STEER 256
#define DEV_BACKLOG_SIZE_MAX (8u << 20) /* bytes of waiting frames per queue pair */
#define DEV_BACKLOG_SLOW (256u << 10) /* above this, sources of frames should pause */

struct dev_stats {
	u64 tx_frames, tx_bytes; /* from the guest */
	u64 rx_frames, rx_bytes; /* to the guest */
	u64 tx_bad; /* frames with a header or size that make no sense, dropped */
	u64 rx_full; /* dropped: no room in the guest nor in the backlog */
	u64 rx_too_big; /* dropped: the guest can't take such a frame */
	u64 rx_down; /* dropped: no front end or queue */
	u64 broken; /* queues stopped for lies */
};

/* Frames that wait for receive buffers. */
struct backlog_frame {
	struct backlog_frame *next;
	u32 len;
	net_hdr hdr;
	u8 data[];
};

struct backlog {
	struct backlog_frame *head, **tail;
	u64 size;
};

struct kick_source {
	struct loop_source src; /* fd is that of the vring */
	struct vq *vq;
	struct loop *loop;
};

struct dev_pair {
	struct vq rx, tx;
	struct kick_source rx_kick, tx_kick;
	struct rxq rxq;
	struct backlog backlog;
	bool rx_starved; /* the backend has frames and the guest no buffers */
	bool tx_stalled; /* the backend said -EAGAIN */
};

struct dev {
	struct loop_client client;
	struct loop *loop;
	struct backend *be;
	struct pcap *pcap; /* or NULL */
	const char *name;
	unsigned pairs_max; /* what we offer */
	u64 features_offered;
	u64 features;
	u64 protocol_features;
	struct regions mem;
	struct dev_pair *pair; /* pairs_max of them */
	u8 steer[DEV_STEER]; /* flow hash -> queue pair that the guest sent it from */
	u8 *linear; /* FRAME_MAX bytes */
	struct dev_stats stats;
	struct vq_stats vq_stats; /* of queues that were reset */
};

/**
 * dev_init - make a device without a front end
 * @be:    its backend; stays the caller's
 * @pairs: 1..DEV_PAIRS_MAX
 *
 * Return: 0 or -ENOMEM.
 */
int dev_init(struct dev *dev, struct loop *loop, struct backend *be, unsigned pairs);
void dev_exit(struct dev *dev);

/* The front end is gone or resets us: all queues, memory and descriptors go. */
void dev_reset(struct dev *dev);

/* Queue by its vhost-user index: 2n is rx of pair n, 2n + 1 its tx. NULL if there is none. */
struct vq *dev_vring(struct dev *dev, unsigned index);

/* Before a queue's rings, base or memory change: nothing of it stays cached. */
void dev_quiesce(struct dev *dev, struct vq *vq);

/* Takes over fd (or -1) as kick descriptor of the queue and watches it. */
int dev_set_kick(struct dev *dev, unsigned index, int fd);

/**
 * dev_rx_pair - choose the queue pair for a frame to the guest
 *
 * The pair that the guest used last for the same flow, else pair 0; always a ready one.
 * Return: NULL when no receive queue is ready.
 */
struct dev_pair *dev_rx_pair(struct dev *dev, const u8 *frame, u32 len);

/**
 * dev_rx - give a frame to the guest, or let it wait in the backlog
 * @hdr, @frame, @len: private memory, header already what the guest shall see
 *
 * Never blocks. A frame that can't be delivered nor kept is dropped and counted.
 */
void dev_rx(struct dev *dev, net_hdr *hdr, const u8 *frame, u32 len);

/* For backends that read straight into the guest: count (and capture) what they delivered. */
void dev_rx_done(struct dev *dev, const struct iovec *iov, unsigned count, u32 skip, u32 len);

/* Whether the guest is so far behind, or not there, that the backend should stop fetching. */
bool dev_rx_congested(const struct dev *dev);

/* A backend that said -EAGAIN can take frames again. */
void dev_tx_resume(struct dev *dev);

/* Writes one line of JSON with all counters. */
void dev_print_stats(struct dev *dev);

#endif
