/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_UACCESS_H
#define _ASM_RKT_UACCESS_H
/*
 * Program memory is read and written in place; entries of the exception table
 * turn a fault there into -EFAULT. access_ok() admits the user windows alone:
 * everything else in the range is the kernel's, everything outside the host's.
 */
#include <linux/types.h>
#include <linux/string.h>
#include <linux/minmax.h>
#include <asm/rkt_extable.h>
#include "abi/layout.h"

/* Fault at `from`: operand 1 becomes -EFAULT, continue at `to`. */
#define RKT_FIXUP_EFAULT(from, to)                                           \
	".pushsection .fixup,\"ax\"\n9:\tmovl $-14, %k1\n\tjmp " #to "\n.popsection\n" \
	RKT_EXTABLE(from, 9b)

static inline bool rkt_user_range(unsigned long addr, unsigned long size)
{
	if (addr >= TEE_USER_HIGH_START)
		return addr <= TEE_USER_HIGH_END && size <= TEE_USER_HIGH_END - addr;
	return addr >= TEE_USER_LOW_START && addr <= TEE_USER_LOW_END &&
	       size <= TEE_USER_LOW_END - addr;
}

/* An empty range is fine anywhere below the end, as on other machines. */
static inline int __access_ok(const void __user *ptr, unsigned long size)
{
	unsigned long addr = (__force unsigned long)ptr;

	return rkt_user_range(addr, size) || (!size && addr <= TEE_RANGE_END);
}
#define __access_ok __access_ok
#define access_ok(ptr, size) likely(__access_ok(ptr, size))

static __always_inline unsigned long rkt_copy(void *to, const void *from, unsigned long n)
{
	asm volatile("1:\trep movsb\n2:\n" RKT_EXTABLE(1b, 2b)
		     : "+c"(n), "+D"(to), "+S"(from)
		     :
		     : "memory");
	return n;
}

#define RKT_FIXUP_LEFT(n)                                                    \
	".pushsection .fixup,\"ax\"\n3:\tmovl $" #n ", %k0\n\tjmp 2b\n.popsection\n" \
	RKT_EXTABLE(1b, 3b)

#define RKT_GET(type, n, left, to, from)                                     \
	do {                                                                 \
		type v_ = 0;                                                 \
		asm volatile("1:\tmov %2, %1\n2:\n" RKT_FIXUP_LEFT(n)        \
			     : "+r"(left), "+r"(v_)                          \
			     : "m"(*(const type *)(from))                    \
			     : "memory");                                    \
		*(type *)(to) = v_;                                          \
	} while (0)

#define RKT_PUT(type, n, left, to, from)                                     \
	do {                                                                 \
		type v_ = *(const type *)(from);                             \
		asm volatile("1:\tmov %2, %1\n2:\n" RKT_FIXUP_LEFT(n)        \
			     : "+r"(left), "=m"(*(type *)(to))               \
			     : "r"(v_)                                       \
			     : "memory");                                    \
	} while (0)

static __always_inline __must_check unsigned long
raw_copy_from_user(void *to, const void __user *from, unsigned long n)
{
	const void *src = (__force const void *)from;
	unsigned long left = 0;

	if (__builtin_constant_p(n)) {
		switch (n) {
		case 1:
			RKT_GET(u8, 1, left, to, src);
			return left;
		case 2:
			RKT_GET(u16, 2, left, to, src);
			return left;
		case 4:
			RKT_GET(u32, 4, left, to, src);
			return left;
		case 8:
			RKT_GET(u64, 8, left, to, src);
			return left;
		}
	}
	return rkt_copy(to, src, n);
}

static __always_inline __must_check unsigned long
raw_copy_to_user(void __user *to, const void *from, unsigned long n)
{
	void *dst = (__force void *)to;
	unsigned long left = 0;

	if (__builtin_constant_p(n)) {
		switch (n) {
		case 1:
			RKT_PUT(u8, 1, left, dst, from);
			return left;
		case 2:
			RKT_PUT(u16, 2, left, dst, from);
			return left;
		case 4:
			RKT_PUT(u32, 4, left, dst, from);
			return left;
		case 8:
			RKT_PUT(u64, 8, left, dst, from);
			return left;
		}
	}
	return rkt_copy(dst, from, n);
}

#define INLINE_COPY_FROM_USER
#define INLINE_COPY_TO_USER

extern unsigned long rkt_clear_user(void *to, unsigned long n);
#define __clear_user(to, n) rkt_clear_user((__force void *)(to), n)

#include <asm-generic/uaccess.h>
#endif
