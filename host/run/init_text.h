/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The configuration of the TEE's init (docs/init.md), made from what rktio run was asked to do. */
#ifndef HOST_RUN_INIT_TEXT_H
#define HOST_RUN_INIT_TEXT_H

#include "host/run/config.h"

/**
 * init_text - write the configuration as text
 * @cfg: checked
 * @tty: standard input is a terminal
 *
 * Key and WireGuard files are read here and go along (soft only: config_check_trust() has refused
 * them elsewhere). Disks and NICs are named as the TEE names them: nvme0n1 ..., eth0 ..., in the
 * order of @cfg; with root_via nvme the root is nvme0n1 and the others follow.
 *
 * Return: the text, to be wiped and freed by the caller, or NULL with @err set.
 */
char *init_text(const struct run_config *cfg, bool tty, struct err *err);

#endif
