// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hostcall results about memory: kernel/mem.c as it is, against the emulated leaves, with a host
 * that lies as the input says and uses the supervisor's leaves at any moment. Whatever it does:
 *
 *	what was committed, protected or trimmed with success is exactly so at that moment;
 *	no page can ever do more than it was allowed to;
 *	a page that can be read holds what was put there.
 *
 * Inputs of odd length: a static layout, where the host's page tables are not verified, and what
 * remains is the last of the three.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#define ENTRY_ENCLU_H /* enclu_page() is below */
#include "abi/sgx.h"
#include "abi/types.h"
#include "test/emu/env.h"

#define ENCLU_FAULT (~0ul)
unsigned long enclu_page(unsigned long leaf, const struct sgx_secinfo *info, unsigned long addr,
			 unsigned long src);
unsigned long rkt_clear_user(void *to, unsigned long n);
unsigned long raw_copy_to_user(void *to, const void *from, unsigned long n);
unsigned long raw_copy_from_user(void *to, const void *from, unsigned long n);
int check_zeroed_user(const void *from, unsigned long n);
#define rkt_user_range(addr, size) true
#define num_online_cpus() 2
#include "enclave/linux/arch/rkt/kernel/mem.c"

#define FIRST P_NEW
#define COUNT 32
#define REQUIRE(cond) ((cond) ? (void)0 : fail(#cond, __LINE__))

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

struct boot_machine rkt_machine = { .memory = BOOT_MEMORY_SGX2 };

static jmp_buf halted;
static const u8 *input, *input_end;
static unsigned int late_writes; /* of another thread to what is being trimmed; no lies meanwhile */
static struct {
	bool known, committed; /* !known: an operation on it has failed */
	u8 prot, fill;
} model[COUNT];

static void fail(const char *what, int line)
{
	fprintf(stderr, "mem_fuzz.c:%d: %s\n", line, what);
	abort();
}

static u8 next(void)
{
	return input < input_end ? *input++ : 0;
}

unsigned long enclu_page(unsigned long leaf, const struct sgx_secinfo *info, unsigned long addr,
			 unsigned long src)
{
	struct emu_regs r = { .rax = leaf, .rcx = addr, .rbx = put_secinfo(info->flags) };
	struct emu_fault f;

	if (src) { /* private memory of this process stands for the enclave's */
		r.rdx = page(P_RO);
		mprotect((void *)r.rdx, PAGE, PROT_READ | PROT_WRITE);
		memcpy((void *)r.rdx, (void *)src, PAGE);
		mprotect((void *)r.rdx, PAGE, PROT_READ);
	}
	f = leaf == ENCLU_EACCEPT  ? emu_eaccept(&e, &r)
	    : leaf == ENCLU_EMODPE ? emu_emodpe(&e, &r)
				   : emu_eacceptcopy(&e, &r);
	return f.vector == EMU_NO_FAULT ? r.rax : ENCLU_FAULT;
}

/* Up to the first byte that may not be accessed so. */
static unsigned long accessible(const void *at, unsigned long n, u32 perm)
{
	unsigned long done = 0;

	while (done < n && emu_usable(&e, (u64)at + done, perm))
		done += PAGE - ((u64)at + done) % PAGE;
	return done < n ? done : n;
}

unsigned long rkt_clear_user(void *to, unsigned long n)
{
	unsigned long can = accessible(to, n, SECINFO_W);

	memset(to, 0, can);
	return n - can;
}

unsigned long raw_copy_to_user(void *to, const void *from, unsigned long n)
{
	unsigned long can = accessible(to, n, SECINFO_W);

	memcpy(to, from, can);
	return n - can;
}

unsigned long raw_copy_from_user(void *to, const void *from, unsigned long n)
{
	unsigned long can = accessible(from, n, SECINFO_R);

	memcpy(to, from, can);
	return n - can;
}

int check_zeroed_user(const void *from, unsigned long n)
{
	const u8 *p = from;

	if (accessible(from, n, SECINFO_R) < n)
		return -EFAULT;
	while (n && !*p)
		p++, n--;
	return !n;
}

void rkt_halt(unsigned long code)
{
	REQUIRE(code == (TEE_HALT_ABORT | TEE_ABORT_MEMORY));
	longjmp(halted, 1);
}

/* What a driver can do, to pages of its choice. */
static long ring0(u8 op, u64 addr, u64 count, u32 prot)
{
	if (e.sgx1)
		return emu_map(&e, addr, count, op % 5 == TEE_MEM_TRIM ? 0 : prot);
	switch (op % 5) {
	case TEE_MEM_COMMIT:
		return emu_eaug(&e, addr, count);
	case TEE_MEM_PROTECT:
		return emu_emodpr(&e, addr, count, prot);
	case TEE_MEM_TRIM:
		return emu_emodt(&e, addr, count, PT_TRIM);
	case TEE_MEM_REMOVE:
		return emu_eremove(&e, addr, count);
	}
	emu_etrack(&e);
	return 0;
}

static void mischief(void)
{
	u8 op = next(), at = next() % COUNT, n = next() % 4 + 1;

	if (at + n <= COUNT)
		ring0(op, page(FIRST + at), n, next() & 7);
}

void rkt_mem_count(long bytes)
{
}

long rkt_exit(unsigned long code, unsigned long op, unsigned long addr, unsigned long size,
	      unsigned long prot)
{
	u64 count = size / PAGE;
	long ret = 0;
	u8 lie = late_writes ? 0 : next();

	if (late_writes && emu_usable(&e, addr, SECINFO_W)) {
		*(u8 *)addr = 0xee;
		late_writes--;
	}
	switch (lie & 7) {
	case 5: /* nothing is done */
		return lie & 8 ? -ENOMEM : 0;
	case 6: /* a part is done */
		count = (count + 1) / 2;
		break;
	case 7:
		mischief();
		break;
	}
	ret = ring0(op, addr, count, prot & 2 ? prot | 1 : prot);
	if (!(lie & 0x10))
		emu_etrack(&e);
	if (lie & 0x20)
		mischief();
	return lie & 0x40 ? (lie & 0x80 ? -EPERM : 0) : ret;
}

static u32 perms(u32 i)
{
	u32 p, perm = 0;

	for (p = SECINFO_R; p <= SECINFO_X; p <<= 1)
		if (emu_usable(&e, page(FIRST + i), p))
			perm |= p;
	return perm;
}

static bool holds(u32 i, u8 fill)
{
	const u8 *p = (u8 *)page(FIRST + i);

	return !(perms(i) & SECINFO_R) || (p[0] == fill && !memcmp(p, p + 1, PAGE - 1));
}

static void check_all(void)
{
	u32 i;

	for (i = 0; i < COUNT; i++) {
		if (!model[i].known)
			continue;
		REQUIRE(e.sgx1 || !(perms(i) & ~(model[i].committed ? model[i].prot : 0)));
		REQUIRE(!model[i].committed || holds(i, model[i].fill));
	}
}

static void note(u32 at, u32 n, bool done, bool committed, u8 prot)
{
	for (; n--; at++) {
		model[at].known = done;
		model[at].committed = committed;
		model[at].prot = prot;
		/* exactly so, unless the host has taken something away meanwhile */
		REQUIRE(!done || e.sgx1 || !(perms(at) & ~prot));
	}
}

static bool all(u32 at, u32 n, bool committed)
{
	for (; n--; at++)
		if (!model[at].known || model[at].committed != committed)
			return false;
	return true;
}

static void commit(u32 at, u32 n, u8 prot, bool copy)
{
	static u8 source[4 * PAGE + 1];
	u8 fill = copy ? 0x77 : 0;
	int ret;
	u32 i;

	for (i = 0; i < n; i++) /* after a failure the kernel may try again, but never believes */
		if (model[at + i].committed && (model[at + i].known || e.sgx1))
			return;
	memset(source, fill, sizeof(source));
	ret = copy ? tee_mem_commit_copy(page(FIRST + at), n * PAGE, source + 1, prot)
		   : tee_mem_commit(page(FIRST + at), n * PAGE, prot);
	if (ret && e.sgx1) /* as zero as before */
		return;
	for (i = 0; i < n; i++)
		model[at + i].fill = fill;
	note(at, n, !ret, true, prot);
}

static void protect(u32 at, u32 n, u8 prot)
{
	int ret = tee_mem_protect(page(FIRST + at), n * PAGE, prot);

	if (!ret || !e.sgx1)
		note(at, n, !ret, true, prot);
}

/* Where the host's leave alone hides pages, one that was refused stays the kernel's: PS_STALE. */
static void trim_some(u32 at, u32 n)
{
	int ret;

	late_writes = e.sgx1 ? next() & 3 : 0;
	ret = tee_mem_trim(page(FIRST + at), n * PAGE);
	late_writes = 0;
	note(at, n, !ret, ret && e.sgx1, 0);
}

static void step(void)
{
	u8 op = next(), at = next() % COUNT, n = next() % 4 + 1, prot = next() & 7;

	if (prot & 2)
		prot |= 1;
	if (at + n > COUNT)
		return;
	switch (op % 5) {
	case 0:
	case 1:
		commit(at, n, prot, op % 5);
		break;
	case 2:
		if (all(at, n, true))
			protect(at, n, prot);
		break;
	case 3:
		if (all(at, n, true))
			trim_some(at, n);
		break;
	default:
		mischief();
	}
	check_all();
}

/* Pages that hold something, and what tee_mem_start() makes of them. */
static void start_static(void)
{
	input = input_end = NULL;
	e.initialised = false;
	REQUIRE(!emu_eadd(&e, page(FIRST), COUNT, SECINFO_TYPE(PT_REG) | EPCM_PERM));
	memset((void *)page(FIRST), 0xa5, COUNT * PAGE);
	e.initialised = e.sgx1 = true;
	REQUIRE(!trim_static(page(FIRST), COUNT * PAGE));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u32 i;

	env_start();
	rkt_machine.memory = size & 1 ? BOOT_MEMORY_SGX1 : BOOT_MEMORY_SGX2;
	if (size & 1)
		start_static();
	if (setjmp(halted))
		return 0;
	e.threads[0].active = true; /* EREMOVE's rule */
	for (i = 0; i < COUNT; i++)
		model[i] = (typeof(model[0])){ .known = true };
	for (input = data, input_end = data + size; input < input_end;)
		step();
	return 0;
}
