// SPDX-License-Identifier: GPL-2.0-only
/* The x86-64 system call table; without <linux/syscalls.h>, whose prototypes clash. */
#include <linux/cache.h>
#include <linux/linkage.h>
#include <asm/syscall.h>

/* Instructions and privileges that a TEE has not. */
#define sys_iopl sys_ni_syscall
#define sys_ioperm sys_ni_syscall
#define sys_modify_ldt sys_ni_syscall
#define sys_map_shadow_stack sys_ni_syscall
#define sys_uretprobe sys_ni_syscall
#define sys_fork sys_rkt_fork /* kernel/process.c */

typedef unsigned long ul;
#define __SYSCALL_NORETURN __SYSCALL
#define __SYSCALL(nr, sym) extern asmlinkage long sym(ul, ul, ul, ul, ul, ul);
#include <asm/syscalls_64.h>
#undef __SYSCALL
#define __SYSCALL(nr, sym) [nr] = sym,
const sys_call_ptr_t sys_call_table[] = {
#include <asm/syscalls_64.h>
};
const sys_call_ptr_t *rkt_trap_table = sys_call_table;

/* Those that look at the whole frame (entry.S). */
#undef sys_fork
#define sys_clone rkt_full_clone
#define sys_clone3 rkt_full_clone3
#define sys_vfork rkt_full_vfork
#define sys_fork rkt_full_fork
#define sys_rt_sigreturn rkt_full_rt_sigreturn
extern asmlinkage long rkt_full_clone(ul, ul, ul, ul, ul, ul),
	rkt_full_clone3(ul, ul, ul, ul, ul, ul), rkt_full_vfork(ul, ul, ul, ul, ul, ul),
	rkt_full_fork(ul, ul, ul, ul, ul, ul), rkt_full_rt_sigreturn(ul, ul, ul, ul, ul, ul);
const sys_call_ptr_t rkt_entry_table[] = {
#include <asm/syscalls_64.h>
};
