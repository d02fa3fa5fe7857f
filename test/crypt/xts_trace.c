// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Watches every access of the AES-XTS code to the DMA buffer: the buffer's pages are inaccessible,
 * each access faults, is recorded, let through for one instruction (trap flag) and then looked at.
 *
 *  - reading: ascending, nothing read twice;
 *  - writing: nothing is read back, and all bytes present after each store are the final ones.
 */
#include "enclave/crypt/xts.h"
#include "test/crypt/cpu.h"
#include "test/lib/tap.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define SIZE 8192
#define EFLAGS_TF 0x100
#define FAULT_WRITE 2

static u8 *dma;
static u8 private_buf[SIZE], final_text[SIZE];
static volatile bool watching, is_write_run;
static u64 next_addr; /* reads must lie at or above it */
static unsigned long reads, writes, bad_reads, bad_writes, read_backs;

static void on_fault(int sig, siginfo_t *si, void *ucv)
{
	ucontext_t *uc = ucv;
	u64 addr = (u64)si->si_addr;

	if (!watching || addr < (u64)dma || addr >= (u64)dma + SIZE)
		_exit(99);
	if (uc->uc_mcontext.gregs[REG_ERR] & FAULT_WRITE) {
		writes++;
		bad_writes += !is_write_run;
	} else {
		reads++;
		read_backs += is_write_run;
		bad_reads += addr < next_addr;
		next_addr = addr + 8; /* no load of any implementation is narrower */
	}
	mprotect(dma, SIZE, PROT_READ | PROT_WRITE);
	uc->uc_mcontext.gregs[REG_EFL] |= EFLAGS_TF;
}

/* After the instruction: is anything in shared memory that is not final ciphertext? */
static void on_step(int sig, siginfo_t *si, void *ucv)
{
	ucontext_t *uc = ucv;

	if (is_write_run)
		for (size_t i = 0; i < SIZE; i += 8) {
			u64 now = *(u64 *)(dma + i);

			bad_writes += now && now != *(u64 *)(final_text + i);
		}
	mprotect(dma, SIZE, PROT_NONE);
	uc->uc_mcontext.gregs[REG_EFL] &= ~EFLAGS_TF;
}

static int watched(struct rkt_sector_crypt *sc, bool out)
{
	struct rkt_crypt_stats st = { 0 };
	struct rkt_crypt_run run;
	struct host_addr at = { (u64)dma };

	reads = writes = bad_reads = bad_writes = read_backs = 0;
	next_addr = 0;
	is_write_run = out;
	mprotect(dma, SIZE, PROT_NONE);
	watching = true;
	rkt_crypt_begin(&run, sc, &st, 7, SIZE);
	if (out)
		rkt_crypt_out(&run, at, private_buf, SIZE);
	else
		rkt_crypt_in(&run, private_buf, at, SIZE);
	rkt_crypt_end(&run);
	watching = false;
	mprotect(dma, SIZE, PROT_READ | PROT_WRITE);
	return run.error;
}

/* Are all vector registers that the code may have used zero? */
static bool registers_wiped(struct rkt_sector_crypt *sc)
{
	static u8 regs[32 * 64] __attribute__((aligned(64)));
	struct rkt_crypt_stats st = { 0 };
	struct rkt_crypt_run run;
	u8 any = 0;

	if (cpu_features() & RKT_CPU_AVX512)
		rkt_crypt_ops_get(0)->wipe(); /* what the C library left in the upper registers */
	rkt_crypt_begin(&run, sc, &st, 7, SIZE);
	rkt_crypt_in(&run, private_buf, (struct host_addr){ (u64)dma }, SIZE);
	rkt_crypt_end(&run);
	if (cpu_features() & RKT_CPU_AVX512)
		__asm__ volatile(
			".set i, 0\n\t.irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,"
			"17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n\t"
			"vmovdqu64 %%zmm\\r, (i*64)(%0)\n\t.set i, i + 1\n\t.endr" ::"r"(regs)
			: "memory");
	else
		__asm__ volatile(".set i, 0\n\t.irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"
				 "movdqu %%xmm\\r, (i*64)(%0)\n\t.set i, i + 1\n\t.endr" ::"r"(regs)
				 : "memory");
	for (size_t i = 0; i < sizeof(regs); i++)
		any |= regs[i];
	return !any;
}

static void trace(const struct rkt_crypt_ops *ops, u32 sector_size)
{
	struct rkt_crypt_params p = { .cipher = RKT_CIPHER_AES_XTS_PLAIN64,
				      .sector_size = sector_size };
	struct rkt_sector_crypt sc;
	char name[64];

	for (size_t i = 0; i < sizeof(p.key); i++)
		p.key[i] = i * 7 + 1;
	rkt_crypt_setup(&sc, &p, cpu_features());
	sc.ops = ops;
	memset(private_buf, 0xa5, SIZE);
	watched(&sc, true); /* once for the final text, once compared */
	memcpy(final_text, dma, SIZE);
	memset(dma, 0, SIZE);
	snprintf(name, sizeof(name), "%s_%u_write", ops->name, sector_size);
	watched(&sc, true);
	tap_case(!memcmp(final_text, dma, SIZE) && writes >= SIZE / 64 && !read_backs &&
			 !bad_writes,
		 name, "writes %lu, read back %lu, not final %lu", writes, read_backs, bad_writes);
	snprintf(name, sizeof(name), "%s_%u_read", ops->name, sector_size);
	watched(&sc, false);
	tap_case(private_buf[SIZE - 1] == 0xa5 && reads >= SIZE / 64 && !bad_reads && !writes, name,
		 "reads %lu, out of order or twice %lu, writes %lu", reads, bad_reads, writes);
	snprintf(name, sizeof(name), "%s_%u_registers", ops->name, sector_size);
	tap_case(registers_wiped(&sc), name, "a vector register is not zero");
}

static void legacy_encrypt(const struct rkt_aes_key *key, const u8 *src, u8 *dst, unsigned int len,
			   u8 tweak[16])
{
	void aesni_xts_enc(const void *ctx, u8 *out, const u8 *in, unsigned int size, u8 *iv);

	aesni_xts_enc(key, dst, src, len, tweak);
}

/* The watch itself must be able to fail: the kernel's SSE code stores tweaks in the destination. */
static void watch_catches_legacy(void)
{
	struct rkt_crypt_ops legacy = *rkt_crypt_ops_get(4);
	struct rkt_crypt_params p = { .cipher = RKT_CIPHER_AES_XTS_PLAIN64,
				      .sector_size = 4096,
				      .key = { 1 } };
	struct rkt_sector_crypt sc;

	legacy.encrypt = legacy_encrypt;
	rkt_crypt_setup(&sc, &p, cpu_features());
	sc.ops = &legacy;
	watched(&sc, true);
	memcpy(final_text, dma, SIZE);
	memset(dma, 0, SIZE);
	watched(&sc, true);
	tap_case(read_backs && bad_writes, "watch_catches_aesni_xts_enc", "saw nothing");
}

int main(void)
{
	struct sigaction fault = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	struct sigaction step = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };
	const struct rkt_crypt_ops *ops;

	dma = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sigaction(SIGSEGV, &fault, NULL);
	sigaction(SIGTRAP, &step, NULL);
	for (unsigned int n = 0; (ops = rkt_crypt_ops_get(n)); n++) {
		if ((cpu_features() & ops->cpu_needs) != ops->cpu_needs) {
			tap_skip(ops->name, "this processor cannot run it");
			continue;
		}
		trace(ops, 512);
		trace(ops, 4096);
	}
	watch_catches_legacy();
	return tap_end();
}
