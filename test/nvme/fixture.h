/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A driver on top of the in-process model, with a clock that tests turn by hand. */
#ifndef TEST_NVME_FIXTURE_H
#define TEST_NVME_FIXTURE_H

#include "enclave/nvme/nvme.h"
#include "test/lib/boundary_arena.h"
#include "test/model/nvme_model.h"

#define FIX_QUEUES 2u
#define FIX_DEPTH 16u
#define FIX_TRANSFER (128u << 10)
#define FIX_BLOCKS 4096u

struct fixture {
	struct nvme_model model;
	struct nvme_ctrl ctrl;
	struct nvme_queue queues[FIX_QUEUES];
	struct nvme_tracker trackers[FIX_QUEUES * FIX_DEPTH];
	struct nvme_params params;
	struct dma_buf data; /* 2 * FIX_TRANSFER */
	u64 now_ns;
};

/* Prepares model and driver; edit model and params, then fix_init(). */
void fix_open(struct fixture *f, u8 lba_shift);
int fix_init(struct fixture *f);

/* nvme_start() and steps until it is live or failed; at most 1000 virtual seconds. */
int fix_start(struct fixture *f);
int fix_run(struct fixture *f);

/* All of the above with default parameters; exits when that fails. */
void fix_up(struct fixture *f, u8 lba_shift);

/* Checks that no DMA memory leaked. */
bool fix_close(struct fixture *f);

/* One read of one block into the data buffer, submitted and rung. */
int fix_read(struct fixture *f, u64 lba, void *cookie);

u8 *fix_data(struct fixture *f);

#endif
