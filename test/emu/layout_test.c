// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* abi/tee_layout.h: the parts of a TEE of many sizes are whole pages, apart, and where they belong. */
#include <stdio.h>

#include "abi/tee_layout.h"
#include "test/lib/tap.h"

#define MIB (1ull << 20)
#define PARTS_MAX 1024
#define CASE(name, cond) tap_case((cond), (name), "%s:%d", __FILE__, __LINE__)

static const struct tee_image_header header = { .image_size = 12 * MIB, .text_end = 5 * MIB };
static struct tee_region parts[PARTS_MAX];
static u32 count;

static void list(const struct boot_machine *m)
{
	for (count = 0; count < PARTS_MAX && tee_region(&header, m, count, &parts[count]); count++)
		;
}

static u64 total(void)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < count; i++)
		sum += parts[i].size;
	return sum;
}

static bool apart(const struct tee_region *a, const struct tee_region *b)
{
	return a->start + a->size <= b->start || b->start + b->size <= a->start;
}

static bool well_formed(void)
{
	u32 i, k;

	for (i = 0; i < count; i++) {
		const struct tee_region *r = &parts[i];

		if (!r->size || (r->start | r->size) % TEE_PAGE_SIZE ||
		    r->start < TEE_USER_LOW_START || r->size > TEE_RANGE_END - r->start)
			return false;
		for (k = 0; k < i; k++)
			if (!apart(r, &parts[k]))
				return false;
	}
	return count < PARTS_MAX;
}

/* Is what is kept about the page at @addr there? */
static bool covered(u64 addr, u64 size)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (addr >= parts[i].start && addr + size <= parts[i].start + parts[i].size)
			return true;
	return false;
}

static bool page_known(u64 addr, bool state)
{
	u64 n = addr / TEE_PAGE_SIZE;

	return covered(TEE_MEMMAP_START + n * TEE_STRUCT_PAGE_SIZE, TEE_STRUCT_PAGE_SIZE) &&
	       (!state || covered(TEE_STATES_START + n, 1));
}

static bool windows_known(const struct boot_machine *m)
{
	u32 w;

	for (w = 0; w < TEE_WINDOWS; w++) {
		struct tee_region r = tee_static_window(m, w);

		if (!page_known(r.start, true) || !page_known(r.start + r.size - 1, true) ||
		    !covered(r.start, r.size))
			return false;
	}
	return page_known(TEE_IMAGE_BASE, false) &&
	       page_known(TEE_IMAGE_BASE + m->kernel_size - 1, false);
}

/* Sizes from the least to many GiB, and that all of it is worth its name. */
static void static_layouts(void)
{
	struct boot_machine m = { .memory = BOOT_MEMORY_SGX1, .vcpu_count = 64 };
	bool ok = true, known = true, whole = true;
	u64 kernel, user;

	for (kernel = 32 * MIB; kernel <= 16384 * MIB; kernel = kernel / 2 * 3 & -TEE_STATES_BLOCK)
		for (user = TEE_STATIC_USER_MIN; user <= 262144 * MIB; user *= 3) {
			m.kernel_size = kernel;
			m.user_size = user;
			list(&m);
			ok &= tee_static_ok(&m) && well_formed();
			known &= windows_known(&m);
			whole &= tee_static_window(&m, TEE_WINDOW_LOW).size + TEE_USER_LOW_START +
					 tee_static_window(&m, TEE_WINDOW_HIGH).size ==
				 user;
		}
	CASE("static-well-formed", ok);
	CASE("static-pages-known", known);
	CASE("static-user-size", whole);
}

int main(void)
{
	struct boot_machine m = { .memory = BOOT_MEMORY_SGX2,
				  .vcpu_count = 2,
				  .kernel_size = 96 * MIB,
				  .user_size = 256 * MIB };

	list(&m);
	CASE("sgx2-well-formed", well_formed() && count == 3 + 2 * TEE_BLOCK_PARTS);
	/* a block has holes */
	CASE("sgx2-kernel-only", total() < m.kernel_size && total() > m.kernel_size - MIB);
	static_layouts();
	m.memory = BOOT_MEMORY_SGX1;
	CASE("static-ok", tee_static_ok(&m));
	m.user_size += TEE_PAGE_SIZE;
	CASE("static-user-odd", !tee_static_ok(&m));
	m.user_size = TEE_STATIC_USER_MIN - TEE_STATES_BLOCK;
	CASE("static-user-small", !tee_static_ok(&m));
	m.user_size = TEE_STATIC_USER_MAX + TEE_STATES_BLOCK;
	CASE("static-user-large", !tee_static_ok(&m));
	m.user_size = TEE_STATIC_USER_MIN;
	m.kernel_size += TEE_PAGE_SIZE;
	CASE("static-kernel-odd", !tee_static_ok(&m));
	return tap_end();
}
