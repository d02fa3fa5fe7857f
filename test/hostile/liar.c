// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The launcher, lying in one way: RKTIO_LIE=NAME. Linked from the same sources; the
 * linker's --wrap puts these functions before the real ones, so that the product has no hooks.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "abi/cpuid.h"
#include "abi/nicdev.h"
#include "abi/nvmed.h"
#include "host/tee/emu/emu.h"
#include "host/tee/soft.h"
#include "host/tee/tee.h"

u32 __real_enclu_at_aep(struct emu_vcpu *v);
u32 __wrap_enclu_at_aep(struct emu_vcpu *v);
int __real_tee_vm_map(struct tee_vm *vm, struct err *err);
int __wrap_tee_vm_map(struct tee_vm *vm, struct err *err);
int __real_tee_boot_info(struct tee_vm *vm, struct err *err);
int __wrap_tee_boot_info(struct tee_vm *vm, struct err *err);
int __real_tee_service_start(struct tee_vm *vm);
int __wrap_tee_service_start(struct tee_vm *vm);
int __real_tee_vcpu_start(struct tee_vcpu *v);
int __wrap_tee_vcpu_start(struct tee_vcpu *v);

static const char *lie_name;
static struct tee_vm *liar_vm;
static const struct tee_backend *honest;
static unsigned int entries; /* of vCPU 0 */

/* Literal names only; jailed threads call it, and strcmp() needs no system call. */
static bool lie(const char *name)
{
	return !strcmp(lie_name, name);
}

/* --- boot information --------------------------------------------------- */

static void *find_item(u32 type)
{
	u8 *at = (u8 *)liar_vm->control + sizeof(struct boot_header);

	for (;;) {
		struct boot_item *it = (void *)at;

		if (it->type == type || it->type == BOOT_END)
			return it;
		at += sizeof(*it) + ((it->size + 7) & ~7u);
	}
}

struct field_lie {
	const char *name;
	u32 type; /* ~0: the header */
	u32 offset, size; /* of the field in the item's data; type ITEM_*: the item itself */
	u64 value;
};

#define HEADER ~0u
#define F(t, s, f) (t), offsetof(struct s, f), sizeof(((struct s *)0)->f)
#define CPUID(leaf, reg) BOOT_CPUID, offsetof(struct boot_cpuid, regs[leaf].r[reg]), 4
/* before the data: the item's own fields */
#define ITEM_TYPE(t) (t), (u32)-8, 4
#define ITEM_SIZE(t) (t), (u32)-4, 4

static const struct field_lie field_lies[] = {
	{ "magic", F(HEADER, boot_header, magic), 0x1234 },
	{ "version", F(HEADER, boot_header, version), 2 },
	{ "size-0", F(HEADER, boot_header, size), 0 },
	{ "size-15", F(HEADER, boot_header, size), 15 },
	{ "size-header", F(HEADER, boot_header, size), 16 },
	{ "size-cut", F(HEADER, boot_header, size), 100 },
	{ "size-over", F(HEADER, boot_header, size), BOOT_INFO_MAX + 1 },
	{ "size-max", F(HEADER, boot_header, size), 0xffffffff },
	{ "item-max", ITEM_SIZE(BOOT_CMDLINE), 0xffffffff },
	{ "item-wraps", ITEM_SIZE(BOOT_CMDLINE), 0xfffffff8 },
	{ "item-beyond", ITEM_SIZE(BOOT_CMDLINE), 65000 },
	{ "machine-missing", ITEM_TYPE(BOOT_MACHINE), 999 },
	{ "machine-short", ITEM_SIZE(BOOT_MACHINE), 40 },
	{ "control-missing", ITEM_TYPE(BOOT_CONTROL), 999 },
	{ "control-short", ITEM_SIZE(BOOT_CONTROL), 16 },
	{ "end-missing", ITEM_TYPE(BOOT_END), 999 },
	{ "vcpus-0", F(BOOT_MACHINE, boot_machine, vcpu_count), 0 },
	{ "vcpus-65", F(BOOT_MACHINE, boot_machine, vcpu_count), 65 },
	{ "vcpus-max", F(BOOT_MACHINE, boot_machine, vcpu_count), 0xffffffff },
	{ "vcpus-64", F(BOOT_MACHINE, boot_machine, vcpu_count), 64 },
	{ "tsc-0", F(BOOT_MACHINE, boot_machine, tsc_khz), 0 },
	{ "tsc-low", F(BOOT_MACHINE, boot_machine, tsc_khz), 99999 },
	{ "tsc-high", F(BOOT_MACHINE, boot_machine, tsc_khz), 20000001 },
	{ "tsc-wrong", F(BOOT_MACHINE, boot_machine, tsc_khz), 20000000 },
	{ "wall-max", F(BOOT_MACHINE, boot_machine, wall_ns), ~0ull },
	{ "wall-tsc-future", F(BOOT_MACHINE, boot_machine, wall_tsc), ~0ull },
	{ "kernel-0", F(BOOT_MACHINE, boot_machine, kernel_size), 0 },
	{ "kernel-small", F(BOOT_MACHINE, boot_machine, kernel_size), 16 << 20 },
	{ "kernel-unaligned", F(BOOT_MACHINE, boot_machine, kernel_size), (200 << 20) + 1 },
	{ "kernel-huge", F(BOOT_MACHINE, boot_machine, kernel_size), 1ull << 40 },
	{ "kernel-max", F(BOOT_MACHINE, boot_machine, kernel_size), ~4095ull },
	{ "user-unaligned", F(BOOT_MACHINE, boot_machine, user_size), 4097 },
	{ "user-huge", F(BOOT_MACHINE, boot_machine, user_size), 1ull << 41 },
	{ "user-0", F(BOOT_MACHINE, boot_machine, user_size), 0 },
	{ "memory-unknown", F(BOOT_MACHINE, boot_machine, memory), 3 },
	{ "memory-other", F(BOOT_MACHINE, boot_machine, memory), BOOT_MEMORY_SGX1 },
	/* with a static layout */
	{ "static-user-odd", F(BOOT_MACHINE, boot_machine, user_size), (100 << 20) + 4096 },
	{ "static-user-small", F(BOOT_MACHINE, boot_machine, user_size), 48 << 20 },
	{ "static-user-huge", F(BOOT_MACHINE, boot_machine, user_size), TEE_RANGE_END },
	{ "static-user-more", F(BOOT_MACHINE, boot_machine, user_size), 1ull << 30 },
	{ "static-kernel-odd", F(BOOT_MACHINE, boot_machine, kernel_size), (100 << 20) + 4096 },
	{ "static-kernel-more", F(BOOT_MACHINE, boot_machine, kernel_size), 1ull << 30 },
	{ "static-not", F(BOOT_MACHINE, boot_machine, memory), BOOT_MEMORY_SGX2 },
	{ "cpuid-missing", ITEM_TYPE(BOOT_CPUID), 999 },
	{ "cpuid-short", ITEM_SIZE(BOOT_CPUID), sizeof(struct boot_cpuid) - 16 },
	{ "cpuid-no-rdrand", CPUID(BOOT_CPUID_1, CPUID_ECX), ~(1u << 30) },
	{ "cpuid-no-xsavec", CPUID(BOOT_CPUID_D_1, CPUID_EAX), ~2u },
	{ "cpuid-features", CPUID(BOOT_CPUID_7, CPUID_EDX), 0xffffffff },
	{ "cpuid-vendor", CPUID(BOOT_CPUID_0, CPUID_EBX), 0x01020304 },
	{ "cpuid-flags", F(BOOT_CPUID, boot_cpuid, flags), 0xffffffff },
	{ "vcpu-offset-max", F(BOOT_CONTROL, boot_control, vcpu_offset), ~63ull },
	{ "vcpu-offset-odd", F(BOOT_CONTROL, boot_control, vcpu_offset), BOOT_INFO_MAX + 1 },
	{ "console-offset-end", F(BOOT_CONTROL, boot_control, console_offset), 64 << 20 },
	{ "stats-offset-max", F(BOOT_CONTROL, boot_control, stats_offset), ~63ull },
	{ "dma-inside", F(BOOT_DMA, boot_dma, base), TEE_IMAGE_BASE },
	{ "dma-wraps", F(BOOT_DMA, boot_dma, size), ~4095ull },
	{ "dma-odd", F(BOOT_DMA, boot_dma, size), 12345 },
	{ "cmdline-nul", BOOT_CMDLINE, 2, 1, 0 },
	{ "blk-short", ITEM_SIZE(BOOT_HOSTBLK), 24 },
	{ "blk-slots-max", F(BOOT_HOSTBLK, boot_hostblk, slots_offset), ~63ull },
	{ "blk-data-end", F(BOOT_HOSTBLK, boot_hostblk, data_offset), 64 << 20 },
	{ "blk-size-odd", F(BOOT_HOSTBLK, boot_hostblk, size), 12345 },
	{ "blk-size-huge", F(BOOT_HOSTBLK, boot_hostblk, size), ~511ull },
	{ "blk-size-1", F(BOOT_HOSTBLK, boot_hostblk, size), 512 },
	{ "nvme-control-max", F(BOOT_NVME, boot_nvme, control_offset), ~4095ull },
	{ "nvme-control-end", F(BOOT_NVME, boot_nvme, control_offset), 64 << 20 },
	{ "nvme-control-odd", F(BOOT_NVME, boot_nvme, control_offset), 64 },
	{ "nic-ctl-max", F(BOOT_NIC, boot_nic, ctl_offset), ~63ull },
	{ "nic-ctl-end", F(BOOT_NIC, boot_nic, ctl_offset), 64 << 20 },
	{ "nic-ctl-odd", F(BOOT_NIC, boot_nic, ctl_offset), 8 },
};

static void *flip_size(void *arg)
{
	volatile struct boot_header *h = liar_vm->control;
	u32 right = h->size, i;

	for (i = 0; !atomic_load(&liar_vm->stop); i++)
		h->size = i & 1 ? right : BOOT_INFO_MAX;
	return NULL;
}

int __wrap_tee_boot_info(struct tee_vm *vm, struct err *err)
{
	int ret = __real_tee_boot_info(vm, err);
	size_t i;

	for (i = 0; !ret && i < sizeof(field_lies) / sizeof(field_lies[0]); i++) {
		const struct field_lie *f = &field_lies[i];
		u8 *data;

		if (!lie(f->name))
			continue;
		data = f->type == HEADER ? vm->control : (u8 *)find_item(f->type) + 8;
		memcpy(data + (s32)f->offset, &f->value, f->size);
	}
	return ret;
}

/* --- entries and results of exits ---------------------------------------- */

/* The address and size of the control window, as given at the first entry. */
static void lie_about_window(u64 *a0, u64 *a1)
{
	if (lie("window-inside"))
		*a0 = TEE_IMAGE_BASE;
	if (lie("window-null"))
		*a0 = 0;
	if (lie("window-last-page"))
		*a0 = TEE_RANGE_END - 4096;
	if (lie("window-odd"))
		*a0 += 8;
	if (lie("window-wraps"))
		*a0 = ~4095ull;
	if (lie("window-non-canonical"))
		*a0 = 1ull << 47;
	if (lie("window-small"))
		*a1 = 4096;
	if (lie("window-max"))
		*a1 = ~4095ull;
}

static const struct {
	const char *name;
	u64 code;
	s64 value;
} results[] = {
	{ "wait-garbage", TEE_EXIT_WAIT, 0x7fffffffffffffff },
	{ "wake-garbage", TEE_EXIT_WAKE, -12345 },
	{ "yield-garbage", TEE_EXIT_YIELD, 0x1234567800000001 },
	{ "service-garbage", TEE_EXIT_SERVICE, -1 },
	{ "mem-garbage", TEE_EXIT_MEM, 0x100000000 },
	{ "mem-error-max", TEE_EXIT_MEM, (s64)1 << 63 },
	{ "start-garbage", TEE_EXIT_START, 0x7fffffffffffffff },
	{ "start-fails", TEE_EXIT_START, -22 },
};

static void lying_enter(struct tee_vcpu *v, u64 leaf, u64 a0, u64 a1)
{
	size_t i;

	if (v->index == 0 && entries++ == 0) {
		lie_about_window(&a0, &a1);
		if (lie("return-first"))
			leaf = TEE_ENTER_RETURN;
	} else if (leaf == TEE_ENTER_RETURN && entries > 3) {
		if (lie("start-twice"))
			leaf = TEE_ENTER_START;
		if (lie("exception-unfounded"))
			leaf = TEE_ENTER_EXCEPTION;
		if (lie("tick-unfounded"))
			leaf = TEE_ENTER_TICK;
		if (lie("leaf-unknown"))
			leaf = 0x1234567890;
		for (i = 0; i < sizeof(results) / sizeof(results[0]); i++)
			if (v->exit.code == results[i].code && lie(results[i].name))
				a0 = results[i].value;
	}
	honest->enter(v, leaf, a0, a1);
}

/* An interrupt of a program that is called an exception. */
u32 __wrap_enclu_at_aep(struct emu_vcpu *v)
{
	u32 leaf = __real_enclu_at_aep(v);

	if ((lie("tick-exception") || lie("tick-exception-spin")) && leaf == TEE_ENTER_TICK)
		return TEE_ENTER_EXCEPTION;
	return leaf;
}

static void lying_wait(struct tee_vcpu *v, u64 timeout_ns)
{
	if (lie("wait-returns") && v->started)
		return;
	if (lie("wait-late") && timeout_ns < 1000000000)
		timeout_ns += 20000000;
	honest->wait(v, timeout_ns);
}

/* Pages that have become the enclave's are trimmed, which it did not ask for: some of them it needs again. */
static void take_page(struct tee_vcpu *v, u64 op, u64 addr, u64 size)
{
	static u64 last;

	if (op != TEE_MEM_COMMIT)
		return;
	if (last >= TEE_USER_HIGH_START)
		honest->mem(v, TEE_MEM_TRIM, last, 4096, 0);
	last = addr;
}

/* Pages that have become the enclave's can only be read from then on, whatever it asks for. */
static void freeze_pages(struct tee_vcpu *v, u64 op, u64 addr, u64 size)
{
	static u64 frozen[4096];
	static unsigned int n;
	unsigned int i;

	if (op == TEE_MEM_TRIM)
		return;
	for (i = 0; i < n; i++)
		if (frozen[i] - addr < size)
			honest->mem(v, TEE_MEM_PROTECT, frozen[i], 4096, TEE_PROT_READ);
	if (op == TEE_MEM_COMMIT && addr >= TEE_USER_HIGH_START && n < 4096)
		frozen[n++] = addr;
}

static long lying_mem(struct tee_vcpu *v, u64 op, u64 addr, u64 size, u64 prot)
{
	static unsigned int count;
	unsigned int n = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
	long ret;

	if ((lie("mem-fails") || (lie("mem-fails-later") && n > 120)) && op != TEE_MEM_TRIM)
		return -12;
	if (lie("mem-fails-second") && n > 1)
		return -12;
	if (lie("trim-fails") && op == TEE_MEM_TRIM)
		return -12;
	if (lie("protect-fails") && op == TEE_MEM_PROTECT)
		return -12;
	/* Said, but not done: with --tee soft nobody could tell. */
	if ((lie("commit-untrue") && op == TEE_MEM_COMMIT && n > 120) ||
	    (lie("protect-untrue") && op == TEE_MEM_PROTECT) ||
	    (lie("trim-untrue") && op == TEE_MEM_TRIM) ||
	    (lie("remove-untrue") && op == TEE_MEM_REMOVE && n > 120))
		return 0;
	if (lie("page-taken"))
		take_page(v, op, addr, size);
	if (lie("commit-part") && op == TEE_MEM_COMMIT && size > 4096)
		size -= 4096;
	if (lie("remove-early") && op == TEE_MEM_TRIM)
		op = TEE_MEM_REMOVE;
	ret = honest->mem(v, op, addr, size, prot);
	if (lie("page-frozen"))
		freeze_pages(v, op, addr, size);
	return ret;
}

int __wrap_tee_vm_map(struct tee_vm *vm, struct err *err)
{
	static struct tee_backend lying;

	lie_name = getenv("RKTIO_LIE") ?: "";
	liar_vm = vm;
	honest = vm->backend;
	lying = *honest;
	lying.enter = lying_enter;
	lying.wait = lying_wait;
	lying.mem = lying_mem;
	vm->backend = &lying;
	return __real_tee_vm_map(vm, err);
}

/* A vCPU that nobody asked for enters at once, before the first one has asked for anything. */
int __wrap_tee_vcpu_start(struct tee_vcpu *v)
{
	struct tee_vcpu *second = liar_vm->vcpus[1];
	int ret;

	if (!lie("start-unasked") || liar_vm->vcpu_count < 2)
		return __real_tee_vcpu_start(v);
	if (v->index == 1)
		return 0;
	if (v->index)
		return __real_tee_vcpu_start(v);
	second->started = true;
	ret = __real_tee_vcpu_start(second);
	while (!ret && !atomic_load(&second->tid))
		usleep(1000);
	return ret ?: __real_tee_vcpu_start(v);
}

/* --- the window while the TEE runs ---------------------------------------- */

static void lie_in_window(void)
{
	volatile struct control_console *c = liar_vm->console;
	volatile struct hostblk_slot *slots = liar_vm->blk_slots;
	u32 i;

	if (lie("log-tail"))
		c->ring[STREAM_LOG].tail = 0x80000000;
	if (lie("out-tail"))
		c->ring[STREAM_OUT].tail = 0x80000000;
	if (lie("in-head"))
		c->ring[STREAM_IN].head = 0x80000000;
	if (lie("signals"))
		c->signals = 1 | 1u << SIGKILL | 1u << SIGSEGV | 1u << SIGSTOP | 1u << SIGCHLD,
		c->signals_seq++;
	if (lie("winsize"))
		c->winsize++;
	if (lie("deadlines"))
		liar_vm->control_vcpus[0].deadline_tsc = 0;
	for (i = 0; i < HOSTBLK_SLOTS; i++) {
		u32 free = HOSTBLK_FREE;

		if (lie("blk-done-unasked"))
			__atomic_compare_exchange_n(&slots[i].state, &free, HOSTBLK_DONE, false,
						    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
		if (lie("blk-done-early"))
			slots[i].state = HOSTBLK_DONE;
		if (lie("blk-result"))
			slots[i].result = 0x7fffffff;
		if (lie("blk-fields"))
			slots[i].op = slots[i].size = slots[i].vcpu = 0xffffffff;
	}
}

static void *liar(void *arg)
{
	struct timespec pause = { 0, 20000 };

	while (!atomic_load(&liar_vm->stop)) {
		lie_in_window();
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static pthread_t liar_thread;

static void liar_end(void)
{
	pthread_join(liar_thread, NULL);
}

int __wrap_tee_service_start(struct tee_vm *vm)
{
	if (pthread_create(&liar_thread, NULL, lie("size-flips") ? flip_size : liar, NULL))
		return -11;
	return __real_tee_service_start(vm);
}

void __real_tee_vm_unmap(struct tee_vm *vm);
void __wrap_tee_vm_unmap(struct tee_vm *vm);
void __wrap_tee_vm_unmap(struct tee_vm *vm)
{
	if (liar_thread)
		liar_end();
	__real_tee_vm_unmap(vm);
}
