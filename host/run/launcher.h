/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The launcher: what surrounds a running TEE on the host. It owns the runtime
 * directory with the control socket, the console, signals, the root image's
 * file and the exit status. A back end (host/tee) owns the TEE's memory and
 * vCPU threads.
 *
 * Threads: tee_run() is called on the main thread. One service thread of the
 * launcher handles signals and the control socket; it calls the tee_ops. All
 * signals that the launcher handles are blocked in every thread, so a back end's
 * threads inherit a mask that is right for them (it may unblock its own).
 */
#ifndef HOST_RUN_LAUNCHER_H
#define HOST_RUN_LAUNCHER_H

#include "abi/stats.h"
#include "host/lib/err.h"
#include "host/run/config.h"
#include "host/run/console.h"

struct launcher_private;

/* How the program ended; the back end fills it in. */
enum run_end {
	RUN_NOT_STARTED, /* rktio failed: 125 */
	RUN_EXITED, /* value: exit status, 0..255 */
	RUN_SIGNALED, /* value: signal number: 128 + n */
	RUN_EXEC_FAILED, /* value: errno of execve inside: 127 for ENOENT/ENOTDIR, else 126 */
	RUN_CRASHED, /* the TEE itself stopped: 125 */
};

struct run_result {
	enum run_end end;
	int value;
};

struct launcher {
	struct console console;
	int root_fd; /* the root image, read-write when root_writable */
	u64 root_size; /* bytes */
	bool root_writable;
	int tee_fd; /* the TEE image, read-only; its ELF header was checked */
	const char *dir; /* the runtime directory, for sockets of device processes */
	struct run_result result;
	struct err err; /* why, when the back end fails; the launcher prints it */
	struct launcher_private *private;
};

/*
 * What the launcher asks of a running TEE. Called on the service thread, never
 * two at a time; none may block for long or call the launcher. A NULL entry means
 * "can't".
 */
struct tee_ops {
	/* Gives the program (its init) a signal; -errno when it can't. */
	int (*signal)(void *ctx, int signo);
	/* The terminal's size changed. */
	void (*winsize)(void *ctx, const struct console_size *size);
	/* Copies the counters, each read once. */
	void (*stats)(void *ctx, struct rkt_stats *out);
	/* Kernel messages up to this level from now on. */
	void (*log)(void *ctx, enum log_level level);
	/* Makes tee_run() return soon, whatever the TEE does. */
	void (*kill)(void *ctx);
};

/**
 * tee_run - load the TEE image, run it to its end and take it down
 *
 * Supplied by the back end (host/tee). @cfg is checked; the image files are open
 * in @l. Sets @l->result before it returns 0. Leaves no thread, mapping or file
 * behind, whether it fails or not.
 *
 * Return: 0 when the TEE ran (see @l->result), or -errno with @l->err set.
 */
int tee_run(const struct run_config *cfg, struct launcher *l);

/**
 * launcher_attach - from now on @ops may be called with @ctx
 *
 * A signal that came earlier is delivered at once.
 */
void launcher_attach(struct launcher *l, const struct tee_ops *ops, void *ctx);

/* After it returns no op runs or will run. Due before tee_run() frees @ctx. */
void launcher_detach(struct launcher *l);

/* The level that kernel messages are shown up to; changes with `rktio log`. Any thread. */
enum log_level launcher_log_level(const struct launcher *l);

/**
 * launcher_log - show a line of the kernel log on standard error
 * @level: kernel level 0 (emerg) .. 7 (debug); filtered by --log
 * @text:  hostile bytes: control characters are shown as \xNN. A newline is added.
 *
 * Any thread; a whole line is one write. Return: whether it was shown.
 */
bool launcher_log(struct launcher *l, int level, const char *text, size_t size);

/* The exit status of the rktio command. */
int run_exit_status(const struct run_result *result);

/* Runs a checked config from start to end; prints its own errors. Returns the exit status. */
int launcher_run(struct run_config *cfg);

#endif
