/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_FUTEX_H
#define _ASM_RKT_FUTEX_H
#include <linux/futex.h>
#include <linux/uaccess.h>
#include <asm/errno.h>

#define RKT_FUTEX_OP(insn, ret, oldval, uaddr, oparg)                        \
	asm volatile("1:\t" insn "\n2:\n" RKT_FIXUP_EFAULT(1b, 2b)           \
		     : "=r"(oldval), "=r"(ret), "+m"(*(uaddr))               \
		     : "0"(oparg), "1"(0))

#define RKT_FUTEX_LOOP(insn, ret, oldval, uaddr, oparg)                      \
	do {                                                                 \
		int tem_ = 0;                                                \
		asm volatile("1:\tmovl %2, %0\n"                             \
			     "3:\tmovl %0, %3\n\t" insn "\n"                 \
			     "4:\tlock; cmpxchgl %3, %2\n\tjnz 3b\n2:\n"     \
			     RKT_FIXUP_EFAULT(1b, 2b)                        \
			     RKT_FIXUP_EFAULT(4b, 2b)                        \
			     : "=&a"(oldval), "=&r"(ret), "+m"(*(uaddr)),    \
			       "=&r"(tem_)                                   \
			     : "r"(oparg), "1"(0));                          \
	} while (0)

static inline int arch_futex_atomic_op_inuser(int op, u32 oparg, int *oval, u32 __user *uaddr)
{
	u32 *p = (__force u32 *)uaddr;
	int oldval = 0, ret = 0;

	if (!access_ok(uaddr, sizeof(u32)))
		return -EFAULT;
	switch (op) {
	case FUTEX_OP_SET:
		RKT_FUTEX_OP("xchgl %0, %2", ret, oldval, p, oparg);
		break;
	case FUTEX_OP_ADD:
		RKT_FUTEX_OP("lock; xaddl %0, %2", ret, oldval, p, oparg);
		break;
	case FUTEX_OP_OR:
		RKT_FUTEX_LOOP("orl %4, %3", ret, oldval, p, oparg);
		break;
	case FUTEX_OP_ANDN:
		RKT_FUTEX_LOOP("andl %4, %3", ret, oldval, p, ~oparg);
		break;
	case FUTEX_OP_XOR:
		RKT_FUTEX_LOOP("xorl %4, %3", ret, oldval, p, oparg);
		break;
	default:
		return -ENOSYS;
	}
	if (!ret)
		*oval = oldval;
	return ret;
}

static inline int futex_atomic_cmpxchg_inatomic(u32 *uval, u32 __user *uaddr, u32 oldval,
						u32 newval)
{
	int ret = 0;

	if (!access_ok(uaddr, sizeof(u32)))
		return -EFAULT;
	asm volatile("1:\tlock; cmpxchgl %3, %2\n2:\n" RKT_FIXUP_EFAULT(1b, 2b)
		     : "+a"(oldval), "+r"(ret), "+m"(*(__force u32 *)uaddr)
		     : "r"(newval)
		     : "memory");
	*uval = oldval;
	return ret;
}
#endif
