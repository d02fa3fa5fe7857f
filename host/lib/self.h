/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef HOST_LIB_SELF_H
#define HOST_LIB_SELF_H

#include <stddef.h>

/**
 * self_sibling - path of a file beside the running program
 *
 * Looks where the program really is (/proc/self/exe), not at argv[0].
 * Return: 0, or -errno (-ENAMETOOLONG when @path is too small). The file need not exist.
 */
int self_sibling(char *path, size_t size, const char *name);

#endif
