// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the driver itself costs: TSC cycles for submit + ring + poll of one 4 KiB
 * read, with a controller that answers at once and whose time is not counted.
 *
 * Prints the median over many rounds for each burst size; goal of design section
 * 6: at most 400. A round that an interrupt hit is an outlier, hence the median.
 * Exit status 1 only if a command failed: time never decides.
 */
#include "enclave/nvme/nvme.h"
#include "test/lib/boundary_arena.h"
#include "test/model/nvme_model.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#define DEPTH 256u
#define ROUNDS 20001u
#define BURST_MAX 64u

static struct nvme_model model;
static struct nvme_ctrl ctrl;
static struct nvme_queue queue;
static struct nvme_tracker trackers[DEPTH];
static struct nvme_transport direct;
static u32 doorbell_memory[64];
static u64 cycles[ROUNDS];

static void nothing(void *ctx)
{
	host_mb(); /* what the shared-memory transport pays after a doorbell */
}

/* Doorbells become plain stores, as with a mapped BAR; the controller is played below. */
static void go_direct(void)
{
	direct = model.transport;
	direct.doorbells.va = (unsigned long)doorbell_memory;
	direct.rung = nothing;
	ctrl.transport = &direct;
}

static void answer(u32 *head, u32 count)
{
	const struct nvme_sqe *sq = (void *)(unsigned long)queue.sq.va;

	while (count--) {
		struct nvme_cqe cqe = { .sq_id = 1, .cid = sq[*head].cid };

		*head = (*head + 1) % DEPTH;
		cqe.sq_head = *head;
		model_post(&model, 1, cqe);
	}
}

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static int round_cycles(u32 burst, u32 *head, u64 data, u64 *out)
{
	struct nvme_completion done[BURST_MAX];
	struct nvme_seg seg = { data, 4096 };
	struct nvme_io io = {
		.opcode = NVME_IO_READ, .ns = &ctrl.ns[0], .blocks = 1, .segs = &seg, .seg_count = 1
	};
	u64 start, submitted, polled;
	int n;

	start = __rdtsc();
	for (u32 i = 0; i < burst; i++) {
		io.lba = i;
		nvme_submit(&queue, &io, &done[i]);
	}
	nvme_ring(&queue);
	submitted = __rdtsc() - start;
	answer(head, burst);
	start = __rdtsc();
	n = nvme_poll(&queue, done, burst);
	polled = __rdtsc() - start;
	*out = (submitted + polled) / burst;
	return n == (int)burst ? 0 : -1;
}

static int measure(u32 burst, u32 *head, u64 data)
{
	for (u32 i = 0; i < ROUNDS; i++) {
		if (round_cycles(burst, head, data, &cycles[i])) {
			printf("burst %u: a command failed\n", burst);
			return 1;
		}
	}
	qsort(cycles, ROUNDS, sizeof(*cycles), compare);
	printf("nvme_queue burst %2u: %llu cycles per command (p10 %llu, p90 %llu)\n", burst,
	       (unsigned long long)cycles[ROUNDS / 2], (unsigned long long)cycles[ROUNDS / 10],
	       (unsigned long long)cycles[ROUNDS * 9 / 10]);
	return 0;
}

int main(void)
{
	static const u32 bursts[] = { 1, 4, 16, 64 };
	struct nvme_params params = { .queues = &queue,
				      .trackers = trackers,
				      .queue_count = 1,
				      .depth = DEPTH,
				      .transfer_max = 128 << 10,
				      .admin_ms = 1000,
				      .ready_max_ms = 1000,
				      .io_ticks = 3 };
	struct dma_buf data;
	u32 head = 0;
	int failed = 0;

	test_arena_create(4 << 20);
	model_init(&model, 12, 1024);
	if (dma_alloc(&data, 4096, 4096) || nvme_init(&ctrl, &model.transport, &params) ||
	    nvme_start(&ctrl, 0) || nvme_step(&ctrl, 0)) {
		printf("bring-up failed: %d\n", ctrl.error);
		return 1;
	}
	go_direct();
	for (u32 i = 0; i < sizeof(bursts) / sizeof(*bursts); i++)
		failed |= measure(bursts[i], &head, data.iova);
	return failed;
}
