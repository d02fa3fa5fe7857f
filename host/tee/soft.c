// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The soft back end: the image in an ordinary process. It follows the rules of
 * entry, exit and exceptions (abi/tee.h) and jails the TEE's threads, but the host can read
 * and change everything.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/tee/soft.h"

_Static_assert(offsetof(struct tee_vcpu, tcs) == 0, "soft_entry.S");
_Static_assert(offsetof(struct tee_vcpu, host_fs) == 16, "soft_entry.S");
_Static_assert(offsetof(struct tee_vcpu, exit) == 32, "soft_entry.S");

#define SOFT_OF(vcpu) ((struct soft_vcpu *)(vcpu))

/* jmp *0(%rip); .quad soft_exit */
static void patch_exit_site(struct tee_vm *vm)
{
	u8 *site = (u8 *)TEE_IMAGE_BASE + vm->image.exit_site;
	u64 target = (u64)soft_exit;

	memcpy(site, "\xff\x25\0\0\0\0", 6);
	memcpy(site + 6, &target, 8);
}

static void make_thread_block(struct tee_vm *vm, u32 index)
{
	u64 block = TEE_IMAGE_BASE + vm->image.image_size + (u64)index * TEE_BLOCK_SIZE;
	struct tee_tcs *tcs = (void *)(block + TEE_BLOCK_TCS);

	tcs->ossa = block + TEE_BLOCK_SSA;
	tcs->nssa = TEE_SSA_COUNT;
	tcs->oentry = TEE_IMAGE_BASE + vm->image.entry;
	tcs->ogsbase = block + TEE_BLOCK_THREAD;
	mprotect((void *)(block + 0x2000), 0x1000, PROT_NONE);
	mprotect((void *)(block + 0x7000), 0x1000, PROT_NONE);
	mprotect((void *)(block + TEE_BLOCK_SSA_END), TEE_BLOCK_SIZE - TEE_BLOCK_SSA_END,
		 PROT_NONE);
}

static int soft_load(struct tee_vm *vm, struct err *err)
{
	void *base = (void *)TEE_USER_LOW_START;
	u64 size = TEE_RANGE_END - TEE_USER_LOW_START;
	int ret;
	u32 i;

	if (mmap(base, size, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) != base)
		return err_set_errno(err, E_MEMORY, errno,
				     "address range of the TEE (1 TiB from 0)");
	if (mprotect((void *)TEE_IMAGE_BASE, vm->kernel_size, PROT_READ | PROT_WRITE))
		return err_set_errno(err, E_MEMORY, errno, "kernel memory");
	ret = tee_image_load(vm, err);
	if (ret)
		return ret;
	patch_exit_site(vm);
	for (i = 0; i < vm->vcpu_count; i++)
		make_thread_block(vm, i);
	if (mprotect((void *)TEE_IMAGE_BASE, vm->image.text_end, PROT_READ | PROT_EXEC))
		return err_set_errno(err, E_MEMORY, errno, "image text");
	return soft_signals_install(soft_signal, err);
}

static void soft_unload(struct tee_vm *vm)
{
	munmap((void *)TEE_USER_LOW_START, TEE_RANGE_END - TEE_USER_LOW_START);
}

int soft_thread_start(struct soft_vcpu *s, size_t size, struct err *err)
{
	int ret;

	s->poll = (struct pollfd){ .fd = s->v.wake_fd, .events = POLLIN };
	s->one = 1;
	s->memory_fd = open("/proc/self/mem", O_WRONLY | O_CLOEXEC);
	ret = soft_signal_stack(s, size);
	if (!ret)
		ret = soft_jail(s);
	return ret ? err_set_errno(err, E_HOST, -ret, "seccomp jail of vCPU %u", s->v.index) : 0;
}

static int soft_thread_init(struct tee_vcpu *v, struct err *err)
{
	return soft_thread_start(SOFT_OF(v), sizeof(struct soft_vcpu), err);
}

static long soft_mem(struct tee_vcpu *v, u64 op, u64 addr, u64 size, u64 prot)
{
	long ret;

	if (addr >= TEE_RANGE_END || size > TEE_RANGE_END - addr || prot > 7)
		return -EINVAL;
	if (op != TEE_MEM_TRIM)
		return soft_mprotect(addr, size, prot);
	/* Closed first: what another thread writes in between would be found by the next owner. */
	ret = soft_mprotect(addr, size, 0);
	return ret ? ret : soft_madvise(addr, size, MADV_DONTNEED);
}

/* A write past all permissions: the program can't touch the pages before they are whole. */
static long soft_mem_copy(struct tee_vcpu *v, u64 addr, u64 size, u64 src, u64 prot)
{
	u64 done = 0;
	long n;

	if (addr >= TEE_RANGE_END || size > TEE_RANGE_END - addr || src >= TEE_RANGE_END ||
	    size > TEE_RANGE_END - src || prot > 7)
		return -EINVAL;
	if (SOFT_OF(v)->memory_fd < 0)
		return -ENOSYS;
	for (; done < size; done += n) {
		n = soft_pwrite(SOFT_OF(v)->memory_fd, src + done, size - done, addr + done);
		if (n <= 0)
			goto drop;
	}
	n = soft_mprotect(addr, size, prot);
	if (!n)
		return 0;
drop:
	soft_madvise(addr, size, MADV_DONTNEED);
	return n ? n : -EIO;
}

/* Return: whether somebody has woken it again since the wake that ended the last wait. */
static bool woken_again(struct soft_vcpu *s)
{
	bool woken = s->woken;

	s->woken = false;
	return woken && soft_read(s->v.wake_fd, &s->counter, 8) == 8 && s->counter > 1;
}

/* Who is woken has work to do: it reads its event, which takes a system call, before the next wait. */
void soft_wait(struct tee_vcpu *v, u64 timeout_ns)
{
	struct soft_vcpu *s = SOFT_OF(v);

	if (woken_again(s))
		return;
	/* "no timeout" is centuries: the jail knows one place of a timeout only */
	s->timeout.tv_sec = timeout_ns / 1000000000;
	s->timeout.tv_nsec = timeout_ns % 1000000000;
	s->woken = soft_ppoll(&s->poll, 1, &s->timeout, NULL) > 0;
}

void soft_notify(struct tee_vcpu *v, int fd)
{
	soft_write(fd, &SOFT_OF(v)->one, 8);
}

void soft_interrupt(struct tee_vcpu *v, const struct tee_vcpu *other)
{
	soft_tgkill(v->vm->pid, atomic_load(&other->tid), SOFT_TICK_SIGNAL);
}

void soft_yield_cpu(struct tee_vcpu *v)
{
	soft_yield();
}

void __attribute__((noreturn)) soft_end(struct tee_vcpu *v)
{
	for (;;)
		soft_thread_exit(0);
}

static int soft_where(const struct tee_vcpu *v, u64 *ip)
{
	const struct tee_tcs *tcs = (void *)(v->tcs + TEE_BLOCK_TCS);
	const struct tee_ssa_gpr *gpr;
	int n = 0, i;

	if (v->lost_ip)
		ip[n++] = v->lost_ip;
	for (i = tcs->cssa; i-- > 0 && n < TEE_WHERE_MAX;) {
		gpr = (void *)(v->tcs + TEE_BLOCK_SSA + i * TEE_PAGE_SIZE + TEE_SSA_GPR);
		ip[n++] = gpr->rip;
	}
	return n;
}

const struct tee_backend tee_soft = {
	.name = "soft",
	.load = soft_load,
	.thread_init = soft_thread_init,
	.enter = soft_enter,
	.mem = soft_mem,
	.mem_copy = soft_mem_copy,
	.wait = soft_wait,
	.notify = soft_notify,
	.interrupt = soft_interrupt,
	.yield = soft_yield_cpu,
	.thread_exit = soft_end,
	.where = soft_where,
	.unload = soft_unload,
};
