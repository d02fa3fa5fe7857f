/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * AES-128-CMAC (RFC 4493) with the processor's AES instructions: it runs in a signal handler
 * under the program's fs base, where no library may be called.
 */
#ifndef HOST_TEE_EMU_CMAC_H
#define HOST_TEE_EMU_CMAC_H

#include "abi/types.h"

void emu_cmac(const u8 key[16], const void *data, u32 size, u8 mac[16]);

#endif
