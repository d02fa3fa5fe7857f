// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/lib/jail.h"
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define X32_BIT 0x40000000

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)

/* What no device process can do without: its descriptors, heap, locks, signals and end. */
static const u16 always[] = {
	SYS_read,
	SYS_write,
	SYS_poll,
	SYS_ppoll,
	SYS_close,
	SYS_fstat,
	SYS_newfstatat,
	SYS_clock_gettime,
	SYS_sched_yield,
	SYS_mmap,
	SYS_munmap,
	SYS_mremap,
	SYS_madvise,
	SYS_brk,
	SYS_futex,
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
#define ALWAYS (sizeof(always) / sizeof(always[0]))

/* Return: instructions. */
static u16 allow(struct sock_filter *code, const u16 *calls, u32 count)
{
	u16 n = 0;

	for (u32 i = 0; i < count; i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], 0, 1);
		code[n++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
	}
	return n;
}

#ifdef __SANITIZE_ADDRESS__
/* Looking for leaks at the end takes a thread and ptrace(). */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

int jail_enter(const u16 *allowed, u32 count)
{
	struct sock_filter code[2 * (JAIL_CALLS_MAX + ALWAYS) + 8];
	struct sock_fprog prog = { .filter = code };
	u16 n = 0;

	if (count > JAIL_CALLS_MAX)
		return -E2BIG;
	code[n++] = (struct sock_filter)LOAD(arch);
	code[n++] =
		(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	code[n++] = (struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS);
	code[n++] = (struct sock_filter)LOAD(nr);
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	code[n++] = (struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS);
	n += allow(code + n, always, ALWAYS);
	n += allow(code + n, allowed, count);
	code[n++] = (struct sock_filter)RETURN(SECCOMP_RET_ERRNO | EPERM);
	prog.len = n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		return -errno;
	return 0;
}
