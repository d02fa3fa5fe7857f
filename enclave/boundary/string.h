/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* memcpy() and its kin for code that runs in the kernel and in tests. */
#ifndef BOUNDARY_STRING_H
#define BOUNDARY_STRING_H

#ifdef __KERNEL__
#include <linux/string.h>
#else
#include <string.h>
#endif

#endif
