/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Maps a file of the machine and walks its executable segments: the tests' corpus. */
#ifndef TEST_ELF_TEXT_H
#define TEST_ELF_TEXT_H

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/types.h"

struct elf_file {
	const u8 *bytes;
	size_t size;
	const Elf64_Ehdr *ehdr;
	const Elf64_Phdr *phdr;
};

static inline int elf_open(struct elf_file *f, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) || st.st_size < (off_t)sizeof(Elf64_Ehdr)) {
		close(fd);
		return -1;
	}
	f->size = st.st_size;
	f->bytes = mmap(NULL, f->size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (f->bytes == MAP_FAILED)
		return -1;
	f->ehdr = (const void *)f->bytes;
	f->phdr = (const void *)(f->bytes + f->ehdr->e_phoff);
	return 0;
}

/* For struct rw_reader, with the file as its context. */
static inline int elf_read(void *ctx, void *dst, u64 offset, size_t size)
{
	const struct elf_file *f = ctx;

	if (offset > f->size || size > f->size - offset)
		return -EIO;
	memcpy(dst, f->bytes + offset, size);
	return 0;
}

static inline void elf_close(struct elf_file *f)
{
	munmap((void *)f->bytes, f->size);
}

#endif
