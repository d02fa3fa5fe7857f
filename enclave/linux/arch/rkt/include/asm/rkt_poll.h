/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_RKT_POLL_H
#define _ASM_RKT_RKT_POLL_H
/*
 * Devices are polled, each vCPU its own queues. An idle vCPU looks all the time
 * until it sleeps; a busy one looks at its ticks and at every RKT_POLL_SYSCALLS'th
 * system call. Work itself is done as if in an interrupt.
 */
#include <linux/list.h>
#include <linux/types.h>

struct rkt_poller {
	/*
	 * Is there perhaps work for vCPU @cpu? A peek at shared memory or private
	 * state that must cost little; nothing is believed yet. Context: any, also
	 * with interrupts disabled; must not sleep, lock or complete anything.
	 */
	bool (*pending)(struct rkt_poller *p, unsigned int cpu);
	/* Do up to @budget pieces of it. Context: hard interrupt of @cpu. */
	void (*poll)(struct rkt_poller *p, unsigned int cpu, unsigned int budget);
	/*
	 * vCPU @cpu is about to sleep (@on) or woke: ask the peers for events, or no longer.
	 * The caller then makes a full barrier and asks pending() once more. May be NULL.
	 * Context: idle task, interrupts disabled.
	 */
	void (*want_event)(struct rkt_poller *p, unsigned int cpu, bool on);
	struct list_head list;
};

#define RKT_POLL_SYSCALLS 16
#define RKT_POLL_SYSCALLS_NONE 1024 /* without pollers */
#define RKT_POLL_BUDGET 64

/* Adds a poller for all vCPUs. For ever: devices of a TEE don't go away. May sleep. */
void rkt_poll_register(struct rkt_poller *p);

/* poll.c, for irq.c */
bool rkt_poll_pending(unsigned int cpu);
int rkt_poll_period(void); /* system calls between two looks */
void rkt_poll_run(unsigned int cpu);
void rkt_poll_want_events(unsigned int cpu, bool on);

#endif
