/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TEST_BOUNDARY_H
#define TEST_BOUNDARY_H

/* How often CHECK_HOST() failed, and where last. A test may reset them. */
extern unsigned long boundary_lies;
extern char boundary_last_lie[256];

#endif
