/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_ELF_H
#define _ASM_RKT_ELF_H
#include <asm/auxvec.h>
#include <asm/ptrace.h>
#include <asm/rkt_exec.h>
#include <asm/user.h>
#include "abi/tee.h"

typedef unsigned long elf_greg_t;
#define ELF_NGREG (sizeof(struct user_regs_struct) / sizeof(elf_greg_t))
typedef elf_greg_t elf_gregset_t[ELF_NGREG];
typedef struct {
	unsigned char fxsave[512];
} elf_fpregset_t;

#define ELF_CLASS ELFCLASS64
#define ELF_DATA ELFDATA2LSB
#define ELF_ARCH EM_X86_64
#define elf_check_arch(x) ((x)->e_machine == EM_X86_64)
#define ELF_EXEC_PAGESIZE 4096
#define ELF_ET_DYN_BASE 0 /* not used: rkt_elf_claim() chooses */
extern unsigned long rkt_elf_hwcap, rkt_elf_hwcap2;
#define ELF_HWCAP rkt_elf_hwcap
#define ELF_HWCAP2 rkt_elf_hwcap2
#define ELF_PLATFORM "x86_64"
/* At most AT_VECTOR_SIZE_ARCH entries. A signal frame: registers, siginfo, vector state, alignment. */
extern unsigned long rkt_vdso_ehdr; /* 0: there is none */
#define ARCH_DLINFO                                                          \
	do {                                                                 \
		NEW_AUX_ENT(AT_SYSINFO_EHDR, rkt_vdso_ehdr);                 \
		NEW_AUX_ENT(AT_MINSIGSTKSZ, TEE_XSAVE_SIZE + 1024);          \
	} while (0)
/* A first instruction in the kernel's memory is as good as one at address 0: SIGSEGV. */
#define START_THREAD(ex, regs, entry, sp)                                    \
	start_thread(regs, rkt_user_range(entry, 1) ? (entry) : 0, sp)
#define SET_PERSONALITY(ex) set_personality(PER_LINUX)
struct task_struct;
#endif
