/* SPDX-License-Identifier: GPL-2.0-only */
#include <x86/include/uapi/asm/bitsperlong.h>
