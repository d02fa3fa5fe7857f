// SPDX-License-Identifier: GPL-2.0-only
/* The TSC is clock and timer; its frequency is the host's word, range-checked at boot. */
#include <linux/clockchips.h>
#include <linux/clocksource.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/math64.h>
#include <linux/percpu.h>
#include <linux/sched/clock.h>
#include <linux/timekeeping.h>
#include <asm/timex.h>
#include "enclave/boundary/host_mem.h"
#include "rkt.h"

static DEFINE_PER_CPU(struct clock_event_device, clock_event);
static u64 tsc_boot, ns_mult;

/*
 * The deadline is private; its copy in the control window only tells the host
 * when a tick is worth the trouble.
 */
static void set_deadline(u64 tsc)
{
	u64 at = rkt_control.vcpu_offset + smp_processor_id() * sizeof(struct control_vcpu);
	struct host_addr a = { (u64)rkt_control_at(at, sizeof(struct control_vcpu)) };

	this_cpu_write(vcpu.deadline, tsc);
	host_put64(a, tsc);
}

static int set_next_event(unsigned long delta, struct clock_event_device *e)
{
	set_deadline(rkt_rdtsc() + delta);
	return 0;
}

static int shutdown(struct clock_event_device *e)
{
	set_deadline(~0ull);
	return 0;
}

/*
 * The host's tick is lost when it finds the vCPU outside or in phase 1 of an exception. A program
 * whose time goes there would never be preempted, so each way in looks at the clock.
 * Context: any, nothing else of this vCPU runs.
 */
void rkt_note_deadline(void)
{
	if (this_cpu_read(vcpu.deadline) <= rkt_rdtsc())
		__atomic_or_fetch(this_cpu_ptr(&vcpu.pending), VCPU_PEND_TICK, __ATOMIC_SEQ_CST);
}

/* Context: irq.c, when the deadline has passed. */
void rkt_timer_interrupt(void)
{
	struct clock_event_device *e = this_cpu_ptr(&clock_event);

	set_deadline(~0ull);
	if (e->event_handler)
		e->event_handler(e);
}

void rkt_setup_clockevent(void)
{
	struct clock_event_device *e = this_cpu_ptr(&clock_event);

	e->name = "tsc";
	e->rating = 300;
	e->features = CLOCK_EVT_FEAT_ONESHOT;
	e->set_next_event = set_next_event;
	e->set_state_shutdown = shutdown;
	e->set_state_oneshot_stopped = shutdown;
	e->cpumask = cpumask_of(smp_processor_id());
	clockevents_config_and_register(e, rkt_machine.tsc_khz * 1000, 1000, ~0UL >> 2);
}

static u64 tsc_read(struct clocksource *cs)
{
	return rkt_rdtsc();
}

static struct clocksource tsc_clocksource = {
	.name = "tsc",
	.rating = 400,
	.read = tsc_read,
	.vdso_clock_mode = VDSO_CLOCKMODE_TSC,
	.mask = CLOCKSOURCE_MASK(64),
	.flags = CLOCK_SOURCE_IS_CONTINUOUS | CLOCK_SOURCE_VALID_FOR_HRES,
};

unsigned long long notrace sched_clock(void)
{
	return ns_mult ? mul_u64_u64_shr(rkt_rdtsc() - tsc_boot, ns_mult, 32) : 0;
}

/* The host's wall clock of the start; the TEE counts on from there by itself. */
void read_persistent_clock64(struct timespec64 *ts)
{
	u64 elapsed = rkt_rdtsc() - rkt_machine.wall_tsc;

	/* later than the host's reading, by less than an hour; else its pair is a lie */
	if (elapsed > rkt_machine.tsc_khz * 1000 * 3600)
		elapsed = 0;
	*ts = ns_to_timespec64((rkt_machine.wall_ns & S64_MAX) +
			       mul_u64_u64_div_u64(elapsed, 1000000, rkt_machine.tsc_khz));
}

void __init time_init(void)
{
	tsc_boot = rkt_rdtsc();
	ns_mult = div64_u64(1000000ull << 32, rkt_machine.tsc_khz);
	clocksource_register_khz(&tsc_clocksource, rkt_machine.tsc_khz);
	rkt_setup_clockevent();
}

void calibrate_delay(void)
{
	loops_per_jiffy = rkt_machine.tsc_khz * 1000 / HZ;
}

void __delay(unsigned long cycles)
{
	u64 start = rkt_rdtsc();

	while (rkt_rdtsc() - start < cycles)
		asm volatile("pause");
}
EXPORT_SYMBOL(__delay);

void __udelay(unsigned long us)
{
	__delay(us * rkt_machine.tsc_khz / 1000);
}
EXPORT_SYMBOL(__udelay);

void __ndelay(unsigned long ns)
{
	__delay(ns * rkt_machine.tsc_khz / 1000000);
}
EXPORT_SYMBOL(__ndelay);
