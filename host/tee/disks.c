// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* NVMe controllers of a TEE: connections and kicks. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/tee/tee.h"

/* Connects the controllers; due before the first vCPU enters. */
int tee_disks_start(struct tee_vm *vm, struct err *err)
{
	bool root_nvme = vm->cfg->root_via == ROOT_VIA_NVME;
	struct disks_root root = { root_nvme ? vm->l->root_fd : -1, vm->l->root_writable };
	int wake[TEE_VCPU_MAX], ret;
	u32 i;

	for (i = 0; i < vm->vcpu_count; i++)
		wake[i] = vm->vcpus[i]->wake_fd;
	ret = disks_start(&vm->disks, vm->cfg, &root, vm->l->dir, vm->dma_fd, vm->dma_size, wake,
			  vm->vcpu_count, vm->control + vm->nvme_offset, err);
	for (i = 0; !ret && i < vm->disks.count; i++) {
		int fd = tee_fd_high(fcntl(disks_kick_fd(&vm->disks, i), F_DUPFD_CLOEXEC, 0));

		if (fd < 0)
			ret = err_set_errno(err, E_HOST, errno, "kick of a disk");
		vm->kick_fd[TEE_KICK_NVME + i] = fd;
	}
	if (ret)
		tee_disks_stop(vm);
	return ret;
}

void tee_disks_stop(struct tee_vm *vm)
{
	u32 i;

	for (i = 0; i < BOOT_NVME_MAX; i++) {
		if (vm->kick_fd[TEE_KICK_NVME + i] >= 0)
			close(vm->kick_fd[TEE_KICK_NVME + i]);
		vm->kick_fd[TEE_KICK_NVME + i] = -1;
	}
	disks_stop(&vm->disks);
}
