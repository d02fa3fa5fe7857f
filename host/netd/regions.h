/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The memory that a front end shared with us: a handful of file-backed regions, and the only
 * place where an address that the guest wrote becomes a pointer.
 */
#ifndef HOST_NETD_REGIONS_H
#define HOST_NETD_REGIONS_H

#include "host/device/vu_msg.h"

struct region {
	u64 guest_addr;
	u64 user_addr;
	u64 size;
	u8 *map; /* exactly the region, nothing before or behind it */
};

struct regions {
	unsigned count;
	struct region region[VU_REGION_MAX];
};

/**
 * regions_set - map what a SET_MEM_TABLE message describes
 * @regs: the old table; unmapped on success, untouched on failure
 * @mem:  the message (private copy), count not yet checked
 * @fds:  one descriptor per region; stay the caller's
 *
 * Maps the given ranges of the given files and nothing else. Refused: more regions than fit,
 * a count that differs from the number of descriptors, an empty or wrapping range, ranges that
 * overlap each other in either address space, an unaligned offset, a range beyond the end of
 * its file, and anything that is not a regular file or memfd.
 *
 * A front end that later shrinks its file makes our accesses fail with SIGBUS, which ends netd
 * (main.c); it can't make them go elsewhere.
 *
 * Return: 0, -EPROTO for a table that no honest front end sends, or the errno of mmap/fstat.
 */
int regions_set(struct regions *regs, const struct vu_memory *mem, const int *fds,
		unsigned fd_count);

void regions_clear(struct regions *regs);

/**
 * region_at - translate a guest address
 * @addr: untrusted
 * @size: untrusted, may be anything
 *
 * Return: a pointer to size bytes that lie wholly in one region, or NULL.
 */
static inline void *region_at(const struct regions *regs, u64 addr, u64 size)
{
	for (unsigned i = 0; i < regs->count; i++) {
		const struct region *r = &regs->region[i];
		u64 off = addr - r->guest_addr;

		/* addr below the region makes off huge; size - is checked without adding. */
		if (off < r->size && size <= r->size - off)
			return r->map + off;
	}
	return NULL;
}

/* The same for an address of the front end's address space (ring addresses). */
void *region_at_user(const struct regions *regs, u64 addr, u64 size);

#endif
