/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What DPDK stands on inside the TEE.
 *
 * Two halves. Below: hooks that the surroundings give (the library kernel's
 * driver in the image, test/lib in tests). Behind it: enclave/nic/env and
 * enclave/nic/eal give DPDK its small libc and its environment abstraction
 * layer, on one private heap: no file, socket, thread, signal or clock of a host.
 *
 * All of this runs with vector registers: callers hold a kernel_fpu bracket.
 */
#ifndef NIC_ENV_H
#define NIC_ENV_H

#include "abi/types.h"

/* ---- given by the surroundings ---- */

/* Number of the vCPU that runs this, below TEE_VCPU_MAX. Stable within a bracket. */
unsigned int nic_env_cpu(void);

/* The TEE's own cycle counter: never goes back on one vCPU. */
uint64_t nic_env_cycles(void);

/* Random bits from the TEE's generator. */
uint64_t nic_env_random(void);

/* One line of a log, without newline. level as syslog's (3 error .. 7 debug). */
void nic_env_log(int level, const char *line);

/* C99 formatting: the kernel's or libc's. */
int vsnprintf(char *buf, size_t size, const char *fmt, __builtin_va_list args);

/* ---- given by enclave/nic/env ---- */

/**
 * nic_env_init - start the environment and run DPDK's constructors
 * @heap: private memory for everything that DPDK allocates, kept for ever
 * @size: its bytes; 2 MiB and 1 MiB per queue pair suffice for rings of 512
 *
 * Call once, on a stack of 8 KiB, before any other function of enclave/nic.
 * Return: 0, -EINVAL for an unusable heap, -EALREADY.
 */
int nic_env_init(void *heap, size_t size);

/* The private heap. Bring-up and teardown only; 64-byte aligned; not zeroed. */
void *nic_heap_alloc(size_t size, size_t align);
void nic_heap_free(void *p);
size_t nic_heap_size(const void *p); /* usable bytes behind p */
size_t nic_heap_used(void);
int nic_heap_init(void *heap, size_t size);

/* Stops the TEE: DPDK reached a function that this environment leaves out. */
__attribute__((noreturn)) void nic_env_trap(const char *what);

#endif
