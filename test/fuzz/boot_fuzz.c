// SPDX-License-Identifier: GPL-2.0-only
/*
 * Boot information and the arguments of the first entry: kernel/boot.c as it is. The input is
 * the control window; a byte in front says how it changes between the two reads of it, another
 * what the entry's registers say. Either the TEE stops, or what it has taken over is in bounds.
 */
#include <sanitizer/asan_interface.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "abi/layout.h"
#include "abi/nicdev.h"
#include "abi/nvmed.h"
#include "abi/tee_layout.h"
#include "enclave/boundary/host_mem.h"
#include "test/fuzz/kernel/linux/types.h"

#define COMMAND_LINE_SIZE 2048
#define WINDOW_BASE (TEE_RANGE_END + 0x10000)
#define WINDOW_SIZE (1ul << 20)
/* the image's end, 16 MiB behind its start */
#define _end ((char *)(TEE_IMAGE_BASE + (16ul << 20)))
#define min_t(type, a, b) ((type)(a) < (type)(b) ? (type)(a) : (type)(b))
#define core_initcall(f) void *initcall_##f = f
#define fs_initcall(f) core_initcall(f)
#define REQUIRE(cond) ((cond) ? (void)0 : fail(#cond, __LINE__))

struct seq_file;
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static char boot_command_line[COMMAND_LINE_SIZE];
static jmp_buf stop;
static const u8 *window_bytes;
static size_t window_bytes_size;
static u32 reads, change_at, taken;
static u8 change;

static void fail(const char *what, int line)
{
	fprintf(stderr, "boot_fuzz.c:%d: %s\n", line, what);
	abort();
}

static void seq_puts(struct seq_file *m, const char *text)
{
}

static void *proc_mkdir(const char *name, void *parent)
{
	return NULL;
}

static void *proc_create_single(const char *name, int mode, void *parent,
				int (*show)(struct seq_file *, void *))
{
	return NULL;
}

static void add_device_randomness(const void *p, size_t size)
{
	REQUIRE(size <= 64);
}

int dma_init(struct host_addr base, u64 size, u64 iova);

#include "enclave/linux/arch/rkt/kernel/boot.c"
#include "enclave/linux/arch/rkt/kernel/cpuid.c"

int dma_init(struct host_addr base, u64 size, u64 iova)
{
	REQUIRE(base.va >= TEE_RANGE_END && base.va + size > base.va);
	return 0;
}

void boundary_lie(const char *cond, const char *file, int line, bool *seen)
{
}

bool rkt_nvme_boot_item(const void *data, u32 size)
{
	return size == sizeof(struct boot_nvme);
}

bool rkt_net_boot_item(const void *data, u32 size)
{
	return size == sizeof(struct boot_nic);
}

void rkt_halt(unsigned long code)
{
	REQUIRE((code & ~0xfful) == TEE_HALT_ABORT);
	longjmp(stop, 1);
}

/* The host's memory: never outside the window, and it may change between two reads. */
void host_read(void *to, struct host_addr from, size_t size)
{
	u64 offset = from.va - WINDOW_BASE, i;
	u8 *p = to;

	REQUIRE(offset <= WINDOW_SIZE && size <= WINDOW_SIZE - offset);
	for (i = 0; i < size; i++)
		p[i] = offset + i < window_bytes_size ? window_bytes[offset + i] : 0;
	if (to == info) /* what was not copied may not be looked at */
		ASAN_POISON_MEMORY_REGION(info + size, sizeof(info) - size);
	if (reads++ && change && change_at >= offset && change_at < offset + size)
		p[change_at - offset] ^= change;
}

/* Each part lies in the window that it is of, and none is empty. */
static void check_static(void)
{
	static const u64 starts[] = { TEE_USER_LOW_START, TEE_KWIN_START, TEE_USER_HIGH_START };
	static const u64 ends[] = { TEE_USER_LOW_END, TEE_STATES_START, TEE_USER_HIGH_END };
	struct tee_region r;
	u32 i;

	for (i = 0; tee_static_region(&rkt_machine, i, &r); i++) {
		bool own = i % 3 == 0 && i < 3 * TEE_WINDOWS, states = i % 3 == 2;
		u64 start = own ? starts[i / 3] : states ? TEE_STATES_START : TEE_MEMMAP_START;
		u64 end = own ? ends[i / 3] : states ? TEE_KWIN_END : TEE_MEMMAP_END;

		REQUIRE(r.size && !((r.start | r.size) & ~PAGE_MASK));
		REQUIRE(r.start >= start && r.start <= end && r.size <= end - r.start);
	}
}

/* A program that asks as long as there is more comes to an end, and has room for its registers. */
static void check_cpuid(void)
{
	struct cpuid c = { .vcpu_count = rkt_machine.vcpu_count,
			   .xfeatures = 7,
			   .xstate_offset = { 0, 0, 576 } };
	struct cpuid_regs r;
	u32 i;

	cpuid_take(&c, &rkt_boot_cpuid);
	for (i = 0; (cpuid_answer(&c, 4, i, 0).r[CPUID_EAX] & 0x1f) ||
		    cpuid_answer(&c, 0xb, i, 0).r[CPUID_EBX];
	     i++)
		REQUIRE(i < 8);
	REQUIRE(cpuid_answer(&c, 0xd, 0, 0).r[CPUID_EBX] == 832);
	REQUIRE(!(cpuid_answer(&c, 7, 0, 0).r[CPUID_EBX] & 1u << 16));
	for (i = 0; i < 64; i++) {
		r = cpuid_answer(&c, i, i, i);
		REQUIRE(i <= 0xd || !(r.r[0] | r.r[1] | r.r[2] | r.r[3]));
	}
}

static void check_taken(void)
{
	REQUIRE(rkt_machine.vcpu_count >= 1 && rkt_machine.vcpu_count <= TEE_VCPU_MAX);
	REQUIRE(rkt_machine.memory <= BOOT_MEMORY_SGX1);
	REQUIRE(rkt_machine.kernel_size <= TEE_KERNEL_MEM_END - TEE_IMAGE_BASE);
	REQUIRE(rkt_machine.kernel_size > (u64)_end - TEE_IMAGE_BASE);
	REQUIRE(rkt_control.vcpu_offset + rkt_machine.vcpu_count * sizeof(struct control_vcpu) <=
		WINDOW_SIZE);
	REQUIRE(rkt_control.console_offset + sizeof(struct control_console) <= WINDOW_SIZE);
	REQUIRE(rkt_control.stats_offset + sizeof(struct rkt_stats) <= WINDOW_SIZE);
	REQUIRE(strlen(rkt_init_config) < sizeof(rkt_init_config));
	REQUIRE(strlen(boot_command_line) < sizeof(boot_command_line));
	REQUIRE(entropy_size <= sizeof(entropy));
	REQUIRE(!rkt_dma.size || rkt_dma.base >= TEE_RANGE_END);
	check_static();
	check_cpuid();
}

static void forget(void)
{
	memset(&rkt_machine, 0, sizeof(rkt_machine));
	memset(&rkt_control, 0, sizeof(rkt_control));
	memset(&rkt_dma, 0, sizeof(rkt_dma));
	ASAN_UNPOISON_MEMORY_REGION(info, sizeof(info));
	memset(info, 0xee, sizeof(info));
	entropy_size = 0;
	have_control = have_cpuid = false;
	reads = 0;
}

/* The window's address and size, as the first entry's registers give them. */
static bool entry_lies(u8 how)
{
	static const struct {
		u64 base, size;
	} lies[] = {
		{ TEE_IMAGE_BASE, WINDOW_SIZE },
		{ 0, WINDOW_SIZE },
		{ TEE_RANGE_END - 4096, WINDOW_SIZE },
		{ WINDOW_BASE + 8, WINDOW_SIZE },
		{ ~4095ull, WINDOW_SIZE },
		{ 1ull << 47, WINDOW_SIZE },
		{ WINDOW_BASE, 4096 },
		{ WINDOW_BASE, ~4095ull },
		{ WINDOW_BASE, 0 },
		{ WINDOW_BASE, WINDOW_SIZE + 1 },
	};

	if (how >= sizeof(lies) / sizeof(lies[0]))
		return false;
	if (!setjmp(stop)) {
		rkt_boot_info_copy(lies[how].base, lies[how].size);
		fail("a bad window was taken", __LINE__);
	}
	REQUIRE(!reads);
	return true;
}

/* Seeds that the kernel has grown out of would test nothing. */
static void __attribute__((destructor)) require_taken(void)
{
	REQUIRE(taken > 100);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	if (size < 4)
		return 0;
	forget();
	if (entry_lies(data[0]))
		return 0;
	change_at = data[1] | data[2] << 8;
	change = data[3] < 64 ? data[3] : 0;
	window_bytes = data + 4;
	window_bytes_size = size - 4;
	if (setjmp(stop))
		return 0;
	rkt_boot_info_copy(WINDOW_BASE, WINDOW_SIZE);
	taken++;
	check_taken();
	rkt_dma_arena();
	rkt_mix_entropy();
	return 0;
}
