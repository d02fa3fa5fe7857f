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
	SYS_ppoll,
	SYS_poll,
	SYS_read,
	SYS_write,
	SYS_clock_gettime,
	SYS_sched_yield,
	/* peers: their descriptors, their memory */
	SYS_accept4,
	SYS_recvmsg,
	SYS_sendto,
	SYS_setsockopt,
	SYS_fstat,
	SYS_newfstatat,
	SYS_mmap,
	SYS_munmap,
	SYS_close,
	/* heap, messages, ends */
	SYS_brk,
	SYS_mremap,
	SYS_madvise,
	SYS_futex,
	SYS_unlink,
	SYS_rt_sigreturn,
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_restart_syscall,
	SYS_getpid,
	SYS_gettid,
	SYS_tgkill,
	SYS_exit,
	SYS_exit_group,
};

int sandbox_enter(void)
{
	return jail_enter(allowed, sizeof(allowed) / sizeof(allowed[0]));
}
