/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The launcher's end of the connection between a TEE and an nvmed (abi/nvmed.h).
 *
 * A link outlives the nvmed at its other end: when that dies, the same arena,
 * control region and descriptors are offered to the next one that listens on the
 * same path, and the TEE's driver resets the controller and goes on.
 *
 * Not thread safe: one thread creates, serves and destroys a link. Only
 * nvmed_link_kick() may be called from any thread.
 */
#ifndef DEVICE_NVMED_LINK_H
#define DEVICE_NVMED_LINK_H

#include "abi/nvmed.h"

struct nvmed_link {
	char path[108];
	int sock; /* -1 while not connected */
	int arena_fd; /* borrowed */
	int control_fd;
	int kick_fd;
	int event_fds[NVMED_EVENT_MAX]; /* borrowed */
	u32 event_count;
	u32 namespace_count; /* as the last welcome said */
	u64 arena_size;
	u64 connections;
	void *control; /* NVMED_CONTROL_SIZE bytes: map this into the TEE's shared memory */
};

/**
 * nvmed_link_create - make the control region; does not connect
 * @path:        nvmed's socket
 * @arena_fd:    memfd of the DMA arena; stays the caller's, must outlive the link
 * @arena_size:  bytes, a multiple of 4096
 * @event_fds:   one eventfd per queue id, admin queue first; may repeat (several
 *               queues of one vCPU, several devices); stay the caller's
 * @event_count: 1 + I/O queue pairs, at most NVMED_EVENT_MAX
 *
 * Return: 0; -EINVAL; -ENAMETOOLONG; or what memfd_create, mmap, eventfd say.
 */
int nvmed_link_create(struct nvmed_link *l, const char *path, int arena_fd, u64 arena_size,
		      const int *event_fds, u32 event_count);

/**
 * nvmed_link_connect - one attempt; waits at most some seconds for the answer
 *
 * Return: 0; -ENOENT or -ECONNREFUSED when nobody listens (try again); -EBUSY when
 * nvmed serves another peer; -EPROTO or -EPROTONOSUPPORT when the other end is not
 * our nvmed; other negative errno.
 */
int nvmed_link_connect(struct nvmed_link *l);

/**
 * nvmed_link_serve - notice the end of a connection, and connect again
 *
 * Call when l->sock is readable, and every 50 ms or so while it is -1.
 * Return: 1 when a connection was made, 0 when nothing changed, -ENOTCONN when
 * there is none now.
 */
int nvmed_link_serve(struct nvmed_link *l);

/* Wakes nvmed; on behalf of the TEE's kick. Any thread. */
void nvmed_link_kick(const struct nvmed_link *l);

void nvmed_link_destroy(struct nvmed_link *l);

#endif
