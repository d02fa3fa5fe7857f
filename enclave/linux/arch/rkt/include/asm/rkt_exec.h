/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Program execution, seen from the rest of the architecture: syscall
 * instructions that trap, and what the ELF loader needs. Implementation:
 * arch/rkt/exec.
 */
#ifndef _ASM_RKT_EXEC_H
#define _ASM_RKT_EXEC_H

#ifndef __ASSEMBLY__

#include <linux/atomic.h>
#include <linux/types.h>

struct elf64_phdr;
struct linux_binprm;
struct mm_struct;
struct pt_regs;
struct rkt_exec;
struct vm_area_struct;

/**
 * rkt_trap_opcode - serve an invalid-opcode exception of a program
 * @regs: all registers of the program at the exception
 *
 * A syscall instruction is executed (and, if possible, rewritten so that it
 * does not trap again); CPUID is answered (kernel/cpuid.h); a trap that a rewritten site causes on purpose is sent
 * on its way.
 *
 * Context: the task's kernel stack, may sleep.
 * Return: false if it is none of these: the program gets SIGILL.
 */
bool rkt_trap_opcode(struct pt_regs *regs);

/**
 * rkt_exec_hide_cpuid - make the CPUID instructions in text that is about to be mapped trap
 * @vma: private mapping of a file
 * @addr: where in it the bytes will lie
 * @bytes, @size: as they are in the file; the first bytes of such instructions are changed
 *
 * Does nothing where the host has not said that it is useful (BOOT_CPUID_REWRITE), nor where
 * it can't be proven that the bytes are an instruction, nor across the end of @bytes: the
 * processor answers those by itself, unless it traps them.
 *
 * Context: sleeps (reads the file); the mmap_lock is held.
 */
void rkt_exec_hide_cpuid(struct vm_area_struct *vma, unsigned long addr, void *bytes, size_t size);

/**
 * rkt_report_ip - the address in the program that an instruction pointer stands for
 * @ip: any user address of the current program
 *
 * Inside a stub of a rewritten site that is an address at the site, where the
 * program can also be resumed. To be applied to whatever a signal frame (before
 * it is written), ptrace or /proc shows. Everything else is returned as it is.
 *
 * Context: any; takes no lock, touches no user memory.
 */
unsigned long rkt_report_ip(unsigned long ip);

/* Frees what was kept for an address space (destroy_context()). Nobody uses it any more. */
void rkt_exec_mm_free(struct mm_struct *mm);

/* Counters since boot; read without a lock. */
struct rkt_exec_stats {
	atomic_long_t trapped; /* syscall instructions executed by trapping */
	atomic_long_t resumed; /* other traps of rewritten sites */
	atomic_long_t written[4]; /* by enum rw_kind */
	atomic_long_t refused[7]; /* by enum rw_refusal; [0]: not private text of a file */
	atomic_long_t failed; /* could not be written: out of memory */
};
extern struct rkt_exec_stats rkt_exec_stats;

/**
 * rkt_elf_claim_fixed - claim the addresses of a program that is not position-independent
 * @bprm: before begin_new_exec(): failure still goes back to the caller of execve()
 *
 * Return: 0 (also when the caller itself holds them and is about to be
 * replaced); -ENOMEM, with one log line that says who is in the way.
 */
int rkt_elf_claim_fixed(struct linux_binprm *bprm, const struct elf64_phdr *phdr, int count);

/**
 * rkt_elf_claim - claim addresses for an image that can lie anywhere
 * @size: of all segments, any size in bytes
 * @align: power of two
 *
 * One address space is shared by all programs: mapping the whole and unmapping
 * the holes, as on other machines, would let others into the holes.
 *
 * Context: the new program. Return: the address, or -errno.
 */
unsigned long rkt_elf_claim(unsigned long size, unsigned long align);

#endif /* __ASSEMBLY__ */
#endif
