// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Named pieces of the private heap. */
#include <string.h>

#include <rte_errno.h>
#include <rte_memory.h>
#include <rte_memzone.h>
#include <rte_string_fns.h>

#include "enclave/nic/env/env.h"

#define MEMZONE_MAX 1024
#define MEMZONE_ALIGN_MIN 64

static struct rte_memzone zones[MEMZONE_MAX];

const struct rte_memzone *rte_memzone_lookup(const char *name)
{
	size_t i;

	for (i = 0; i < MEMZONE_MAX; i++)
		if (zones[i].addr && !strncmp(zones[i].name, name, RTE_MEMZONE_NAMESIZE))
			return &zones[i];
	rte_errno = ENOENT;
	return NULL;
}

static struct rte_memzone *zone_unused(void)
{
	size_t i;

	for (i = 0; i < MEMZONE_MAX; i++)
		if (!zones[i].addr)
			return &zones[i];
	return NULL;
}

/* DPDK zeroes nothing itself and expects fresh pages to be zero. */
static int zone_fill(struct rte_memzone *mz, const char *name, size_t len, unsigned int align)
{
	void *p = nic_heap_alloc(len, align);

	if (!p)
		return -ENOMEM;
	memset(p, 0, len);
	strlcpy(mz->name, name, sizeof(mz->name));
	mz->addr = p;
	mz->len = len;
	mz->iova = RTE_BAD_IOVA;
	mz->hugepage_sz = 4096;
	return 0;
}

const struct rte_memzone *rte_memzone_reserve_aligned(const char *name, size_t len, int socket,
						      unsigned int flags, unsigned int align)
{
	struct rte_memzone *mz = zone_unused();

	if (strnlen(name, RTE_MEMZONE_NAMESIZE) == RTE_MEMZONE_NAMESIZE) {
		rte_errno = ENAMETOOLONG;
	} else if (rte_memzone_lookup(name)) {
		rte_errno = EEXIST;
	} else if (!len || !mz) {
		rte_errno = len ? ENOSPC : EINVAL; /* "all there is" is not given away */
	} else if (zone_fill(mz, name, len, RTE_MAX(align, (unsigned int)MEMZONE_ALIGN_MIN))) {
		rte_errno = ENOMEM;
	} else {
		return mz;
	}
	return NULL;
}

const struct rte_memzone *rte_memzone_reserve(const char *name, size_t len, int socket,
					      unsigned int flags)
{
	return rte_memzone_reserve_aligned(name, len, socket, flags, MEMZONE_ALIGN_MIN);
}

int rte_memzone_free(const struct rte_memzone *mz)
{
	struct rte_memzone *z = (struct rte_memzone *)mz;

	if (!mz || !mz->addr)
		return -EINVAL;
	nic_heap_free(z->addr);
	memset(z, 0, sizeof(*z));
	return 0;
}
