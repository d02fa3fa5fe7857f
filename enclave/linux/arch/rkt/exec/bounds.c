// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "bounds.h"

#ifdef __KERNEL__
#include <linux/elf.h>
#include <linux/errno.h>
#include <linux/string.h>
#else
#include <elf.h>
#include <errno.h>
#include <string.h>
#endif

#define PHDRS_MAX 64
#define SECTIONS_MAX 256
#define ENC_PCREL_SDATA4 0x1b
#define ENC_UDATA4 0x03
#define ENC_DATAREL_SDATA4 0x3b
#define TABLE_OFF 12 /* four encodings, eh_frame pointer, count */

struct file {
	const struct rw_reader *reader;
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr[PHDRS_MAX];
	u64 vaddr; /* of the site */
	u64 symbols_left; /* that may be looked at, in all tables */
};

static int get(const struct file *f, void *dst, u64 offset, size_t size)
{
	if (offset + size < offset)
		return -ENOEXEC;
	return f->reader->read(f->reader->ctx, dst, offset, size);
}

static int load_headers(struct file *f)
{
	int err = get(f, &f->ehdr, 0, sizeof(f->ehdr));

	if (err)
		return err;
	if (memcmp(f->ehdr.e_ident, ELFMAG, SELFMAG) || f->ehdr.e_machine != EM_X86_64 ||
	    f->ehdr.e_ident[EI_CLASS] != ELFCLASS64 || f->ehdr.e_phentsize != sizeof(Elf64_Phdr) ||
	    !f->ehdr.e_phnum || f->ehdr.e_phnum > PHDRS_MAX)
		return -ENOEXEC;
	return get(f, f->phdr, f->ehdr.e_phoff, f->ehdr.e_phnum * sizeof(Elf64_Phdr));
}

static const Elf64_Phdr *segment(const struct file *f, u32 type, u64 key, bool by_offset)
{
	const Elf64_Phdr *p;

	for (p = f->phdr; p < f->phdr + f->ehdr.e_phnum; p++)
		if (p->p_type == type && key - (by_offset ? p->p_offset : p->p_vaddr) < p->p_filesz)
			return p;
	return NULL;
}

/* Reads what the loaded image has at a link-time address. */
static int get_at(const struct file *f, void *dst, u64 vaddr, size_t size)
{
	const Elf64_Phdr *p = segment(f, PT_LOAD, vaddr, false);

	if (!p || p->p_filesz - (vaddr - p->p_vaddr) < size)
		return -ENOEXEC;
	return get(f, dst, p->p_offset + (vaddr - p->p_vaddr), size);
}

struct table {
	u64 addr; /* of .eh_frame_hdr */
	u32 count;
};

struct entry {
	s32 start, fde; /* both relative to .eh_frame_hdr */
};

static int open_table(const struct file *f, struct table *t)
{
	const Elf64_Phdr *p;
	u8 head[TABLE_OFF];
	int err;

	for (p = f->phdr; p < f->phdr + f->ehdr.e_phnum; p++)
		if (p->p_type == PT_GNU_EH_FRAME)
			break;
	if (p == f->phdr + f->ehdr.e_phnum)
		return -ENOENT;
	t->addr = p->p_vaddr;
	err = get_at(f, head, t->addr, sizeof(head));
	if (err)
		return err;
	if (head[0] != 1 || head[1] != ENC_PCREL_SDATA4 || head[2] != ENC_UDATA4 ||
	    head[3] != ENC_DATAREL_SDATA4)
		return -ENOENT;
	memcpy(&t->count, head + 8, sizeof(t->count));
	return t->count <= (p->p_filesz - TABLE_OFF) / sizeof(struct entry) ? 0 : -ENOEXEC;
}

static int get_entry(const struct file *f, const struct table *t, u32 n, struct entry *e)
{
	return get_at(f, e, t->addr + TABLE_OFF + (u64)n * sizeof(*e), sizeof(*e));
}

/* The last entry that starts at or below @addr. */
static int search(const struct file *f, const struct table *t, u64 addr, u32 *found)
{
	u32 low = 0, high = t->count;
	struct entry e;
	int err;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		err = get_entry(f, t, mid, &e);
		if (err)
			return err;
		if (t->addr + e.start <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return -ENOENT;
	*found = low - 1;
	return 0;
}

/*
 * The range that a table entry's frame description covers. Its start is given
 * twice; only when both agree is the encoding the one we read (pcrel sdata4).
 */
static int frame_range(const struct file *f, const struct table *t, u32 n, struct rw_range *range)
{
	struct {
		u32 length, cie;
		s32 start;
		u32 size;
	} fde;
	struct entry e;
	u64 addr;
	int err = get_entry(f, t, n, &e);

	if (err)
		return err;
	addr = t->addr + e.fde;
	err = get_at(f, &fde, addr, sizeof(fde));
	if (err)
		return err;
	range->start = t->addr + e.start;
	range->end = range->start + fde.size;
	if (fde.length == 0xffffffff || fde.length < 12 || !fde.cie ||
	    addr + 8 + fde.start != range->start)
		return -ENOENT;
	return 0;
}

static int from_unwind(const struct file *f, struct rw_bounds *b)
{
	struct rw_range prev;
	struct table t;
	struct entry next;
	u32 n;
	int err = open_table(f, &t);

	err = err ? err : search(f, &t, f->vaddr, &n);
	err = err ? err : frame_range(f, &t, n, &b->func);
	if (err)
		return err;
	if (f->vaddr >= b->func.end)
		return -ENOENT;
	b->unwind = true;
	if (n && !frame_range(f, &t, n - 1, &prev) && prev.end <= b->func.start) {
		b->prev_start = prev.start;
		b->prev_end = prev.end;
	}
	if (n + 1 < t.count && !get_entry(f, &t, n + 1, &next) &&
	    t.addr + next.start >= b->func.end)
		b->next_start = t.addr + next.start;
	return 0;
}

/* One symbol's bearing on what is known of the site's surroundings. */
static void see_symbol(struct rw_bounds *b, u64 vaddr, const Elf64_Sym *s)
{
	u64 end = s->st_value + s->st_size;

	if (ELF64_ST_TYPE(s->st_info) == STT_FUNC && s->st_size && end > s->st_value &&
	    vaddr - s->st_value < s->st_size && s->st_value >= b->func.start) {
		b->func.start = s->st_value;
		b->func.end = end;
	}
}

/* Second pass: every label nearby, sized or not, bounds the padding around the function. */
static void see_neighbour(struct rw_bounds *b, const Elf64_Sym *s)
{
	u64 end = s->st_value + s->st_size;

	if (s->st_shndx == SHN_UNDEF || s->st_shndx >= SHN_LORESERVE || end < s->st_value ||
	    ELF64_ST_TYPE(s->st_info) > STT_FUNC)
		return;
	if (s->st_value >= b->func.end && (!b->next_start || s->st_value < b->next_start))
		b->next_start = s->st_value;
	if (s->st_value < b->func.start && s->st_value >= b->prev_start) {
		b->prev_start = s->st_value;
		b->prev_end = end <= b->func.start ? end : 0;
	}
}

static int scan_symbols(struct file *f, const Elf64_Shdr *sh, struct rw_bounds *b, bool neighbours)
{
	u64 count = sh->sh_size / sizeof(Elf64_Sym), at = 0, n, k;
	Elf64_Sym *syms = (void *)(f + 1);
	u64 chunk = (f->reader->scratch_size - sizeof(*f)) / sizeof(*syms);
	int err;

	if (sh->sh_entsize != sizeof(Elf64_Sym) || count > RW_SYMBOLS_MAX ||
	    count > f->symbols_left)
		return -ENOEXEC;
	f->symbols_left -= count;
	for (; at < count; at += n) {
		n = count - at < chunk ? count - at : chunk;
		err = get(f, syms, sh->sh_offset + at * sizeof(*syms), n * sizeof(*syms));
		if (err)
			return err;
		for (k = 0; k < n; k++)
			neighbours ? see_neighbour(b, &syms[k]) : see_symbol(b, f->vaddr, &syms[k]);
	}
	return 0;
}

/* .symtab knows every function, .dynsym only the exported ones: neighbours come from .symtab alone. */
static int from_symbols(struct file *f, struct rw_bounds *b)
{
	Elf64_Shdr sh;
	int n, err;

	if (f->ehdr.e_shentsize != sizeof(sh) || f->ehdr.e_shnum > SECTIONS_MAX)
		return -ENOENT;
	for (n = 0; n < f->ehdr.e_shnum; n++) {
		err = get(f, &sh, f->ehdr.e_shoff + n * sizeof(sh), sizeof(sh));
		if (err)
			return err;
		if (sh.sh_type != SHT_SYMTAB && (sh.sh_type != SHT_DYNSYM || b->func.end))
			continue;
		err = scan_symbols(f, &sh, b, false);
		if (!err && b->func.end && sh.sh_type == SHT_SYMTAB)
			err = scan_symbols(f, &sh, b, true);
		if (err)
			return err;
	}
	return b->func.end ? 0 : -ENOENT;
}

_Static_assert(sizeof(struct file) + sizeof(Elf64_Sym) <= RW_SCRATCH_MIN, "RW_SCRATCH_MIN");

int rw_bounds_find(struct rw_bounds *bounds, u64 *vaddr, const struct rw_reader *reader, u64 offset)
{
	struct file *f = reader->scratch;
	const Elf64_Phdr *p;
	int err;

	f->reader = reader;
	f->symbols_left = 3 * RW_SYMBOLS_MAX; /* .dynsym once, .symtab twice */
	*bounds = (struct rw_bounds){ 0 };
	err = load_headers(f);
	if (err)
		return err;
	p = segment(f, PT_LOAD, offset, true);
	if (!p || !(p->p_flags & PF_X))
		return -ENOEXEC;
	f->vaddr = *vaddr = p->p_vaddr + (offset - p->p_offset);
	err = from_unwind(f, bounds);
	if (!err)
		return 0;
	*bounds = (struct rw_bounds){ 0 };
	err = from_symbols(f, bounds);
	if (err)
		*bounds = (struct rw_bounds){ 0 };
	return err;
}
