/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The transport over shared memory, to a controller process: abi/nvmed.h. */
#ifndef NVME_SHM_H
#define NVME_SHM_H

#include "enclave/nvme/nvme.h"

/**
 * struct nvme_shm - state of the transport; private memory, outlives the controller
 * @transport: give this to nvme_init()
 * @kick:      makes the controller process run: one hostcall. Called at most once
 *             per doorbell write, and only when the process says that it sleeps.
 * @kicks:     statistics, approximate when several queues kick at once
 */
struct nvme_shm {
	struct nvme_transport transport;
	struct host_addr control;
	void (*kick)(void *arg);
	void *kick_arg;
	u64 kicks;
};

/**
 * nvme_shm_init - set up the transport
 * @control: start of the control region as the boot information gives it, already
 *           checked to be NVMED_CONTROL_SIZE bytes of shared memory outside of
 *           the TEE
 *
 * Checks the region's header, which the launcher wrote.
 * Return: 0; -EPROTO when the header is not one of ours.
 */
int nvme_shm_init(struct nvme_shm *s, struct host_addr control, void (*kick)(void *arg),
		  void *kick_arg);

#endif
