/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A loaded TEE as the host sees it, and what a back end does with it.
 *
 * The generic part (vm.c, vcpu.c, ticker.c, service.c) prepares memory and
 * boot information and serves exits; a back end knows how to load pages, how to
 * enter, and what an exception looks like. The TEE believes nothing of this.
 */
#ifndef HOST_TEE_TEE_H
#define HOST_TEE_TEE_H

#include <pthread.h>
#include <stdio.h>
#include <stdatomic.h>

#include "abi/control.h"
#include "abi/hostcall.h"
#include "abi/stats.h"
#include "abi/tee.h"
#include "host/device/disks.h"
#include "host/device/nicdev.h"
#include "host/run/launcher.h"

struct tee_vm;

/* What an exit carried (abi/hostcall.h). Offsets are known to soft_entry.S. */
struct tee_exit_args {
	u64 code, a0, a1, a2, a3;
};

/*
 * One vCPU thread. While its thread runs in the TEE, a signal handler may read
 * it; it lies at the base of the handler's aligned stack area.
 */
struct tee_vcpu {
	/* known to soft_entry.S; see the assertions in soft.c */
	u64 tcs;
	u64 entry;
	u64 host_fs;
	u64 host_rsp;
	struct tee_exit_args exit;

	struct tee_vm *vm;
	u32 index;
	int wake_fd; /* eventfd: wakes it from TEE_EXIT_WAIT; peers of devices write it too */
	pthread_t thread;
	atomic_int tid; /* 0 until the thread runs */
	atomic_bool waiting; /* in TEE_EXIT_WAIT: no ticks */
	bool started;
	u64 ticks, exceptions; /* counted by the back end */
	u64 waits;
	u64 ticked_deadline, ticked_at; /* of the ticker thread */
	u64 lost_ip; /* where an exception came that found no state-save frame; 0: none did */
};

struct tee_backend {
	const char *name;
	u32 memory; /* enum boot_memory, as far as the back end decides */
	/* Reserves the range, loads the image and the thread blocks. */
	int (*load)(struct tee_vm *vm, struct err *err);
	/* On the vCPU's own thread, before its first entry. Afterwards it is jailed. */
	int (*thread_init)(struct tee_vcpu *v, struct err *err);
	/* Enters with a leaf and two arguments; returns at an exit, with v->exit filled. */
	void (*enter)(struct tee_vcpu *v, u64 leaf, u64 a0, u64 a1);
	/* What a jailed thread may still ask of the host's kernel. */
	long (*mem)(struct tee_vcpu *v, u64 op, u64 addr, u64 size, u64 prot);
	/* TEE_MEM_COMMIT_COPY; NULL where the TEE does it by itself. */
	long (*mem_copy)(struct tee_vcpu *v, u64 addr, u64 size, u64 src, u64 prot);
	void (*wait)(struct tee_vcpu *v, u64 timeout_ns); /* ~0: no timeout */
	void (*notify)(struct tee_vcpu *v, int eventfd);
	void (*interrupt)(struct tee_vcpu *v, const struct tee_vcpu *other); /* as a tick does */
	void (*yield)(struct tee_vcpu *v);
	void __attribute__((noreturn)) (*thread_exit)(struct tee_vcpu *v);
	/*
	 * Where the vCPU's interrupted contexts were, the newest first, as far as the host
	 * can see that. Return: count, at most TEE_WHERE_MAX.
	 */
	int (*where)(const struct tee_vcpu *v, u64 *ip);
	void (*unload)(struct tee_vm *vm);
	/* Optional: counters that the host keeps, put over the TEE's. */
	void (*stats)(const struct tee_vm *vm, struct rkt_stats *out);
	/* Optional: a thread that was there before load() is about to touch the windows. */
	void (*host_thread)(void);
};
#define TEE_WHERE_MAX (TEE_SSA_COUNT + 1)

extern const struct tee_backend tee_soft, tee_emu;

/* Notify descriptors lie in one range of numbers, so that a jail can name them. */
#define TEE_FD_BASE 900
#define TEE_FD_MAX 1400
#define TEE_KICK_MAX 256
#define TEE_KICK_NVME 0 /* and the following, one per NVMe controller: BOOT_NVME_MAX */

/* And the following: per NIC the control block's, then one per ring. */
#define TEE_KICK_NIC 16
#define TEE_NICS_MAX 8
_Static_assert(TEE_KICK_NVME + BOOT_NVME_MAX <= TEE_KICK_NIC, "kick numbers overlap");

struct tee_vm {
	const struct run_config *cfg;
	struct launcher *l;
	const struct tee_backend *backend;

	struct tee_image_header image; /* checked copy */
	int pid; /* of this process */
	u64 kernel_size; /* bytes from TEE_IMAGE_BASE */
	u64 user_size;
	u32 memory; /* enum boot_memory */
	u64 tsc_khz;
	bool cpuid_rewrite; /* back end, in load(): BOOT_CPUID_REWRITE */

	void *control; /* control window */
	u64 control_size;
	struct control_vcpu *control_vcpus;
	struct control_console *console;
	struct rkt_stats *stats;
	struct hostblk_slot *blk_slots;
	u8 *blk_data;

	void *dma; /* arena, or NULL */
	u64 dma_size;
	int dma_fd;

	u32 vcpu_count;
	struct tee_vcpu *vcpus[TEE_VCPU_MAX];
	int service_fd; /* eventfd: the service thread looks at the window */
	int blk_fd; /* eventfd of the block thread */
	int done_fd; /* eventfd: somebody halted */
	int ticker_fd; /* eventfd: a vCPU runs again */
	int kick_fd[TEE_KICK_MAX]; /* per device and queue, -1 = none */
	u64 nvme_offset; /* in the control window: one control region per controller */
	struct disks disks;
	u64 nic_offset; /* in the control window: one struct nicdev_ctl per NIC */
	struct nicdev *nics[TEE_NICS_MAX];

	atomic_uint running; /* vCPUs that are not waiting */
	atomic_bool ticker_parked;
	atomic_bool stop;
	atomic_ulong halt; /* code + 1 of the first halt */
	const struct tee_vcpu *halted; /* whose it was; NULL: the host's own */
	pthread_t ticker_thread, service_thread, blk_thread;
	const char *_Atomic broken_rule; /* back end: which rule, if it was one */
	char panic[128]; /* service thread: the TEE's own word of why it stopped */
	u32 in_tail_private; /* console input: our head */
};

/* vm.c */
int tee_vm_map(struct tee_vm *vm, struct err *err);
void tee_vm_unmap(struct tee_vm *vm);
int tee_image_load(struct tee_vm *vm, struct err *err); /* pages must be writable */
int tee_boot_info(struct tee_vm *vm, struct err *err);
int tee_fd_high(int fd); /* moves a descriptor into the notify range */

/* vcpu.c */
int tee_vcpu_create(struct tee_vm *vm, u32 index, struct err *err);
int tee_vcpu_start(struct tee_vcpu *v);
void tee_vcpu_destroy(struct tee_vcpu *v);
void tee_halt(struct tee_vm *vm, u64 code);

/* ticker.c: due timers and time slices of vCPUs that run */
int tee_ticker_start(struct tee_vm *vm);
void tee_ticker_stop(struct tee_vm *vm);
void tee_ticker_unpark(struct tee_vcpu *v);

/* service.c, hostblk.c: what is asked through the control window */
int tee_service_start(struct tee_vm *vm);
void tee_service_stop(struct tee_vm *vm);
int tee_hostblk_start(struct tee_vm *vm);
void tee_hostblk_stop(struct tee_vm *vm);

/* disks.c: NVMe controllers */
int tee_disks_start(struct tee_vm *vm, struct err *err);
void tee_disks_stop(struct tee_vm *vm);

/* nics.c: network interfaces */
int tee_nics_start(struct tee_vm *vm, struct err *err);
void tee_nics_stop(struct tee_vm *vm);
void tee_nic_boot(const struct tee_vm *vm, size_t i, struct boot_nic *b);

u64 tee_tsc(void);

#endif
