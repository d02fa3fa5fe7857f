/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_PAGE_H
#define _ASM_RKT_PAGE_H
/*
 * One address space: physical == virtual, and struct page of every address in
 * the TEE's range lies at a fixed place (abi/layout.h). It is present only for
 * memory that is.
 */
#include <linux/const.h>
#include "abi/layout.h"

#define PAGE_SHIFT CONFIG_PAGE_SHIFT
#define PAGE_SIZE (_AC(1, UL) << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_OFFSET _AC(TEE_IMAGE_BASE, UL)

#ifndef __ASSEMBLY__
#include <linux/types.h>

#define clear_page(page) memset((page), 0, PAGE_SIZE)
#define copy_page(to, from) memcpy((to), (from), PAGE_SIZE)
#define clear_user_page(page, vaddr, pg) clear_page(page)
#define copy_user_page(to, from, vaddr, pg) copy_page(to, from)

typedef struct { unsigned long pte; } pte_t;
typedef struct { unsigned long pmd; } pmd_t;
typedef struct { unsigned long pgd; } pgd_t;
typedef struct { unsigned long pgprot; } pgprot_t;
typedef struct page *pgtable_t;
#define pte_val(x) ((x).pte)
#define pgd_val(x) ((x).pgd)
#define pgprot_val(x) ((x).pgprot)
#define __pte(x) ((pte_t){ (x) })
#define __pgd(x) ((pgd_t){ (x) })
#define __pgprot(x) ((pgprot_t){ (x) })

#define __va(x) ((void *)((unsigned long)(x)))
#define __pa(x) ((unsigned long)(x))
#define virt_to_pfn(kaddr) (__pa(kaddr) >> PAGE_SHIFT)
#define pfn_to_virt(pfn) __va((pfn) << PAGE_SHIFT)
#define virt_to_page(addr) pfn_to_page(virt_to_pfn(addr))
#define page_to_virt(page) pfn_to_virt(page_to_pfn(page))
#define page_to_phys(page) ((unsigned long)page_to_pfn(page) << PAGE_SHIFT)
#define phys_to_page(p) pfn_to_page((p) >> PAGE_SHIFT)

extern unsigned long rkt_kernel_end; /* first byte behind image and kernel memory */
#define virt_addr_valid(kaddr)                                               \
	((unsigned long)(kaddr) >= TEE_IMAGE_BASE && (unsigned long)(kaddr) < rkt_kernel_end)

#define __pfn_to_page(pfn) ((struct page *)TEE_MEMMAP_START + (pfn))
#define __page_to_pfn(p) ((unsigned long)((p) - (struct page *)TEE_MEMMAP_START))
#define pfn_to_page __pfn_to_page
#define page_to_pfn __page_to_pfn
#define __phys_to_pfn(paddr) ((unsigned long)((paddr) >> PAGE_SHIFT))
#define __pfn_to_phys(pfn) ((phys_addr_t)(pfn) << PAGE_SHIFT)

static inline int pfn_valid(unsigned long pfn)
{
	return pfn >= (TEE_IMAGE_BASE >> PAGE_SHIFT) && pfn < (rkt_kernel_end >> PAGE_SHIFT);
}
#define pfn_valid pfn_valid
#endif
#include <linux/pfn.h>
#include <asm-generic/getorder.h>
#endif
