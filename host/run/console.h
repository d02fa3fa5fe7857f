/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The console: the launcher's standard input, output and error as the
 * program's.
 *
 * When input and output are one terminal and the launcher is in its foreground,
 * the terminal goes to raw mode: every key, Ctrl-C included, reaches the guest's
 * tty, whose line discipline does the rest. In any other case (pipe, file,
 * background) bytes pass as they are and the guest must not translate CR or LF.
 *
 * The terminal's modes are restored on every way out: console_close(),
 * console_restore() from a crash handler, and a small watcher process when the
 * launcher is killed. The launcher's descriptors never become O_NONBLOCK: that
 * flag would stick to the user's shell.
 *
 * One thread reads; any threads write.
 */
#ifndef HOST_RUN_CONSOLE_H
#define HOST_RUN_CONSOLE_H

#include <sys/types.h>
#include <termios.h>

#include "abi/types.h"
#include "host/lib/err.h"

struct console_size {
	u16 rows, cols, xpixel, ypixel;
};

enum console_stream { CONSOLE_OUT, CONSOLE_ERR };

struct console {
	bool is_tty; /* raw mode; the guest's program gets a terminal */
	bool eof; /* input has ended */
	struct termios saved, raw;
	int watcher_fd; /* its closing tells the watcher that the launcher died */
	pid_t watcher;
};

/**
 * console_open - look at fds 0, 1, 2 and go to raw mode if they are a terminal
 *
 * Call it before other threads exist (it forks the watcher).
 * Return: 0, or -errno with @err set; then nothing is changed.
 */
int console_open(struct console *c, struct err *err);

/* Restores the terminal and ends the watcher. Does nothing when not open. */
void console_close(struct console *c);

/* Restores the terminal only. Async-signal-safe; for crash handlers. */
void console_restore(const struct console *c);

/* Raw mode again after the launcher was stopped and continued. */
void console_resume(const struct console *c);

/* The descriptor to poll for input (POLLIN, POLLHUP); -1 after the end of input. */
int console_poll_fd(const struct console *c);

/**
 * console_read - take what input there is
 *
 * Never blocks. Return: count of bytes; 0 at the end of input (for ever after);
 * -EAGAIN when there is nothing now or @size is 0. A read error counts as the end.
 */
ssize_t console_read(struct console *c, void *buf, size_t size);

/**
 * console_write - give bytes to the output
 *
 * Never blocks for long: writes what the descriptor takes now. Return: count of
 * bytes, may be less than @size; -EAGAIN when it takes nothing now (poll
 * console_write_fd() for POLLOUT); -EPIPE when nobody reads any more.
 */
ssize_t console_write(struct console *c, enum console_stream stream, const void *buf, size_t size);
int console_write_fd(enum console_stream stream);

/* The terminal's size; 24 x 80 when there is none. */
void console_size(const struct console *c, struct console_size *size);

#endif
