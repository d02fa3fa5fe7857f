/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the TEE may ask of the host. There are two ways, and no third:
 *
 * Exits leave the TEE on the vCPU's own thread. They are few, carry registers
 * only, and none is on a data path. Results are believed only as far as said here.
 *
 * Services are answered by threads of the launcher through slots and rings in
 * the control window (abi/control.h).
 */
#ifndef ABI_HOSTCALL_H
#define ABI_HOSTCALL_H

/* a0..a3 are the exit's arguments; each result is a negative errno or 0 unless said otherwise. */

/* Resume the state in the topmost SSA frame (ERESUME). Does not return. */
#define TEE_EXIT_RESUME 0
/*
 * Sleep until somebody wakes this vCPU or the TSC reaches a0 (~0: no deadline).
 * The result is ignored: the TEE looks at its own state, so that a host that
 * returns early or late costs time and nothing else.
 */
#define TEE_EXIT_WAIT 1
/*
 * Wake vCPU a0 if it sleeps. A wake is never lost: it is remembered until the next wait.
 * a1 = TEE_WAKE_RUNNING: it runs a program, so interrupt it as a tick does. One that is lost costs the
 * time until the next tick.
 */
#define TEE_EXIT_WAKE 2
#define TEE_WAKE_RUNNING 1
/* Give the processor to another thread of the host (a lock's holder may be preempted). */
#define TEE_EXIT_YIELD 3
/*
 * Change pages of the TEE's own range: a0 = TEE_MEM_*, a1 = first byte, a2 = bytes, a3 =
 * TEE_PROT_*. 0 or the TEE treats the pages as unusable.
 */
#define TEE_EXIT_MEM 4
#define TEE_MEM_COMMIT 0 /* pages become present, zeroed, with the permissions a3 */
#define TEE_MEM_PROTECT 1 /* other permissions for present pages */
#define TEE_MEM_TRIM 2 /* pages vanish, contents are lost */
/*
 * With BOOT_MEMORY_SGX2 the TEE completes each of them: COMMIT adds pending pages, read- and
 * writable whatever a3 says, that it accepts (EAUG; EACCEPT or EACCEPTCOPY); PROTECT takes
 * permissions away, which it verifies (EMODPR, ETRACK; EACCEPT), and never adds any (EMODPE does);
 * TRIM makes pages useless, which it accepts before the host may REMOVE them (EMODT, ETRACK;
 * EACCEPT; EREMOVE).
 */
#define TEE_MEM_REMOVE 3
/*
 * With BOOT_MEMORY_SGX1 pages neither come nor go, and the enclave can check nothing: COMMIT and
 * PROTECT ask for permissions in the page tables, TRIM for none. The content stays, and the TEE
 * zeroes it itself. The others are refused.
 */
#define TEE_PROT_READ 1
#define TEE_PROT_WRITE 2
#define TEE_PROT_EXEC 4
/*
 * Where the host alone changes pages: like COMMIT with a copy of the a2 bytes at a3, in the range, and
 * nobody sees the pages before they have their content. a0 = TEE_MEM_COMMIT_COPY |
 * permissions << TEE_MEM_COPY_PROT. Anything but 0: the host can't, nothing has changed.
 */
#define TEE_MEM_COMMIT_COPY 4
#define TEE_MEM_COPY_PROT 8
/* Start the thread of vCPU a0: the host enters it with TEE_ENTER_START. */
#define TEE_EXIT_START 5
/* Something new is in the control window: wake the launcher's service thread. */
#define TEE_EXIT_SERVICE 6
/* Notify the peer of device a0, queue a1. At most one per burst, only if the peer asked. */
#define TEE_EXIT_KICK 7
/* End: a0 says how, TEE_HALT_* and a value below 0x100. Does not return. */
#define TEE_EXIT_HALT 8
#define TEE_HALT_EXITED 0x000 /* the program ended with this exit status */
#define TEE_HALT_SIGNALED 0x100 /* the program was killed by this signal */
#define TEE_HALT_EXEC_FAILED 0x200 /* the program could not be started: errno */
#define TEE_HALT_INIT_FAILED 0x300 /* init could not prepare the system; it said why */
#define TEE_HALT_PANIC 0x400 /* the kernel stopped; its last words are on the console */
#define TEE_HALT_ABORT 0x500 /* a rule of entry or boot was broken; value: enum below */
#define TEE_ABORT_ENTRY 0
#define TEE_ABORT_BOOT_INFO 1
#define TEE_ABORT_MEMORY 2
#define TEE_ABORT_JAIL \
	3 /* said by the host: a system call from inside, outside the allowed sites */
#define TEE_EXIT_COUNT 9

#endif
