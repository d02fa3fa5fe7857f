// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The root image by hostcall: a thread that serves the slots of abi/control.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "host/tee/tee.h"

static int transfer(int fd, u8 *data, u32 size, u64 offset, bool write)
{
	while (size) {
		ssize_t n = write ? pwrite(fd, data, size, offset) : pread(fd, data, size, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		data += n;
		size -= n;
		offset += n;
	}
	return 0;
}

static int serve_slot(struct tee_vm *vm, const struct hostblk_slot *slot, u32 index)
{
	u8 *data = vm->blk_data + (u64)index * HOSTBLK_DATA_SIZE;
	struct launcher *l = vm->l;

	if (slot->op == HOSTBLK_FLUSH)
		return fdatasync(l->root_fd) ? -errno : 0;
	if (slot->offset > l->root_size || slot->size > l->root_size - slot->offset)
		return -EINVAL;
	switch (slot->op) {
	case HOSTBLK_READ:
	case HOSTBLK_WRITE:
		if (slot->size > HOSTBLK_DATA_SIZE)
			return -EINVAL;
		if (slot->op == HOSTBLK_WRITE && !l->root_writable)
			return -EROFS;
		return transfer(l->root_fd, data, slot->size, slot->offset,
				slot->op == HOSTBLK_WRITE);
	case HOSTBLK_DISCARD:
		if (!l->root_writable)
			return -EROFS;
		return fallocate(l->root_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				 slot->offset, slot->size)
			       ? -errno
			       : 0;
	}
	return -EOPNOTSUPP;
}

static bool serve_all(struct tee_vm *vm)
{
	bool any = false;
	u32 i;

	for (i = 0; i < HOSTBLK_SLOTS; i++) {
		struct hostblk_slot copy, *slot = &vm->blk_slots[i];

		if (__atomic_load_n(&slot->state, __ATOMIC_ACQUIRE) != HOSTBLK_READY)
			continue;
		copy = *slot; /* once: the TEE may be hostile too */
		slot->result = serve_slot(vm, &copy, i);
		__atomic_store_n(&slot->state, HOSTBLK_DONE, __ATOMIC_RELEASE);
		eventfd_write(vm->vcpus[copy.vcpu < vm->vcpu_count ? copy.vcpu : 0]->wake_fd, 1);
		any = true;
	}
	return any;
}

static void *blk_main(void *arg)
{
	struct tee_vm *vm = arg;
	struct pollfd p = { .fd = vm->blk_fd, .events = POLLIN };
	eventfd_t value;

	while (!atomic_load(&vm->stop)) {
		if (serve_all(vm))
			continue;
		poll(&p, 1, -1);
		eventfd_read(vm->blk_fd, &value);
	}
	return NULL;
}

int tee_hostblk_start(struct tee_vm *vm)
{
	return -pthread_create(&vm->blk_thread, NULL, blk_main, vm);
}

void tee_hostblk_stop(struct tee_vm *vm)
{
	eventfd_write(vm->blk_fd, 1);
	pthread_join(vm->blk_thread, NULL);
}
