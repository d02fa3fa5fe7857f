/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a TEE is made of before its first instruction: the one list of pages and attributes
 * that a loader adds and a measurement covers, in this order. Offsets are addresses: the
 * enclave's base is 0 (abi/layout.h).
 */
#ifndef ABI_TEE_LAYOUT_H
#define ABI_TEE_LAYOUT_H

#include "abi/control.h"
#include "abi/layout.h"
#include "abi/sgx.h"
#include "abi/tee.h"

/* A byte of state for each page of the range, at the end of the kernel's window. */
#define TEE_STATES_START (TEE_KWIN_END - TEE_RANGE_END / TEE_PAGE_SIZE)
/* What one page of states and 64 of struct page tell of: 16 MiB. */
#define TEE_STATES_SHIFT 24
#define TEE_STRUCT_PAGE_SIZE 64

/* SECS fields (SDM vol. 3D, 38.7) */
#define TEE_SECS_BASE 0ull
#define TEE_SECS_SIZE TEE_RANGE_END
#define TEE_SSA_FRAME_PAGES 1
#define TEE_MISC_SELECT SGX_MISC_EXINFO
#define TEE_ATTRIBUTES SGX_ATTR_MODE64

enum tee_content { TEE_CONTENT_IMAGE, TEE_CONTENT_ZERO, TEE_CONTENT_TCS };

struct tee_region {
	u64 start, size; /* bytes, whole pages */
	u32 flags; /* SECINFO.FLAGS */
	u32 content; /* enum tee_content */
	u32 vcpu; /* of a thread block */
};

#define TEE_REG_RW (SECINFO_TYPE(PT_REG) | SECINFO_R | SECINFO_W)
#define TEE_REG_RX (SECINFO_TYPE(PT_REG) | SECINFO_R | SECINFO_X)

/* The parts of one thread block, in the order of addresses. */
static inline struct tee_region tee_block_region(u64 block, u32 vcpu, u32 part)
{
	static const struct {
		u32 start, end, flags;
	} parts[] = {
		{ TEE_BLOCK_TCS, TEE_BLOCK_TCS + TEE_PAGE_SIZE, SECINFO_TYPE(PT_TCS) },
		{ TEE_BLOCK_THREAD, TEE_BLOCK_THREAD + TEE_PAGE_SIZE, TEE_REG_RW },
		{ TEE_BLOCK_STACK, TEE_BLOCK_STACK_END, TEE_REG_RW },
		{ TEE_BLOCK_SSA, TEE_BLOCK_SSA_END, TEE_REG_RW },
	};

	return (struct tee_region){
		.start = block + parts[part].start,
		.size = parts[part].end - parts[part].start,
		.flags = parts[part].flags,
		.content = part ? TEE_CONTENT_ZERO : TEE_CONTENT_TCS,
		.vcpu = vcpu,
	};
}
#define TEE_BLOCK_PARTS 4

/*
 * The static layout (BOOT_MEMORY_SGX1). No page can be added after EINIT or get other permissions
 * in the EPCM, so all memory that there can ever be is added before: the beginnings of the windows
 * that programs and the kernel's vmalloc take memory from, and what is kept about their pages.
 * It follows from the sizes in struct boot_machine, so that loader and TEE know the same.
 */
#define TEE_STATES_BLOCK (1ull << TEE_STATES_SHIFT)
#define TEE_STATIC_USER_MIN (4 * TEE_STATES_BLOCK)
#define TEE_STATIC_LOW_MAX (1ull << 30)
#define TEE_STATIC_USER_MAX (TEE_USER_HIGH_END - TEE_USER_HIGH_START)
#define TEE_REG_RWX (TEE_REG_RW | SECINFO_X)

enum tee_window { TEE_WINDOW_LOW, TEE_WINDOW_KERNEL, TEE_WINDOW_HIGH, TEE_WINDOWS };

static inline struct tee_region tee_static_window(const struct boot_machine *m, u32 window)
{
	u64 low = m->user_size / 4 & -TEE_STATES_BLOCK;

	low = low < TEE_STATIC_LOW_MAX ? low : TEE_STATIC_LOW_MAX;
	switch (window) {
	case TEE_WINDOW_LOW: /* an address below it is nobody's */
		return (struct tee_region){ .start = TEE_USER_LOW_START,
					    .size = low - TEE_USER_LOW_START,
					    .flags = TEE_REG_RWX,
					    .content = TEE_CONTENT_ZERO };
	case TEE_WINDOW_KERNEL: /* stacks of tasks and large tables: an eighth of the rest */
		return (struct tee_region){ .start = TEE_KWIN_START,
					    .size = (m->kernel_size / 8 + TEE_STATES_BLOCK - 1) &
						    -TEE_STATES_BLOCK,
					    .flags = TEE_REG_RW,
					    .content = TEE_CONTENT_ZERO };
	default:
		return (struct tee_region){ .start = TEE_USER_HIGH_START,
					    .size = m->user_size - low,
					    .flags = TEE_REG_RWX,
					    .content = TEE_CONTENT_ZERO };
	}
}

/* What lies at @start about the pages of @of, @size_per_page bytes for each; whole blocks. */
static inline struct tee_region tee_static_about(struct tee_region of, u64 start, u64 size_per_page)
{
	u64 first = of.start & -TEE_STATES_BLOCK;

	return (struct tee_region){
		.start = start + first / TEE_PAGE_SIZE * size_per_page,
		.size = (of.start + of.size - first) / TEE_PAGE_SIZE * size_per_page,
		.flags = TEE_REG_RW,
		.content = TEE_CONTENT_ZERO,
	};
}

/**
 * tee_static_region - the parts that a static layout has in addition
 * @m: sizes checked by tee_static_ok()
 * @index: 0, 1, ... until it returns false
 *
 * Each window with its struct pages and page states, then the struct pages of kernel memory.
 */
static inline bool tee_static_region(const struct boot_machine *m, u32 index, struct tee_region *r)
{
	*r = tee_static_window(m, index / 3);
	if (index == 3 * TEE_WINDOWS)
		*r = (struct tee_region){ .start = TEE_IMAGE_BASE, .size = m->kernel_size };
	if (index == 3 * TEE_WINDOWS || index % 3 == 1)
		*r = tee_static_about(*r, TEE_MEMMAP_START, TEE_STRUCT_PAGE_SIZE);
	else if (index % 3 == 2)
		*r = tee_static_about(*r, TEE_STATES_START, 1);
	return m->memory == BOOT_MEMORY_SGX1 && index <= 3 * TEE_WINDOWS;
}

/* Sizes that a static layout can be made of: whole blocks, and the windows are large enough. */
static inline bool tee_static_ok(const struct boot_machine *m)
{
	return !((m->kernel_size | m->user_size) % TEE_STATES_BLOCK) &&
	       m->user_size >= TEE_STATIC_USER_MIN && m->user_size <= TEE_STATIC_USER_MAX;
}

/**
 * tee_region - the next part of a TEE's initial memory
 * @h: the image's header, checked by the caller
 * @m: of which the number of vCPUs, sizes and the kind of memory count
 * @index: 0, 1, ... until it returns false
 *
 * Text, the rest of the image, the thread blocks, zeroed memory of the kernel, and with a static
 * layout that of programs; otherwise it is added while the TEE runs (SGX2).
 */
static inline bool tee_region(const struct tee_image_header *h, const struct boot_machine *m,
			      u32 index, struct tee_region *r)
{
	u32 parts = m->vcpu_count * TEE_BLOCK_PARTS;
	u64 blocks = TEE_IMAGE_BASE + h->image_size, heap = blocks + tee_block_size(m->vcpu_count);

	*r = (struct tee_region){ .start = TEE_IMAGE_BASE, .size = h->text_end };
	r->flags = TEE_REG_RX;
	if (index == 0)
		return true;
	r->flags = TEE_REG_RW;
	r->start += h->text_end;
	r->size = h->image_size - h->text_end;
	if (index == 1)
		return true;
	index -= 2;
	if (index < parts) {
		u32 vcpu = index / TEE_BLOCK_PARTS;

		*r = tee_block_region(blocks + (u64)vcpu * TEE_BLOCK_SIZE, vcpu,
				      index % TEE_BLOCK_PARTS);
		return true;
	}
	r->start = heap;
	r->size = TEE_IMAGE_BASE + m->kernel_size - heap;
	r->content = TEE_CONTENT_ZERO;
	return index == parts || tee_static_region(m, index - parts - 1, r);
}

/* Content of a vCPU's TCS page (SDM vol. 3D, 38.8). The page is zero before. */
static inline void tee_tcs_fill(const struct tee_image_header *h, u32 vcpu, struct tee_tcs *tcs)
{
	u64 block = TEE_IMAGE_BASE + h->image_size + (u64)vcpu * TEE_BLOCK_SIZE;

	tcs->ossa = block + TEE_BLOCK_SSA;
	tcs->nssa = TEE_SSA_COUNT;
	tcs->oentry = TEE_IMAGE_BASE + h->entry;
	tcs->ogsbase = block + TEE_BLOCK_THREAD;
	tcs->ofslimit = tcs->ogslimit = 0xfff;
}

#endif
