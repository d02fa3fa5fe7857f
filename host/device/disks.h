/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The NVMe controllers of a TEE, seen from the launcher.
 *
 * The root image (--root-via nvme) and all `file:` disks are namespaces of one controller: an nvmed of our own, which is
 * started again when it dies. Each `shm:` disk is a controller served by somebody
 * else's nvmed. Disk n of the configuration is /dev/nvme<C>n<N> in the TEE;
 * disks_device() says which.
 *
 * One thread keeps the connections; a lost one is made again with the same memory,
 * and the TEE's driver resets the controller and goes on.
 */
#ifndef HOST_DEVICE_DISKS_H
#define HOST_DEVICE_DISKS_H

#include <pthread.h>

#include "host/device/nvmed_link.h"
#include "host/device/spawn.h"
#include "host/run/config.h"

struct disk_ctrl {
	struct nvmed_link link;
	char socket[108];
	bool own; /* our nvmed, below */
	struct spawn_proc proc;
	struct spawn_backoff backoff;
	char **argv;
};

struct disks {
	u32 count;
	struct disk_ctrl ctrl[BOOT_NVME_MAX];
	int stop_fd;
	bool running;
	pthread_t thread;
	u64 restarts; /* of our nvmed */
};

/* Disks of one kind. */
u32 disks_count_kind(const struct run_config *cfg, enum disk_kind kind);

/* How many controllers the configuration needs; each takes NVMED_CONTROL_SIZE of the window. */
u32 disks_controllers(const struct run_config *cfg);

/* The root image, when it comes this way: open and locked in this process. */
struct disks_root {
	int fd; /* -1: it does not */
	bool writable;
};

/**
 * disks_start - start nvmed, connect all controllers, keep them connected
 * @root:       becomes the first namespace of the first controller
 * @dir:        the runtime directory, for sockets
 * @arena_fd:   the DMA arena; stays the caller's
 * @wake_fds:   one eventfd per vCPU, written when its queue has completions; the caller's
 * @window:     page aligned, disks_controllers() * NVMED_CONTROL_SIZE bytes of the control
 *              window: the control regions are mapped over it
 *
 * Returns when every controller answered, so that the TEE can be entered.
 * Return: 0, or -errno with @err set; nothing is left behind then.
 */
int disks_start(struct disks *d, const struct run_config *cfg, const struct disks_root *root,
		const char *dir, int arena_fd, u64 arena_size, const int *wake_fds, u32 vcpu_count,
		void *window, struct err *err);

/* For TEE_EXIT_KICK of controller @i: an eventfd that stays the same. */
int disks_kick_fd(const struct disks *d, u32 i);

/* Ends the thread and our nvmed. The window's memory stays mapped. No-op if not started. */
void disks_stop(struct disks *d);

/* The name under /dev of disk @i of the configuration, for init. */
void disks_device(const struct run_config *cfg, size_t i, char name[32]);

#endif
