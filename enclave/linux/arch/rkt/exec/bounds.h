/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where functions begin and end, read from an ELF file: the proof that an
 * address is an instruction boundary.
 *
 * First choice is the binary search table of .eh_frame_hdr (PT_GNU_EH_FRAME),
 * which every Debian library and glibc program has; without one, the symbol
 * tables. The file is hostile: every offset and count is checked, work is
 * bounded, nothing is trusted but that reads return the bytes there are.
 *
 * Linux Standard Base 5.0, 10.6 (Exception Frames); System V ABI, chapter 4.
 */
#ifndef RKT_EXEC_BOUNDS_H
#define RKT_EXEC_BOUNDS_H

#include "rewrite.h"

#define RW_SYMBOLS_MAX 0x100000 /* larger tables are not looked at */
#define RW_SCRATCH_MIN 8192

/* How to get at the file: returns 0 when all @size bytes at @offset were read, else -errno. */
struct rw_reader {
	int (*read)(void *ctx, void *dst, u64 offset, size_t size);
	void *ctx;
	void *scratch; /* working memory of the caller, aligned to 8 */
	size_t scratch_size; /* at least RW_SCRATCH_MIN; more makes large symbol tables faster */
};

/**
 * rw_bounds_find - the functions around one byte of the file
 * @bounds:   filled in, as link-time addresses
 * @vaddr:    set to the link-time address of @offset
 * @reader:   access to the file
 * @offset:   file offset of the syscall, within an executable segment
 *
 * Context: as the reader; may sleep if it does.
 * Return: 0; -ENOENT when nothing covers the address (@vaddr is valid then);
 * -ENOEXEC for a malformed file; or the reader's error.
 */
int rw_bounds_find(struct rw_bounds *bounds, u64 *vaddr, const struct rw_reader *reader,
		   u64 offset);

#endif
