/* SPDX-License-Identifier: GPL-2.0-only */
/* Just enough of the kernel's names to compile single files of the overlay with sanitizers. */
#ifndef FUZZ_LINUX_TYPES_H
#define FUZZ_LINUX_TYPES_H
#include <errno.h>
#include <string.h>
#include "abi/types.h"
#define PAGE_SIZE 4096ul
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define IS_ALIGNED(x, a) (((x) & ((a)-1)) == 0)
#define ALIGN(x, a) (((x) + (a)-1) & ~((__typeof__(x))(a)-1))
#define __noreturn __attribute__((noreturn))
#define __aligned(n) __attribute__((aligned(n)))
#define __init
#define __initdata
#define __ro_after_init
#define __user
#define DEFINE_PER_CPU(type, name) __typeof__(type) name
#define this_cpu_ptr(x) (x)
#define preempt_disable() ((void)0)
#define preempt_enable_no_resched() ((void)0)
#define pagefault_disable() ((void)0)
#define pagefault_enable() ((void)0)
#endif
