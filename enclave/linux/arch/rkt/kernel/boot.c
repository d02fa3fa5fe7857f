// SPDX-License-Identifier: GPL-2.0-only
/*
 * Boot information (abi/control.h): copied once into private memory, then
 * parsed there. Any lie stops the TEE before it runs anything.
 */
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/proc_fs.h>
#include <linux/random.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <asm/sections.h>
#include <asm/setup.h>
#include "abi/layout.h"
#include "abi/stats.h"
#include "abi/tee_layout.h"
#include "enclave/boundary/check.h"
#include "enclave/boundary/dma.h"
#include "enclave/boundary/host_mem.h"
#include "rkt.h"
#include "../drivers/rkt_net_boot.h"
#include "../drivers/rkt_nvme_boot.h"

struct boot_machine rkt_machine;
struct boot_control rkt_control;
struct boot_hostblk rkt_hostblk;
struct boot_dma rkt_dma;
struct boot_cpuid rkt_boot_cpuid;
char rkt_init_config[RKT_INIT_CONFIG_MAX];

static u8 info[BOOT_INFO_MAX] __initdata __aligned(8);
static struct host_addr window;
static u64 window_size;
static u8 entropy[64] __initdata;
static u32 entropy_size __initdata;
static bool have_control __initdata, have_cpuid __initdata;

/* Ranges of the host lie wholly outside ours. */
static bool host_range_ok(u64 base, u64 size)
{
	return base >= TEE_RANGE_END && size && base + size > base &&
	       !((base | size) & ~PAGE_MASK) && base + size <= (1ull << 47);
}

/**
 * rkt_control_at - address of a part of the control window
 * @offset: from the host; @size: bytes, trusted
 *
 * Return: the address, or NULL if the part does not lie inside the window.
 */
void *rkt_control_at(u64 offset, u64 size)
{
	if (offset > window_size || size > window_size - offset || (offset & 63))
		return NULL;
	return (void *)(unsigned long)(window.va + offset);
}

static bool copy_fixed(void *to, size_t to_size, const void *from, u32 size)
{
	if (size != to_size)
		return false;
	memcpy(to, from, size);
	return true;
}

static bool copy_text(char *to, size_t to_size, const void *from, u32 size)
{
	if (size >= to_size || memchr(from, 0, size))
		return false;
	memcpy(to, from, size);
	to[size] = 0;
	return true;
}

static bool item(u32 type, const void *data, u32 size)
{
	switch (type) {
	case BOOT_MACHINE:
		return copy_fixed(&rkt_machine, sizeof(rkt_machine), data, size);
	case BOOT_CONTROL:
		have_control = true;
		return copy_fixed(&rkt_control, sizeof(rkt_control), data, size);
	case BOOT_CPUID:
		have_cpuid = true;
		return copy_fixed(&rkt_boot_cpuid, sizeof(rkt_boot_cpuid), data, size);
	case BOOT_HOSTBLK:
		return copy_fixed(&rkt_hostblk, sizeof(rkt_hostblk), data, size);
	case BOOT_DMA:
		return copy_fixed(&rkt_dma, sizeof(rkt_dma), data, size);
	case BOOT_NVME:
		return rkt_nvme_boot_item(data, size);
	case BOOT_NIC:
		return rkt_net_boot_item(data, size);
	case BOOT_CMDLINE:
		return copy_text(boot_command_line, COMMAND_LINE_SIZE, data, size);
	case BOOT_INIT:
		return copy_text(rkt_init_config, sizeof(rkt_init_config), data, size);
	case BOOT_ENTROPY:
		entropy_size = min_t(u32, size, sizeof(entropy));
		memcpy(entropy, data, entropy_size);
		return true;
	default:
		return true; /* for a newer kernel */
	}
}

static bool parse(u32 size)
{
	u32 at = sizeof(struct boot_header);

	while (at + sizeof(struct boot_item) <= size) {
		const struct boot_item *it = (void *)(info + at);

		if (it->type == BOOT_END)
			return true;
		at += sizeof(*it);
		if (it->size > size - at || !item(it->type, info + at, it->size))
			return false;
		at += ALIGN(it->size, 8);
	}
	return false;
}

static bool machine_ok(void)
{
	const struct boot_machine *m = &rkt_machine;
	u64 image = (u64)_end - TEE_IMAGE_BASE;

	return m->memory <= BOOT_MEMORY_SGX1 && m->vcpu_count >= 1 &&
	       m->vcpu_count <= TEE_VCPU_MAX && m->tsc_khz >= 100000 && m->tsc_khz <= 20000000 &&
	       !(m->kernel_size & ~PAGE_MASK) &&
	       m->kernel_size <= TEE_KERNEL_MEM_END - TEE_IMAGE_BASE &&
	       m->kernel_size >= image + tee_block_size(m->vcpu_count) + (32 << 20) &&
	       !(m->user_size & ~PAGE_MASK) && m->user_size <= TEE_RANGE_END &&
	       (m->memory != BOOT_MEMORY_SGX1 || tee_static_ok(m));
}

/**
 * rkt_boot_info_copy - take over what the host tells at start
 * @base, @size: the control window, from the host, not trusted
 *
 * Context: first C code of vCPU 0. Stops the TEE if anything is wrong.
 */
void __init rkt_boot_info_copy(unsigned long base, unsigned long size)
{
	const struct boot_header *h = (void *)info;
	struct boot_header first;

	if (!host_range_ok(base, size) || size < BOOT_INFO_MAX)
		rkt_halt(TEE_HALT_ABORT | TEE_ABORT_BOOT_INFO);
	window.va = base;
	window_size = size;
	host_read(&first, window, sizeof(first));
	if (first.magic != BOOT_MAGIC || first.version != BOOT_VERSION ||
	    first.size < sizeof(first) || first.size > BOOT_INFO_MAX)
		rkt_halt(TEE_HALT_ABORT | TEE_ABORT_BOOT_INFO);
	host_read(info, window, first.size);
	if (memcmp(h, &first, sizeof(first)) || !parse(first.size) || !machine_ok() ||
	    !have_control || !have_cpuid ||
	    !rkt_control_at(rkt_control.vcpu_offset,
			    rkt_machine.vcpu_count * sizeof(struct control_vcpu)) ||
	    !rkt_control_at(rkt_control.console_offset, sizeof(struct control_console)) ||
	    !rkt_control_at(rkt_control.stats_offset, sizeof(struct rkt_stats)))
		rkt_halt(TEE_HALT_ABORT | TEE_ABORT_BOOT_INFO);
	if (rkt_dma.size && !host_range_ok(rkt_dma.base, rkt_dma.size))
		rkt_halt(TEE_HALT_ABORT | TEE_ABORT_BOOT_INFO);
}

static int __init rkt_dma_arena(void)
{
	struct host_addr base = { rkt_dma.base };

	return rkt_dma.size ? dma_init(base, rkt_dma.size, rkt_dma.iova) : 0;
}
core_initcall(rkt_dma_arena);

/* The host's entropy is mixed in, never credited. */
static int __init rkt_mix_entropy(void)
{
	add_device_randomness(entropy, entropy_size);
	return 0;
}
core_initcall(rkt_mix_entropy);

/* What the launcher wants init to do; init decides whether it may (docs/init.md). */
static int init_config_show(struct seq_file *m, void *v)
{
	seq_puts(m, rkt_init_config);
	return 0;
}

static int __init init_config_proc(void)
{
	return proc_mkdir("rkt", NULL) &&
			       proc_create_single("rkt/init", 0400, NULL, init_config_show)
		       ? 0
		       : -ENOMEM;
}
fs_initcall(init_config_proc);
