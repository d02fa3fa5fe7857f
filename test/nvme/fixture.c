// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "test/nvme/fixture.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_NS 1000000ull

void fix_open(struct fixture *f, u8 lba_shift)
{
	if (!test_arena.base)
		test_arena_create(8 << 20);
	memset(f, 0, sizeof(*f));
	test_arena_reset();
	boundary_lies = 0;
	model_init(&f->model, lba_shift, FIX_BLOCKS);
	f->params = (struct nvme_params){ .queues = f->queues,
					  .trackers = f->trackers,
					  .queue_count = FIX_QUEUES,
					  .depth = FIX_DEPTH,
					  .transfer_max = FIX_TRANSFER,
					  .admin_ms = 1000,
					  .ready_max_ms = 10000,
					  .io_ticks = 3 };
}

int fix_init(struct fixture *f)
{
	int err = dma_alloc(&f->data, 2 * FIX_TRANSFER, NVME_PAGE_SIZE);

	return err ? err : nvme_init(&f->ctrl, &f->model.transport, &f->params);
}

int fix_run(struct fixture *f)
{
	int err = -EINPROGRESS;

	for (u32 i = 0; i < 1000000 && err == -EINPROGRESS; i++) {
		f->now_ns += STEP_NS;
		err = nvme_step(&f->ctrl, f->now_ns);
	}
	return err;
}

int fix_start(struct fixture *f)
{
	int err = nvme_start(&f->ctrl, f->now_ns);

	return err ? err : fix_run(f);
}

void fix_up(struct fixture *f, u8 lba_shift)
{
	int err;

	fix_open(f, lba_shift);
	err = fix_init(f);
	if (!err)
		err = fix_start(f);
	if (err) {
		printf("not ok fixture: bring-up of the honest model: %d\n", err);
		exit(1);
	}
}

bool fix_close(struct fixture *f)
{
	struct nvme_completion c;

	nvme_shutdown_begin(&f->ctrl, f->now_ns);
	fix_run(f);
	for (u32 i = 0; i < FIX_QUEUES; i++)
		while (nvme_reap(&f->queues[i], &c))
			;
	nvme_fini(&f->ctrl);
	dma_free(&f->data);
	model_fini(&f->model);
	return test_arena_used() == 0;
}

u8 *fix_data(struct fixture *f)
{
	return (u8 *)(unsigned long)f->data.addr.va;
}

int fix_read(struct fixture *f, u64 lba, void *cookie)
{
	const struct nvme_ns *ns = &f->ctrl.ns[0];
	struct nvme_seg seg = { f->data.iova, 1u << ns->lba_shift };
	struct nvme_io io = { .opcode = NVME_IO_READ,
			      .ns = ns,
			      .lba = lba,
			      .blocks = 1,
			      .segs = &seg,
			      .seg_count = 1 };
	int err = nvme_submit(&f->queues[0], &io, cookie);

	nvme_ring(&f->queues[0]);
	return err;
}
