// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * reach_cpuid() on functions made by hand, where data look like the instruction, and on every
 * place of real files that does: what it finds has to be in objdump's list.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enclave/linux/arch/rkt/exec/bounds.h"
#include "enclave/linux/arch/rkt/exec/reach.h"
#include "test/unit/rewrite/elf_text.h"

#define FOUND_MAX 256
#define LISTED_MAX 1024

static int passed, failed, skipped;

static void result(const char *name, bool ok, const char *why)
{
	printf("%s %s%s%s\n", ok ? "ok" : "not ok", name, *why ? ": " : "", why);
	ok ? passed++ : failed++;
}

static u32 reach(const u8 *code, u32 size, u32 *found, u32 max)
{
	void *work = calloc(1, REACH_WORK_SIZE);
	u32 count = reach_cpuid(code, size, work, found, max);

	free(work);
	return count;
}

/* Expected: offsets, ended by 255. */
static const struct {
	const char *name;
	u8 size, code[24], expect[4];
} cases[] = {
	{ "straight", 3, { 0x0f, 0xa2, 0xc3 }, { 0, 255 } },
	{ "in-an-immediate", 6, { 0xb8, 0x0f, 0xa2, 0, 0, 0xc3 }, { 255 } },
	{ "data-behind-return", 4, { 0x90, 0xc3, 0x0f, 0xa2 }, { 255 } },
	{ "data-behind-jump", 6, { 0xeb, 0x02, 0x0f, 0xa2, 0x90, 0xc3 }, { 255 } },
	{ "branch-over-return", 6, { 0x74, 0x01, 0xc3, 0x0f, 0xa2, 0xc3 }, { 3, 255 } },
	{ "branch-back", 8, { 0xeb, 0x03, 0x0f, 0xa2, 0xc3, 0x75, 0xfb, 0xc3 }, { 2, 255 } },
	{ "long-branch", 9, { 0x0f, 0x84, 1, 0, 0, 0, 0xc3, 0x0f, 0xa2 }, { 7, 255 } },
	{ "loop", 5, { 0x0f, 0xa2, 0xe2, 0xfc, 0xc3 }, { 0, 255 } },
	{ "two", 6, { 0x0f, 0xa2, 0x0f, 0xa2, 0xc3, 0x90 }, { 0, 2, 255 } },
	{ "switch-only", 4, { 0xff, 0xe0, 0x0f, 0xa2 }, { 255 } },
	{ "prefixed", 4, { 0x66, 0x0f, 0xa2, 0xc3 }, { 255 } },
	/* a jump into the middle of an instruction: somebody is wrong, so nothing is sure */
	{ "disagree", 10, { 0x0f, 0xa2, 0x74, 0x01, 0xb8, 0x0f, 0xa2, 0, 0, 0xc3 }, { 255 } },
	{ "unknown-instruction", 4, { 0x06, 0x0f, 0xa2, 0xc3 }, { 255 } },
	{ "cut-off", 3, { 0x0f, 0xa2, 0x0f }, { 0, 255 } },
	{ "branch-outside", 6, { 0x75, 0x7f, 0x75, 0x80, 0x0f, 0xa2 }, { 4, 255 } },
	/* the address of data is what a call over them is for */
	{ "data-behind-call", 9, { 0xe8, 0x02, 0, 0, 0, 0x0f, 0xa2, 0x58, 0xc3 }, { 255 } },
	{ "call-to-inside", 9, { 0xe8, 0, 0, 0, 0, 0x0f, 0xa2, 0x58, 0xc3 }, { 5, 255 } },
	{ "recursion", 8, { 0xe8, 0xfb, 0xff, 0xff, 0xff, 0x0f, 0xa2, 0xc3 }, { 5, 255 } },
	{ "call-of-others", 8, { 0xe8, 0, 0x10, 0, 0, 0x0f, 0xa2, 0xc3 }, { 5, 255 } },
	{ "data-behind-far-return", 4, { 0x48, 0xcb, 0x0f, 0xa2 }, { 255 } },
	{ "data-behind-iret", 4, { 0x48, 0xcf, 0x0f, 0xa2 }, { 255 } },
	{ "data-behind-far-jump", 4, { 0xff, 0x28, 0x0f, 0xa2 }, { 255 } },
	{ "data-behind-int", 4, { 0xcd, 0x80, 0x0f, 0xa2 }, { 255 } },
	{ "xbegin", 9, { 0xc7, 0xf8, 0, 0, 0, 0, 0x0f, 0xa2, 0xc3 }, { 6, 255 } },
	{ "empty", 0, { 0 }, { 255 } },
};

static int order(const void *a, const void *b)
{
	return *(const u32 *)a > *(const u32 *)b ? 1 : -1;
}

static void check_cases(void)
{
	u32 found[FOUND_MAX], count, n, i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool ok = true;

		count = reach(cases[i].code, cases[i].size, found, FOUND_MAX);
		qsort(found, count, sizeof(*found), order);
		for (n = 0; n < count; n++)
			ok &= cases[i].expect[n] == found[n];
		result(cases[i].name, ok && cases[i].expect[count] == 255, "");
	}
	result("room", reach((const u8 *)"\x0f\xa2\x0f\xa2", 4, found, 1) == 1, "");
}

/* Any bytes: it ends, stays inside, and finds nothing else. */
static void check_random(void)
{
	static const u8 likely[] = { 0x0f, 0xa2, 0xeb, 0x74, 0xe9, 0xc3, 0x90, 0x66, 0xb8, 0xff };
	u32 found[FOUND_MAX], round, i, count, total = 0;
	bool ok = true;

	srandom(1);
	for (round = 0; round < 20000; round++) {
		u32 size = random() % 600;
		u8 *code = malloc(size ?: 1);

		for (i = 0; i < size; i++)
			code[i] = random() & 1 ? likely[random() % sizeof(likely)] : random();
		count = reach(code, size, found, FOUND_MAX);
		for (i = 0; i < count; i++)
			ok &= found[i] + 1 < size && code[found[i]] == 0x0f &&
			      code[found[i] + 1] == 0xa2;
		total += count;
		free(code);
	}
	printf("# random: %u found\n", total);
	result("random", ok && total > 100, "");
}

/* Branches to a near place and to one far away, in this order: both are walked from. */
static void check_order(void)
{
	static u8 code[1024] = { 0x74, 0x10, 0x0f, 0x84, 0xf8, 0x02, 0, 0, 0xc3 };
	u32 found[2];

	memcpy(code + 0x12, "\x0f\xa2\xc3", 3);
	memcpy(code + 0x300, "\x0f\xa2\xc3", 3);
	result("order", reach(code, sizeof(code), found, 2) == 2, "");
}

/* As many targets as there can be, in an order that is bad for who looks for the lowest: it ends. */
static void check_targets(void)
{
	static u8 code[REACH_SIZE_MAX];
	u32 at, found[1], n = REACH_SIZE_MAX / 16;
	s32 disp;

	for (at = 0; at < n; at++) {
		u32 low = at * 8, high = REACH_SIZE_MAX / 2 + at * 8;

		code[low] = code[high] = 0xe9;
		disp = high - low - 5;
		memcpy(code + low + 1, &disp, 4);
		disp = low + 8 - high - 5;
		memcpy(code + high + 1, &disp, 4);
	}
	memcpy(code + REACH_SIZE_MAX - 8, "\x0f\xa2\xc3", 3);
	result("targets", reach(code, sizeof(code), found, 1) == 1, "");
}

/* A file of 255 symbol tables, each as large as is looked at: how much of them is read. */
static int read_tables(void *ctx, void *dst, u64 offset, size_t size)
{
	Elf64_Ehdr eh = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64 },
			  .e_machine = EM_X86_64,
			  .e_phoff = sizeof(eh),
			  .e_phentsize = sizeof(Elf64_Phdr),
			  .e_phnum = 1,
			  .e_shoff = 0x10000,
			  .e_shentsize = sizeof(Elf64_Shdr),
			  .e_shnum = 255 };
	Elf64_Phdr ph = { .p_type = PT_LOAD, .p_flags = PF_X, .p_filesz = 0x10000 };
	Elf64_Shdr sh = { .sh_type = SHT_SYMTAB,
			  .sh_offset = 0x100000,
			  .sh_size = RW_SYMBOLS_MAX * sizeof(Elf64_Sym),
			  .sh_entsize = sizeof(Elf64_Sym) };

	*(u64 *)ctx += size;
	memset(dst, 0, size);
	if (!offset)
		memcpy(dst, &eh, sizeof(eh));
	else if (offset == sizeof(eh))
		memcpy(dst, &ph, sizeof(ph));
	else if (offset >= 0x10000 && offset < 0x100000)
		memcpy(dst, &sh, sizeof(sh));
	return 0;
}

static void check_tables(void)
{
	static u64 scratch[8192], size, vaddr;
	struct rw_reader reader = { read_tables, &size, scratch, sizeof(scratch) };
	struct rw_bounds b;
	int err = rw_bounds_find(&b, &vaddr, &reader, 0x1000);

	result("tables", err && size <= 4ull * RW_SYMBOLS_MAX * sizeof(Elf64_Sym), "");
}

struct seen {
	u64 listed[LISTED_MAX];
	u32 listed_count, found, wrong;
};

static bool is_listed(const struct seen *s, u64 addr)
{
	u32 i;

	for (i = 0; i < s->listed_count; i++)
		if (s->listed[i] == addr)
			return true;
	return false;
}

static void list(struct seen *s, const char *path)
{
	char cmd[512], line[256];
	FILE *p;

	snprintf(cmd, sizeof(cmd), "objdump -d --no-show-raw-insn '%s' | grep -P '\\tcpuid'", path);
	p = popen(cmd, "r");
	while (fgets(line, sizeof(line), p) && s->listed_count < LISTED_MAX)
		s->listed[s->listed_count++] = strtoull(line, NULL, 16);
	pclose(p);
}

/* The functions around each candidate of one segment, as exec/cpuid.c goes through them. */
static void look(struct seen *s, struct elf_file *f, const Elf64_Phdr *p)
{
	static u64 scratch[8192];
	struct rw_reader reader = { elf_read, f, scratch, sizeof(scratch) };
	const u8 *text = f->bytes + p->p_offset;
	u32 found[FOUND_MAX], count, n;
	struct rw_bounds b;
	u64 at, vaddr, size;

	for (at = 0; at + 1 < p->p_filesz; at++) {
		if (text[at] != 0x0f || text[at + 1] != 0xa2 ||
		    rw_bounds_find(&b, &vaddr, &reader, p->p_offset + at))
			continue;
		size = b.func.end - b.func.start;
		if (size > REACH_SIZE_MAX)
			continue;
		count = reach(text + (b.func.start - p->p_vaddr), size, found, FOUND_MAX);
		for (n = 0; n < count; n++)
			s->wrong += !is_listed(s, b.func.start + found[n]);
		s->found += count;
		at = b.func.end - p->p_vaddr - 1;
	}
}

static void cover(const char *path, u32 want_percent)
{
	struct seen *s = calloc(1, sizeof(*s));
	struct elf_file f;
	char why[160];
	int i;

	if (elf_open(&f, path)) {
		printf("# %s is not here\n", path);
		skipped++;
		free(s);
		return;
	}
	list(s, path);
	for (i = 0; i < f.ehdr->e_phnum; i++)
		if (f.phdr[i].p_type == PT_LOAD && (f.phdr[i].p_flags & PF_X))
			look(s, &f, &f.phdr[i]);
	snprintf(why, sizeof(why), "%u of %u found, %u of them wrong", s->found, s->listed_count,
		 s->wrong);
	result(path, !s->wrong && s->found * 100 >= s->listed_count * want_percent, why);
	elf_close(&f);
	free(s);
}

int main(int argc, char **argv)
{
	int n;

	check_cases();
	check_random();
	check_order();
	check_targets();
	check_tables();
	for (n = 1; n + 1 < argc; n += 2)
		cover(argv[n], atoi(argv[n + 1]));
	printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
	return !!failed;
}
