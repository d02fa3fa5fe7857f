/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A set of disjoint address ranges, each with an owner, and a search for free
 * space between them.
 *
 * All programs of a TEE share one address space, so one set says for each
 * address of the user windows whose it is; a second one does the same for the
 * kernel window. The set knows nothing about memory: see pages.h for that.
 *
 * Pure code: compiled into the kernel and into test/unit/mm. The caller gives
 * the nodes and the lock; no function here allocates, sleeps or takes a lock.
 * A treap ordered by address; each subtree knows its largest inner gap, so all
 * operations take O(log n) in the expected case.
 */
#ifndef RKT_MM_URANGE_H
#define RKT_MM_URANGE_H

#include "abi/types.h"

struct urange {
	u64 start; /* bytes, inclusive */
	u64 end; /* exclusive */
	const void *owner; /* never dereferenced here */
	struct urange *left, *right;
	u64 span_start, span_end; /* of the whole subtree */
	u64 gap_max; /* largest gap between two ranges of the subtree */
	u32 prio;
};

struct urange_set {
	struct urange *root;
	u64 seed;
	size_t count;
};

#define URANGE_SET_INIT                                                 \
	{                                                               \
		.root = NULL, .seed = 0x9e3779b97f4a7c15ULL, .count = 0 \
	}

/**
 * urange_insert - add a range
 * @node: start, end and owner are set by the caller
 *
 * The range must not overlap a range of the set (the caller asked before).
 * Ranges are never joined here.
 */
void urange_insert(struct urange_set *set, struct urange *node);

/* Takes @node, a member of the set, out of it. Its memory is the caller's again. */
void urange_erase(struct urange_set *set, struct urange *node);

/* The lowest range that ends above @addr (it may start above it too), or NULL. */
struct urange *urange_first(const struct urange_set *set, u64 addr);

/* The highest range that starts below @addr, or NULL. */
struct urange *urange_last(const struct urange_set *set, u64 addr);

/**
 * urange_find - look for free space
 * @size:     bytes, not 0
 * @align:    power of two
 * @low,@high: the space lies within [low, high)
 * @top_down: the highest fitting address, else the lowest
 * @addr:     result
 *
 * Return: whether there is such a space. It reserves nothing.
 */
bool urange_find(const struct urange_set *set, u64 size, u64 align, u64 low, u64 high,
		 bool top_down, u64 *addr);

#endif
