/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Device processes (netd, nvmed) as children of the launcher: start, notice death, end.
 *
 * A child never outlives the thread that started it: the kernel kills it when that thread ends
 * (PR_SET_PDEATHSIG), also after a kill -9 of the launcher. So start children from a thread
 * that lives as long as they shall.
 */
#ifndef HOST_DEVICE_SPAWN_H
#define HOST_DEVICE_SPAWN_H

#include <sys/types.h>
#include "abi/types.h"

struct spawn_proc {
	pid_t pid; /* 0: none */
	int pidfd; /* pollable: readable when the process has ended; -1 without one */
};

#define SPAWN_NONE    \
	{             \
		0, -1 \
	}

/**
 * spawn_start - run a program
 * @argv:  NULL-terminated, argv[0] is the path (not searched in PATH)
 * @keep_fd: the one descriptor that the child inherits besides 0, 1 and 2, under the same
 *           number; -1 for none. All other descriptors of the launcher must be close-on-exec.
 *
 * The child leads a session of its own: the terminal's Ctrl-C is for the program in the TEE, which
 * may still need its devices. It starts with an empty signal mask and default dispositions (an
 * ignored SIGPIPE stays ignored). The launcher's memory is not copied (vfork), however large it is.
 * Return: 0, or a negative errno; -ENOENT and the like: the program could not be executed.
 */
int spawn_start(struct spawn_proc *proc, char *const argv[], int keep_fd);

/* Whether it still runs. Reaps it if not; *status as of waitpid(), may be NULL. */
bool spawn_alive(struct spawn_proc *proc, int *status);

/* SIGTERM, up to grace_ms for a clean end, SIGKILL, reap. Returns the wait status, -1 if none. */
int spawn_stop(struct spawn_proc *proc, unsigned grace_ms);

/* How long to wait before the next start of a program that keeps dying. Zero-initialise. */
struct spawn_backoff {
	u64 started_ms;
	unsigned delay_ms;
};

/* A start happens now. */
void spawn_backoff_started(struct spawn_backoff *b);

/*
 * It died: returns the delay in ms, 0 for one that had run for 10 s or more, else growing from
 * 10 ms to 1 s.
 */
unsigned spawn_backoff_died(struct spawn_backoff *b);

#endif
