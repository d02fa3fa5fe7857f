/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_PGTABLE_H
#define _ASM_RKT_PGTABLE_H
/* There are no page tables; generic code wants these names. */
#include <asm-generic/pgtable-nopud.h>
#include <asm/page.h>

#define pgd_present(pgd) (1)
#define pgd_none(pgd) (0)
#define pgd_bad(pgd) (0)
#define pgd_clear(pgdp)
#define pmd_offset(a, b) ((void *)0)
#define PAGE_NONE __pgprot(0)
#define PAGE_SHARED __pgprot(0)
#define PAGE_COPY __pgprot(0)
#define PAGE_READONLY __pgprot(0)
#define PAGE_KERNEL __pgprot(0)
#define pgprot_noncached(prot) (prot)
#define swapper_pg_dir ((pgd_t *)0)
extern void *empty_zero_page;
#define ZERO_PAGE(vaddr) (virt_to_page(empty_zero_page))
#define TASK_SIZE _AC(TEE_USER_HIGH_END, UL)
#define VMALLOC_START _AC(TEE_KWIN_START, UL)
#define VMALLOC_END _AC(TEE_KWIN_END, UL)
#define KMAP_START 0
#define KMAP_END (~0UL)
#endif
