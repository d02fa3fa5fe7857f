/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The software NVMe controller (host/nvmed) and its peers.
 *
 * Three parties: the TEE drives the controller, nvmed is the controller, the
 * launcher introduces them and then stays out of the way.
 *
 * Connection. nvmed listens on a UNIX SOCK_SEQPACKET socket. The launcher
 * connects and sends one struct nvmed_hello with these descriptors (SCM_RIGHTS):
 *   [0] the DMA arena (memfd)          [1] the control region (memfd, below)
 *   [2] kick: eventfd, peer -> nvmed   [3..] event: eventfds, nvmed -> peer, one
 *                                      for each of hello.event_count queue ids
 * nvmed answers with one struct nvmed_welcome. No further message follows: the
 * open socket is the connection. Its end, from either side, is a detach: nvmed
 * forgets arena and control region and listens again; the launcher connects
 * again with the same descriptors for as long as the TEE lives. One peer at a
 * time: others are turned away with -EBUSY.
 *
 * After a detach (nvmed was killed and started again, say) a new nvmed finds the
 * control region as the TEE left it. If CC.EN is set it does not know the queues
 * of before, so it shows CSTS.CFS and signals every event; the TEE then resets
 * the controller as it would any other that failed.
 *
 * An IOVA is an offset in the arena. Peers see nothing else of each other.
 *
 * Registers are levels, not writes: nvmed sees what a register or doorbell holds
 * when it looks. NVMe allows that everywhere we go: CC.EN is changed only after
 * RDY followed its last change, and a doorbell never returns to its old value
 * with work outstanding, since a ring is never filled.
 *
 * Sleeping (design 4a.4). Either side that wants to sleep sets its word in
 * struct nvmed_flags, issues a full barrier, looks once more for work, and only
 * then blocks on its eventfd. The other side, after it published work (doorbell,
 * completion) and a full barrier, reads the word and writes the eventfd if it is
 * set. The word is cleared by the side that set it. A lying or dead peer costs
 * wake-ups or delay, nothing else.
 *
 * Control region (one memfd for each connection between a TEE and an nvmed):
 *   0x0000  struct nvmed_header   written by the launcher before it connects
 *   0x1000  BAR 0: properties (0x1000 bytes), then doorbells, stride 64 bytes
 *   0x5000  struct nvmed_flags
 *   0x8000  end
 */
#ifndef ABI_NVMED_H
#define ABI_NVMED_H

#include "abi/types.h"

#define NVMED_MAGIC 0x64656d766e746b72ull /* "rktnvmed" */
#define NVMED_VERSION 1u

#define NVMED_QUEUE_MAX 64u /* I/O queue pairs, ids 1..64; 0 is the admin queue */
#define NVMED_EVENT_MAX (NVMED_QUEUE_MAX + 1)

#define NVMED_BAR_OFFSET 0x1000u
#define NVMED_BAR_SIZE 0x4000u
#define NVMED_DOORBELL_STRIDE 64u /* CAP.DSTRD = 4: no two share a cache line */
#define NVMED_FLAGS_OFFSET 0x5000u
#define NVMED_CONTROL_SIZE 0x8000u

_Static_assert(0x1000 + 2 * NVMED_EVENT_MAX * NVMED_DOORBELL_STRIDE <= NVMED_BAR_SIZE,
	       "doorbells of all queues lie in the BAR");

/* First page of the control region: tells a stale or foreign file from ours. */
struct nvmed_header {
	u64 magic;
	u32 version;
	u32 event_count; /* queue ids with an event, admin included */
	u64 arena_size; /* bytes */
};
ABI_SIZE(struct nvmed_header, 24);

/* One word to a cache line: each has another writer. */
struct nvmed_flag {
	u32 word; /* 0 or 1 */
	u32 reserved[15];
};
ABI_SIZE(struct nvmed_flag, 64);

struct nvmed_flags {
	struct nvmed_flag need_kick; /* written by nvmed: it sleeps, kick it */
	struct nvmed_flag need_event[NVMED_EVENT_MAX]; /* written by the TEE, per queue id */
};
ABI_SIZE(struct nvmed_flags, 64 * (NVMED_EVENT_MAX + 1));
_Static_assert(NVMED_FLAGS_OFFSET + sizeof(struct nvmed_flags) <= NVMED_CONTROL_SIZE,
	       "flags lie in the control region");

/*
 * Boot information BOOT_NVME (abi/control.h): one for each controller, in the order
 * of their numbers (nvme0, nvme1 ...). Launcher to TEE, untrusted.
 */
struct boot_nvme {
	u64 control_offset; /* the control region, mapped into the control window; page aligned */
	u32 kick; /* what TEE_EXIT_KICK calls its kick eventfd */
	u32 reserved; /* zero */
};
ABI_SIZE(struct boot_nvme, 16);

#define BOOT_NVME_MAX 8u /* controllers */

struct nvmed_hello {
	u64 magic;
	u32 version;
	u32 event_count; /* 1..NVMED_EVENT_MAX; the queue ids that can be used */
	u64 arena_size; /* bytes, a multiple of 4096, at most the memfd's size */
	u64 control_size; /* NVMED_CONTROL_SIZE */
};
ABI_SIZE(struct nvmed_hello, 32);

struct nvmed_welcome {
	u64 magic;
	u32 version;
	s32 error; /* 0, or a negative errno: nvmed then closes the connection */
	u32 namespace_count;
	u32 reserved;
};
ABI_SIZE(struct nvmed_welcome, 24);

#endif
