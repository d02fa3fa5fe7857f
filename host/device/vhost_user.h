/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * vhost-user front end (the "master"), on behalf of a TEE.
 *
 * The TEE can't do sockets. It chooses the features and where its rings lie in the DMA arena;
 * this module only carries that to the back end (netd, or any other vhost-user network back
 * end), at start and again whenever the back end comes back. It never touches descriptors or
 * packets, and the TEE does not trust it: everything that it could get wrong, a hostile host
 * could do on purpose.
 *
 * What the TEE gives (through a hostcall, as plain numbers):
 *   - the features that it accepts, a subset of vhost_user_features();
 *   - per queue (index 2n: receive queue of pair n, 2n + 1: its transmit queue) the size and
 *     the offsets of descriptor table, available ring and used ring in the arena.
 * What descriptors hold: guest_base + offset in the arena (guest_base is 0 by default, so an
 * address in a descriptor is an offset in the arena, as in struct dma_buf.iova).
 * What wakes whom: the back end sleeps on kick_fd (the TEE's kick hostcall writes it) and
 * writes call_fd (a vCPU's sleep waits for it). Both are eventfds of the launcher and survive
 * the back end.
 *
 * The back end's death: what it had taken from a ring and not completed is offered to its
 * successor again, because the ring resumes at used->idx (the back end must complete in order,
 * which netd does). A frame may be sent twice, none is lost in the rings, and the TEE notices
 * nothing but silence. After a resume every call_fd is signalled once, in case a wake-up got lost.
 *
 * Context: functions with "Blocks" wait for the back end up to timeout_ms; nothing here may run
 * on a vCPU thread. One thread at a time per object.
 *
 * Reference: QEMU docs/interop/vhost-user.rst.
 */
#ifndef HOST_DEVICE_VHOST_USER_H
#define HOST_DEVICE_VHOST_USER_H

#include <stddef.h>
#include "abi/types.h"

#define VHOST_USER_QUEUES_MAX 128

struct vhost_user_config {
	const char *path; /* socket; NULL if every connection is given to vhost_user_adopt() */
	bool listen; /* we own the socket file and wait for the back end */
	int arena_fd; /* stays the caller's; a sealed (F_SEAL_SHRINK) memfd for preference */
	u64 arena_size;
	u64 arena_offset; /* where the arena starts in arena_fd, page aligned */
	void *arena; /* our own mapping, to read used->idx after the back end died */
	u64 guest_base; /* what descriptors hold for offset 0 */
	unsigned timeout_ms; /* for each answer; 0: 5000 */
};

struct vhost_user_queue {
	u16 num; /* power of two; 0: queue is not used */
	u64 desc; /* offsets in the arena */
	u64 avail;
	u64 used;
	int kick_fd; /* eventfds, stay the caller's; -1: none (the back end polls / is not heard) */
	int call_fd;
};

struct vhost_user;

/**
 * vhost_user_new - make an unconnected front end
 * @cfg: copied; path must stay valid
 *
 * With listen, creates the socket file (0600), replacing one that nobody listens on.
 * Return: 0 and *out, or a negative errno.
 */
int vhost_user_new(struct vhost_user **out, const struct vhost_user_config *cfg);

/* Disconnects (the back end sees the end of the connection) and frees. NULL is allowed. */
void vhost_user_free(struct vhost_user *vu);

/**
 * vhost_user_connect - get a connection and ask what the back end offers
 *
 * Blocks: until a back end is there or timeout_ms passed (connect is retried), and for its
 * answers. Return: 0, -ETIMEDOUT, -EPROTO when the back end does not speak the protocol or lacks
 * VIRTIO_F_VERSION_1, or another negative errno. May be called again after an error.
 */
int vhost_user_connect(struct vhost_user *vu);

/* The same over a connected socket (one end of a socketpair), which is taken over. */
int vhost_user_adopt(struct vhost_user *vu, int sock);

/* Virtio features that the back end offers. Host data: the TEE checks what it makes of them. */
u64 vhost_user_features(const struct vhost_user *vu);

/* Queue pairs that the back end offers, at least 1, at most VHOST_USER_QUEUES_MAX / 2. */
unsigned vhost_user_pairs(const struct vhost_user *vu);

/**
 * vhost_user_start - hand over the arena and start the queues
 * @features: what the TEE accepted; bits that the back end lacks are -EINVAL
 * @queue:    count of them, copied; count at most 2 * vhost_user_pairs()
 *
 * Offsets and sizes are checked to lie inside of the arena (-EINVAL), so that a TEE or launcher
 * bug is named here and not by the back end. Queues start at index 0: the rings must be fresh.
 * Blocks. Return: 0 or a negative errno (-EIO when the back end refused a step).
 */
int vhost_user_start(struct vhost_user *vu, u64 features, const struct vhost_user_queue *queue,
		     unsigned count);

/**
 * vhost_user_resume - after a loss and a new connection, go on where the old back end stopped
 *
 * Same features and queues as in vhost_user_start(); each ring continues at its used->idx.
 * -EPROTO if the new back end lacks a feature or queue that the old one had.
 */
int vhost_user_resume(struct vhost_user *vu);

/**
 * vhost_user_stop - stop all queues, connection stays
 * @base: count entries, index at which each queue stopped; may be NULL
 */
int vhost_user_stop(struct vhost_user *vu, u16 *base, unsigned count);

/* Pollable: readable or hung up when the back end is gone. -1 without a connection. */
int vhost_user_fd(const struct vhost_user *vu);

/* Listening descriptor (pollable), -1 if there is none. */
int vhost_user_listen_fd(const struct vhost_user *vu);

/**
 * vhost_user_check - is the back end still there?
 *
 * Does not block. On false the connection was closed: connect (or adopt) and resume.
 */
bool vhost_user_check(struct vhost_user *vu);

#endif
