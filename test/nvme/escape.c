// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * LD_PRELOAD for nvmed: stands for somebody who took it over. With its first command it tries what
 * the sandbox is to refuse, and writes a line for each attempt: its name and `refused` or `possible`.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void report(const char *name, bool refused)
{
	char line[64];

	snprintf(line, sizeof(line), "escape: %s %s\n", name, refused ? "refused" : "possible");
	if (write(STDERR_FILENO, line, strlen(line)) < 0)
		_exit(1);
}

static void try_call(const char *name, long nr, long a, long b, long c)
{
	long ret = syscall(nr, a, b, c, 0, 0, 0);

	report(name, ret < 0 && errno == EPERM);
}

/* One operation on the ring, before nvmed's own: refused when it is not on the list. */
static void try_ring(struct io_uring *ring, int (*submit)(struct io_uring *ring),
		     unsigned char opcode, const char *name)
{
	struct io_uring_sqe *e = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;

	if (!e)
		return;
	io_uring_prep_rw(opcode, e, AT_FDCWD, opcode == IORING_OP_SOCKET ? NULL : "/etc/passwd", 0,
			 0);
	if (opcode == IORING_OP_SOCKET) {
		e->fd = AF_INET;
		e->off = SOCK_STREAM;
	}
	submit(ring);
	if (!io_uring_wait_cqe(ring, &cqe)) {
		report(name, cqe->res == -EACCES);
		io_uring_cqe_seen(ring, cqe);
	}
}

static void try_all(struct io_uring *ring, int (*submit)(struct io_uring *ring))
{
	static char *const none[] = { NULL };

	try_call("open", SYS_openat, AT_FDCWD, (long)"/etc/passwd", O_RDONLY);
	try_call("open-old", SYS_open, (long)"/etc/passwd", O_RDONLY, 0);
	try_call("socket", SYS_socket, AF_INET, SOCK_STREAM, 0);
	try_call("connect", SYS_connect, 0, 0, 0);
	try_call("execve", SYS_execve, (long)"/nonexistent", (long)none, (long)none);
	try_call("kill", SYS_kill, getpid(), 0, 0);
	try_call("unshare", SYS_unshare, 0, 0, 0);
	try_call("ring-setup", SYS_io_uring_setup, 0, 0, 0);
	try_call("ring-register", SYS_io_uring_register, ring->ring_fd, 0, 0);
	try_call("prctl", SYS_prctl, 3 /* PR_GET_DUMPABLE */, 0, 0);
	try_ring(ring, submit, IORING_OP_OPENAT, "ring-open");
	try_ring(ring, submit, IORING_OP_SOCKET, "ring-socket");
}

int io_uring_submit(struct io_uring *ring)
{
	static int (*next)(struct io_uring * ring);
	struct io_uring_sqe own[64];
	unsigned count = 0;

	if (next)
		return next(ring);
	next = (int (*)(struct io_uring *))dlsym(RTLD_NEXT, "io_uring_submit");
	/* nvmed's entries are taken back and put in again behind ours. */
	for (; ring->sq.sqe_head + count != ring->sq.sqe_tail && count < 64; count++)
		own[count] = ring->sq.sqes[(ring->sq.sqe_head + count) & ring->sq.ring_mask];
	ring->sq.sqe_tail = ring->sq.sqe_head;
	try_all(ring, next);
	for (unsigned i = 0; i < count; i++)
		*io_uring_get_sqe(ring) = own[i];
	return next(ring);
}
