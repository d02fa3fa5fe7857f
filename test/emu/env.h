/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A small enclave in this process for the tests of the emulated leaves. */
#ifndef TEST_EMU_ENV_H
#define TEST_EMU_ENV_H

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/tee/emu/enclave.h"
#include "test/lib/tap.h"

#define PAGE 4096ull
#define PAGES 64
/* pages of the enclave */
enum { P_TCS, P_SSA, P_DATA = 4, P_CODE, P_RO, P_HOLE, P_NEW = 16 };

static struct emu_enclave e;
static u64 base;

static long env_access(u64 addr, u64 size, int prot)
{
	return mprotect((void *)addr, size, prot) ? -errno : 0;
}

static long env_discard(u64 addr, u64 size)
{
	return madvise((void *)addr, size, MADV_DONTNEED) ? -errno : 0;
}

/* Past all permissions; notes whether the page was out of reach then, as it must be. */
static bool copied_unseen;

static long env_copy(u64 to, u64 from)
{
	unsigned char byte;
	int pipe_fd[2], fd = open("/proc/self/mem", O_WRONLY);
	long n = pwrite(fd, (void *)from, PAGE, to);

	copied_unseen = !pipe(pipe_fd) && write(pipe_fd[1], (void *)to, sizeof(byte)) < 0;
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	close(fd);
	return n == PAGE ? 0 : -EIO;
}

static long env_yield(void)
{
	return sched_yield();
}

static inline u64 page(u32 n)
{
	return base + n * PAGE;
}

static struct tee_tcs env_tcs(void)
{
	return (struct tee_tcs){ .ossa = P_SSA * PAGE,
				 .nssa = 3,
				 .oentry = P_CODE * PAGE + 0x10,
				 .ogsbase = P_DATA * PAGE,
				 .ofslimit = 0xfff,
				 .ogslimit = 0xfff };
}

/* Made anew for each group of cases. xfrm 7: x87, SSE, AVX. */
static void env_start(void)
{
	const u64 size = PAGES * PAGE;
	struct tee_tcs tcs = env_tcs();
	u8 *all;

	emu_destroy(&e);
	if (base)
		munmap((void *)base, size);
	all = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	base = ((u64)all + size - 1) & ~(size - 1);
	memset(&e, 0, sizeof(e));
	e.set_access = env_access;
	e.copy = env_copy;
	e.discard = env_discard;
	e.yield = env_yield;
	if (emu_ecreate(&e, base, size, 7) || emu_eadd_tcs(&e, page(P_TCS), &tcs) ||
	    emu_eadd(&e, page(P_SSA), 3, SECINFO_TYPE(PT_REG) | SECINFO_R | SECINFO_W) ||
	    emu_eadd(&e, page(P_DATA), 1, SECINFO_TYPE(PT_REG) | SECINFO_R | SECINFO_W) ||
	    emu_eadd(&e, page(P_CODE), 1, SECINFO_TYPE(PT_REG) | SECINFO_R | SECINFO_X) ||
	    emu_eadd(&e, page(P_RO), 1, SECINFO_TYPE(PT_REG) | SECINFO_R) || emu_einit(&e)) {
		printf("not ok env: can't make an enclave\n");
		exit(1);
	}
}

static inline u32 entry_of(u32 n)
{
	return atomic_load(emu_entry(&e, page(n))) & 0xffff;
}

/* SECINFO in the enclave's data page. */
static inline u64 put_secinfo(u64 flags)
{
	struct sgx_secinfo *s = (void *)page(P_DATA);

	memset(s, 0, sizeof(*s));
	s->flags = flags;
	return (u64)s;
}

static inline bool is_gp(struct emu_fault f)
{
	return f.vector == EMU_GP && !f.error;
}

static inline bool is_pf(struct emu_fault f, u64 addr)
{
	return f.vector == EMU_PF && f.addr == addr && (f.error & SGX_PF_SGX);
}

static inline bool is_done(struct emu_fault f)
{
	return f.vector == EMU_NO_FAULT;
}

#define CASE(name, cond) tap_case((cond), (name), "%s:%d", __FILE__, __LINE__)

#endif
