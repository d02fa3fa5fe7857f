/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef HOST_TEE_SYMBOLS_H
#define HOST_TEE_SYMBOLS_H

#include <stddef.h>

#include "abi/types.h"

/**
 * symbols_name - write an address of the TEE's image as text
 * @tee_fd: the image's ELF file, believed as little as the rest of the host believes it
 * @addr: where the vCPU was
 *
 * "function+0x12", or the bare address when it is none of the image's functions. Reads the
 * symbol table anew each time: for last words only.
 */
void symbols_name(int tee_fd, u64 addr, char *out, size_t size);

#endif
