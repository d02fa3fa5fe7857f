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
	u32 first; /* targets below have been walked from */
	u32 *found;
	u32 found_count, found_max;
};

static bool is_set(const u8 *map, u32 at)
{
	return map[at / 8] >> at % 8 & 1;
}

static u64 word(const u8 *map, u32 n)
{
	u64 value;

	memcpy(&value, map + n * sizeof(value), sizeof(value));
	return value;
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

/* Return: where a relative branch leads, or the function's size if that is outside. */
static u32 target_of(const struct reach *r, u32 at, const struct insn *insn)
{
	const u8 *end = r->code + at + insn->len;
	s32 disp = (s8)end[-1];
	s64 target;

	if (insn->rel_len == 4)
		memcpy(&disp, end - 4, sizeof(disp));
	target = (s64)at + insn->len + disp;
	return target >= 0 && target < r->size ? target : r->size;
}

/*
 * Notes where a branch leads. Return: whether it may lead on to the next byte, too: not a call into
 * the midst of its own function, which is how assembly takes the address of data behind it.
 */
static bool follow(struct reach *r, u32 at, const struct insn *insn)
{
	u32 target = target_of(r, at, insn);

	if (target == r->size || (insn->class == INSN_CALL && !target))
		return true;
	set(r->target, target);
	r->first = r->first < target ? r->first : target;
	return insn->class != INSN_CALL;
}

static bool is_cpuid(const struct insn *insn)
{
	return insn->len == CPUID_LEN && insn->map == 1 && insn->op == 0xa2;
}

/*
 * What programs don't execute, or what goes elsewhere (far transfers, interrupts), proves nothing of
 * the bytes behind it. XBEGIN and XABORT do.
 */
static bool is_odd(const struct insn *insn)
{
	return insn->class == INSN_OTHER && !is_cpuid(insn) &&
	       !(insn->map == 0 && (insn->op & 0xfe) == 0xc6);
}

static void note_cpuid(struct reach *r, u32 at, const struct insn *insn)
{
	if (is_cpuid(insn) && r->found_count < r->found_max)
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
		if ((insn.rel_len && !follow(r, at, &insn)) || insn_is_end(&insn) || is_odd(&insn))
			return true;
		at += insn.len;
	}
	return true;
}

/* Return: a target that was not walked from, or the function's size. */
static u32 next_target(struct reach *r)
{
	u64 left;
	u32 i;

	for (i = r->first / 64; i * 64 < r->size; i++) {
		left = word(r->target, i) & ~word(r->begins, i);
		if (left)
			return r->first = i * 64 + __builtin_ctzll(left);
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
		set(r.begins, at); /* done with, also if it is no instruction that we know */
	}
	return r.found_count;
}
