// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "reach.h"

#include "insn.h"

#ifdef __KERNEL__
#include <linux/string.h>
#else
#include <string.h>
#endif

#define MAP_SIZE (REACH_SIZE_MAX / 8)
_Static_assert(REACH_WORK_SIZE == 3 * MAP_SIZE, "three maps");

struct reach {
	const u8 *code;
	u32 size;
	/* Bit per byte: an instruction that was walked over begins here, has this as a later byte; */
	u8 *begins, *inside;
	u8 *target; /* a branch leads here */
	u32 pending; /* no target below was not walked from; bytes of the maps */
	u32 *found;
	u32 found_count, found_max;
};

static bool is_set(const u8 *map, u32 at)
{
	return map[at / 8] >> at % 8 & 1;
}

static void set(u8 *map, u32 at)
{
	map[at / 8] |= 1 << at % 8;
}

/* Marks an instruction. Return: false if another one covers some of its bytes. */
static bool mark(struct reach *r, u32 at, u32 len)
{
	u32 i;

	if (is_set(r->inside, at))
		return false;
	set(r->begins, at);
	for (i = at + 1; i < at + len; i++) {
		if (is_set(r->begins, i))
			return false;
		set(r->inside, i);
	}
	return true;
}

static void note_target(struct reach *r, u32 at, const struct insn *insn)
{
	const u8 *end = r->code + at + insn->len;
	s32 disp = (s8)end[-1];
	s64 target;

	if (insn->rel_len == 4)
		memcpy(&disp, end - 4, sizeof(disp));
	target = (s64)at + insn->len + disp;
	if (target < 0 || target >= r->size)
		return;
	set(r->target, target);
	if (target / 8 < r->pending)
		r->pending = target / 8;
}

static void note_cpuid(struct reach *r, u32 at, const struct insn *insn)
{
	if (insn->len == CPUID_LEN && insn->map == 1 && insn->op == 0xa2 &&
	    r->found_count < r->found_max)
		r->found[r->found_count++] = at;
}

/* Straight on from @at, until control never does or this was walked before. */
static bool walk(struct reach *r, u32 at)
{
	struct insn insn;

	while (at < r->size && !is_set(r->begins, at)) {
		if (insn_decode(&insn, r->code + at, r->size - at) < 0)
			return true;
		if (!mark(r, at, insn.len))
			return false;
		note_cpuid(r, at, &insn);
		if (insn.rel_len && insn.class != INSN_CALL)
			note_target(r, at, &insn);
		if (insn_is_end(&insn))
			return true;
		at += insn.len;
	}
	return true;
}

/* Return: a target that was not walked from, or the function's size. */
static u32 next_target(struct reach *r)
{
	u8 open;

	for (; r->pending * 8 < r->size; r->pending++) {
		open = r->target[r->pending] & ~r->begins[r->pending];
		if (open)
			return r->pending * 8 + __builtin_ctz(open);
	}
	return r->size;
}

u32 reach_cpuid(const u8 *code, u32 size, void *work, u32 *found, u32 found_max)
{
	struct reach r = { .code = code, .size = size, .found = found, .found_max = found_max };
	u32 at;

	r.begins = work;
	r.inside = r.begins + MAP_SIZE;
	r.target = r.inside + MAP_SIZE;
	for (at = 0; at < size; at = next_target(&r)) {
		if (!walk(&r, at))
			return 0;
		if (!is_set(r.begins, at)) /* not an instruction that we know */
			set(r.begins, at);
	}
	return r.found_count;
}
