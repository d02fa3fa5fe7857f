/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef HOST_RUN_GDB_H
#define HOST_RUN_GDB_H

#include "host/run/config.h"

/**
 * gdb_exec - continue under gdb, if --gdb asks for it
 * @cfg: checked configuration
 * @argv: this process's arguments, NULL at the end
 *
 * Replaces the process by gdb, which starts it again with the same arguments and stops
 * where the TEE is entered first: the image is in memory, breakpoints can be
 * set. The kernel's symbols come from the image's .debug file if there is one, the programs' from
 * the tree of --rootfs-dir as they are mapped (rktio-gdb.py). Signals by which the soft back end
 * works are passed on without a word. Under gdb already it only leaves standard input to gdb,
 * unless that is a terminal: gdb gives and takes that by itself.
 *
 * Return: 0 to go on, or a negative errno with @err set.
 */
int gdb_exec(const struct run_config *cfg, char **argv, struct err *err);

#endif
