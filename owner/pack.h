/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packing a directory tree into an ext4 image with mke2fs.
 *
 * Part of the owner's tools (trusted, offline). The launcher borrows it for
 * --rootfs-dir; never the other way round: nothing here includes host/.
 */
#ifndef OWNER_PACK_H
#define OWNER_PACK_H

#include "abi/types.h"

struct pack_options {
	u64 size; /* bytes of the image; 0: fitted to the tree */
	u64 slack; /* bytes of free space when fitted (the file stays sparse) */
	bool journal; /* for images that are kept; a root for one run needs none */
};

/**
 * pack_tree - write an ext4 file system that holds a tree
 * @dir:      top directory
 * @fd:       open for writing, a regular file; its contents are replaced
 * @why:      on failure what went wrong, one line without "rktio:"
 * @why_size: bytes of @why
 *
 * Regular files, directories, links, devices and FIFOs are taken with modes,
 * times and extended attributes; sockets are left out. For a caller without
 * privileges its own files become root's (a user namespace, where the system
 * allows it). The same tree gives the same image except for inode change times.
 *
 * Forks; call it before threads exist. Blocks for as long as mke2fs takes.
 * Return: 0; -ENOPKG when mke2fs is not installed; -ENOSPC when @size is too
 * small for the tree; another -errno.
 */
int pack_tree(const char *dir, int fd, const struct pack_options *options, char *why,
	      size_t why_size);

#endif
