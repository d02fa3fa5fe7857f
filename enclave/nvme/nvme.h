/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The polled NVMe driver.
 *
 * Pure C without memory allocation, threads, clocks, interrupts or locks of its
 * own: the caller gives memory, time and the way to the controller, and polls.
 * The same source drives a controller process through shared memory, a PCI
 * device through VFIO, and QEMU's device model in tests.
 *
 * Who owns what
 *   struct nvme_ctrl   one thread at a time, the controller's owner: everything
 *                      below that takes a ctrl, except where noted.
 *   struct nvme_queue  one vCPU, the queue's owner: submit, ring, poll, tick.
 *                      Nothing in a queue is shared, so nothing is locked. While
 *                      the controller is not live the queues belong to the
 *                      controller's owner: before nvme_reset_begin(),
 *                      nvme_shutdown_begin() and nvme_fini() the caller
 *                      guarantees that no queue call runs or will start until
 *                      nvme_step() returned 0 again.
 *
 * What is trusted: nothing that comes from the controller. Every value it gives
 * is fetched once, checked with CHECK_HOST() against private state, and only the
 * copy is used. The driver never reads what it wrote to shared memory; trackers,
 * ring indices, free lists and geometry are private. The first lie marks the
 * whole controller failed; see nvme_watch().
 *
 * What the driver does not do: it never touches payload (the caller moves it
 * into and out of DMA memory), never splits a request (the block layer does),
 * never resubmits one (see NVME completions), and knows no metadata, SGLs,
 * interrupts or multi-path.
 */
#ifndef NVME_NVME_H
#define NVME_NVME_H

#include "enclave/boundary/dma.h"
#include "enclave/boundary/host_mem.h"
#include "abi/nvme_spec.h"

#define NVME_NS_MAX 16u /* namespaces that we remember; further ones are ignored */
#define NVME_DEPTH_MIN 2u /* 2.0 3.3.3.1: a queue has at least two entries */
#define NVME_DEPTH_MAX 1024u /* 10 bits of a command identifier */
#define NVME_TRANSFER_MAX (1u << 20) /* one PRP list then fits half a page */

struct nvme_ctrl;

/**
 * struct nvme_transport - the way to a controller's registers
 * @rd32, @rd64, @wr32, @wr64: access the property at byte offset @off of BAR 0.
 *	What reads return is hostile. A 64-bit access may be split by a transport
 *	that can't do it in one.
 * @rung:       called after each doorbell write of a burst, by the queue's owner:
 *	a sleeping controller process may need a wake call. May be NULL.
 * @need_event: asks for (or withdraws the wish for) an event when queue @qid
 *	completes something. Used by nvme_sleep_prepare(). May be NULL.
 * @ctx:        passed to every call.
 * @doorbells:  where the doorbell registers are when they can be stored to
 *	directly; va 0 when they must go through @wr32.
 * @bar_size:   bytes of BAR 0 that may be accessed; trusted, checked against
 *	the doorbells that the controller's stride implies.
 *
 * None of the calls may sleep. The structure outlives the controller object.
 */
struct nvme_transport {
	u32 (*rd32)(void *ctx, u32 off);
	u64 (*rd64)(void *ctx, u32 off);
	void (*wr32)(void *ctx, u32 off, u32 val);
	void (*wr64)(void *ctx, u32 off, u64 val);
	void (*rung)(void *ctx);
	void (*need_event)(void *ctx, u16 qid, bool need);
	void *ctx;
	struct host_addr doorbells;
	u32 bar_size;
};

/* One command in flight. Private; the index is part of the command identifier. */
struct nvme_tracker {
	void *cookie;
	u32 bytes; /* payload, for the statistics */
	u32 tick; /* the queue's tick when it was submitted */
	u16 next_free;
	u8 generation; /* changes at each use: a late completion does not match */
	u8 busy;
	u8 opcode;
};

/* Counters of one queue; written by its owner only. */
struct nvme_queue_stats {
	u64 commands;
	u64 completions;
	u64 errors; /* completions with a status other than success */
	u64 read_bytes; /* payload across the boundary, successful or not */
	u64 write_bytes;
	u64 sq_doorbells;
	u64 cq_doorbells;
};

/*
 * One queue pair. Every field is private memory of the queue's owner; the rings
 * themselves lie in the DMA arena: we own the SQ tail and the CQ head, the
 * controller owns the SQ head and the CQ tail (which it shows by the phase bit).
 */
struct nvme_queue {
	struct nvme_ctrl *ctrl;
	struct host_addr sq; /* ring of struct nvme_sqe: we write, never read */
	struct host_addr cq; /* ring of struct nvme_cqe: we read each field once */
	struct host_addr lists; /* one PRP list or range list per tracker: we write */
	u64 lists_iova;
	struct nvme_tracker *trackers;
	u32 tick;
	u32 list_size; /* bytes per tracker in lists */
	u16 id; /* 0 = admin */
	u16 depth; /* entries of each ring */
	u16 depth_max; /* what the memory was allocated for */
	u16 sq_tail; /* next entry that we fill */
	u16 sq_rung; /* what the controller was told */
	u16 cq_head; /* next entry that we look at */
	u16 cq_unreported; /* consumed since the last CQ doorbell */
	u16 free_head; /* tracker free list */
	u16 inflight;
	u8 phase; /* of the entries that are new */
	bool live; /* commands may be submitted and polled; the controller's owner clears it */
	bool lied; /* the controller broke the protocol on this queue */
	struct nvme_queue_stats stats;
	struct dma_buf sq_mem;
	struct dma_buf cq_mem;
	struct dma_buf list_mem;
};

/* A namespace as identified and checked; constant while the controller lives. */
struct nvme_ns {
	u32 id;
	u8 lba_shift; /* 9 to 12 */
	bool read_only;
	u64 blocks; /* never 0; blocks << lba_shift fits in 63 bits */
	u8 nguid[16]; /* what the controller calls it; a name, not a proof */
	u8 eui64[8];
};

/* Bring-up and take-down, in the order in which they are passed; 2.0 3.5.1. */
enum nvme_state {
	NVME_OFF, /* no register touched yet, or stopped for good */
	NVME_SETTLE, /* CC.EN was found set without CSTS.RDY: must not be cleared yet */
	NVME_DISABLE, /* CC.EN cleared, waiting for CSTS.RDY = 0 */
	NVME_DRAIN, /* waiting until the owner has reaped all commands of before */
	NVME_ENABLE, /* admin queue set, CC.EN = 1, waiting for CSTS.RDY = 1 */
	NVME_IDENTIFY_CTRL,
	NVME_IDENTIFY_LIST,
	NVME_IDENTIFY_NS, /* once per active namespace */
	NVME_SET_QUEUES,
	NVME_CREATE_CQ, /* then NVME_CREATE_SQ, once per queue pair */
	NVME_CREATE_SQ,
	NVME_LIVE,
	NVME_BACKOFF, /* an attempt failed, waiting before the next one */
	NVME_SHUTDOWN, /* CC.SHN = normal, waiting for CSTS.SHST = complete */
	NVME_FAILED, /* for good: ctrl->error says why */
};

/**
 * struct nvme_params - what the caller decides; all trusted
 * @queues:       queue_count structures for I/O queue pairs 1..n, zeroed
 * @trackers:     queue_count * depth structures, private memory
 * @queue_count:  I/O queue pairs wanted, at least 1; the controller may give less
 * @depth:        entries per ring, NVME_DEPTH_MIN..NVME_DEPTH_MAX; one less than
 *                that many commands can be in flight. The controller's MQES may
 *                lower it.
 * @transfer_max: bytes per command wanted, whole pages up to NVME_TRANSFER_MAX
 * @admin_ms:     deadline of one admin command
 * @ready_max_ms: bound for the deadline that CAP.TO states
 * @recover_ms:   how long a bring-up is tried again after timeouts or errors
 *                (never after a lie); 0 = one attempt
 * @io_ticks:     nvme_tick() calls after which a command counts as lost
 */
struct nvme_params {
	struct nvme_queue *queues;
	struct nvme_tracker *trackers;
	u16 queue_count;
	u16 depth;
	u32 transfer_max;
	u32 admin_ms;
	u32 ready_max_ms;
	u32 recover_ms;
	u32 io_ticks;
};

#define NVME_ADMIN_DEPTH 16u

struct nvme_ctrl {
	const struct nvme_transport *transport;
	struct nvme_params params;
	enum nvme_state state;
	int error; /* last error of a bring-up attempt, or why it failed for good */
	u8 fault; /* enum nvme_health, set by queue owners, taken by nvme_watch() */

	/* what the controller said, checked */
	u64 cap;
	u32 version;
	u32 doorbell_stride; /* bytes */
	u32 transfer_max; /* bytes per command, whole pages */
	u16 queue_count; /* I/O queue pairs that exist */
	u16 ns_count;
	bool volatile_cache;
	bool has_write_zeroes;
	bool has_deallocate;
	bool known; /* ns[] was filled once: later bring-ups must agree with it */
	char serial[21]; /* printable ASCII; a name, not a proof */
	char model[41];
	struct nvme_ns ns[NVME_NS_MAX];

	/* bring-up */
	u64 deadline_ns;
	u64 recover_until_ns;
	u16 step_index; /* namespace or queue that a per-item state is at */
	u16 list_count;
	u32 list[NVME_NS_MAX];
	bool admin_busy;
	u32 resets; /* statistics: bring-ups begun after the first */

	struct nvme_queue admin;
	struct nvme_tracker admin_trackers[NVME_ADMIN_DEPTH];
	struct dma_buf data; /* one page for identify data */
	u8 page[NVME_PAGE_SIZE]; /* its private copy */
};

/* ---- ctrl.c: the controller; called by its owner ---- */

/**
 * nvme_init - prepare a controller object and allocate its DMA memory
 * @c:         zeroed
 * @transport: stays referenced
 * @params:    copied
 *
 * Touches no register. Does not sleep.
 * Return: 0, -EINVAL for parameters out of range, -ENOMEM when the arena is
 * exhausted (everything was given back).
 */
int nvme_init(struct nvme_ctrl *c, const struct nvme_transport *transport,
	      const struct nvme_params *params);

/**
 * nvme_start - begin bring-up
 * @now_ns: a monotonic clock, trusted; the same one in every call
 *
 * Reads and checks CAP and VS, then starts to disable the controller (2.0 3.5.1
 * step 1). Follow with nvme_step().
 * Return: 0; -ENODEV when no device answers (all ones); -EPROTO for a lie;
 * -EOPNOTSUPP for a controller that we can't drive. After an error the
 * controller is NVME_FAILED.
 */
int nvme_start(struct nvme_ctrl *c, u64 now_ns);

/**
 * nvme_step - move bring-up, recovery or shutdown on as far as it goes now
 *
 * Polls; never waits. Failed attempts are repeated within params.recover_ms.
 * Return: 0 when the controller is live (or, after nvme_shutdown_begin(), off);
 * -EINPROGRESS to be called again, at latest after some milliseconds; -EAGAIN
 * when in NVME_DRAIN commands of before the reset must be taken with
 * nvme_reap() first; otherwise the controller is NVME_FAILED: -ETIMEDOUT (a
 * deadline passed), -ENODEV (gone), -EIO (fatal status, or an admin command
 * failed), -EOPNOTSUPP (a feature that we need is missing), -EPROTO (it lied).
 */
int nvme_step(struct nvme_ctrl *c, u64 now_ns);

enum nvme_health {
	NVME_HEALTHY,
	NVME_NEEDS_RESET, /* a command got lost, or CSTS.CFS: call nvme_reset_begin() */
	NVME_DEAD, /* NVME_FAILED; reap every queue and give up */
};

/**
 * nvme_watch - look after a live controller
 *
 * Takes what the queues' owners reported (a lie, a lost command) and reads CSTS
 * once. A lie disables the controller and makes it NVME_FAILED with -EPROTO.
 * Cheap over shared memory, one PCI read (about 1 us) on hardware: call it now
 * and then while commands are in flight, not per poll. The queues' owners may
 * go on meanwhile.
 */
enum nvme_health nvme_watch(struct nvme_ctrl *c);

/**
 * nvme_reset_begin - reset and bring up again
 *
 * Queues must be quiescent (see top). Follow with nvme_step(), which asks by
 * -EAGAIN for the commands in flight to be reaped once the controller can no
 * longer touch their buffers. Geometry must come back as it was.
 */
void nvme_reset_begin(struct nvme_ctrl *c, u64 now_ns);

/**
 * nvme_shutdown_begin - tell the controller to reach a clean state; 2.0 3.6
 *
 * Queues must be quiescent and drained by the caller, with a flush if the data
 * matters: a failing shutdown loses what is in a volatile cache. Deleting the
 * queues first is skipped: the controller is disabled right after. Amid a
 * bring-up it gives up instead: NVME_FAILED with -ESHUTDOWN.
 */
void nvme_shutdown_begin(struct nvme_ctrl *c, u64 now_ns);

/* Gives DMA memory back. The controller must be off, failed or never started. */
void nvme_fini(struct nvme_ctrl *c);

/* ---- io.c: commands; called by the queue's owner ---- */

/* A piece of a data buffer: DMA memory as the device sees it. */
struct nvme_seg {
	u64 iova;
	u32 len;
};

/**
 * struct nvme_io - one command
 * @opcode:    NVME_IO_READ, _WRITE, _FLUSH, _WRITE_ZEROES or _DSM
 * @fua:       write, write zeroes: on stable media before completion
 * @ns:        from ctrl->ns
 * @lba:       first block (not for flush and DSM)
 * @blocks:    count of blocks: read and write up to ctrl->transfer_max bytes,
 *             write zeroes up to 65536 (not for flush and DSM)
 * @segs:      read, write: the buffer in order. PRP rules: each iova 4-byte
 *             aligned, all but the first begin at a page and all but the last
 *             end at one. Lengths sum up to the blocks' bytes.
 * @ranges:    DSM: private memory, copied
 */
struct nvme_io {
	u8 opcode;
	bool fua;
	const struct nvme_ns *ns;
	u64 lba;
	u32 blocks;
	u32 seg_count;
	const struct nvme_seg *segs;
	const struct nvme_dsm_range *ranges;
	u32 range_count;
};

/**
 * nvme_submit - queue one command
 * @cookie: comes back with the completion
 *
 * Fills a submission queue entry; the controller learns of it at nvme_ring().
 * The buffer must be left alone until the completion.
 * Return: 0; -EBUSY when all trackers are in use (poll, then try again);
 * -ESHUTDOWN when the queue is not live; -EMSGSIZE when the transfer is larger
 * than ctrl->transfer_max; -ERANGE beyond the namespace's end; -EROFS;
 * -EOPNOTSUPP when the controller lacks the command; -EINVAL for a malformed
 * buffer. Nothing was queued after an error.
 */
int nvme_submit(struct nvme_queue *q, const struct nvme_io *io, void *cookie);

/* ---- queue.c; called by the queue's owner ---- */

/* Tells the controller about all submitted commands with one doorbell, if any. */
void nvme_ring(struct nvme_queue *q);

/**
 * struct nvme_completion - how a command ended
 * @error: 0; -ENODATA (unreadable), -ENOSPC, -EROFS, -EOPNOTSUPP, -ENXIO (LBA
 *         out of range), -EIO (anything else the controller reports);
 *         -ECANCELED: lost in a reset, or aborted by the controller: unknown
 *         whether it was carried out. All our commands may be repeated safely;
 *         rkt's block glue repeats each once and then reports -EIO.
 * @status: as in enum nvme_status, for messages
 * @result: command specific, unchecked
 */
struct nvme_completion {
	void *cookie;
	int error;
	u16 status;
	u32 result;
};

/**
 * nvme_poll - take completions
 * @out: filled, up to @budget entries
 *
 * Bounded: looks at no more than @budget + 1 entries.
 * Return: how many; -ESHUTDOWN when the queue is not live; -EPROTO when the
 * controller lied: the queue is dead, nvme_watch() will say NVME_DEAD.
 */
int nvme_poll(struct nvme_queue *q, struct nvme_completion *out, u32 budget);

/**
 * nvme_pending - does it look as if nvme_poll() would find something?
 *
 * A peek at one word of shared memory; nothing is believed. Only with commands in
 * flight: what the controller writes before it is asked is not looked at. May be
 * called by anybody at any time; a wrong answer costs an empty poll or a late one.
 */
bool nvme_pending(const struct nvme_queue *q);

/**
 * nvme_tick - count time for commands in flight
 *
 * Call at a steady pace (a second or less); a command that sees params.io_ticks
 * of them counts as lost, which nvme_watch() then reports as NVME_NEEDS_RESET.
 * Return: 0 or -ETIMEDOUT.
 */
int nvme_tick(struct nvme_queue *q);

/**
 * nvme_reap - take a command back that will never complete
 * @out: cookie and error: -ECANCELED in a reset, -EIO when the controller failed
 *
 * Only when nvme_step() returned -EAGAIN, or the controller is NVME_FAILED or
 * NVME_OFF. Any thread, as queues are quiescent then.
 * Return: true while there was one.
 */
bool nvme_reap(struct nvme_queue *q, struct nvme_completion *out);

/**
 * nvme_sleep_prepare - ask for an event before the vCPU sleeps; design 4a.4
 *
 * Publishes the wish, then a full barrier; the caller polls once more and sleeps
 * only if that found nothing. A controller that lies costs a late or a useless
 * wake-up, nothing else.
 */
void nvme_sleep_prepare(struct nvme_queue *q);
void nvme_sleep_finish(struct nvme_queue *q);

#endif
