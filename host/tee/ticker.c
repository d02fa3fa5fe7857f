// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Ticks for vCPUs that run: one thread looks at their published deadlines and
 * interrupts those that are due. It parks when every vCPU waits (they wait with
 * their own deadline), so an idle TEE has no ticks at all.
 */
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "host/tee/soft.h"
#include "host/tee/tee.h"

#define MIN_SLEEP_NS 50000
/* Rounds without a running vCPU before it parks: waking it costs the vCPU a system call. */
#define ROUNDS_BEFORE_PARK 5

static u64 to_ns(const struct tee_vm *vm, u64 cycles)
{
	return (u64)((unsigned __int128)cycles * 1000000 / vm->tsc_khz);
}

/*
 * Each stop in gdb makes a vCPU late, and a tick while gdb steps over a breakpoint
 * leads to that breakpoint again: no second one until the vCPU got somewhere.
 */
static u64 patience(const struct tee_vm *vm)
{
	return vm->cfg->gdb ? vm->tsc_khz * 200 : 0;
}

static void interrupt(struct tee_vm *vm, struct tee_vcpu *v)
{
	int tid = atomic_load(&v->tid);

	if (tid && !atomic_load(&v->waiting))
		syscall(SYS_tgkill, vm->pid, tid, SOFT_TICK_SIGNAL);
}

/* Interrupts who is due; returns the cycles until somebody will be, at most `limit`. */
static u64 tick_due(struct tee_vm *vm, u64 limit)
{
	u64 now = tee_tsc(), next = limit, deadline;
	u32 i;

	for (i = 0; i < vm->vcpu_count; i++) {
		struct tee_vcpu *v = vm->vcpus[i];

		if (!atomic_load(&v->tid) || atomic_load(&v->waiting))
			continue;
		deadline = *(volatile u64 *)&vm->control_vcpus[i].deadline_tsc;
		if (deadline <= now && deadline != v->ticked_deadline) {
			v->ticked_deadline = deadline; /* again at the next deadline or round */
			v->ticked_at = now;
			interrupt(vm, v);
		} else if (deadline <= now && now - v->ticked_at > patience(vm)) {
			v->ticked_deadline = 0; /* perhaps it came while the vCPU was outside */
		} else if (deadline > now && deadline - now < next) {
			next = deadline - now;
		}
	}
	return next;
}

static void park(struct tee_vm *vm)
{
	struct pollfd p = { .fd = vm->ticker_fd, .events = POLLIN };
	eventfd_t value;

	atomic_store(&vm->ticker_parked, true);
	if (!atomic_load(&vm->running) && !atomic_load(&vm->stop))
		poll(&p, 1, -1);
	atomic_store(&vm->ticker_parked, false);
	eventfd_read(vm->ticker_fd, &value);
}

static void sleep_ns(u64 ns)
{
	struct timespec ts = { .tv_nsec = ns < MIN_SLEEP_NS ? MIN_SLEEP_NS : ns % 1000000000 };

	nanosleep(&ts, NULL);
}

static void *ticker_main(void *arg)
{
	struct tee_vm *vm = arg;
	u64 tick = vm->cfg->tune.tick_us * vm->tsc_khz / 1000;
	int idle = 0;

	while (!atomic_load(&vm->stop)) {
		idle = atomic_load(&vm->running) ? 0 : idle + 1;
		if (idle > ROUNDS_BEFORE_PARK) {
			park(vm);
			idle = 0;
		}
		sleep_ns(to_ns(vm, tick_due(vm, tick)));
	}
	return NULL;
}

/* A vCPU runs again. Context: its jailed thread. */
void tee_ticker_unpark(struct tee_vcpu *v)
{
	if (atomic_load(&v->vm->ticker_parked))
		v->vm->backend->notify(v, v->vm->ticker_fd);
}

int tee_ticker_start(struct tee_vm *vm)
{
	return -pthread_create(&vm->ticker_thread, NULL, ticker_main, vm);
}

void tee_ticker_stop(struct tee_vm *vm)
{
	eventfd_write(vm->ticker_fd, 1);
	pthread_join(vm->ticker_thread, NULL);
}
