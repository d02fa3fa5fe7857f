// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A mempool back end for one queue and direction: last in, first out, so that a room
 * that was just used, and still lies in the cache, is used again. No locks and no
 * per-lcore caches: whoever holds the queue holds its pool.
 */
#include <errno.h>
#include <string.h>

#include <rte_malloc.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_mempool.h>

#include "enclave/nic/nic_priv.h"

struct lifo {
	unsigned int count;
	unsigned int size;
	void *obj[];
};

static int lifo_alloc(struct rte_mempool *mp)
{
	struct lifo *l = rte_zmalloc("lifo", sizeof(*l) + mp->size * sizeof(l->obj[0]), 0);

	if (!l)
		return -ENOMEM;
	l->size = mp->size;
	mp->pool_data = l;
	return 0;
}

static void lifo_free(struct rte_mempool *mp)
{
	rte_free(mp->pool_data);
}

static int lifo_put(struct rte_mempool *mp, void *const *obj, unsigned int n)
{
	struct lifo *l = mp->pool_data;

	ASSERT(n <= l->size - l->count);
	memcpy(l->obj + l->count, obj, n * sizeof(obj[0]));
	l->count += n;
	return 0;
}

static int lifo_get(struct rte_mempool *mp, void **obj, unsigned int n)
{
	struct lifo *l = mp->pool_data;

	if (n > l->count)
		return -ENOBUFS;
	l->count -= n;
	memcpy(obj, l->obj + l->count, n * sizeof(obj[0]));
	return 0;
}

static unsigned int lifo_count(const struct rte_mempool *mp)
{
	const struct lifo *l = mp->pool_data;

	return l->count;
}

static const struct rte_mempool_ops ops_nic_lifo = {
	.name = NIC_POOL_OPS,
	.alloc = lifo_alloc,
	.free = lifo_free,
	.enqueue = lifo_put,
	.dequeue = lifo_get,
	.get_count = lifo_count,
};

int nic_pool_register(void)
{
	static bool done;
	int ret;

	if (done)
		return 0;
	ret = rte_mempool_register_ops(&ops_nic_lifo);
	if (ret < 0)
		return ret;
	done = true;
	return rte_mbuf_set_platform_mempool_ops(NIC_POOL_OPS);
}
