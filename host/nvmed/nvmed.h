/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A software NVMe controller as a process: the parts and who calls whom.
 *
 *   main.c   command line, socket, one peer after the other
 *   peer.c   the peer's memory: arena and control region, checked and mapped
 *   ctrl.c   registers, queues, the loop, sleeping
 *   admin.c  admin commands
 *   io.c     I/O commands: checks, PRPs, what the disk must do
 *   disk.c   files and block devices behind namespaces
 *   engine.c asynchronous work on them by io_uring, else synchronous
 *   sandbox.c gives up what none of these needs after the start
 *
 * One thread. The peer is a TEE whose memory may change at any moment: queue
 * entries and PRP lists are copied once and then checked; whatever is wrong gets
 * the status that the specification names, or CSTS.CFS when there is no command
 * to answer. A peer can at worst destroy its own data.
 */
#ifndef NVMED_NVMED_H
#define NVMED_NVMED_H

#include "abi/nvme_spec.h"
#include "abi/nvmed.h"
#include "host/lib/kicks.h"
#include <liburing.h>
#include <sys/uio.h>

#define DISK_MAX 16u
#define MDTS 8u /* 1 MiB */
#define TRANSFER_PAGES (1u << MDTS)
#define IOV_MAX_ (TRANSFER_PAGES + 1)
#define MQES_ENTRIES 1024u
#define REQ_COUNT 1024u /* commands being carried out at once */
#define AER_MAX 4u

enum backend {
	BACKEND_MAP, /* memory-backed file, mapped: no system call per command */
	BACKEND_ASYNC, /* io_uring */
	BACKEND_SYNC, /* preadv2, where io_uring is not allowed */
};

struct disk {
	u32 nsid;
	u32 lba_shift;
	u64 blocks;
	bool read_only;
	bool locked; /* whoever started us holds the lock */
	bool is_block;
	enum backend backend;
	const char *path;
	int fd; /* buffered */
	int fd_direct; /* or -1 */
	u32 dio_align; /* of offset and length for fd_direct */
	u8 *map; /* BACKEND_MAP */
	u8 nguid[16];
};

enum req_phase {
	REQ_DATA, /* read or write under way */
	REQ_RANGES, /* deallocate or zero: pending counts the pieces */
	REQ_SYNC, /* flush, or the fdatasync after a FUA that needs one */
};

/* One command being carried out. */
struct req {
	struct req *next;
	struct disk *disk;
	u64 offset;
	u64 left; /* bytes */
	u32 pending;
	u32 iov_count;
	u32 iov_first;
	u32 result;
	u16 sqid;
	u16 cid;
	u16 status;
	u8 opcode;
	u8 phase;
	bool fua;
	bool direct;
	bool deac;
	struct iovec iov[IOV_MAX_];
};

struct peer {
	int sock;
	int arena_fd, control_fd, kick_fd;
	int event_fds[NVMED_EVENT_MAX];
	u32 event_count;
	u8 *arena;
	u64 arena_size;
	u8 *control;
};

struct sq {
	bool on;
	u16 depth, cqid;
	u64 base;
	u32 head;
	u32 inflight;
};

struct cq {
	bool on;
	u8 phase;
	u16 depth;
	u64 base;
	u32 tail;
	u32 sq_count; /* submission queues that point here */
	bool signal; /* something was posted in this turn */
	struct req *backlog, **backlog_end; /* completions waiting for room */
};

enum ctrl_state {
	CTRL_OFF, /* CC.EN = 0 */
	CTRL_READY,
	CTRL_FATAL, /* CSTS.CFS until CC.EN = 0 */
	CTRL_STOPPING, /* CC.EN = 0 seen, commands still under way */
};

struct nvmed {
	struct disk disks[DISK_MAX];
	u32 disk_count;
	u32 spin_us;
	bool verbose;
	bool sync; /* asked not to use io_uring */
	bool no_sandbox;
	int listen_fd;
	int stop_fd; /* eventfd, written by the signal handler */
	u8 serial[20];

	struct peer peer;
	enum ctrl_state state;
	bool shut_down;
	u32 csts; /* what the register shall say */
	u32 aer_count;
	struct sq sq[NVMED_EVENT_MAX];
	struct cq cq[NVMED_EVENT_MAX];
	u32 queue_limit; /* ids below this may be used: the peer's event_count */

	struct req *reqs; /* REQ_COUNT */
	struct req *free_reqs;
	u32 inflight; /* requests not free */
	u32 engine_ops; /* of the engine, under way */

	bool have_ring;
	struct io_uring ring;
	struct kicks kicks_free;
	u64 commands, sleeps, naps, kicks;
};

/* peer.c: 0, or a negative errno after which nothing is held. */
int peer_accept(struct nvmed *d, int sock);
void peer_close(struct peer *p);
/* Answers with the error and closes. */
void peer_refuse(const struct nvmed *d, int sock, int error);
/* The peer's memory at iova, or NULL if any byte lies outside of the arena. */
void *peer_memory(const struct peer *p, u64 iova, u64 size);

/* ctrl.c: what the registers show to a new peer; before it is welcomed. */
void ctrl_attach(struct nvmed *d);
/* Serves the peer until it goes away (0) or *stop is set (1). */
int ctrl_run(struct nvmed *d, volatile int *stop);
void ctrl_complete(struct nvmed *d, struct req *r);
/* Gives r back without a completion. */
void ctrl_forget(struct nvmed *d, struct req *r);
void ctrl_fatal(struct nvmed *d, const char *why);
u32 reg_get(const struct nvmed *d, u32 off);
u64 reg_get64(const struct nvmed *d, u32 off);
void reg_put(struct nvmed *d, u32 off, u32 val);
volatile u32 *doorbell(const struct nvmed *d, u32 qid, bool cq);

/* admin.c, io.c: begin a command; r is completed now or later. */
void admin_start(struct nvmed *d, struct req *r, const struct nvme_sqe *sqe);
void io_start(struct nvmed *d, struct req *r, const struct nvme_sqe *sqe);
/* io.c: an operation of the engine ended with result res (bytes or -errno). */
void io_progress(struct nvmed *d, struct req *r, int res);

/* disk.c */
/* Once, before the first disk: memory that can't be had becomes an error. */
void disk_catch_bus(void);
int disk_open(struct disk *k, const char *spec, u32 default_nsid);
void disk_close(struct disk *k);
int disk_copy(struct disk *k, const struct iovec *iov, u32 count, u64 offset, bool write);
int disk_zero(struct disk *k, u64 offset, u64 size, bool deallocate);

/* engine.c */
int engine_open(struct nvmed *d);
void engine_close(struct nvmed *d);
void engine_data(struct nvmed *d, struct req *r);
void engine_sync(struct nvmed *d, struct req *r);
void engine_zero(struct nvmed *d, struct req *r, u64 offset, u64 size);
/* Pushes work to the kernel and takes results; true if there were any. */
bool engine_poll(struct nvmed *d);

/* sandbox.c: once all is open. 0 or a negative errno; other calls fail with EPERM from then on. */
int sandbox_enter(void);

#endif
