/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parts of the stress program: each round does a little, checks it, and leaves nothing behind. */
#ifndef STRESS_SMP_H
#define STRESS_SMP_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct worker {
	int kind, index;
	unsigned int seed;
	unsigned long rounds;
	bool done;
};

/* Prints what broke and ends the program with status 1. */
void smp_fail(struct worker *w, const char *why, int line) __attribute__((noreturn));
#define HOLDS(w, cond) ((cond) ? (void)0 : smp_fail(w, #cond, __LINE__))

void smp_setup(const char *self);
/* The path of this program. */
char *smp_self(void);
/* What a child that round_exits() starts does; returns only when it can't. */
int exits_child(char *self, int how);
/* What must be true when all workers have stopped. */
void smp_check_end(void);

void round_threads(struct worker *w);
void round_pipes(struct worker *w);
void round_sockets(struct worker *w);
void round_memory(struct worker *w);
void round_files(struct worker *w);
void round_futexes(struct worker *w);
void round_signals(struct worker *w);
void round_timers(struct worker *w);
void round_processes(struct worker *w);
void round_compute(struct worker *w);
void round_inflight(struct worker *w);
void round_uring(struct worker *w);
void round_exits(struct worker *w);

#endif
