/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host/netd/regions.h"

void regions_clear(struct regions *regs)
{
	for (unsigned i = 0; i < regs->count; i++)
		munmap(regs->region[i].map, regs->region[i].size);
	memset(regs, 0, sizeof(*regs));
}

void *region_at_user(const struct regions *regs, u64 addr, u64 size)
{
	for (unsigned i = 0; i < regs->count; i++) {
		const struct region *r = &regs->region[i];
		u64 off = addr - r->user_addr;

		if (off < r->size && size <= r->size - off)
			return r->map + off;
	}
	return NULL;
}

static bool range_wraps(u64 start, u64 size)
{
	return start + size < start;
}

static bool ranges_meet(u64 a, u64 a_size, u64 b, u64 b_size)
{
	return a < b + b_size && b < a + a_size;
}

static int check_region(const struct vu_memory *mem, unsigned idx)
{
	const struct vu_region *r = &mem->regions[idx];

	if (!r->size || range_wraps(r->guest_addr, r->size) || range_wraps(r->user_addr, r->size))
		return -EPROTO;
	if (range_wraps(r->mmap_offset, r->size) || r->mmap_offset % sysconf(_SC_PAGESIZE))
		return -EPROTO;
	for (unsigned i = 0; i < idx; i++) {
		const struct vu_region *o = &mem->regions[i];

		if (ranges_meet(r->guest_addr, r->size, o->guest_addr, o->size) ||
		    ranges_meet(r->user_addr, r->size, o->user_addr, o->size))
			return -EPROTO;
	}
	return 0;
}

static int map_region(struct region *out, const struct vu_region *r, int fd)
{
	struct stat st;
	void *map;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || r->mmap_offset + r->size > (u64)st.st_size)
		return -EPROTO;
	map = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd,
		   r->mmap_offset);
	if (map == MAP_FAILED)
		return -errno;
	*out = (struct region){ r->guest_addr, r->user_addr, r->size, map };
	return 0;
}

int regions_set(struct regions *regs, const struct vu_memory *mem, const int *fds,
		unsigned fd_count)
{
	struct regions fresh = { 0 };
	int ret;

	if (!mem->count || mem->count > VU_REGION_MAX || mem->count != fd_count)
		return -EPROTO;
	for (unsigned i = 0; i < mem->count; i++) {
		ret = check_region(mem, i);
		if (!ret)
			ret = map_region(&fresh.region[i], &mem->regions[i], fds[i]);
		if (ret)
			goto unmap;
		fresh.count++;
	}
	regions_clear(regs);
	*regs = fresh;
	return 0;

unmap:
	regions_clear(&fresh);
	return ret;
}
