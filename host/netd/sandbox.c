/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <sys/syscall.h>
#include "host/lib/jail.h"
#include "host/netd/sandbox.h"

static const u16 allowed[] = {
	/* the data path */
	SYS_readv,
	SYS_writev,
	SYS_recvmsg,
	SYS_sendmsg,
	SYS_recvfrom,
	SYS_sendto,
	SYS_epoll_wait,
	SYS_epoll_pwait,
	SYS_epoll_pwait2,
	SYS_epoll_ctl,
	SYS_gettimeofday,
	SYS_time,
	/* connections of libslirp and ours */
	SYS_socket,
	SYS_bind,
	SYS_listen,
	SYS_accept,
	SYS_accept4,
	SYS_connect,
	SYS_shutdown,
	SYS_getsockname,
	SYS_getpeername,
	SYS_getsockopt,
	SYS_setsockopt,
	SYS_ioctl,
	SYS_fcntl,
	SYS_timerfd_settime,
	SYS_dup,
	/* memory */
	SYS_mprotect,
	SYS_getrandom,
	/* /etc/resolv.conf, socket files, /proc/self/fd */
	SYS_openat,
	SYS_open,
	SYS_stat,
	SYS_lstat,
	SYS_statx,
	SYS_lseek,
	SYS_readlink,
	SYS_readlinkat,
	SYS_unlink,
	SYS_unlinkat,
	SYS_umask,
	SYS_access,
	/* time */
	SYS_nanosleep,
	SYS_clock_nanosleep,
};

int sandbox_enter(void)
{
	return jail_enter(allowed, sizeof(allowed) / sizeof(allowed[0]));
}
