/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A test program as launcher and TEE of a real nvmed process. */
#ifndef TEST_NVME_HOST_H
#define TEST_NVME_HOST_H

#include "enclave/nvme/shm.h"
#include "host/device/nvmed_link.h"
#include "test/lib/boundary_arena.h"
#include <sys/types.h>

#define HOST_QUEUES 2u
#define HOST_DEPTH 64u
#define HOST_TRANSFER (256u << 10)

struct host {
	const char *nvmed; /* program */
	char dir[64]; /* of socket and disks */
	char socket[80];
	pid_t pid;
	int events[HOST_QUEUES + 1];
	struct nvmed_link link;
	struct nvme_shm shm;
	struct nvme_ctrl ctrl;
	struct nvme_queue queues[HOST_QUEUES];
	struct nvme_tracker trackers[HOST_QUEUES * HOST_DEPTH];
	struct dma_buf data;
};

/* Makes directories; base is where the disks go. Exits on failure. */
void host_open(struct host *h, const char *nvmed, const char *base);
void host_close(struct host *h);

/* A file of size bytes in h->dir; returns its path (static). */
const char *host_disk(struct host *h, const char *name, size_t size);

/* Starts nvmed with these further arguments (NULL ends). */
void host_spawn(struct host *h, ...);
/* Sends sig and waits; the exit status as waitpid() gives it. */
int host_stop(struct host *h, int sig);

/* Connects, within some seconds. */
int host_connect(struct host *h);
/* Control region, transport, driver, up to live. */
int host_up(struct host *h);
/* Steps until live or failed. */
int host_run(struct host *h);
void host_down(struct host *h);

/* One command to its end on queue q; data from h->data + offset. */
int host_io(struct host *h, u32 q, u8 opcode, u32 ns, u64 lba, u32 blocks, u64 offset, bool fua);
u16 host_last_status(void);

u8 *host_data(struct host *h);
u64 host_now_ns(void);

#endif
