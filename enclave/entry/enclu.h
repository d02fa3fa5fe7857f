/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ENCLU leaves that the TEE executes besides EEXIT (SDM vol. 3D, 41.4). A leaf that faults
 * (a host that has not added the page, no SGX) comes back with ENCLU_FAULT.
 */
#ifndef ENTRY_ENCLU_H
#define ENTRY_ENCLU_H

#include <linux/uaccess.h>
#include "abi/sgx.h"

#define ENCLU_FAULT (~0ul)

/**
 * enclu_page - one leaf on one page
 * @leaf: ENCLU_EACCEPT, ENCLU_EMODPE or ENCLU_EACCEPTCOPY
 * @info: in private memory
 * @addr, @src: whole pages
 *
 * Context: any; page faults must be disabled. Return: the leaf's error code, 0 or ENCLU_FAULT;
 * for EMODPE, which has none, anything but ENCLU_FAULT is right.
 */
static inline unsigned long enclu_page(unsigned long leaf, const struct sgx_secinfo *info,
				       unsigned long addr, unsigned long src)
{
	unsigned long ret = leaf, fault = 1;

	asm volatile("1:\t.byte 0x0f, 0x01, 0xd7\n\txorl %k1, %k1\n2:\n" RKT_EXTABLE(1b, 2b)
		     : "+a"(ret), "+r"(fault)
		     : "b"(info), "c"(addr), "d"(src)
		     : "memory", "cc");
	return fault ? ENCLU_FAULT : ret;
}

#endif
