// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The set of address ranges against a model: an array with one owner per unit.
 * A million random operations with fixed seeds; each answer is compared.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enclave/linux/arch/rkt/mm/urange.c"

#define UNITS 2048
#define UNIT 4096ULL
#define BASE 0x2000000000ULL
#define OPS 1000000

static struct urange_set set;
static struct urange nodes[UNITS];
static int model[UNITS]; /* index of the node, -1 free */
static int passed, failed;

static u64 rnd(u64 *s)
{
	*s = *s * 6364136223846793005ULL + 1442695040888963407ULL;
	return *s >> 33;
}

static u64 addr_of(int unit)
{
	return BASE + (u64)unit * UNIT;
}

static bool model_free(int from, int n)
{
	for (int i = from; i < from + n; i++)
		if (i >= UNITS || model[i] >= 0)
			return false;
	return true;
}

static int model_find(int size, int align, int low, int high, bool top_down)
{
	int best = -1;

	for (int i = low; i + size <= high; i++) {
		if ((addr_of(i) & (align * UNIT - 1)) || !model_free(i, size))
			continue;
		best = i;
		if (!top_down)
			break;
	}
	return best;
}

static bool check_tree(const struct urange *t, u64 *last, size_t *count)
{
	if (!t)
		return true;
	if ((t->left && t->left->prio > t->prio) || (t->right && t->right->prio > t->prio))
		return false;
	if (!check_tree(t->left, last, count) || t->start < *last || t->end <= t->start)
		return false;
	*last = t->end;
	++*count;
	return check_tree(t->right, last, count);
}

static bool op_find(u64 *s, bool insert)
{
	int size = 1 + rnd(s) % (rnd(s) % 8 ? 16 : 200), align = 1 << rnd(s) % 4;
	int low = rnd(s) % 4 ? 0 : rnd(s) % UNITS, high = rnd(s) % 4 ? UNITS : rnd(s) % UNITS;
	bool top = rnd(s) & 1;
	int want = model_find(size, align, low, high, top), slot;
	u64 got;
	bool ok = urange_find(&set, size * UNIT, align * UNIT, addr_of(low), addr_of(high), top,
			      &got);

	if (ok != (want >= 0) || (ok && got != addr_of(want)))
		return false;
	if (!ok || !insert)
		return true;
	slot = want;
	nodes[slot] = (struct urange){ .start = got, .end = got + size * UNIT, .owner = &set };
	urange_insert(&set, &nodes[slot]);
	for (int i = want; i < want + size; i++)
		model[i] = slot;
	return true;
}

static bool op_erase(u64 *s)
{
	int i = rnd(s) % UNITS, n = model[i];

	if (n < 0)
		return true;
	urange_erase(&set, &nodes[n]);
	for (i = 0; i < UNITS; i++)
		if (model[i] == n)
			model[i] = -1;
	return true;
}

static bool op_lookup(u64 *s)
{
	int at = rnd(s) % UNITS, i;
	u64 a = addr_of(at) + rnd(s) % UNIT;
	struct urange *first = urange_first(&set, a), *last = urange_last(&set, a);

	for (i = at; i < UNITS && model[i] < 0; i++)
		;
	if (first != (i < UNITS ? &nodes[model[i]] : NULL))
		return false;
	for (i = at; i >= 0 && model[i] < 0; i--)
		;
	/* strictly below a: a range that starts at a itself does not count */
	if (i >= 0 && nodes[model[i]].start >= a)
		for (i--; i >= 0 && model[i] < 0; i--)
			;
	return last == (i >= 0 ? &nodes[model[i]] : NULL);
}

static const char *run(u64 seed, int ops)
{
	u64 s = seed;

	set = (struct urange_set)URANGE_SET_INIT;
	memset(model, -1, sizeof(model));
	for (int i = 0; i < ops; i++) {
		bool ok;

		switch (rnd(&s) % 8) {
		case 0:
		case 1:
			ok = op_find(&s, true);
			break;
		case 2:
		case 3:
			ok = op_erase(&s);
			break;
		case 4:
			ok = op_find(&s, false);
			break;
		default:
			ok = op_lookup(&s);
		}
		if (!ok)
			return "answer differs from the model";
		if (i % 512 == 0) {
			u64 last = 0;
			size_t count = 0;

			if (!check_tree(set.root, &last, &count) || count != set.count)
				return "tree is out of order";
		}
	}
	return NULL;
}

static void result(const char *name, const char *why)
{
	if (why)
		printf("not ok %s: %s\n", name, why);
	else
		printf("ok %s\n", name);
	*(why ? &failed : &passed) += 1;
}

/* Ends of the address range: nothing may wrap around. */
static const char *edges(void)
{
	struct urange n = { .start = 0, .end = UNIT },
		      top = { .start = ~0ULL - UNIT, .end = ~0ULL };
	u64 a;

	set = (struct urange_set)URANGE_SET_INIT;
	if (!urange_find(&set, UNIT, UNIT, 0, ~0ULL, false, &a) || a != 0)
		return "empty set, low end";
	urange_insert(&set, &n);
	urange_insert(&set, &top);
	if (urange_find(&set, ~0ULL, 1, 0, ~0ULL, true, &a))
		return "found what does not fit";
	if (urange_find(&set, UNIT, UNIT, UNIT, UNIT, true, &a))
		return "found in an empty interval";
	if (!urange_find(&set, UNIT, UNIT, 0, ~0ULL, false, &a) || a != UNIT)
		return "first gap";
	if (urange_first(&set, ~0ULL) || urange_last(&set, 0))
		return "lookup beyond the ends";
	urange_erase(&set, &n);
	urange_erase(&set, &top);
	return set.root || set.count ? "not empty after erase" : NULL;
}

int main(void)
{
	char name[32];

	result("urange edges", edges());
	for (u64 seed = 1; seed <= 4; seed++) {
		snprintf(name, sizeof(name), "urange model seed %llu", (unsigned long long)seed);
		result(name, run(seed, OPS / 4));
	}
	printf("%d passed, %d failed, 0 skipped\n", passed, failed);
	return failed != 0;
}
