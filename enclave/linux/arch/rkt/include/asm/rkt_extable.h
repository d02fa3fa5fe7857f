/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_EXTABLE_H
#define _ASM_RKT_EXTABLE_H

/* Fault at `from`: continue at `to`. */
#define RKT_EXTABLE(from, to)                                                \
	".pushsection __ex_table,\"aw\"\n.balign 8\n.quad " #from "," #to "\n.popsection\n"

#endif
