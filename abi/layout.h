/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where things lie in the address range of a TEE.
 *
 * The TEE owns one naturally aligned range [0, 2^TEE_RANGE_BITS) of the
 * process: SGX wants base and size so, and non-PIE programs want 0x400000.
 * Everything that belongs to the host (launcher, libraries, stacks, shared
 * windows) lies outside. Inside the range an address is for ever the same
 * memory: nothing is aliased or remapped, pages are only added, trimmed, or
 * given other permissions.
 *
 *   0x0000_0001_0000  low user window: programs with fixed addresses
 *   0x0001_0000_0000  TEE image, directly followed by the kernel's memory
 *   0x0010_0000_0000  struct page of the whole range (reserved, committed in parts)
 *   0x0014_0000_0000  kernel window: virtually contiguous kernel memory (vmalloc)
 *   0x0020_0000_0000  high user window: mmap, stacks, PIE programs
 *   0x0100_0000_0000  end of the range
 */
#ifndef ABI_LAYOUT_H
#define ABI_LAYOUT_H

/* Plain constants: assembler and linker scripts read them too. */
#define TEE_RANGE_BITS 40
#define TEE_RANGE_END 0x10000000000
#define TEE_USER_LOW_START 0x10000
#define TEE_USER_LOW_END 0x100000000
#define TEE_IMAGE_BASE 0x100000000
#define TEE_KERNEL_MEM_END 0x1000000000
#define TEE_MEMMAP_START 0x1000000000
#define TEE_MEMMAP_END 0x1400000000
#define TEE_KWIN_START 0x1400000000
#define TEE_KWIN_END 0x2000000000
#define TEE_USER_HIGH_START 0x2000000000
#define TEE_USER_HIGH_END TEE_RANGE_END

#define TEE_VCPU_MAX 64

#endif
