// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A vCPU's thread: enters, serves the exit, enters again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/tee/soft.h"
#include "host/tee/tee.h"

/* Notes the first halt and lets the main thread know. */
static void halt(struct tee_vcpu *v, u64 code)
{
	struct tee_vm *vm = v->vm;
	unsigned long none = 0;

	if (atomic_compare_exchange_strong(&vm->halt, &none, code + 1))
		vm->halted = v;
	vm->backend->notify(v, vm->done_fd);
	vm->backend->thread_exit(v);
}

static u64 ns_until(const struct tee_vm *vm, u64 deadline)
{
	u64 now = tee_tsc();

	if (deadline == ~0ull)
		return ~0ull;
	if (deadline <= now)
		return 0;
	return (u64)((unsigned __int128)(deadline - now) * 1000000 / vm->tsc_khz);
}

static long wait_for_event(struct tee_vcpu *v, u64 deadline)
{
	struct tee_vm *vm = v->vm;

	v->waits++;
	atomic_store(&v->waiting, true);
	atomic_fetch_sub(&vm->running, 1);
	vm->backend->wait(v, ns_until(vm, deadline));
	atomic_fetch_add(&vm->running, 1);
	atomic_store(&v->waiting, false);
	tee_ticker_unpark(v);
	return 0;
}

static long kick(struct tee_vcpu *v, u64 device, u64 queue)
{
	struct tee_vm *vm = v->vm;
	u64 index = device;

	if (device >= TEE_KICK_MAX)
		return -ENODEV;
	if (device >= TEE_KICK_NIC && queue != NICDEV_KICK_CTL)
		index += queue < NICDEV_RINGS_MAX ? queue + 1 : TEE_KICK_MAX;
	if (index >= TEE_KICK_MAX || vm->kick_fd[index] < 0)
		return -ENODEV;
	vm->backend->notify(v, vm->kick_fd[index]);
	return 0;
}

static long wake(struct tee_vcpu *v, u64 index, u64 how)
{
	struct tee_vm *vm = v->vm;
	struct tee_vcpu *other;

	if (index >= vm->vcpu_count || how > TEE_WAKE_RUNNING)
		return -EINVAL;
	other = vm->vcpus[index];
	if (how != TEE_WAKE_RUNNING)
		vm->backend->notify(v, other->wake_fd);
	else if (atomic_load(&other->tid) && !atomic_load(&other->waiting))
		vm->backend->interrupt(v, other);
	return 0;
}

/* A started thread sleeps until its go comes: a jailed one can't create threads. */
static long start(struct tee_vcpu *v, u64 index)
{
	if (index >= v->vm->vcpu_count || v->vm->vcpus[index]->started)
		return -EINVAL;
	v->vm->vcpus[index]->started = true;
	return wake(v, index, 0);
}

static long change_pages(struct tee_vcpu *v, const struct tee_exit_args *x)
{
	const struct tee_backend *b = v->vm->backend;

	if ((x->a0 & ((1 << TEE_MEM_COPY_PROT) - 1)) != TEE_MEM_COMMIT_COPY)
		return b->mem(v, x->a0, x->a1, x->a2, x->a3);
	if (!b->mem_copy)
		return -ENOSYS;
	return b->mem_copy(v, x->a1, x->a2, x->a3, x->a0 >> TEE_MEM_COPY_PROT);
}

static long serve(struct tee_vcpu *v)
{
	const struct tee_exit_args *x = &v->exit;
	struct tee_vm *vm = v->vm;

	switch (x->code) {
	case TEE_EXIT_WAIT:
		return wait_for_event(v, x->a0);
	case TEE_EXIT_WAKE:
		return wake(v, x->a0, x->a1);
	case TEE_EXIT_YIELD:
		vm->backend->yield(v);
		return 0;
	case TEE_EXIT_MEM:
		return change_pages(v, x);
	case TEE_EXIT_START:
		return start(v, x->a0);
	case TEE_EXIT_SERVICE:
		vm->backend->notify(v, vm->service_fd);
		vm->backend->notify(v, vm->blk_fd);
		return 0;
	case TEE_EXIT_KICK:
		return kick(v, x->a0, x->a1);
	case TEE_EXIT_HALT:
		halt(v, x->a0);
	}
	return -ENOSYS;
}

static void *vcpu_main(void *arg)
{
	struct tee_vcpu *v = arg;
	struct tee_vm *vm = v->vm;
	u64 leaf = TEE_ENTER_START, a0 = 0, a1 = 0;
	int tid;

	tid = syscall(SYS_gettid);
	if (vm->backend->thread_init(v, &vm->l->err)) {
		/* not jailed yet: libc is fine */
		unsigned long none = 0;

		atomic_compare_exchange_strong(&vm->halt, &none, TEE_HALT_ABORT + 1);
		eventfd_write(vm->done_fd, 1);
		return NULL;
	}
	atomic_store(&v->tid, tid); /* it may be interrupted from now on */
	if (v->index == 0) {
		a0 = (u64)vm->control;
		a1 = vm->control_size;
	} else {
		while (!v->started)
			vm->backend->wait(v, ~0ull);
	}
	if (atomic_load(&vm->stop))
		vm->backend->thread_exit(v);
	atomic_fetch_add(&vm->running, 1);
	tee_ticker_unpark(v);
	while (!atomic_load(&vm->stop)) {
		vm->backend->enter(v, leaf, a0, a1);
		leaf = TEE_ENTER_RETURN;
		a0 = serve(v);
		a1 = 0;
	}
	vm->backend->thread_exit(v);
}

int tee_vcpu_create(struct tee_vm *vm, u32 index, struct err *err)
{
	struct soft_vcpu *s = NULL;
	struct tee_vcpu *v;

	if (posix_memalign((void **)&s, SOFT_AREA_SIZE, SOFT_AREA_SIZE))
		return err_set(err, E_MEMORY, "vCPU %u", index);
	memset(s, 0, SOFT_VCPU_MAX);
	v = &s->v;
	v->vm = vm;
	v->index = index;
	v->tcs = TEE_IMAGE_BASE + vm->image.image_size + (u64)index * TEE_BLOCK_SIZE;
	v->entry = TEE_IMAGE_BASE + vm->image.entry;
	v->wake_fd = tee_fd_high(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	if (v->wake_fd < 0) {
		free(s);
		return err_set_errno(err, E_HOST, errno, "eventfd of vCPU %u", index);
	}
	vm->vcpus[index] = v;
	return 0;
}

int tee_vcpu_start(struct tee_vcpu *v)
{
	return -pthread_create(&v->thread, NULL, vcpu_main, v);
}

/* After its thread has ended. */
void tee_vcpu_destroy(struct tee_vcpu *v)
{
	close(v->wake_fd);
	free(v);
}
