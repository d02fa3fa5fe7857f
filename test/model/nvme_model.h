/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An NVMe controller inside the test program, honest unless told to lie.
 *
 * It does what the specification asks for, at once, whenever a doorbell or a
 * register is written, and keeps its own idea of the rings, so a driver that
 * breaks the rules fails here too. A test turns it into a liar by editing the
 * fields below before or between commands, by a hook that edits each completion,
 * or by writing completions itself.
 */
#ifndef TEST_NVME_MODEL_H
#define TEST_NVME_MODEL_H

#include "abi/nvme_spec.h"
#include "enclave/nvme/nvme.h"

#define MODEL_QUEUES 9u
#define MODEL_NS_MAX 32u
#define MODEL_HELD_MAX 4096u

struct model_queue {
	bool on;
	u16 depth, cqid; /* cqid: submission queues */
	u64 base;
	u32 head, tail; /* submission: head ours; completion: tail ours */
	u8 phase;
};

struct model_held {
	u16 sqid;
	struct nvme_sqe sqe;
};

struct nvme_model {
	struct nvme_transport transport;

	/* registers */
	u64 cap, asq, acq;
	u32 vs, cc, csts, aqa;
	u32 doorbells[2 * MODEL_QUEUES];

	/* what identify says */
	struct nvme_id_ctrl ctrl;
	struct nvme_id_ns ns; /* for every id */
	u32 list[MODEL_NS_MAX + 1];
	u32 queue_result; /* answer to Set Features: number of queues */

	/* the medium, for every namespace */
	u8 *disk;
	size_t disk_size;

	/* ways to misbehave */
	bool gone; /* every register reads as ones */
	bool never_ready; /* CSTS.RDY stays as it is */
	bool fatal_on_enable;
	bool hold; /* fetch I/O commands, do not complete them */
	bool hold_admin;
	bool never_shut_down;
	void (*edit)(struct nvme_model *m, u16 sqid, const struct nvme_sqe *sqe,
		     struct nvme_cqe *cqe); /* phase is set after */
	u32 edit_after; /* commands that pass unedited first */

	/* what happened */
	u32 commands, flushes, fua_writes, deallocates, zeroes, enables, bad_doorbells;
	u32 register_reads;
	struct nvme_sqe last; /* last I/O command */
	struct model_held held[MODEL_HELD_MAX];
	u32 held_count;

	struct model_queue sq[MODEL_QUEUES], cq[MODEL_QUEUES];
};

/* An honest one with one namespace of 512 << (lba_shift - 9) bytes a block. */
void model_init(struct nvme_model *m, u8 lba_shift, u64 blocks);
void model_fini(struct nvme_model *m);

/* Completes what was held, in the order of arrival or the reverse. */
void model_release(struct nvme_model *m, bool reverse);

/* Writes a completion with the phase that the driver waits for. */
void model_post(struct nvme_model *m, u16 cqid, struct nvme_cqe cqe);

#endif
