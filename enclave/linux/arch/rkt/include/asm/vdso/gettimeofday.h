/* SPDX-License-Identifier: GPL-2.0-only */
/* The generic vDSO's view of this architecture (lib/vdso/gettimeofday.c). */
#ifndef _ASM_RKT_VDSO_GETTIMEOFDAY_H
#define _ASM_RKT_VDSO_GETTIMEOFDAY_H
#ifdef BUILD_VDSO
#include <uapi/linux/time.h>
#include <asm/unistd_64.h>
#include <asm/vdso/params.h>

#define VDSO_HAS_TIME 1
#define VDSO_HAS_CLOCK_GETRES 1

extern const struct rkt_vdso_params rkt_vdso_params __attribute__((visibility("hidden")));

/*
 * A system call without a syscall instruction. A restart (ip -= 2) meets the
 * jmp in front of the return address.
 */
static __always_inline long vdso_syscall(long nr, const void *a, const void *b)
{
	long ret = nr;

	asm volatile("0:	leaq	1f(%%rip), %%rcx\n"
		     "	jmp	*%[entry]\n"
		     "	.byte	0xeb, 0b - (. + 1)\n"
		     "1:"
		     : "+a"(ret)
		     : "D"(a), "S"(b), [entry] "m"(rkt_vdso_params.entry)
		     : "rcx", "r11", "memory", "cc");
	return ret;
}

static __always_inline long clock_gettime_fallback(clockid_t clock, struct __kernel_timespec *ts)
{
	return vdso_syscall(__NR_clock_gettime, (const void *)(long)clock, ts);
}

static __always_inline long clock_getres_fallback(clockid_t clock, struct __kernel_timespec *ts)
{
	return vdso_syscall(__NR_clock_getres, (const void *)(long)clock, ts);
}

static __always_inline long gettimeofday_fallback(struct __kernel_old_timeval *tv,
						  struct timezone *tz)
{
	return vdso_syscall(__NR_gettimeofday, tv, tz);
}

static __always_inline u64 __arch_get_hw_counter(s32 clock_mode, const struct vdso_data *vd)
{
	unsigned int low, high;

	/* the counter is not read before what precedes it in the program */
	asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
	return ((u64)high << 32) | low;
}

static __always_inline const struct vdso_data *__arch_get_vdso_data(void)
{
	return rkt_vdso_params.data;
}

/* Counters of different processors may differ by a little: time never runs backwards for that. */
static __always_inline u64 vdso_calc_ns(const struct vdso_data *vd, u64 cycles, u64 base)
{
	u64 delta = cycles - vd->cycle_last;

	if (likely(delta <= vd->max_cycles))
		return (delta * vd->mult + base) >> vd->shift;
	if (delta & (1ull << 63))
		return base >> vd->shift;
	return mul_u64_u32_add_u64_shr(delta, vd->mult, base, vd->shift);
}
#define vdso_calc_ns vdso_calc_ns

#endif /* BUILD_VDSO */
#endif
