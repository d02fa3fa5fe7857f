// SPDX-License-Identifier: GPL-2.0-only
/* What programs call: time without entering the kernel, and the number of their vCPU. */
#include <linux/compiler.h>
#include <linux/types.h>
#include <vdso/gettime.h>
#include "../../../lib/vdso/gettimeofday.c"

#define EXPORT(name, alias_name) extern typeof(name) alias_name __attribute__((weak, alias(#name)))

struct getcpu_cache;
long __vdso_getcpu(unsigned int *cpu, unsigned int *node, struct getcpu_cache *unused);

int __vdso_clock_gettime(clockid_t clock, struct __kernel_timespec *ts)
{
	return __cvdso_clock_gettime(clock, ts);
}
EXPORT(__vdso_clock_gettime, clock_gettime);

int __vdso_clock_getres(clockid_t clock, struct __kernel_timespec *res)
{
	return __cvdso_clock_getres(clock, res);
}
EXPORT(__vdso_clock_getres, clock_getres);

int __vdso_gettimeofday(struct __kernel_old_timeval *tv, struct timezone *tz)
{
	return __cvdso_gettimeofday(tv, tz);
}
EXPORT(__vdso_gettimeofday, gettimeofday);

__kernel_old_time_t __vdso_time(__kernel_old_time_t *t)
{
	return __cvdso_time(t);
}
EXPORT(__vdso_time, time);

/* gs belongs to the vCPU. One load: a switch to another vCPU before or after it does no harm. */
long __vdso_getcpu(unsigned int *cpu, unsigned int *node, struct getcpu_cache *unused)
{
	unsigned int number;

	asm volatile("movl %%gs:(%1), %0" : "=r"(number) : "r"(rkt_vdso_params.cpu_number));
	if (cpu)
		*cpu = number;
	if (node)
		*node = 0;
	return 0;
}
EXPORT(__vdso_getcpu, getcpu);
