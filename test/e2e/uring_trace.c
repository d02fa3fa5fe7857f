// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * LD_PRELOAD for nvmed: counts what it hands to io_uring, which strace can't see. One line per
 * submitted entry in the file URING_TRACE: `write`, `write dsync`, `read`, `fsync data`, `other N`.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *name_of(const struct io_uring_sqe *e, char *room, size_t size)
{
	switch (e->opcode) {
	case IORING_OP_WRITEV:
		return e->rw_flags & RWF_DSYNC ? "write dsync\n" : "write\n";
	case IORING_OP_READV:
		return "read\n";
	case IORING_OP_FSYNC:
		return e->fsync_flags & IORING_FSYNC_DATASYNC ? "fsync data\n" : "fsync\n";
	}
	snprintf(room, size, "other %u\n", e->opcode);
	return room;
}

static int fd;

/* At the start: later nvmed's sandbox opens nothing. */
static void __attribute__((constructor)) open_trace(void)
{
	const char *path = getenv("URING_TRACE");

	fd = open(path ? path : "/dev/null", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static void note(const struct io_uring_sqe *e)
{
	const char *line;
	char room[32];

	line = name_of(e, room, sizeof(room));
	if (write(fd, line, strlen(line)) < 0)
		abort();
}

int io_uring_submit(struct io_uring *ring)
{
	static int (*next)(struct io_uring * ring);

	if (!next)
		next = (int (*)(struct io_uring *))dlsym(RTLD_NEXT, "io_uring_submit");
	for (unsigned i = ring->sq.sqe_head; i != ring->sq.sqe_tail; i++)
		note(&ring->sq.sqes[i & ring->sq.ring_mask]);
	return next(ring);
}
