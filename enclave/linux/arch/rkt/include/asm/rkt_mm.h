/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The user memory manager, seen from the rest of the architecture.
 *
 * All programs of a TEE share one address space; an address is for ever the
 * same memory. Every mm owns disjoint ranges of the two user windows of
 * abi/layout.h. Implementation: arch/rkt/mm.
 */
#ifndef _ASM_RKT_RKT_MM_H
#define _ASM_RKT_RKT_MM_H

#include <linux/types.h>

struct mm_struct;
struct pt_regs;
struct linux_binprm;
struct vm_area_struct;

/* sig 0: the access may be tried again. */
struct rkt_fault {
	int sig;
	int code;
};

/**
 * rkt_handle_fault - serve a page fault at an address of a user window
 * @mm:    current->mm; NULL for a kernel thread without one
 * @addr:  faulting address (any byte of the page). From the back end, so it is
 *         only looked up, never trusted to be mapped
 * @flags: FAULT_FLAG_WRITE, _INSTRUCTION, _USER
 * @regs:  registers at the fault, may be NULL
 *
 * Call it for every fault whose address rkt_user_range() accepts, from user mode
 * and from kernel mode if the exception table has an entry.
 *
 * Context: the task's own stack. May sleep and takes mmap_lock, unless
 * faulthandler_disabled() or interrupts are off; then it serves only what needs
 * no lock.
 *
 * Return: sig 0: retry the access. Else from user mode force that signal
 * (SIGKILL was already sent: just leave through the signal path); from kernel
 * mode apply the exception table, without an entry it is a kernel bug.
 */
struct rkt_fault rkt_handle_fault(struct mm_struct *mm, unsigned long addr, unsigned int flags,
				  struct pt_regs *regs);

/**
 * rkt_has_not_moved - is this exception one of many in a row with the same registers?
 *
 * To be asked once for each; it counts those of this vCPU (kernel/unshown.c). Only a host can
 * bring that about, or a program that races with itself beyond belief.
 */
bool rkt_has_not_moved(const struct pt_regs *regs);

/**
 * rkt_window_kernel_fault - serve the kernel's access to a page of a shared file window
 *
 * Page-cache pages of shared mappings lie in a user window and are write
 * protected while they are clean; the kernel writes to them without an entry in
 * the exception table. Call it first for every page fault of the kernel.
 *
 * Context: any, takes no lock. Return: whether the access may be tried again.
 */
bool rkt_window_kernel_fault(unsigned long addr, bool write);

/**
 * rkt_setup_stack - give a program that is being executed its main stack
 * @bprm:             after begin_new_exec(); bprm->page[] holds the arguments
 * @executable_stack: EXSTACK_* of binfmts.h
 *
 * Takes the place of setup_arg_pages(): maps RLIMIT_STACK bytes (at most 64 MiB;
 * 8 MiB if unlimited), committed lazily, an inaccessible guard below it, copies
 * the arguments to its end, and sets bprm->p to the address of the first one
 * (a user address from here on), mm->arg_start and mm->start_stack.
 *
 * Context: process context of the new program, sleeps. Return: 0 or -errno.
 */
int rkt_setup_stack(struct linux_binprm *bprm, int executable_stack);

/**
 * rkt_poke_user - write to user memory whatever its permissions are
 *
 * For the program loader and the rewriter of syscall sites. Commits the pages,
 * makes them writable for the time of the copy and restores their permissions;
 * other threads may run meanwhile: up to 8 bytes within one aligned quadword
 * are written with one store.
 *
 * Context: sleeps; takes mmap_lock for reading. Return: 0, -EFAULT (not mapped),
 * -ENOMEM.
 */
int rkt_poke_user(struct mm_struct *mm, unsigned long addr, const void *buf, size_t size);

/* Early: bytes of user memory that may be committed at once (boot parameter). */
void rkt_mm_set_limit(unsigned long size);

#endif
