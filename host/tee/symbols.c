// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/tee/symbols.h"

#include <elf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/layout.h"

#define TABLE_MAX (64ull << 20)
#define SECTIONS_MAX 4096

static bool read_at(int fd, void *buf, u64 size, u64 offset)
{
	return offset < 1ull << 40 && pread(fd, buf, size, offset) == (ssize_t)size;
}

static void *read_section(int fd, const Elf64_Shdr *sh)
{
	void *data = sh->sh_size && sh->sh_size <= TABLE_MAX ? malloc(sh->sh_size) : NULL;

	if (data && read_at(fd, data, sh->sh_size, sh->sh_offset))
		return data;
	free(data);
	return NULL;
}

static bool find_tables(int fd, Elf64_Shdr *symbols, Elf64_Shdr *strings)
{
	Elf64_Ehdr eh;
	u32 i;

	if (!read_at(fd, &eh, sizeof(eh), 0) || eh.e_shentsize != sizeof(*symbols))
		return false;
	for (i = 0; i < eh.e_shnum && i < SECTIONS_MAX; i++)
		if (read_at(fd, symbols, sizeof(*symbols), eh.e_shoff + i * sizeof(*symbols)) &&
		    symbols->sh_type == SHT_SYMTAB && symbols->sh_link < eh.e_shnum)
			return read_at(fd, strings, sizeof(*strings),
				       eh.e_shoff + symbols->sh_link * sizeof(*strings));
	return false;
}

static const Elf64_Sym *nearest(const Elf64_Sym *sym, size_t count, u64 value)
{
	const Elf64_Sym *best = NULL;
	size_t i;

	for (i = 0; i < count; i++)
		if (ELF64_ST_TYPE(sym[i].st_info) <= STT_FUNC &&
		    ELF64_ST_TYPE(sym[i].st_info) != STT_OBJECT && sym[i].st_shndx != SHN_UNDEF &&
		    sym[i].st_shndx < SHN_LORESERVE && sym[i].st_value <= value &&
		    (!best || sym[i].st_value > best->st_value))
			best = &sym[i];
	return best;
}

void symbols_name(int tee_fd, u64 addr, char *out, size_t size)
{
	Elf64_Shdr symbols, strings;
	const Elf64_Sym *best;
	char *names = NULL;
	void *table = NULL;

	snprintf(out, size, "%#llx", (unsigned long long)addr);
	if (addr < TEE_IMAGE_BASE || !find_tables(tee_fd, &symbols, &strings))
		return;
	addr -= TEE_IMAGE_BASE;
	table = read_section(tee_fd, &symbols);
	names = read_section(tee_fd, &strings);
	if (table && names) {
		names[strings.sh_size - 1] = 0;
		best = nearest(table, symbols.sh_size / sizeof(*best), addr);
		if (best && best->st_name < strings.sh_size && addr - best->st_value < 1 << 20)
			snprintf(out, size, "%.64s+%#llx", names + best->st_name,
				 (unsigned long long)(addr - best->st_value));
	}
	free(table);
	free(names);
}
