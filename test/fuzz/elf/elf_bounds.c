// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The two parsers that read a program's file inside the kernel, fed with damaged
 * copies of real ones: unwind tables and symbols (bounds.c), code (rewrite.c).
 * Build with ASan/UBSan; a plan must never reach outside the text it was given.
 *
 *	elf_bounds [SEED [COUNT]] FILE...
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enclave/linux/arch/rkt/exec/bounds.h"
#include "test/unit/rewrite/elf_text.h"

static u64 rng = 1;

static u64 rnd(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng * 0x2545f4914f6cdd1dull;
}

struct damaged {
	struct elf_file *f;
	u64 from, to; /* bytes that read as rubbish */
	u64 salt;
	u64 reads;
};

static int read_damaged(void *ctx, void *dst, u64 offset, size_t size)
{
	struct damaged *d = ctx;
	u8 *p = dst;

	d->reads++;
	if (elf_read(d->f, dst, offset, size))
		return -EIO;
	for (size_t n = 0; n < size; n++)
		if (offset + n >= d->from && offset + n < d->to)
			p[n] = (d->salt >> (8 * ((offset + n) & 7))) ^
			       p[n] * (d->salt & 0x100 ? 0 : 1);
	return 0;
}

/* Damage where it matters: headers, or the unwind table, or anywhere. */
static void choose(struct damaged *d)
{
	u64 where = 0;

	if (rnd() % 3 == 0)
		where = rnd() % d->f->size;
	for (int n = 0; n < d->f->ehdr->e_phnum; n++)
		if (d->f->phdr[n].p_type == PT_GNU_EH_FRAME && rnd() % 2)
			where = d->f->phdr[n].p_offset;
	d->from = where + rnd() % 512;
	d->to = d->from + 1 + rnd() % (rnd() % 2 ? 8 : 4096);
	d->salt = rnd() % 4 ? rnd() : ~0ull;
}

static bool plan_stays_inside(const struct elf_file *f, const struct rw_bounds *b)
{
	struct rw_text text = { .bounds = *b };
	size_t size = 1 + rnd() % 600;
	u64 start = rnd() % (f->size - size);
	u8 *bytes = malloc(size); /* exactly: ASan sees a byte too far */
	u8 code[RW_STUB_MAX];
	struct rw_plan plan;
	struct rw_stub stub;
	bool ok = true;
	u64 slot;

	memcpy(bytes, f->bytes + start, size);
	text.bytes = bytes;
	text.start = rnd() % 2 ? b->func.start : rnd() >> 24;
	text.end = text.start + size;
	for (u64 at = 0; ok && at + 2 <= size; at++) {
		if (rnd() % 16 == 0) {
			bytes[at] = 0x0f;
			bytes[at + 1] = 0x05;
		}
		if (rw_plan(&plan, &text, text.start + at, 0))
			continue;
		slot = rw_slot(&plan,
			       (struct rw_range){ text.end + 4096, text.end + 4096 + 0x10000 });
		if (!slot || rw_emit(&stub, code, &plan, &text, slot, slot & ~0xffffull))
			continue;
		ok = stub.patch >= text.start && stub.patch + stub.patch_len <= text.end &&
		     stub.jmp >= text.start && stub.jmp + RW_JMP_LEN <= text.end &&
		     stub.len <= RW_STUB_MAX;
	}
	free(bytes);
	return ok;
}

static bool one(struct elf_file *f, void *scratch, size_t scratch_size)
{
	struct damaged d = { .f = f };
	struct rw_reader reader = { read_damaged, &d, scratch, scratch_size };
	struct rw_bounds b;
	u64 vaddr;
	int err;

	choose(&d);
	err = rw_bounds_find(&b, &vaddr, &reader, rnd() % f->size);
	if (!err && (b.func.start > vaddr || b.func.end <= vaddr))
		return false;
	if (d.reads > 4096 + f->size / (scratch_size / 4)) /* bounded work */
		return false;
	if (err && (b.func.end || b.prev_start || b.next_start))
		return false;
	return plan_stays_inside(f, &b);
}

int main(int argc, char **argv)
{
	u64 count = argc > 2 ? strtoull(argv[2], NULL, 0) : 20000;
	size_t scratch_size = 32768;
	void *scratch = aligned_alloc(8, scratch_size);
	int failed = 0, passed = 0;

	rng = argc > 1 ? strtoull(argv[1], NULL, 0) * 2 + 1 : 1;
	for (int n = 3; n < argc; n++) {
		struct elf_file f;
		u64 k;

		if (elf_open(&f, argv[n]))
			continue;
		for (k = 0; k < count && one(&f, scratch, scratch_size); k++)
			;
		printf(k == count ? "ok %s\n" : "not ok %s: round %llu\n", argv[n],
		       (unsigned long long)k);
		k == count ? passed++ : failed++;
		elf_close(&f);
	}
	free(scratch);
	printf("%d passed, %d failed, 0 skipped\n", passed, failed);
	return failed || !passed;
}
