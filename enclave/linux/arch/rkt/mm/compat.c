// SPDX-License-Identifier: GPL-2.0-only
/* Symbols of mm/nommu.c that others link to and that have little or nothing to do here. */
#include <linux/export.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/percpu_counter.h>
#include <linux/rbtree.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "internal.h"
#include "mm_internal.h"

void *high_memory;
EXPORT_SYMBOL(high_memory);
struct page *mem_map;
EXPORT_SYMBOL(mem_map);
unsigned long max_mapnr;
EXPORT_SYMBOL(max_mapnr);
unsigned long highest_memmap_pfn;
int sysctl_nr_trim_pages; /* vm.nr_trim_pages: without meaning */
int heap_stack_gap;
atomic_long_t mmap_pages_allocated;

/* There are no vm_regions; /proc/maps shows nothing. */
struct rb_root nommu_region_tree = RB_ROOT;
DECLARE_RWSEM(nommu_region_sem);

const struct vm_operations_struct generic_file_vm_ops = {};

/* Size of a kernel object, for /proc/PID/status. */
unsigned int kobjsize(const void *objp)
{
	struct page *page;

	if (!objp || !virt_addr_valid(objp))
		return 0;
	page = virt_to_head_page(objp);
	return PageSlab(page) ? ksize(objp) : page_size(page);
}

void __init mmap_init(void)
{
	int ret = percpu_counter_init(&vm_committed_as, 0, GFP_KERNEL);

	VM_BUG_ON(ret);
}

/* Drivers that put their pages into a program's mapping can't: an address is its memory. */
int vm_insert_page(struct vm_area_struct *vma, unsigned long addr, struct page *page)
{
	return -EINVAL;
}
EXPORT_SYMBOL(vm_insert_page);

int vm_insert_pages(struct vm_area_struct *vma, unsigned long addr, struct page **pages,
		    unsigned long *num)
{
	return -EINVAL;
}
EXPORT_SYMBOL(vm_insert_pages);

int vm_map_pages(struct vm_area_struct *vma, struct page **pages, unsigned long num)
{
	return -EINVAL;
}
EXPORT_SYMBOL(vm_map_pages);

int vm_map_pages_zero(struct vm_area_struct *vma, struct page **pages, unsigned long num)
{
	return -EINVAL;
}
EXPORT_SYMBOL(vm_map_pages_zero);

int remap_pfn_range(struct vm_area_struct *vma, unsigned long addr, unsigned long pfn,
		    unsigned long size, pgprot_t prot)
{
	return -EINVAL;
}
EXPORT_SYMBOL(remap_pfn_range);

int vm_iomap_memory(struct vm_area_struct *vma, phys_addr_t start, unsigned long len)
{
	return -EINVAL;
}
EXPORT_SYMBOL(vm_iomap_memory);

int remap_vmalloc_range(struct vm_area_struct *vma, void *addr, unsigned long pgoff)
{
	return -EINVAL;
}
EXPORT_SYMBOL(remap_vmalloc_range);

/* Faults of file mappings are served by fault.c and shared.c, never through vm_ops. */
vm_fault_t filemap_fault(struct vm_fault *vmf)
{
	return VM_FAULT_SIGBUS;
}
EXPORT_SYMBOL(filemap_fault);

vm_fault_t filemap_map_pages(struct vm_fault *vmf, pgoff_t start_pgoff, pgoff_t end_pgoff)
{
	return VM_FAULT_SIGBUS;
}
EXPORT_SYMBOL(filemap_map_pages);

/* ramfs asks before a file shrinks; unmap_mapping_range() does what is needed. */
int nommu_shrink_inode_mappings(struct inode *inode, size_t size, size_t newsize)
{
	return 0;
}

/* The trace point of mm/memory.c is not configured. */
void mm_trace_rss_stat(struct mm_struct *mm, int member)
{
}

static int __init init_reserves(void)
{
	unsigned long free_kbytes = K(global_zone_page_state(NR_FREE_PAGES));

	sysctl_user_reserve_kbytes = min(free_kbytes / 32, 1UL << 17);
	sysctl_admin_reserve_kbytes = min(free_kbytes / 32, 1UL << 13);
	return 0;
}
subsys_initcall(init_reserves);

/* Files don't choose addresses here (mmap.c does). */
unsigned long mm_get_unmapped_area(struct mm_struct *mm, struct file *filp, unsigned long addr,
				   unsigned long len, unsigned long pgoff, unsigned long flags)
{
	return -ENODEV;
}

/* SHM_LOCK: nothing is ever paged out; the limit of locked memory is not charged. */
int user_shm_lock(size_t size, struct ucounts *ucounts)
{
	return rkt_can_mlock();
}

void user_shm_unlock(size_t size, struct ucounts *ucounts)
{
}
