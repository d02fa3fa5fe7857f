/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Block devices over enclave/nvme: what the files of the glue share.
 *
 *   rkt_nvme.c          bring-up, disks, limits
 *   rkt_nvme_io.c       requests: buffers, the one pass over the data, polling
 *   rkt_nvme_recover.c  lost commands, resets, the end of a controller
 *
 * One hardware queue per vCPU, polled by that vCPU. A queue's lock is there for
 * the rare task that moved to another vCPU between getting its request and
 * issuing it; otherwise nobody contends for it.
 */
#ifndef RKT_NVME_H
#define RKT_NVME_H

#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <asm/rkt_poll.h>
#include "abi/nvmed.h"
#include "enclave/crypt/xts.h"
#include "enclave/nvme/shm.h"

#define RKT_NVME_DEPTH 64 /* ring entries; one less can be in flight */
#define RKT_NVME_TRANSFER (128u << 10)
#define RKT_NVME_TICK_MS 250
#define RKT_NVME_IO_TICKS 120 /* 30 s */
#define RKT_NVME_RECOVER_MS 60000
#define RKT_NVME_REPEATS_MAX 32 /* a command that outlived so many resets may be their cause */

struct rkt_nvme;

/* Driver data of a request. */
struct rkt_nvme_rq {
	u16 buffer; /* index into the queue's data buffers, or RKT_NVME_NO_BUFFER */
	u8 repeats; /* after resets that it was in flight for */
};
#define RKT_NVME_NO_BUFFER 0xffff

struct rkt_nvme_hwq {
	spinlock_t lock; /* all below, and the driver's queue */
	struct nvme_queue *q;
	struct dma_buf data; /* RKT_NVME_DEPTH - 1 buffers of transfer_max bytes */
	u16 free[RKT_NVME_DEPTH]; /* stack of buffers: the last used is in the cache */
	u16 free_count;
	bool event; /* asked for an event */
} ____cacheline_aligned;

struct rkt_nvme_disk {
	struct rkt_nvme *n;
	const struct nvme_ns *ns;
	struct gendisk *disk;
	struct rkt_sector_crypt *crypt; /* NULL: plain; set once by init, under a frozen queue */
};

struct rkt_nvme {
	struct nvme_shm shm;
	struct nvme_ctrl ctrl;
	unsigned int index; /* nvme<index> */
	u32 kick;
	bool dead; /* nothing works any more; requests fail */
	unsigned int hwq_count;
	struct rkt_nvme_hwq *hwq;
	struct nvme_queue *queues;
	struct nvme_tracker *trackers;
	struct blk_mq_tag_set tags;
	struct rkt_nvme_disk *disks;
	struct delayed_work watch;
	bool watching; /* the work is armed: commands may be in flight */
	struct rkt_poller poller;
};

/* rkt_nvme_io.c */
extern const struct blk_mq_ops rkt_nvme_mq_ops;
bool rkt_nvme_poll_pending(struct rkt_poller *p, unsigned int cpu);
void rkt_nvme_poll(struct rkt_poller *p, unsigned int cpu, unsigned int budget);
void rkt_nvme_want_event(struct rkt_poller *p, unsigned int cpu, bool on);
int rkt_nvme_buffers_alloc(struct rkt_nvme *n, struct rkt_nvme_hwq *h);
void rkt_nvme_buffer_put(struct rkt_nvme_hwq *h, struct request *rq);
struct rkt_nvme_hwq *rkt_nvme_hwq_of(struct rkt_nvme *n, struct request *rq);

/* rkt_nvme_recover.c */
void rkt_nvme_watch(struct work_struct *work);
/* Looks after commands in flight from now on. Context: any. */
void rkt_nvme_watch_start(struct rkt_nvme *n);
enum blk_eh_timer_return rkt_nvme_timeout(struct request *rq);
/* Steps until the controller is live or failed; takes back commands on the way. Sleeps. */
int rkt_nvme_run(struct rkt_nvme *n);

#endif
