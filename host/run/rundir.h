/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runtime directories: BASE/NAME/{lock,ctl,...}, one per running TEE.
 *
 * BASE is $XDG_RUNTIME_DIR/rktio, else /run/rktio for root, else /tmp/rktio-UID.
 * It belongs to the user with mode 0700, or it is refused. A TEE holds the lock
 * of its directory while it lives, so a directory whose lock is free is a left
 * over of a killed launcher and is swept by whoever comes next. BASE/.lock
 * serialises making, sweeping and removing.
 */
#ifndef HOST_RUN_RUNDIR_H
#define HOST_RUN_RUNDIR_H

#include <limits.h>

#include "host/lib/err.h"

struct rundir {
	char path[PATH_MAX]; /* empty: not open */
	int lock_fd;
};

/* Finds BASE, makes it when missing. Return: 0, or -errno with E_RUNDIR. */
int rundir_base(char *path, size_t size, struct err *err);

/**
 * rundir_open - make the directory of a name and hold it
 *
 * Return: 0, or -errno with E_NAME when a running TEE has the name, else E_RUNDIR.
 */
int rundir_open(struct rundir *dir, const char *name, struct err *err);

/* Removes the directory and what is in it. Does nothing when not open. */
void rundir_close(struct rundir *dir);

/* Calls fn for each running TEE, in no order, after sweeping the dead. */
int rundir_each(void (*fn)(const char *name, void *arg), void *arg, struct err *err);

#endif
