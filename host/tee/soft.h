/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The soft back end's own, and what emu has in common with it: TEE threads are jailed threads of
 * this process, and signals stand for what the processor does.
 */
#ifndef HOST_TEE_SOFT_H
#define HOST_TEE_SOFT_H

#include <poll.h>
#include <signal.h>
#include <time.h>

#include "host/tee/tee.h"

/* At the base of an area of this size and alignment, with the signal stack above it. */
#define SOFT_AREA_SIZE 65536
/* Of that, at most, what a back end keeps of a vCPU. */
#define SOFT_VCPU_MAX 4096

struct soft_vcpu {
	struct tee_vcpu v; /* first: soft_entry.S and tee.h */
	int memory_fd; /* the process's own memory, -1: not there */
	struct soft_vcpu *self; /* set on a vCPU's thread: what a signal handler goes by */
	struct pollfd poll;
	struct timespec timeout;
	u64 counter; /* what read() of an eventfd gives */
	bool woken; /* wake_fd was not read since it ended a wait */
	u64 one; /* what write() gives it */
	int page_key; /* protection key that its pages may get; 0, -1: none */
};

/* soft_entry.S */
void soft_enter(struct tee_vcpu *v, u64 leaf, u64 a0, u64 a1);
void soft_exit(void);
long soft_read(int fd, void *buf, size_t size);
long soft_write(int fd, const void *buf, size_t size);
long soft_pwrite(int fd, u64 buf, u64 size, u64 offset);
long soft_mprotect(u64 addr, u64 size, int prot);
long soft_pkey_mprotect(u64 addr, u64 size, int prot, int key);
long soft_madvise(u64 addr, u64 size, int advice);
long soft_yield(void);
long soft_tgkill(int process, int thread, int sig);
long soft_ppoll(struct pollfd *fds, u64 count, struct timespec *timeout, const void *mask);
void soft_thread_exit(int status);
void soft_sigreturn(void);
extern const char soft_read_ip[], soft_write_ip[], soft_mprotect_ip[], soft_madvise_ip[],
	soft_pkey_mprotect_ip[], soft_pwrite_ip[], soft_yield_ip[], soft_tgkill_ip[],
	soft_ppoll_ip[], soft_thread_exit_ip[], soft_sigreturn_ip[], soft_page[];

/* soft_jail.c */
int soft_jail(const struct soft_vcpu *v);

/* soft.c: what a jailed thread does outside (struct tee_backend) */
int soft_thread_start(struct soft_vcpu *s, size_t size, struct err *err);
void soft_wait(struct tee_vcpu *v, u64 timeout_ns);
void soft_notify(struct tee_vcpu *v, int fd);
void soft_interrupt(struct tee_vcpu *v, const struct tee_vcpu *other);
void soft_yield_cpu(struct tee_vcpu *v);
void __attribute__((noreturn)) soft_end(struct tee_vcpu *v);

/* soft_aex.c: exceptions and ticks */
u32 soft_xstate_size(
	const ucontext_t *uc); /* bytes of vector state that a signal frame has for us */
typedef void soft_handler(int sig, siginfo_t *si, void *context);
int soft_signals_install(soft_handler *handler, struct err *err);
void soft_signal(int sig, siginfo_t *si, void *context);
/* size: of the structure at the base of the area, below the stack */
int soft_signal_stack(struct soft_vcpu *v, size_t size);
/* Not a real-time signal: those queue, and ticks that were missed are worth nothing. */
#define SOFT_TICK_SIGNAL SIGURG
/* cs and ss of 64-bit code in the word that has all four selectors */
#define SOFT_SELECTORS_64 (0x33ull | 0x2bull << 48)

/* First thing in a handler: the host's kernel leaves AC as the program had it. */
static inline void soft_clear_flags(void)
{
	__builtin_ia32_writeeflags_u64(2);
}

static inline u64 soft_read_fs(void)
{
	u64 v;

	__asm__ volatile("rdfsbase %0" : "=r"(v));
	return v;
}

static inline u64 soft_read_gs(void)
{
	u64 v;

	__asm__ volatile("rdgsbase %0" : "=r"(v));
	return v;
}

static inline void soft_write_fs(u64 v)
{
	__asm__ volatile("wrfsbase %0" : : "r"(v));
}

static inline void soft_write_gs(u64 v)
{
	__asm__ volatile("wrgsbase %0" : : "r"(v));
}

#endif
