/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Between the driver's own files. */
#ifndef NVME_INTERNAL_H
#define NVME_INTERNAL_H

#include "enclave/boundary/check.h"
#include "enclave/boundary/string.h"
#include "enclave/nvme/nvme.h"
#ifdef __KERNEL__
#include <linux/errno.h>
#else
#include <errno.h>
#endif

/* The one field that the controller's owner changes while the queue's owner runs. */
static inline bool nvme_queue_live(const struct nvme_queue *q)
{
	return __atomic_load_n(&q->live, __ATOMIC_ACQUIRE);
}

static inline void nvme_queue_set_live(struct nvme_queue *q, bool live)
{
	__atomic_store_n(&q->live, live, __ATOMIC_RELEASE);
}

/* queue.c */

/* Allocates the rings for up to depth_max entries; list_size 0 = no lists. */
int nvme_queue_alloc(struct nvme_queue *q, u16 depth_max, u32 list_size);
void nvme_queue_free(struct nvme_queue *q);

/* Empty rings, all trackers free. No command may be in flight. */
void nvme_queue_reset(struct nvme_queue *q, u16 depth);

/* A free tracker's index, or -EBUSY. */
int nvme_tracker_get(struct nvme_queue *q, void *cookie, u8 opcode, u32 bytes);

/* Gives sqe the tracker's identifier and writes it to the ring. */
void nvme_queue_push(struct nvme_queue *q, struct nvme_sqe *sqe, u16 index);

/*
 * identify.c: check c->page, the private copy of identify data, and keep what is
 * needed. Return 0, -EPROTO (impossible values) or -EOPNOTSUPP (honest, but not
 * for us).
 */
int nvme_identify_ctrl(struct nvme_ctrl *c);
int nvme_identify_list(struct nvme_ctrl *c);
int nvme_identify_ns(struct nvme_ctrl *c, u16 i);

#endif
