/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef HOST_TEE_CPUID_H
#define HOST_TEE_CPUID_H

#include <stdbool.h>

#include "abi/cpuid.h"

/* Executes CPUID for the TEE. @rewrite: sets BOOT_CPUID_REWRITE. */
void tee_cpuid_read(struct boot_cpuid *out, bool rewrite);

/* Can the processor be made to fault at CPUID (Linux 4.12, Intel since Ivy Bridge)? */
bool tee_cpuid_can_refuse(void);

/*
 * From here on CPUID of the calling thread raises SIGSEGV.
 * Return: whether it does.
 */
bool tee_cpuid_refuse(void);

#endif
