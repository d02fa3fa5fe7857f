/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which CPUID instructions of a function control can come to. */
#ifndef RKT_EXEC_REACH_H
#define RKT_EXEC_REACH_H

#include "abi/types.h"

#define REACH_SIZE_MAX 0x10000
#define REACH_WORK_SIZE (3 * REACH_SIZE_MAX / 8)

#define CPUID_LEN 2
#define CPUID_FIRST_BYTE 0x0f
#define CPUID_SECOND_BYTE 0xa2

/**
 * reach_cpuid - find the CPUID instructions of a function
 * @code, @size: the whole function, at most REACH_SIZE_MAX bytes (untrusted; only read)
 * @work:  REACH_WORK_SIZE bytes, zeroed
 * @found: filled in with offsets, in no order
 * @found_max: its elements; what is beyond is not found
 *
 * Follows every path from the first byte, through direct branches within the function. What is
 * found is code if the function begins with code, and calls to others and system calls return: no
 * data between the instructions can be taken for one. What only an indirect jump leads to, as the cases of a
 * switch, is not found; nor is anything if the paths disagree about where instructions begin.
 *
 * Context: any; pure.
 * Return: count found.
 */
u32 reach_cpuid(const u8 *code, u32 size, void *work, u32 *found, u32 found_max);

#endif
