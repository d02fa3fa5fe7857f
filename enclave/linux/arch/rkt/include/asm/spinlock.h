/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_SPINLOCK_H
#define _ASM_RKT_SPINLOCK_H
/*
 * vCPUs are threads of the host, which may take the processor away from a lock's
 * holder: a fair lock would then stop everybody. So: test-and-set, and a waiter
 * that spins in vain yields to the host.
 */
#include <linux/atomic.h>
#include <asm/processor.h>
#include <asm-generic/spinlock_types.h>

extern void rkt_spin_slow(arch_spinlock_t *lock);

static __always_inline bool arch_spin_trylock(arch_spinlock_t *lock)
{
	return !atomic_read(lock) && atomic_cmpxchg_acquire(lock, 0, 1) == 0;
}

static __always_inline void arch_spin_lock(arch_spinlock_t *lock)
{
	if (unlikely(atomic_cmpxchg_acquire(lock, 0, 1) != 0))
		rkt_spin_slow(lock);
}

static __always_inline void arch_spin_unlock(arch_spinlock_t *lock)
{
	atomic_set_release(lock, 0);
}

static __always_inline int arch_spin_is_locked(arch_spinlock_t *lock)
{
	return atomic_read(lock) != 0;
}

static __always_inline int arch_spin_is_contended(arch_spinlock_t *lock)
{
	return 0;
}

static __always_inline int arch_spin_value_unlocked(arch_spinlock_t lock)
{
	return atomic_read(&lock) == 0;
}

#include <asm/qrwlock.h>
#endif
