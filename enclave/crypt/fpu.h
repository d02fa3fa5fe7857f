/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The bracket around code that uses vector registers (design: FPU rule). */
#ifndef CRYPT_FPU_H
#define CRYPT_FPU_H

#ifdef __KERNEL__
#include <asm/fpu/api.h>
#define rkt_fpu_begin() kernel_fpu_begin()
#define rkt_fpu_end() kernel_fpu_end()
#else
/* An ordinary program owns its vector registers. */
#define rkt_fpu_begin() ((void)0)
#define rkt_fpu_end() ((void)0)
#endif

#endif
