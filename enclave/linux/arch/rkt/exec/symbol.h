/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RKT_EXEC_SYMBOL_H
#define RKT_EXEC_SYMBOL_H

#include <linux/types.h>

struct file;

#define RKT_SYMBOL_MAX 64

struct rkt_symbol {
	u64 addr; /* as the file's own tools count: what addr2line takes */
	u64 offset; /* behind the start of @name */
	char name[RKT_SYMBOL_MAX]; /* printable, cut off if longer; "" if none is known */
};

/**
 * rkt_symbol_find - the function of an ELF file that a place in it belongs to
 * @file: a mapped file; its contents may be malformed in any way
 * @pos: byte of the file
 *
 * Looks into .symtab, or .dynsym when the file is stripped; not into separate debug files. A
 * function without a size ends where the next begins.
 *
 * Context: sleeps (reads the file). Return: 0 with @out filled, as far as known; -ENOEXEC if it is
 * no ELF file with such a byte in a segment, another -errno if it can't be read.
 */
int rkt_symbol_find(struct file *file, u64 pos, struct rkt_symbol *out);

#endif
