// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The seccomp jail of a vCPU thread. A syscall is allowed at the sites of
 * soft_entry.S only, each with its number and its exact arguments. Anything
 * else traps: inside the TEE's range that is how a program's own syscall
 * instruction becomes the invalid opcode that it is in an enclave; outside it is
 * an attempt to break out and ends the TEE.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/tee/soft.h"

#define FILTER_MAX 384

struct jail {
	struct sock_filter insn[FILTER_MAX];
	u16 count;
};

#define LOW(field) (offsetof(struct seccomp_data, field))
#define HIGH(field) (offsetof(struct seccomp_data, field) + 4)

static void emit(struct jail *j, u16 code, u32 k, u8 jt, u8 jf)
{
	if (j->count < FILTER_MAX)
		j->insn[j->count] = (struct sock_filter)BPF_JUMP(code, k, jt, jf);
	j->count++;
}

static void load(struct jail *j, u32 offset)
{
	emit(j, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

static void ret(struct jail *j, u32 action)
{
	emit(j, BPF_RET | BPF_K, action, 0, 0);
}

/* Unless the 32-bit word at offset compares so, trap. */
static void require(struct jail *j, u32 offset, u16 op, u32 value)
{
	load(j, offset);
	emit(j, BPF_JMP | op | BPF_K, value, 1, 0);
	ret(j, SECCOMP_RET_TRAP);
}

static void require_equal(struct jail *j, u32 arg, u64 value)
{
	u32 offset = LOW(args) + 8 * arg;

	require(j, offset, BPF_JEQ, (u32)value);
	require(j, offset + 4, BPF_JEQ, value >> 32);
}

/* lo <= argument < hi, both below 2^32 */
static void require_between(struct jail *j, u32 arg, u32 lo, u32 hi)
{
	u32 offset = LOW(args) + 8 * arg;

	require(j, offset + 4, BPF_JEQ, 0);
	require(j, offset, BPF_JGE, lo);
	load(j, offset);
	emit(j, BPF_JMP | BPF_JGE | BPF_K, hi, 0, 1);
	ret(j, SECCOMP_RET_TRAP);
}

/* Argument below the end of the range, which is a power of two of at least 2^32. */
static void require_in_range(struct jail *j, u32 arg)
{
	u32 offset = HIGH(args) + 8 * arg;

	load(j, offset);
	emit(j, BPF_JMP | BPF_JGE | BPF_K, TEE_RANGE_END >> 32, 0, 1);
	ret(j, SECCOMP_RET_TRAP);
}

/* A = the sum of two words of the arguments, the first stays in X. */
static void load_sum(struct jail *j, u32 a, u32 b)
{
	load(j, a);
	emit(j, BPF_MISC | BPF_TAX, 0, 0, 0);
	load(j, b);
	emit(j, BPF_ALU | BPF_ADD | BPF_X, 0, 0, 0);
}

/*
 * An argument is an address, another one a size: the area ends inside the range or at its end.
 * A sum of 64 bits in words of 32: M[0] = low word, M[1] = its carry.
 */
static void require_area_in_range(struct jail *j, u32 addr, u32 size)
{
	require_in_range(j, addr);
	require_in_range(j, size);
	load_sum(j, LOW(args) + 8 * addr, LOW(args) + 8 * size);
	emit(j, BPF_ST, 0, 0, 0);
	emit(j, BPF_JMP | BPF_JGE | BPF_X, 0, 2, 0);
	emit(j, BPF_LD | BPF_IMM, 1, 0, 0);
	emit(j, BPF_JMP | BPF_JA, 1, 0, 0);
	emit(j, BPF_LD | BPF_IMM, 0, 0, 0);
	emit(j, BPF_ST, 1, 0, 0);
	load_sum(j, HIGH(args) + 8 * addr, HIGH(args) + 8 * size);
	emit(j, BPF_LDX | BPF_MEM, 1, 0, 0);
	emit(j, BPF_ALU | BPF_ADD | BPF_X, 0, 0, 0);
	/* below the end: right; above: wrong; equal: right if the low word is 0 */
	emit(j, BPF_JMP | BPF_JGE | BPF_K, TEE_RANGE_END >> 32, 0, 4);
	emit(j, BPF_JMP | BPF_JGT | BPF_K, TEE_RANGE_END >> 32, 2, 0);
	emit(j, BPF_LD | BPF_MEM, 0, 0, 0);
	emit(j, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
	ret(j, SECCOMP_RET_TRAP);
}

/* Begins the rules of one site; returns the place of the jump to patch. */
static u16 site(struct jail *j, const void *ip, u32 nr)
{
	u16 at = j->count;

	load(j, LOW(instruction_pointer));
	emit(j, BPF_JMP | BPF_JEQ | BPF_K, (u32)(u64)ip, 0, 0); /* jf patched */
	load(j, LOW(nr));
	emit(j, BPF_JMP | BPF_JEQ | BPF_K, nr, 1, 0);
	ret(j, SECCOMP_RET_TRAP);
	return at + 1;
}

static void site_end(struct jail *j, u16 patch)
{
	ret(j, SECCOMP_RET_ALLOW);
	if (patch < FILTER_MAX)
		j->insn[patch].jf = j->count - patch - 1;
}

static void build(struct jail *j, const struct soft_vcpu *v)
{
	u16 s;

	/* Other architectures' entries and x32 have other numbers for the same calls. */
	require(j, LOW(arch), BPF_JEQ, AUDIT_ARCH_X86_64);
	/* All sites share the upper half of their addresses. */
	require(j, HIGH(instruction_pointer), BPF_JEQ, (u64)soft_read_ip >> 32);

	s = site(j, soft_ppoll_ip, SYS_ppoll);
	require_equal(j, 0, (u64)&v->poll);
	require_equal(j, 1, 1);
	require_equal(j, 2, (u64)&v->timeout); /* the kernel writes the rest of the time there */
	require_equal(j, 3, 0);
	site_end(j, s);

	s = site(j, soft_read_ip, SYS_read);
	require_equal(j, 0, v->v.wake_fd);
	require_equal(j, 1, (u64)&v->counter);
	require_equal(j, 2, 8);
	site_end(j, s);

	s = site(j, soft_write_ip, SYS_write);
	require_between(j, 0, TEE_FD_BASE, TEE_FD_MAX);
	require_equal(j, 1, (u64)&v->one);
	require_equal(j, 2, 8);
	site_end(j, s);

	/* into the range only, so no more than a store in there could do */
	s = site(j, soft_pwrite_ip, SYS_pwrite64);
	require_equal(j, 0, v->memory_fd);
	require_area_in_range(j, 1, 2);
	require_area_in_range(j, 3, 2);
	site_end(j, s);

	s = site(j, soft_mprotect_ip, SYS_mprotect);
	require_area_in_range(j, 0, 1);
	require_between(j, 2, 0, 8);
	site_end(j, s);

	if (v->page_key > 0) {
		s = site(j, soft_pkey_mprotect_ip, SYS_pkey_mprotect);
		require_area_in_range(j, 0, 1);
		require_between(j, 2, 0, 8);
		require_equal(j, 3, v->page_key);
		site_end(j, s);
	}

	s = site(j, soft_madvise_ip, SYS_madvise);
	require_area_in_range(j, 0, 1);
	require_equal(j, 2, 4); /* MADV_DONTNEED */
	site_end(j, s);

	s = site(j, soft_tgkill_ip, SYS_tgkill); /* to threads of this process only */
	require_equal(j, 0, v->v.vm->pid);
	require_equal(j, 2, SOFT_TICK_SIGNAL);
	site_end(j, s);

	site_end(j, site(j, soft_yield_ip, SYS_sched_yield));
	site_end(j, site(j, soft_sigreturn_ip, SYS_rt_sigreturn));
	site_end(j, site(j, soft_thread_exit_ip, SYS_exit));
	ret(j, SECCOMP_RET_TRAP);
}

/**
 * soft_jail - shut the calling thread in
 * @v: the thread's vCPU; its descriptors must not change any more
 *
 * There is no way back. Return: 0 or a negative errno.
 */
int soft_jail(const struct soft_vcpu *v)
{
	struct jail j = {};
	struct sock_fprog prog = { .filter = j.insn };

	build(&j, v);
	if (j.count > FILTER_MAX)
		return -E2BIG;
	prog.len = j.count;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog))
		return -errno;
	return 0;
}
