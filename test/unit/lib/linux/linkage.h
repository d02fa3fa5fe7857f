/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What lib/mem.S takes from the kernel's header of this name; the test has libc's memcpy(), too. */
/* clang-format off */
#define SYM_FUNC_START(name) .globl name; .balign 16; name:
#define SYM_FUNC_END(name)
#define SYM_FUNC_ALIAS(alias, name)
