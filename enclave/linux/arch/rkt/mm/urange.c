// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "urange.h"

static u32 next_prio(struct urange_set *set)
{
	u64 x = set->seed;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	set->seed = x;
	return (u32)(x >> 32);
}

static u64 max_u64(u64 a, u64 b)
{
	return a > b ? a : b;
}

static void update(struct urange *n)
{
	u64 gap = 0;

	n->span_start = n->start;
	n->span_end = n->end;
	if (n->left) {
		gap = max_u64(n->left->gap_max, n->start - n->left->span_end);
		n->span_start = n->left->span_start;
	}
	if (n->right) {
		gap = max_u64(gap, max_u64(n->right->gap_max, n->right->span_start - n->end));
		n->span_end = n->right->span_end;
	}
	n->gap_max = gap;
}

/* Recursion is as deep as the treap: about 2 log2(n), 40 frames for 10,000 ranges. */
static void split(struct urange *t, u64 at, struct urange **low, struct urange **high)
{
	if (!t) {
		*low = *high = NULL;
		return;
	}
	if (t->start < at) {
		split(t->right, at, &t->right, high);
		*low = t;
	} else {
		split(t->left, at, low, &t->left);
		*high = t;
	}
	update(t);
}

static struct urange *join(struct urange *low, struct urange *high)
{
	if (!low)
		return high;
	if (!high)
		return low;
	if (low->prio >= high->prio) {
		low->right = join(low->right, high);
		update(low);
		return low;
	}
	high->left = join(low, high->left);
	update(high);
	return high;
}

static struct urange *insert(struct urange *t, struct urange *node)
{
	if (!t)
		return node;
	if (node->prio > t->prio) {
		split(t, node->start, &node->left, &node->right);
		update(node);
		return node;
	}
	if (node->start < t->start)
		t->left = insert(t->left, node);
	else
		t->right = insert(t->right, node);
	update(t);
	return t;
}

static struct urange *erase(struct urange *t, struct urange *node)
{
	if (t == node)
		return join(t->left, t->right);
	if (node->start < t->start)
		t->left = erase(t->left, node);
	else
		t->right = erase(t->right, node);
	update(t);
	return t;
}

void urange_insert(struct urange_set *set, struct urange *node)
{
	node->left = node->right = NULL;
	node->prio = next_prio(set);
	update(node);
	set->root = insert(set->root, node);
	set->count++;
}

void urange_erase(struct urange_set *set, struct urange *node)
{
	set->root = erase(set->root, node);
	set->count--;
}

struct urange *urange_first(const struct urange_set *set, u64 addr)
{
	struct urange *t = set->root, *best = NULL;

	while (t) {
		if (t->end > addr) {
			best = t;
			t = t->left;
		} else {
			t = t->right;
		}
	}
	return best;
}

struct urange *urange_last(const struct urange_set *set, u64 addr)
{
	struct urange *t = set->root, *best = NULL;

	while (t) {
		if (t->start < addr) {
			best = t;
			t = t->right;
		} else {
			t = t->left;
		}
	}
	return best;
}

struct gap_query {
	u64 size, align;
	bool top_down;
	u64 found;
};

static bool fits(struct gap_query *q, u64 low, u64 high)
{
	u64 a;

	if (high <= low || high - low < q->size)
		return false;
	if (q->top_down)
		a = (high - q->size) & ~(q->align - 1);
	else
		a = (low + q->align - 1) & ~(q->align - 1);
	if (a < low || a > high - q->size)
		return false;
	q->found = a;
	return true;
}

/* Can [low, high) minus the ranges of t hold q->size at all, alignment aside? */
static bool worth(const struct urange *t, const struct gap_query *q, u64 low, u64 high)
{
	if (high <= low || high - low < q->size)
		return false;
	if (t->gap_max >= q->size)
		return true;
	if (high > t->span_end && high - max_u64(low, t->span_end) >= q->size)
		return true;
	return low < t->span_start &&
	       (high < t->span_start ? high : t->span_start) - low >= q->size;
}

static bool search(const struct urange *t, struct gap_query *q, u64 low, u64 high)
{
	u64 below, above;

	if (!t)
		return fits(q, low, high);
	if (!worth(t, q, low, high))
		return false;
	below = t->start < high ? t->start : high;
	above = max_u64(low, t->end);
	if (q->top_down)
		return search(t->right, q, above, high) || search(t->left, q, low, below);
	return search(t->left, q, low, below) || search(t->right, q, above, high);
}

bool urange_find(const struct urange_set *set, u64 size, u64 align, u64 low, u64 high,
		 bool top_down, u64 *addr)
{
	struct gap_query q = { .size = size, .align = align, .top_down = top_down };

	if (!search(set->root, &q, low, high))
		return false;
	*addr = q.found;
	return true;
}
