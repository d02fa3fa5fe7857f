// SPDX-License-Identifier: GPL-2.0-only
/* System calls that are the architecture's own. */
#include <linux/sched.h>
#include <linux/syscalls.h>
#include <linux/uaccess.h>
#include <uapi/asm/prctl.h>

/* Only fs belongs to programs; gs is the vCPU's. */
SYSCALL_DEFINE2(arch_prctl, int, option, unsigned long, arg)
{
	unsigned long base;

	switch (option) {
	case ARCH_SET_FS:
		if (arg >= TASK_SIZE_MAX)
			return -EPERM;
		asm volatile("wrfsbase %0" : : "r"(arg));
		return 0;
	case ARCH_GET_FS:
		asm volatile("rdfsbase %0" : "=r"(base));
		return put_user(base, (unsigned long __user *)arg);
	case ARCH_GET_GS:
		return put_user(0ul, (unsigned long __user *)arg);
	case ARCH_SET_GS:
		return -EPERM;
	default:
		return -EINVAL;
	}
}
