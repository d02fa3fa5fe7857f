// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What of the host's memory the enclave reaches: the windows, by a protection key that they and
 * the range have. Inside, all other keys are denied, above all key 0, which everything else has.
 * The way in and out is a signal, so the rights of both sides go by its frame.
 *
 * WRPKRU is no privileged instruction: this finds the accesses of an enclave that obeys the
 * rules, it does not hold one that breaks them on purpose.
 */
#include <cpuid.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/tee/emu/emu.h"

#define XSAVE_HEADER 512
#define XSTATE_PKRU 9
#define DENY_ALL 0x55555555u
#define RIGHTS(key) (3u << 2 * (key))

static struct {
	int key; /* -1: none */
	u32 inside, outside; /* PKRU */
	u32 offset; /* of PKRU in an XSAVE area */
} reach = { .key = -1 };

static u32 read_rights(void)
{
	u32 rights, high;

	__asm__ volatile("rdpkru" : "=a"(rights), "=d"(high) : "c"(0));
	return rights;
}

static void write_rights(u32 rights)
{
	__asm__ volatile("wrpkru" : : "a"(rights), "c"(0), "d"(0) : "memory");
}

/* At each return to a thread the host's kernel would write to libc's thread-local data. */
static void leave_rseq(void)
{
	if (__rseq_size)
		syscall(SYS_rseq, (u8 *)__builtin_thread_pointer() + __rseq_offset, 32,
			RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
}

static void probe_handler(int sig)
{
	_exit(sig != SIGILL);
}

static void probe(void)
{
	static u8 stack[SOFT_AREA_SIZE];
	struct sigaction sa = { .sa_handler = probe_handler, .sa_flags = SA_ONSTACK };
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct rlimit none = {};

	leave_rseq();
	setrlimit(RLIMIT_CORE, &none);
	sigaltstack(&ss, NULL);
	sigaction(SIGILL, &sa, NULL);
	__asm__ volatile("wrpkru\n\tud2" : : "a"(reach.inside), "c"(0), "d"(0) : "memory");
}

/* Linux before 6.12 can't write a signal's frame where the interrupted code may not. */
static bool signals_arrive(void)
{
	pid_t child = fork();
	int status;

	if (!child) {
		probe();
		_exit(1);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return child > 0 && WIFEXITED(status) && !WEXITSTATUS(status);
}

/**
 * emu_reach_start - take a protection key for the range and the windows
 *
 * Context: once, before the threads that get its rights from their creator. Return: false if
 * this machine can't; the enclave reaches everything then.
 */
bool emu_reach_start(void)
{
	u32 size, unused;
	int key;

	__cpuid_count(0xd, XSTATE_PKRU, size, reach.offset, unused, unused);
	key = pkey_alloc(0, 0);
	if (!size || key <= 0)
		return false;
	reach.inside = DENY_ALL & ~RIGHTS(key);
	reach.outside = read_rights();
	if (!signals_arrive()) {
		pkey_free(key);
		return false;
	}
	reach.key = key;
	return true;
}

void emu_reach_stop(void)
{
	if (reach.key > 0)
		pkey_free(reach.key);
	reach.key = -1;
}

int emu_reach_key(void)
{
	return reach.key;
}

/* On a vCPU's thread before it is jailed; the first one finds all windows mapped. */
int emu_reach_thread(const struct tee_vcpu *v)
{
	const struct tee_vm *vm = v->vm;
	const int rw = PROT_READ | PROT_WRITE;

	if (reach.key < 0)
		return 0;
	leave_rseq();
	if (v->index)
		return 0;
	if (pkey_mprotect(vm->control, vm->control_size, rw, reach.key) ||
	    pkey_mprotect(vm->dma, vm->dma_size, rw, reach.key))
		return -errno;
	return 0;
}

/* Pages that can only be executed are the host's kernel's own to key. */
long emu_reach_protect(u64 addr, u64 size, int prot)
{
	if (reach.key < 0 || prot == PROT_EXEC)
		return soft_mprotect(addr, size, prot);
	return soft_pkey_mprotect(addr, size, prot, reach.key);
}

/* A thread, or a handler, that touches the range or the windows from outside. */
void emu_reach_host(void)
{
	if (reach.key > 0)
		write_rights(reach.outside);
}

static u32 *rights_of(const struct emu_xsave *x)
{
	return (u32 *)(x->area + reach.offset);
}

/* The enclave's vector state has no rights: neither checks nor the SSA are to see them. */
void emu_reach_hide(const struct emu_xsave *x)
{
	if (reach.key < 0)
		return;
	*(u64 *)(x->area + XSAVE_HEADER) &= ~(1ull << XSTATE_PKRU);
	*rights_of(x) = 0;
}

/* What the interrupted thread goes on with. */
void emu_reach_set(const struct emu_xsave *x, bool inside)
{
	if (reach.key < 0)
		return;
	*(u64 *)(x->area + XSAVE_HEADER) |= 1ull << XSTATE_PKRU;
	*rights_of(x) = inside ? reach.inside : reach.outside;
}
