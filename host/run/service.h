/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The launcher's service thread: signals and the control socket.
 *
 * Signals: the first INT, TERM, HUP or QUIT goes to the program; the second
 * ends the TEE; if it has not ended FORCE_MS later, the launcher leaves without
 * it. WINCH passes the terminal's size on, USR1 prints the counters, TSTP and
 * CONT keep the terminal's modes right.
 *
 * Control socket: JSON, one flat object per line, one answer per line, for
 * processes of the same user (or root). Commands: {"cmd":"info"},
 * {"cmd":"stats"}, {"cmd":"log","level":"debug"}, {"cmd":"shutdown"} and
 * {"cmd":"shutdown","force":true}. An answer has "ok"; a refusal "error" too.
 */
#ifndef HOST_RUN_SERVICE_H
#define HOST_RUN_SERVICE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "host/run/launcher.h"
#include "host/run/rundir.h"

#define CLIENTS_MAX 16
#define LINE_MAX_SIZE 4096

struct client {
	int fd; /* -1: free */
	size_t used;
	char line[LINE_MAX_SIZE];
};

struct launcher_private {
	const struct run_config *cfg;
	struct rundir dir;
	struct timespec started;
	atomic_int log;

	pthread_mutex_t lock; /* guards ops, ctx, last, pending_signal */
	const struct tee_ops *ops; /* NULL: not attached */
	void *ctx;
	int pending_signal; /* came before the attach */
	bool have_stats;
	struct rkt_stats last; /* taken at the detach */

	pthread_t thread;
	bool thread_runs;
	int signal_fd, listen_fd, quit_fd;
	int ends_seen; /* INT, TERM, ... so far */
	int force_signal; /* not 0: leave at force_at without the TEE */
	struct timespec force_at;
	struct client clients[CLIENTS_MAX];
};

/* Blocks the launcher's signals in this thread and those that it makes. */
void service_block_signals(void);

/* Starts the thread; the runtime directory is open. Return: 0, or -errno with @err set. */
int service_start(struct launcher *l, struct err *err);

/* Ends and joins the thread, closes its descriptors. Due also when the start failed. */
void service_stop(struct launcher *l);

/* One more reason to end (a signal, or `rktio stop`). Service thread only. */
void service_end(struct launcher *l, int signo, bool force);

/* The current counters: of the running TEE, or its last ones. False: there are none. */
bool service_stats(struct launcher *l, struct rkt_stats *out);

/* Answers one line of a client (host/run/control.c). @answer: LINE_MAX_SIZE x 4 bytes. */
void control_answer(struct launcher *l, const char *line, FILE *answer);

#endif
