/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The sector code of xts.h for an ordinary program (init, tools). */
#ifndef CRYPT_LUKS2_USER_H
#define CRYPT_LUKS2_USER_H

#include "enclave/crypt/xts.h"

/* RKT_CPU_* bits by CPUID. */
u32 rkt_cpu_user(void);

/* Whole crypt sectors from the start of a segment, in private memory. Return: 0 or -EINVAL. */
int rkt_crypt_in_place(struct rkt_sector_crypt *sc, u8 *data, size_t size, bool encrypt);

/* Fills out with random bytes. Return: 0 or a negative errno. */
int luks2_random(void *out, size_t size);

#endif
