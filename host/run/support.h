/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What this build can do. An option is documented and parsed from the first
 * day; until something serves it, it is refused by name and never ignored. Who
 * adds a back end deletes the line of support.c that refuses it.
 */
#ifndef HOST_RUN_SUPPORT_H
#define HOST_RUN_SUPPORT_H

#include "host/lib/err.h"

/* Return: 0, or -EINVAL with E_BACKEND when @what=@value has nothing behind it. */
int support_check(const char *what, const char *value, struct err *err);

#endif
