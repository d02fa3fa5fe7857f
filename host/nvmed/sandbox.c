// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is left to a peer that takes nvmed over: its open descriptors and its connection. */
#include "host/lib/jail.h"
#include "host/nvmed/nvmed.h"
#include <sys/syscall.h>

static const u16 allowed[] = {
	/* the data path; what the ring may do is restricted in engine.c */
	SYS_io_uring_enter,
	SYS_preadv2,
	SYS_pwritev2,
	SYS_pwrite64,
	SYS_fdatasync,
	SYS_fallocate,
	/* peers: their descriptors, their memory */
	SYS_accept4,
	SYS_recvmsg,
	SYS_sendto,
	SYS_setsockopt,
	/* its socket, at the end */
	SYS_unlink,
};

int sandbox_enter(void)
{
	return jail_enter(allowed, sizeof(allowed) / sizeof(allowed[0]));
}
