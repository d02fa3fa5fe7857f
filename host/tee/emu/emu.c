// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The emu back end: the image under SGX's rules on a processor that may know nothing of SGX.
 * The image executes the same instructions as on silicon.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi/tee_layout.h"
#include "host/tee/cpuid.h"
#include "host/tee/emu/emu.h"

_Static_assert(offsetof(struct tee_vcpu, tcs) == 0, "entry.S");
_Static_assert(offsetof(struct tee_vcpu, host_rsp) == 24, "entry.S");
_Static_assert(offsetof(struct tee_vcpu, exit) == 32, "entry.S");
_Static_assert(sizeof(struct emu_vcpu) <= SOFT_VCPU_MAX, "the area has room for the stack");

#define CALIBRATIONS 64

static struct emu_enclave enclave;

static long discard(u64 addr, u64 size)
{
	return soft_madvise(addr, size, MADV_DONTNEED);
}

static long copy(u64 to, u64 from)
{
	long n = soft_pwrite(emu_this_vcpu()->s.memory_fd, from, TEE_PAGE_SIZE, to);

	return n == TEE_PAGE_SIZE ? 0 : -EIO;
}

static u64 xcr0(void)
{
	u32 lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return lo | (u64)hi << 32;
}

static int add_region(struct tee_vm *vm, const struct tee_region *r)
{
	struct tee_tcs tcs = {};

	if (r->content != TEE_CONTENT_TCS)
		return emu_eadd(&enclave, r->start, r->size / TEE_PAGE_SIZE, r->flags);
	tee_tcs_fill(&vm->image, r->vcpu, &tcs);
	return emu_eadd_tcs(&enclave, r->start, &tcs);
}

/* ECREATE, EADD page by page in the order of abi/tee_layout.h, EINIT. */
static int build(struct tee_vm *vm)
{
	const struct boot_machine m = { .vcpu_count = vm->vcpu_count,
					.memory = vm->memory,
					.kernel_size = vm->kernel_size,
					.user_size = vm->user_size };
	struct tee_region r;
	int ret;
	u32 i;

	enclave.set_access = emu_reach_protect;
	enclave.discard = discard;
	enclave.copy = copy;
	enclave.yield = soft_yield;
	enclave.sgx1 = vm->memory == BOOT_MEMORY_SGX1;
	if (getrandom(enclave.cpu_key, sizeof(enclave.cpu_key), 0) != sizeof(enclave.cpu_key))
		return -EIO;
	ret = emu_ecreate(&enclave, TEE_SECS_BASE, TEE_SECS_SIZE, xcr0() & TEE_XFRM);
	for (i = 0; !ret && tee_region(&vm->image, &m, i, &r); i++)
		ret = add_region(vm, &r);
	return ret ?: emu_einit(&enclave);
}

static int emu_load(struct tee_vm *vm, struct err *err)
{
	void *base = (void *)TEE_USER_LOW_START;
	u64 size = TEE_RANGE_END - TEE_USER_LOW_START;
	int ret;

	if (mmap(base, size, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) != base)
		return err_set_errno(err, E_MEMORY, errno,
				     "address range of the TEE (1 TiB from 0)");
	if (!emu_reach_start() && vm->cfg->log >= LOG_WARN)
		fprintf(stderr, "rktio: note: host memory can be reached from inside: this machine "
				"has no protection keys, or Linux before 6.12\n");
	vm->cpuid_rewrite = !vm->cfg->tune.emu_cpuid || !tee_cpuid_can_refuse();
	ret = emu_reach_protect((u64)base, size, PROT_NONE);
	if (ret)
		return err_set_errno(err, E_MEMORY, -ret, "protection key of the range");
	/* the content before the pages, as they are copied by EADD */
	if (mprotect((void *)TEE_IMAGE_BASE, vm->kernel_size, PROT_READ | PROT_WRITE))
		return err_set_errno(err, E_MEMORY, errno, "kernel memory");
	ret = tee_image_load(vm, err);
	if (ret)
		return ret;
	if (mprotect((void *)TEE_IMAGE_BASE, vm->kernel_size, PROT_NONE))
		return err_set_errno(err, E_MEMORY, errno, "kernel memory");
	ret = build(vm);
	if (ret)
		return err_set_errno(err, E_MEMORY, ret < 0 ? -ret : EIO, "enclave");
	return soft_signals_install(emu_handler, err);
}

static void emu_unload(struct tee_vm *vm)
{
	munmap((void *)TEE_USER_LOW_START, TEE_RANGE_END - TEE_USER_LOW_START);
	emu_destroy(&enclave);
	emu_reach_stop();
}

/* The least that a signal costs, so that costs that are asked for include it. */
static void calibrate(struct emu_vcpu *e)
{
	u64 start, cycles, least = ~0ull;
	int i;

	for (i = 0; i < CALIBRATIONS; i++) {
		start = tee_tsc();
		enclu_nothing();
		cycles = tee_tsc() - start - e->handler_cycles;
		if (cycles < least)
			least = cycles;
	}
	e->signal_cycles = least;
}

static int emu_thread_init(struct tee_vcpu *v, struct err *err)
{
	struct emu_vcpu *e = (void *)v;
	int ret;

	e->enclave = &enclave;
	ret = emu_reach_thread(v);
	if (ret)
		return err_set_errno(err, E_MEMORY, -ret, "protection key of the windows");
	e->s.page_key = emu_reach_key();
	if (!v->vm->cpuid_rewrite && !tee_cpuid_refuse())
		return err_set(err, E_HOST, "CPUID can't be refused to vCPU %u", v->index);
	ret = soft_thread_start(&e->s, sizeof(*e), err);
	if (!ret && e->s.memory_fd < 0)
		ret = err_set(err, E_HOST, "--tee emu needs /proc/self/mem");
	if (!ret)
		calibrate(e);
	return ret;
}

/* TEE_EXIT_MEM without SGX2: page tables are all there is. */
static long map_static(u64 op, u64 addr, u64 count, u64 prot)
{
	switch (op) {
	case TEE_MEM_COMMIT:
	case TEE_MEM_PROTECT:
		return emu_map(&enclave, addr, count, prot);
	case TEE_MEM_TRIM:
		return emu_map(&enclave, addr, count, 0);
	default:
		return -EOPNOTSUPP;
	}
}

/* The driver's part of TEE_EXIT_MEM; the enclave's follows inside, with EACCEPT. */
static long emu_mem(struct tee_vcpu *v, u64 op, u64 addr, u64 size, u64 prot)
{
	u64 count = size / TEE_PAGE_SIZE;
	long ret;

	if (size % TEE_PAGE_SIZE)
		return -EINVAL;
	if (enclave.sgx1)
		return map_static(op, addr, count, prot);
	switch (op) {
	case TEE_MEM_COMMIT:
		ret = emu_eaug(&enclave, addr, count);
		break;
	case TEE_MEM_PROTECT:
		ret = emu_emodpr(&enclave, addr, count, prot);
		emu_etrack(&enclave);
		break;
	case TEE_MEM_TRIM:
		ret = emu_emodt(&enclave, addr, count, PT_TRIM);
		emu_etrack(&enclave);
		break;
	case TEE_MEM_REMOVE:
		ret = emu_eremove(&enclave, addr, count);
		break;
	default:
		return -EINVAL;
	}
	return ret > 0 ? -EIO : ret;
}

_Static_assert(RKT_STAT_SGX_ETRACK - RKT_STAT_SGX_EREPORT == EMU_COUNT_MAX - 1, "same order");
_Static_assert(RKT_STAT_SGX_AEX_OTHER - RKT_STAT_SGX_AEX_TICK == EMU_AEX_MAX - 1, "same order");

static void emu_stats(const struct tee_vm *vm, struct rkt_stats *out)
{
	u32 i, c;

	out->count = RKT_STAT_COUNT; /* an image that is older knows less, or has not spoken yet */
	for (c = 0; c < EMU_COUNT_MAX; c++)
		out->v[RKT_STAT_SGX_EREPORT + c] = atomic_load(&enclave.count[c]);
	for (c = 0; c < EMU_AEX_MAX; c++) {
		out->v[RKT_STAT_SGX_AEX_TICK + c] = 0;
		for (i = 0; i < vm->vcpu_count; i++)
			out->v[RKT_STAT_SGX_AEX_TICK + c] +=
				((const struct emu_vcpu *)vm->vcpus[i])->aex[c];
	}
}

const struct tee_backend tee_emu = {
	.name = "emu",
	.memory = BOOT_MEMORY_SGX2,
	.load = emu_load,
	.thread_init = emu_thread_init,
	.enter = enclu_enter,
	.mem = emu_mem,
	.wait = soft_wait,
	.notify = soft_notify,
	.interrupt = soft_interrupt,
	.yield = soft_yield_cpu,
	.thread_exit = soft_end,
	.unload = emu_unload,
	.stats = emu_stats,
	.host_thread = emu_reach_host,
};
