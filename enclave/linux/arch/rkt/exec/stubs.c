// SPDX-License-Identifier: GPL-2.0-only
/* Memory for stubs, near the text that jumps to them. */
#include <linux/uaccess.h>
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/rkt_mm.h>
#include "site.h"

#define WINDOWS_LOOKED_AT 0x4000 /* of 64 KiB: 1 GiB around the site */
#define ALLOCATIONS_TRIED 16

void rkt_syscall_entry(void);

static unsigned long first_granule(const struct stub_area *area, unsigned long addr)
{
	return (addr - area->start) / STUB_GRANULE;
}

static unsigned long granules(const struct stub_area *area, unsigned long addr, size_t len)
{
	return first_granule(area, addr + len - 1) - first_granule(area, addr) + 1;
}

static bool is_free(const struct stub_area *area, unsigned long addr, size_t len)
{
	unsigned long first = first_granule(area, addr);

	return find_next_bit(area->used, first + granules(area, addr, len), first) >=
	       first + granules(area, addr, len);
}

static unsigned long place_in(const struct stub_area *area, const struct rw_plan *plan)
{
	struct rw_range free = { area->start + STUB_AREA_HEAD, area->start + STUB_AREA_SIZE };
	unsigned long addr;

	while ((addr = rw_slot(plan, free))) {
		if (is_free(area, addr, RW_STUB_MAX))
			return addr;
		free.start = addr + 1;
	}
	return 0;
}

static bool overlaps(unsigned long start)
{
	bool yes;

	mmap_read_lock(current->mm);
	yes = find_vma_intersection(current->mm, start, start + STUB_AREA_SIZE);
	mmap_read_unlock(current->mm);
	return yes;
}

/* A new area at exactly @start; NULL if those addresses are not to be had. */
static struct stub_area *new_area(struct rkt_exec *exec, unsigned long start)
{
	struct stub_area *area = kzalloc(sizeof(*area), GFP_KERNEL_ACCOUNT);
	u64 entry = (unsigned long)rkt_syscall_entry;
	unsigned long addr;

	if (!area)
		return NULL;
	/* a hint, not MAP_FIXED: whether others are there is not worth a message */
	addr = vm_mmap(NULL, start, STUB_AREA_SIZE, PROT_READ | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS, 0);
	if (IS_ERR_VALUE(addr))
		goto err_free;
	if (addr != start || rkt_poke_user(current->mm, addr, &entry, sizeof(entry)))
		goto err_unmap;
	area->start = addr;
	bitmap_set(area->used, 0, STUB_AREA_HEAD / STUB_GRANULE);
	area->next = exec->areas;
	smp_store_release(&exec->areas, area); /* pairs with rkt_report_ip() */
	return area;
err_unmap:
	vm_munmap(addr, STUB_AREA_SIZE);
err_free:
	kfree(area);
	return NULL;
}

static unsigned long allocate(struct rkt_exec *exec, const struct rw_plan *plan)
{
	struct stub_area *area;
	struct rw_range w;
	unsigned int n, tried = 0;

	for (n = 0; n < WINDOWS_LOOKED_AT && tried < ALLOCATIONS_TRIED; n++) {
		if (!rw_window(plan, n, &w))
			continue;
		w.start = PAGE_ALIGN(w.start);
		w.end = w.start + STUB_AREA_SIZE;
		if (!rkt_user_range(w.start, STUB_AREA_SIZE) || overlaps(w.start) ||
		    !rw_slot(plan, (struct rw_range){ w.start + STUB_AREA_HEAD, w.end }))
			continue;
		tried++;
		area = new_area(exec, w.start);
		if (area)
			return place_in(area, plan);
	}
	return 0;
}

unsigned long stub_place(struct rkt_exec *exec, const struct rw_plan *plan)
{
	struct stub_area *area;
	unsigned long addr;

	for (area = exec->areas; area; area = area->next) {
		addr = place_in(area, plan);
		if (addr)
			return addr;
	}
	return allocate(exec, plan);
}

void stub_take(struct rkt_exec *exec, unsigned long addr, size_t len)
{
	struct stub_area *area = exec->areas;

	while (addr - area->start >= STUB_AREA_SIZE)
		area = area->next;
	bitmap_set(area->used, first_granule(area, addr), granules(area, addr, len));
}
