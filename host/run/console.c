// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/run/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A pipe that polls writable takes this much without blocking (POSIX: PIPE_BUF). */
#define WRITE_CHUNK 4096

/* One terminal at both ends, and we are in its foreground. */
static bool is_our_terminal(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
	       tcgetpgrp(STDIN_FILENO) == getpgrp();
}

static bool same_modes(const struct termios *a, const struct termios *b)
{
	const tcflag_t local = ISIG | ICANON | ECHO | IEXTEN;

	return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag &&
	       (a->c_lflag & local) == (b->c_lflag & local);
}

/*
 * The watcher's whole life: wait until the launcher is gone; if it did not say
 * goodbye, restore the terminal, unless somebody else (the shell) already set
 * modes of its own.
 */
__attribute__((noreturn)) static void watch(const struct console *c, int pipe_fd)
{
	struct termios now;
	char goodbye;
	ssize_t n;

	setsid(); /* out of the terminal's job control and signals */
	prctl(PR_SET_NAME, "rktio-tty");
	if (dup2(pipe_fd, 1) < 0)
		_exit(1);
	close_range(2, ~0u, 0);
	while ((n = read(1, &goodbye, 1)) < 0 && errno == EINTR)
		;
	if (n == 0 && !tcgetattr(STDIN_FILENO, &now) && same_modes(&now, &c->raw))
		tcsetattr(STDIN_FILENO, TCSADRAIN, &c->saved);
	_exit(0);
}

static int start_watcher(struct console *c, struct err *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return err_set_errno(err, E_HOST, errno, "pipe2");
	c->watcher = fork();
	if (c->watcher < 0) {
		int errnum = errno;

		close(fds[0]);
		close(fds[1]);
		return err_set_errno(err, E_HOST, errnum, "fork");
	}
	if (c->watcher == 0)
		watch(c, fds[0]);
	close(fds[0]);
	c->watcher_fd = fds[1];
	return 0;
}

int console_open(struct console *c, struct err *err)
{
	int ret;

	memset(c, 0, sizeof(*c));
	c->watcher_fd = -1;
	if (!is_our_terminal())
		return 0;
	if (tcgetattr(STDIN_FILENO, &c->saved))
		return err_set_errno(err, E_HOST, errno, "tcgetattr");
	c->raw = c->saved;
	cfmakeraw(&c->raw);
	ret = start_watcher(c, err);
	if (ret)
		return ret;
	c->is_tty = true;
	console_resume(c);
	return 0;
}

void console_restore(const struct console *c)
{
	if (c->is_tty)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &c->saved);
}

void console_resume(const struct console *c)
{
	if (c->is_tty)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &c->raw);
}

void console_close(struct console *c)
{
	if (!c->is_tty)
		return;
	console_restore(c);
	c->is_tty = false;
	if (write(c->watcher_fd, "q", 1) < 0)
		kill(c->watcher, SIGKILL);
	close(c->watcher_fd);
	while (waitpid(c->watcher, NULL, 0) < 0 && errno == EINTR)
		;
}

int console_poll_fd(const struct console *c)
{
	return c->eof ? -1 : STDIN_FILENO;
}

ssize_t console_read(struct console *c, void *buf, size_t size)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	ssize_t n;

	if (c->eof)
		return 0;
	/* No room is not the end. */
	if (!size || poll(&p, 1, 0) <= 0)
		return -EAGAIN;
	n = p.revents & POLLNVAL ? 0 : read(STDIN_FILENO, buf, size);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return -EAGAIN;
	if (n > 0)
		return n;
	c->eof = true;
	return 0;
}

int console_write_fd(enum console_stream stream)
{
	return stream == CONSOLE_ERR ? STDERR_FILENO : STDOUT_FILENO;
}

/* One write that does not block, whatever the descriptor is. */
static ssize_t write_some(int fd, const void *buf, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	ssize_t n = send(fd, buf, size, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0 || errno != ENOTSOCK)
		return n < 0 ? -errno : n;
	if (poll(&p, 1, 0) <= 0)
		return -EAGAIN;
	if (!(p.revents & POLLOUT) && p.revents & (POLLERR | POLLHUP | POLLNVAL))
		return -EPIPE;
	n = write(fd, buf, size < WRITE_CHUNK ? size : WRITE_CHUNK);
	return n < 0 ? -errno : n;
}

ssize_t console_write(struct console *c, enum console_stream stream, const void *buf, size_t size)
{
	int fd = console_write_fd(stream);
	size_t done = 0;
	ssize_t n = 0;

	while (done < size) {
		n = write_some(fd, (const char *)buf + done, size - done);
		if (n == -EINTR)
			continue;
		if (n < 0)
			break;
		done += n;
	}
	if (done || !size)
		return done;
	/* EBADF, ENOSPC, EIO: nobody will read it either. */
	return n == -EAGAIN ? -EAGAIN : -EPIPE;
}

void console_size(const struct console *c, struct console_size *size)
{
	struct winsize w = {};

	if (!c->is_tty || ioctl(STDIN_FILENO, TIOCGWINSZ, &w) || !w.ws_row || !w.ws_col)
		w = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	*size = (struct console_size){ w.ws_row, w.ws_col, w.ws_xpixel, w.ws_ypixel };
}
