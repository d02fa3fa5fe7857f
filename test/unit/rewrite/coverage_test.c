// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Every syscall instruction that objdump finds in real files, planned as if it
 * had trapped: how many find a way, which ways, and is every plan sound?
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enclave/linux/arch/rkt/exec/bounds.h"
#include "enclave/linux/arch/rkt/exec/insn.h"
#include "test/unit/rewrite/elf_text.h"

#define STUB_AREA 0x10000

static int passed, failed, skipped;

struct tally {
	unsigned int sites, kinds[4], refused[RW_REFUSALS], unsound, straddle;
	struct rw_range busy[4096];
	size_t busy_count;
	u64 stub_next;
};

static const Elf64_Phdr *text_of(const struct elf_file *f, u64 vaddr)
{
	for (int n = 0; n < f->ehdr->e_phnum; n++)
		if (f->phdr[n].p_type == PT_LOAD &&
		    vaddr - f->phdr[n].p_vaddr < f->phdr[n].p_filesz)
			return &f->phdr[n];
	return NULL;
}

/* What an independent look at the outcome must find. */
static bool sound(const struct rw_stub *s, const struct rw_text *t, const u8 *code)
{
	struct insn i;
	s32 disp;
	int at = 0;

	memcpy(&disp, s->kind == RW_HOLE ? s->jmp_new + 1 : s->new + 1, 4);
	if (s->jmp + 5 + disp != s->start)
		return false;
	/* the stub is a row of instructions, ends exactly, and never pushes for us */
	while (at < s->len) {
		int len = insn_decode(&i, code + at, s->len - at);

		if (len < 0)
			return false;
		at += len;
	}
	/* addresses survive the way there and back */
	for (int n = 0; n < s->moved_count; n++) {
		u64 ip = s->site + s->moved_off[n];

		if (rw_report_ip(s, s->start + s->moved_at[n]) != ip)
			return false;
		if (s->kind == RW_FORWARD && rw_resume_ip(s, ip) != s->start + s->moved_at[n])
			return false;
		/* a thread that stands there meets a trap, or untouched bytes */
		if (ip > s->patch && ip < s->patch + s->patch_len &&
		    !rw_is_trap(s->new[ip - s->patch]))
			return false;
	}
	return rw_report_ip(s, s->start + s->enter) == s->site &&
	       rw_report_ip(s, s->start - 1) == s->start - 1 &&
	       rw_report_ip(s, s->start + s->len) == s->start + s->len;
}

/* Is @ip an instruction boundary of the function that unwind data or symbols give? */
static bool is_boundary(const struct rw_text *t, const struct rw_bounds *b, u64 ip)
{
	struct insn i;
	u64 at = b->func.start;

	while (at && at < ip && insn_decode(&i, t->bytes + (at - t->start), b->func.end - at) > 0)
		at += i.len;
	return at == ip;
}

static void mark(struct tally *t, u64 start, u64 len)
{
	if (t->busy_count < 4096)
		t->busy[t->busy_count++] = (struct rw_range){ start, start + len };
}

static enum rw_refusal attempt(struct tally *t, struct rw_text *text, u64 site,
			       const struct rw_bounds *truth)
{
	enum rw_refusal why;
	unsigned int skip = 0;
	struct rw_plan plan;
	struct rw_stub stub;
	u8 code[RW_STUB_MAX];

	for (;;) {
		why = rw_plan(&plan, text, site, skip);
		if (why)
			return skip ? RW_NO_STUB : why;
		u64 slot =
			rw_slot(&plan, (struct rw_range){ t->stub_next, t->stub_next + STUB_AREA });
		struct rw_range w;

		for (u32 n = 0; !slot && n < RW_WINDOWS; n++)
			if (rw_window(&plan, n, &w))
				slot = rw_slot(&plan, w);
		if (slot && !rw_emit(&stub, code, &plan, text, slot, slot & ~0xffffull))
			break;
		skip |= 1u << plan.kind;
	}
	t->kinds[stub.kind]++;
	t->unsound += !sound(&stub, text, code);
	if (truth->func.start && stub.kind == RW_BACK)
		t->unsound += !is_boundary(text, truth, stub.patch);
	t->straddle += !rw_is_atomic(stub.patch, stub.patch_len);
	mark(t, stub.patch, stub.patch_len);
	if (stub.kind == RW_HOLE)
		mark(t, stub.jmp, RW_JMP_LEN);
	t->stub_next += 16;
	return RW_OK;
}

static void site_seen(struct elf_file *f, struct tally *t, u64 site, bool use_bounds)
{
	static u64 scratch[8192];
	const Elf64_Phdr *p = text_of(f, site);
	struct rw_reader reader = { elf_read, f, scratch, sizeof(scratch) };
	struct rw_text text = { .busy = t->busy, .busy_count = t->busy_count };
	struct rw_bounds truth;
	enum rw_refusal why;
	u64 vaddr;

	t->sites++;
	text.bytes = f->bytes + p->p_offset;
	text.start = p->p_vaddr;
	text.end = p->p_vaddr + p->p_filesz;
	rw_bounds_find(&truth, &vaddr, &reader, site - p->p_vaddr + p->p_offset);
	if (use_bounds)
		text.bounds = truth;
	why = attempt(t, &text, site, &truth);
	t->refused[why]++;
	if (why && getenv("VERBOSE"))
		printf("# refused %d at %#llx func %llx-%llx\n", why, (unsigned long long)site,
		       (unsigned long long)text.bounds.func.start,
		       (unsigned long long)text.bounds.func.end);
}

static void cover(const char *path, double want, bool use_bounds)
{
	char cmd[512], line[256], name[300], why[256];
	struct tally *t = calloc(1, sizeof(*t));
	struct elf_file f;
	double share;
	FILE *p;

	snprintf(name, sizeof(name), "%s%s", path, use_bounds ? "" : " without bounds");
	if (elf_open(&f, path)) {
		printf("# %s is not here\n", path);
		skipped++;
		return;
	}
	t->stub_next = 0x40000000;
	snprintf(cmd, sizeof(cmd), "objdump -d --no-show-raw-insn '%s' | grep -P '\\tsyscall'",
		 path);
	p = popen(cmd, "r");
	while (fgets(line, sizeof(line), p))
		site_seen(&f, t, strtoull(line, NULL, 16), use_bounds);
	pclose(p);
	share = t->sites ? 100.0 * t->refused[RW_OK] / t->sites : 0;
	snprintf(
		why, sizeof(why),
		"%u sites, %.1f %% planned (back %u, hole %u, forward %u; refused: sigreturn %u, no proof %u, "
		"no room %u, no stub %u), %u need two stores, %u unsound",
		t->sites, share, t->kinds[RW_BACK], t->kinds[RW_HOLE], t->kinds[RW_FORWARD],
		t->refused[RW_SIGRETURN], t->refused[RW_NO_PROOF], t->refused[RW_NO_ROOM],
		t->refused[RW_NO_STUB], t->straddle, t->unsound);
	printf("# %s: %s\n", name, why);
	if (t->sites && share >= want && !t->unsound)
		printf("ok %s\n", name), passed++;
	else
		printf("not ok %s: %s\n", name, why), failed++;
	elf_close(&f);
	free(t);
}

int main(int argc, char **argv)
{
	cover("/lib/x86_64-linux-gnu/libc.so.6", 99, true);
	cover("/lib64/ld-linux-x86-64.so.2", 99, true);
	cover("/lib/ld-musl-x86_64.so.1", 90, true);
	cover("/lib/x86_64-linux-gnu/libc.so.6", 80, false);
	for (int n = 1; n < argc; n++) {
		/* musl's fallbacks for kernels without private futexes have no room; they never run */
		cover(argv[n], 93, true);
	}
	printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
	return !!failed;
}
