// SPDX-License-Identifier: GPL-2.0-only
/* From the first C code to a kernel with memory. */
#include <linux/cpu.h>
#include <linux/uaccess.h>
#include <linux/init.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/start_kernel.h>
#include <asm/rkt_mm.h>
#include <asm/console.h>
#include <asm/sections.h>
#include <asm/setup.h>
#include <asm/syscall.h>
#include "abi/tee.h"
#include "enclave/boundary/check.h"
#include "enclave/boundary/mem.h"
#include "enclave/entry/thread.h"
#include "crash.h"
#include "rkt.h"

unsigned long rkt_kernel_end;
void *empty_zero_page;
EXPORT_SYMBOL(empty_zero_page);
static char command_line[COMMAND_LINE_SIZE] __initdata;

/*
 * Context: vCPU 0, on init_task's stack, image relocated, gs still at the entry
 * code's page. Never returns.
 */
void __init __noreturn rkt_boot(unsigned long window, unsigned long size, struct tee_thread *thread)
{
	thread->kernel_gs = 0; /* the per-CPU area of the image itself */
	asm volatile("wrgsbase %0" : : "r"(0ul) : "memory");
	this_cpu_write(vcpu.thread, thread);
	this_cpu_write(vcpu.current_task, &init_task);
	this_cpu_write(vcpu.entry_sp, (unsigned long)task_pt_regs(&init_task));
	this_cpu_write(vcpu.syscall_table, rkt_entry_table);
	rkt_boot_info_copy(window, size);
	start_kernel();
	for (;;)
		;
}

/* struct page of all kernel memory; that of program memory is added with it. */
static void __init commit_memmap(void)
{
	unsigned long start =
		ALIGN_DOWN((unsigned long)pfn_to_page(PFN_DOWN(TEE_IMAGE_BASE)), PAGE_SIZE);
	unsigned long end = PAGE_ALIGN((unsigned long)pfn_to_page(PFN_DOWN(rkt_kernel_end)));

	if (tee_mem_commit(start, end - start, TEE_PROT_READ | TEE_PROT_WRITE))
		rkt_halt(TEE_HALT_ABORT | TEE_ABORT_MEMORY);
}

/* Generic code allocates a second, unused map next to ours: give it back. */
static void __init free_unused_memmap(void)
{
	pg_data_t *pgdat = NODE_DATA(0);
	unsigned long start = pgdat->node_start_pfn & ~(MAX_ORDER_NR_PAGES - 1);
	unsigned long end = ALIGN(pgdat_end_pfn(pgdat), MAX_ORDER_NR_PAGES);
	struct page *map = pgdat->node_mem_map - (pgdat->node_start_pfn - start);

	memblock_free(map, (end - start) * sizeof(struct page));
	pgdat->node_mem_map = pfn_to_page(pgdat->node_start_pfn);
}

void __init setup_arch(char **cmdline_p)
{
	unsigned long max_zone_pfn[MAX_NR_ZONES] = {};
	unsigned long image_end = (unsigned long)_end + tee_block_size(rkt_machine.vcpu_count);
	int i;

	rkt_console_init();
	rkt_crash_init();
	rkt_cpu_init();
	setup_initial_init_mm(_stext, _etext, _edata, _end);
	rkt_kernel_end = TEE_IMAGE_BASE + rkt_machine.kernel_size;
	rkt_mm_set_limit(rkt_machine.user_size);
	tee_mem_start();
	rkt_mem_count(rkt_machine.kernel_size);
	commit_memmap();
	memblock_add(TEE_IMAGE_BASE, rkt_machine.kernel_size);
	memblock_reserve(TEE_IMAGE_BASE, image_end - TEE_IMAGE_BASE);
	min_low_pfn = PFN_DOWN(TEE_IMAGE_BASE);
	max_low_pfn = max_pfn = PFN_DOWN(rkt_kernel_end);
	strscpy(command_line, boot_command_line, COMMAND_LINE_SIZE);
	*cmdline_p = command_line;
	parse_early_param();
	empty_zero_page = memblock_alloc(PAGE_SIZE, PAGE_SIZE);
	max_zone_pfn[ZONE_NORMAL] = max_low_pfn;
	free_area_init(max_zone_pfn);
	free_unused_memmap();
	for (i = 0; i < rkt_machine.vcpu_count && i < NR_CPUS; i++)
		set_cpu_possible(i, true);
}

void __init mem_init(void)
{
	high_memory = (void *)rkt_kernel_end;
	max_mapnr = max_low_pfn;
	memblock_free_all();
}

/* Relocated constants become read-only; memory of init code and data is reused. */
void mark_rodata_ro(void)
{
	unsigned long start = (unsigned long)__text_end;

	CHECK_HOST(!tee_mem_protect(start, (unsigned long)__rodata_end - start, TEE_PROT_READ));
}

void free_initmem(void)
{
	free_reserved_area(__init_data_begin, __init_data_end, POISON_FREE_INITMEM, "init data");
}

unsigned long rkt_clear_user(void *to, unsigned long n)
{
	asm volatile("1:\trep stosb\n2:\n" RKT_EXTABLE(1b, 2b)
		     : "+c"(n), "+D"(to)
		     : "a"(0)
		     : "memory");
	return n;
}
EXPORT_SYMBOL(rkt_clear_user);
