/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is left to an attacker who takes over netd (through libslirp, say): sockets, its open
 * descriptors and reading files. No programs, no other processes, no kernel modules, no new
 * privileges.
 */
#ifndef HOST_NETD_SANDBOX_H
#define HOST_NETD_SANDBOX_H

/**
 * sandbox_enter - give up all system calls that netd does not need
 *
 * After everything that needs more is open (taps). Others fail with EPERM from then on, those of
 * another architecture kill the process. Can't be undone.
 *
 * Return: 0 or a negative errno (a kernel without seccomp filters: -EINVAL).
 */
int sandbox_enter(void);

#endif
