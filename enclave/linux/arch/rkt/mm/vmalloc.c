// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel window: virtually contiguous kernel memory, with an inaccessible
 * guard page behind each area (kernel stacks grow down into the one before).
 * Nothing can be mapped twice, so vmap() and friends don't exist.
 */
#define pr_fmt(fmt) "rkt-mm: " fmt

#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/panic.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uio.h>
#include <linux/vmalloc.h>
#include "enclave/boundary/check.h"
#include "internal.h"
#include "mm_internal.h"
#include "pages_port.h"

struct area {
	struct vm_struct vm;
	struct urange r; /* guard page included */
};

static DEFINE_RAW_SPINLOCK(kwin_lock);
static struct urange_set kwin = URANGE_SET_INIT;

bool is_vmalloc_addr(const void *x)
{
	unsigned long addr = (unsigned long)x;

	return addr >= TEE_KWIN_START && addr < TEE_STATES_START;
}
EXPORT_SYMBOL(is_vmalloc_addr);

int is_vmalloc_or_module_addr(const void *x)
{
	return is_vmalloc_addr(x);
}

static struct area *find_area(const void *addr)
{
	struct area *a = NULL;
	struct urange *r;
	unsigned long flags;

	raw_spin_lock_irqsave(&kwin_lock, flags);
	r = urange_first(&kwin, (u64)addr);
	if (r && r->start <= (u64)addr)
		a = container_of(r, struct area, r);
	raw_spin_unlock_irqrestore(&kwin_lock, flags);
	return a;
}

struct vm_struct *find_vm_area(const void *addr)
{
	struct area *a = is_vmalloc_addr(addr) ? find_area(addr) : NULL;

	return a ? &a->vm : NULL;
}

/* Addresses: a page of guard below the first area, one above each. */
static bool place(struct area *a, unsigned long size, unsigned long align)
{
	unsigned long flags;
	u64 addr;
	bool ok;

	raw_spin_lock_irqsave(&kwin_lock, flags);
	ok = urange_find(&kwin, size + PAGE_SIZE, max(align, PAGE_SIZE), TEE_KWIN_START + PAGE_SIZE,
			 tee_mem_end(TEE_KWIN_START), false, &addr);
	if (ok) {
		a->r.start = addr;
		a->r.end = addr + size + PAGE_SIZE;
		a->r.owner = a;
		urange_insert(&kwin, &a->r);
	}
	raw_spin_unlock_irqrestore(&kwin_lock, flags);
	return ok;
}

static void unplace(struct area *a)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&kwin_lock, flags);
	urange_erase(&kwin, &a->r);
	raw_spin_unlock_irqrestore(&kwin_lock, flags);
}

static int commit(struct area *a, unsigned long size)
{
	u64 addr = a->r.start;
	unsigned int i;
	int ret;

	ret = page_states_prepare(addr, addr + size);
	if (!ret)
		ret = tee_mem_commit(addr, size, MEM_R | MEM_W);
	/* The generic boot takes for granted that its first tasks get their stacks. */
	if (ret && system_state < SYSTEM_SCHEDULING)
		panic("no memory for the boot");
	if (ret)
		return ret;
	a->vm.addr = (void *)addr;
	a->vm.size = size + PAGE_SIZE;
	a->vm.nr_pages = size >> PAGE_SHIFT;
	for (i = 0; i < a->vm.nr_pages; i++) {
		page_struct_init(addr + i * PAGE_SIZE);
		a->vm.pages[i] = pfn_to_page((addr >> PAGE_SHIFT) + i);
	}
	return 0;
}

static struct area *area_alloc(unsigned long size, gfp_t gfp)
{
	struct area *a = kzalloc(sizeof(*a), gfp);

	if (!a)
		return NULL;
	/* The list of pages of a huge area is an area itself. */
	a->vm.pages = kvmalloc_array(size >> PAGE_SHIFT, sizeof(struct page *), gfp);
	if (a->vm.pages)
		return a;
	kfree(a);
	return NULL;
}

static void area_free(struct area *a)
{
	kvfree(a->vm.pages);
	kfree(a);
}

void *__vmalloc_node_range_noprof(unsigned long request, unsigned long align, unsigned long start,
				  unsigned long end, gfp_t gfp_mask, pgprot_t prot,
				  unsigned long vm_flags, int node, const void *caller)
{
	unsigned long size = PAGE_ALIGN(request);
	gfp_t gfp = gfp_mask & (GFP_KERNEL | __GFP_NOFAIL | __GFP_NORETRY | __GFP_NOWARN |
				__GFP_RETRY_MAYFAIL);
	struct area *a;

	if (!request || size < request || size > TEE_STATES_START - TEE_KWIN_START)
		return NULL;
	a = area_alloc(size, gfp);
	if (!a)
		return NULL;
	a->vm.flags = VM_ALLOC | vm_flags;
	a->vm.caller = caller;
	a->vm.requested_size = request;
	if (!place(a, size, align))
		goto err_area;
	if (commit(a, size))
		goto err_place;
	atomic_long_add(a->vm.nr_pages, &mmap_pages_allocated);
	return a->vm.addr;
err_place:
	unplace(a);
err_area:
	area_free(a);
	if (!(gfp_mask & __GFP_NOWARN))
		pr_warn("vmalloc of %lu bytes failed\n", request);
	return NULL;
}

void vfree(const void *addr)
{
	struct area *a;

	if (!addr)
		return;
	a = is_vmalloc_addr(addr) ? find_area(addr) : NULL;
	if (WARN_ON(!a || a->vm.addr != addr))
		return;
	if (!CHECK_HOST(!tee_mem_trim(a->r.start, a->vm.size - PAGE_SIZE)))
		return; /* better lost than used twice */
	atomic_long_sub(a->vm.nr_pages, &mmap_pages_allocated);
	unplace(a);
	area_free(a);
}
EXPORT_SYMBOL(vfree);

void vfree_atomic(const void *addr)
{
	vfree(addr);
}

void *__vmalloc_node_noprof(unsigned long size, unsigned long align, gfp_t gfp_mask, int node,
			    const void *caller)
{
	return __vmalloc_node_range_noprof(size, align, TEE_KWIN_START, TEE_STATES_START, gfp_mask,
					   PAGE_KERNEL, 0, node, caller);
}

void *__vmalloc_noprof(unsigned long size, gfp_t gfp_mask)
{
	return __vmalloc_node_noprof(size, 1, gfp_mask, NUMA_NO_NODE, __builtin_return_address(0));
}
EXPORT_SYMBOL(__vmalloc_noprof);

void *vmalloc_noprof(unsigned long size)
{
	return __vmalloc_noprof(size, GFP_KERNEL);
}
EXPORT_SYMBOL(vmalloc_noprof);

void *vmalloc_huge_noprof(unsigned long size, gfp_t gfp_mask)
{
	return __vmalloc_noprof(size, gfp_mask);
}

void *vzalloc_noprof(unsigned long size)
{
	return __vmalloc_noprof(size, GFP_KERNEL | __GFP_ZERO);
}
EXPORT_SYMBOL(vzalloc_noprof);

void *vmalloc_node_noprof(unsigned long size, int node)
{
	return vmalloc_noprof(size);
}
EXPORT_SYMBOL(vmalloc_node_noprof);

void *vzalloc_node_noprof(unsigned long size, int node)
{
	return vzalloc_noprof(size);
}
EXPORT_SYMBOL(vzalloc_node_noprof);

void *vmalloc_user_noprof(unsigned long size)
{
	return vzalloc_noprof(size);
}
EXPORT_SYMBOL(vmalloc_user_noprof);

void *vmalloc_32_noprof(unsigned long size)
{
	return vmalloc_noprof(size);
}
EXPORT_SYMBOL(vmalloc_32_noprof);

void *vmalloc_32_user_noprof(unsigned long size)
{
	return vzalloc_noprof(size);
}
EXPORT_SYMBOL(vmalloc_32_user_noprof);

void *vrealloc_noprof(const void *p, size_t size, gfp_t flags)
{
	struct vm_struct *vm = p ? find_vm_area(p) : NULL;
	size_t old = vm ? vm->requested_size : 0;
	void *n;

	if (!size) {
		vfree(p);
		return NULL;
	}
	n = __vmalloc_noprof(size, flags);
	if (n && p) {
		memcpy(n, p, min(old, size));
		vfree(p);
	}
	return n;
}

struct page *vmalloc_to_page(const void *addr)
{
	return virt_to_page(addr);
}
EXPORT_SYMBOL(vmalloc_to_page);

unsigned long vmalloc_to_pfn(const void *addr)
{
	return page_to_pfn(virt_to_page(addr));
}
EXPORT_SYMBOL(vmalloc_to_pfn);

/* /proc/kcore is not configured; nothing else reads kernel memory by address. */
long vread_iter(struct iov_iter *iter, const char *addr, size_t count)
{
	return 0;
}

/* ---- what can't be: a second mapping of the same pages ---- */

void *vmap(struct page **pages, unsigned int count, unsigned long flags, pgprot_t prot)
{
	unsigned int i;

	/* Contiguous pages need no mapping: address and memory are one. */
	for (i = 1; i < count; i++)
		if (WARN_ONCE(pages[i] != pages[0] + i, "vmap() of scattered pages"))
			return NULL;
	return count ? page_address(pages[0]) : NULL;
}
EXPORT_SYMBOL(vmap);

void vunmap(const void *addr)
{
}
EXPORT_SYMBOL(vunmap);

void *vm_map_ram(struct page **pages, unsigned int count, int node)
{
	return vmap(pages, count, 0, PAGE_KERNEL);
}
EXPORT_SYMBOL(vm_map_ram);

void vm_unmap_ram(const void *mem, unsigned int count)
{
}
EXPORT_SYMBOL(vm_unmap_ram);

void vm_unmap_aliases(void)
{
}
EXPORT_SYMBOL_GPL(vm_unmap_aliases);

void free_vm_area(struct vm_struct *area)
{
	vfree(area->addr);
}
EXPORT_SYMBOL_GPL(free_vm_area);
