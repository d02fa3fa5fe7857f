/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stack faults (#SS) that can be told from the registers alone. */
#ifndef RKT_EXEC_INSN_STACK_H
#define RKT_EXEC_INSN_STACK_H

#include "insn.h"

/**
 * insn_stack_fault - must this instruction raise a stack fault (#SS)?
 * @insn: decoded from @code
 * @code: its bytes
 * @reg:  general registers at the instruction, in the order of their numbers (rax, rcx, rdx, rbx,
 *        rsp, rbp, rsi, rdi, r8 to r15)
 *
 * In 64-bit mode that is an access relative to rsp or rbp at an address that is not canonical
 * (Intel SDM vol. 3A, 6.15, interrupt 12; vol. 2, table 2-2 for the segment of a base register).
 * Never says so of an instruction that could complete. It does not look at vector instructions (a
 * mask may leave the access out), nor at an access that only its last bytes make non-canonical.
 *
 * Context: any; pure.
 */
bool insn_stack_fault(const struct insn *insn, const u8 *code, const u64 reg[16]);

#endif
