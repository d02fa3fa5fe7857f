/* SPDX-License-Identifier: GPL-2.0-only */
/* Just enough to assemble the kernel's AES code into an ordinary program. */
#ifndef ASM_USER_LINKAGE_H
#define ASM_USER_LINKAGE_H

/* clang-format off */
#define SYM_FUNC_START(name) \
	.globl name; .hidden name; .type name, @function; .balign 16; name:
#define SYM_TYPED_FUNC_START(name) SYM_FUNC_START(name)
#define SYM_FUNC_START_LOCAL(name) .type name, @function; .balign 16; name:
#define SYM_FUNC_END(name) .size name, . - name
#define SYM_FUNC_ALIAS_LOCAL(alias, name) .set alias, name
#define RET ret

#ifdef __ELF__
.section .note.GNU-stack, "", @progbits
.text
#endif
/* clang-format on */

#endif
