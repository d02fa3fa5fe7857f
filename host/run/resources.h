/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef HOST_RUN_RESOURCES_H
#define HOST_RUN_RESOURCES_H

#include "host/lib/err.h"

/**
 * limits_raise - give the process what resources its user may have
 *
 * Raises the soft limits of open files, stack and file size as far as they are needed and the
 * hard ones allow; a file that would grow too large becomes an error instead of a signal. Children
 * inherit all of it. Call it before threads exist.
 *
 * Return: 0, or -EMFILE or -ENOMEM with @err set when a hard limit is too low.
 */
int limits_raise(struct err *err);

#endif
