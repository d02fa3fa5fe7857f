// SPDX-License-Identifier: GPL-2.0-only
/* Names of functions in program files, for crash reports. */
#include <linux/ctype.h>
#include <linux/elf.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "symbol.h"

#define PHDRS_MAX 64
#define SECTIONS_MAX 256
#define SYMBOLS_MAX (4u << 20)
#define AT_ONCE 128 /* symbols per read */

struct symbols {
	struct file *file;
	u64 table, strings; /* offsets in the file */
	u32 count;
	u64 strings_size;
	struct elf64_sym buf[AT_ONCE];
};

static int read_at(struct file *file, u64 pos, void *buf, size_t size)
{
	loff_t at = pos;
	ssize_t n;

	if (pos > LLONG_MAX - size)
		return -ENOEXEC;
	n = kernel_read(file, buf, size, &at);
	if (n < 0)
		return n;
	return n == size ? 0 : -ENOEXEC;
}

static int read_header(struct file *file, struct elf64_hdr *eh)
{
	int err = read_at(file, 0, eh, sizeof(*eh));

	if (err)
		return err;
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) || eh->e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh->e_machine != EM_X86_64 || eh->e_phentsize != sizeof(struct elf64_phdr))
		return -ENOEXEC;
	return 0;
}

/* Mappings reach to the end of a page; so does the segment that a byte belongs to. */
static int address_of(struct file *file, const struct elf64_hdr *eh, u64 pos, u64 *addr)
{
	struct elf64_phdr ph;
	int i, err;

	for (i = 0; i < min(eh->e_phnum, PHDRS_MAX); i++) {
		err = read_at(file, eh->e_phoff + i * sizeof(ph), &ph, sizeof(ph));
		if (err)
			return err;
		if (ph.p_type != PT_LOAD || !(ph.p_flags & PF_X) || pos < ph.p_offset ||
		    pos - ph.p_offset >= ph.p_filesz)
			continue;
		*addr = pos - ph.p_offset + ph.p_vaddr;
		return 0;
	}
	return -ENOEXEC;
}

static int section(struct file *file, const struct elf64_hdr *eh, u32 index, struct elf64_shdr *sh)
{
	if (index >= eh->e_shnum || eh->e_shentsize != sizeof(*sh))
		return -ENOEXEC;
	return read_at(file, eh->e_shoff + index * sizeof(*sh), sh, sizeof(*sh));
}

/* Return: 0, or -ENOENT when the file has none. */
static int find_table(struct symbols *s, const struct elf64_hdr *eh, u32 type)
{
	struct elf64_shdr sh, strings;
	u32 i;

	for (i = 0; i < min_t(u32, eh->e_shnum, SECTIONS_MAX); i++) {
		if (section(s->file, eh, i, &sh))
			break;
		if (sh.sh_type != type || sh.sh_entsize != sizeof(struct elf64_sym) ||
		    section(s->file, eh, sh.sh_link, &strings))
			continue;
		s->table = sh.sh_offset;
		s->count = min_t(u64, sh.sh_size / sizeof(struct elf64_sym), SYMBOLS_MAX);
		s->strings = strings.sh_offset;
		s->strings_size = strings.sh_size;
		return 0;
	}
	return -ENOENT;
}

static bool is_function(const struct elf64_sym *sym)
{
	u8 type = ELF_ST_TYPE(sym->st_info);

	return (type == STT_FUNC || type == 10 /* STT_GNU_IFUNC */) && sym->st_shndx;
}

/* The nearest function at or below @addr. */
static bool nearest(struct symbols *s, u64 addr, struct elf64_sym *best)
{
	bool found = false;
	u32 i, n, j;

	for (i = 0; i < s->count; i += n) {
		n = min(s->count - i, (u32)AT_ONCE);
		if (read_at(s->file, s->table + (u64)i * sizeof(*best), s->buf, n * sizeof(*best)))
			break;
		for (j = 0; j < n; j++) {
			const struct elf64_sym *sym = &s->buf[j];

			if (!is_function(sym) || sym->st_value > addr ||
			    (found && sym->st_value <= best->st_value))
				continue;
			*best = *sym;
			found = true;
		}
		cond_resched();
	}
	return found && (!best->st_size || addr - best->st_value < best->st_size);
}

static void read_name(struct symbols *s, u32 offset, char *name)
{
	size_t size;
	char *c;

	if (offset >= s->strings_size)
		return;
	size = min_t(u64, s->strings_size - offset, RKT_SYMBOL_MAX - 1);
	if (read_at(s->file, s->strings + offset, name, size))
		size = 0;
	name[size] = 0;
	for (c = name; *c; c++)
		if (!isascii(*c) || !isgraph(*c))
			*c = '?';
}

int rkt_symbol_find(struct file *file, u64 pos, struct rkt_symbol *out)
{
	struct elf64_sym best = {};
	struct elf64_hdr eh;
	struct symbols *s;
	int err;

	memset(out, 0, sizeof(*out));
	err = read_header(file, &eh) ?: address_of(file, &eh, pos, &out->addr);
	if (err)
		return err;
	s = kzalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	s->file = file;
	if ((!find_table(s, &eh, SHT_SYMTAB) && nearest(s, out->addr, &best)) ||
	    (!find_table(s, &eh, SHT_DYNSYM) && nearest(s, out->addr, &best))) {
		read_name(s, best.st_name, out->name);
		out->offset = out->addr - best.st_value;
	}
	kfree(s);
	return 0;
}
