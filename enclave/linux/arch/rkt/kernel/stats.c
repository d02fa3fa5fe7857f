// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/spinlock.h>
#include <asm/stats.h>
#include <asm/timex.h>
#include "enclave/boundary/check.h"
#include "enclave/boundary/dma.h"
#include "enclave/boundary/host_mem.h"
#include "rkt.h"

DEFINE_PER_CPU(struct rkt_stat_block, rkt_stat);
EXPORT_PER_CPU_SYMBOL(rkt_stat);
DECLARE_PER_CPU(unsigned long[TEE_EXIT_COUNT], rkt_exit_count);

static u64 boot_tsc;
static atomic_long_t memory, memory_peak; /* bytes */

/* Which counter an exit belongs to. */
static const u8 exit_stat[TEE_EXIT_COUNT] = {
	[TEE_EXIT_RESUME] = RKT_STAT_CALL_OTHER,   [TEE_EXIT_WAIT] = RKT_STAT_CALL_VCPU_WAIT,
	[TEE_EXIT_WAKE] = RKT_STAT_CALL_VCPU_WAKE, [TEE_EXIT_YIELD] = RKT_STAT_CALL_OTHER,
	[TEE_EXIT_MEM] = RKT_STAT_CALL_MEMORY,	   [TEE_EXIT_START] = RKT_STAT_CALL_VCPU_START,
	[TEE_EXIT_SERVICE] = RKT_STAT_CALL_OTHER,  [TEE_EXIT_KICK] = RKT_STAT_CALL_KICK,
	[TEE_EXIT_HALT] = RKT_STAT_CALL_SHUTDOWN,
};

static void add_exits(u64 *sum, int cpu)
{
	unsigned long *count = per_cpu(rkt_exit_count, cpu);
	int i;

	for (i = 0; i < TEE_EXIT_COUNT; i++) {
		sum[exit_stat[i]] += count[i];
		sum[RKT_STAT_CALL_TOTAL] += count[i];
	}
}

static u64 to_ns(u64 cycles)
{
	return mul_u64_u64_div_u64(cycles, 1000000, rkt_machine.tsc_khz);
}

static void add_cpu(u64 *sum, int cpu)
{
	const struct vcpu *v = &per_cpu(vcpu, cpu);
	u64 alive = rkt_rdtsc() - boot_tsc;
	int i;

	for (i = 0; i < RKT_STAT_COUNT; i++)
		sum[i] += per_cpu(rkt_stat, cpu).v[i];
	add_exits(sum, cpu);
	sum[RKT_STAT_ENTRY_START]++; /* once online, for ever */
	sum[RKT_STAT_SYSCALL_EXECUTED] += vcpu_syscalls(v);
	sum[RKT_STAT_TIME_POLL_NS] += to_ns(v->poll_cycles);
	sum[RKT_STAT_TIME_SLEEP_NS] += to_ns(v->sleep_cycles);
	sum[RKT_STAT_TIME_BUSY_NS] += to_ns(alive - v->poll_cycles - v->sleep_cycles);
}

void rkt_mem_count(long bytes)
{
	long now = atomic_long_add_return(bytes, &memory), most = atomic_long_read(&memory_peak);

	while (now > most && !atomic_long_try_cmpxchg(&memory_peak, &most, now))
		;
}

static void add_memory(u64 *sum)
{
	sum[RKT_STAT_MEM_COMMITTED] = atomic_long_read(&memory);
	sum[RKT_STAT_MEM_PEAK] = atomic_long_read(&memory_peak);
	sum[RKT_STAT_MEM_ARENA] = dma_used();
}

/* The lock: vCPUs that fall asleep at the same time share the sums. */
void rkt_stats_publish(void)
{
	static DEFINE_RAW_SPINLOCK(lock);
	struct host_addr a = { (u64)rkt_control_at(rkt_control.stats_offset,
						   sizeof(struct rkt_stats)) };
	static u64 sum[RKT_STAT_COUNT];
	unsigned long flags;
	int cpu, i;

	if (!a.va)
		return;
	raw_spin_lock_irqsave(&lock, flags);
	memset(sum, 0, sizeof(sum));
	for_each_online_cpu(cpu) add_cpu(sum, cpu);
	add_memory(sum);
	sum[RKT_STAT_BOUNDARY_LIES] = boundary_lie_count();
	host_put32(host_addr_add(a, offsetof(struct rkt_stats, version)), RKT_STATS_VERSION);
	for (i = 0; i < RKT_STAT_COUNT; i++)
		host_put64(host_addr_add(a, offsetof(struct rkt_stats, v) + 8 * i), sum[i]);
	host_put32(host_addr_add(a, offsetof(struct rkt_stats, count)), RKT_STAT_COUNT);
	raw_spin_unlock_irqrestore(&lock, flags);
}

void rkt_stats_tick(void)
{
	static unsigned long next;

	if (!boot_tsc)
		boot_tsc = rkt_rdtsc();
	if (time_before(jiffies, next))
		return;
	next = jiffies + HZ / 4;
	rkt_stats_publish();
}
