/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_WORD_AT_A_TIME_H
#define _ASM_RKT_WORD_AT_A_TIME_H
#include <linux/string.h>
#include <asm/page.h>
#include <asm/rkt_extable.h>
#include <asm-generic/word-at-a-time.h>

/*
 * Eight bytes of a string, of which those beyond its end don't matter: zeros if they lie on a page that is
 * not there (a fault leaves the result 0).
 */
static inline unsigned long load_unaligned_zeropad(const void *addr)
{
	unsigned long word = 0, left = PAGE_SIZE - ((unsigned long)addr & ~PAGE_MASK);

	asm volatile("1:\tmovq %1, %0\n2:\n" RKT_EXTABLE(1b, 2b)
		     : "+r"(word)
		     : "m"(*(const unsigned long *)addr));
	if (unlikely(!word && left < sizeof(word)))
		memcpy(&word, addr, left);
	return word;
}
#endif
