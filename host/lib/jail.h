/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The sandbox of a device process: no system calls but those on its list, and a few that all need. */
#ifndef HOST_LIB_JAIL_H
#define HOST_LIB_JAIL_H

#include "abi/types.h"

#define JAIL_CALLS_MAX 96

/**
 * jail_enter - give up all system calls but these, and what no process can do without
 * @allowed: their numbers
 * @count:   how many, at most JAIL_CALLS_MAX
 *
 * For the calling thread and those that it starts from then on; privileges can't be gained any more
 * either. Other calls fail with EPERM,
 * those of another architecture (x32 too) kill the process. Can't be undone. What io_uring does is
 * no system call: a ring needs restrictions of its own.
 *
 * Return: 0 or a negative errno (a kernel without seccomp filters: -EINVAL).
 */
int jail_enter(const u16 *allowed, u32 count);

#endif
