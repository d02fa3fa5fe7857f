/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One pass over the data of a disk: the copy between private pages and a DMA
 * buffer is the en/decryption.
 *
 * A block request is one run:
 *
 *	rkt_crypt_begin(&run, sc, stats, sector, size);
 *	for each private segment of the request
 *		err = rkt_crypt_in(&run, segment, dma, len) or rkt_crypt_out(...)
 *	err = rkt_crypt_end(&run);
 *
 * The whole run is one FPU bracket, so it must not sleep or schedule between
 * begin and end. Guarantees, each with a test in test/crypt/xts_trace.c:
 *
 *  - ciphertext that arrives from the device is read exactly once, straight
 *    into private memory: a device that changes it meanwhile changes only what
 *    is decrypted, never the control flow;
 *  - shared memory only ever receives final ciphertext. No plaintext, tweak or
 *    intermediate value is stored there even for an instant, and nothing is
 *    read back from it. (This rules out the kernel's SSE-only aesni_xts_enc(),
 *    which parks the tweaks in its destination and reads them back.)
 *  - the vector registers hold no round key or plaintext after rkt_crypt_end().
 *
 * What it does not do: authenticate. XTS keeps data confidential; it does not
 * show tampering, and the host may put old ciphertext back.
 *
 * Format: IEEE 1619-2018 (XTS-AES-256); tweak "plain64" as in cryptsetup: the
 * little-endian number of the 512-byte sector at which the crypt sector starts,
 * also when sector_size is 4096.
 */
#ifndef CRYPT_XTS_H
#define CRYPT_XTS_H

#include "enclave/boundary/host_mem.h"
#include "enclave/crypt/params.h"

/* What the processor can do: found once, where CPUID is allowed, and passed in. */
#define RKT_CPU_AESNI (1u << 0)
#define RKT_CPU_AVX (1u << 1) /* usable: XCR0 has YMM too */
#define RKT_CPU_VAES_AVX2 (1u << 2) /* AVX2, VAES, VPCLMULQDQ */
#define RKT_CPU_AVX512 (1u << 3) /* AVX512BW, AVX512VL, BMI2; XCR0 has ZMM */
#define RKT_CPU_SLOW_ZMM (1u << 4) /* 512-bit vectors would lower the clock */

/* The kernel's struct crypto_aes_ctx, which its assembly works on. */
struct rkt_aes_key {
	u32 enc[60];
	u32 dec[60];
	u32 length;
	u32 pad_[3];
} __attribute__((aligned(16)));
ABI_SIZE(struct rkt_aes_key, 496);
ABI_OFFSET(struct rkt_aes_key, dec, 240);
ABI_OFFSET(struct rkt_aes_key, length, 480);

/*
 * struct rkt_crypt_ops - one way to compute AES-XTS
 * @crypt functions: len is a multiple of 16; tweak is updated to the next block's.
 *                   dst and src don't overlap. Called inside an FPU bracket.
 */
struct rkt_crypt_ops {
	const char *name;
	u32 cpu_needs;
	void (*encrypt)(const struct rkt_aes_key *key, const u8 *src, u8 *dst, unsigned int len,
			u8 tweak[16]);
	void (*decrypt)(const struct rkt_aes_key *key, const u8 *src, u8 *dst, unsigned int len,
			u8 tweak[16]);
	void (*encrypt_iv)(const struct rkt_aes_key *key, u8 iv[16]);
	void (*wipe)(void); /* zeroes every vector register that the others use */
};

/*
 * struct rkt_crypt_stats - what crossed the boundary, in bytes
 *
 * One per queue and owned by it: plain additions, no atomics.
 */
struct rkt_crypt_stats {
	u64 encrypted;
	u64 decrypted;
	u64 copied_in;
	u64 copied_out;
};

/* struct rkt_sector_crypt - one disk's sector format and expanded keys; read-only when set up */
struct rkt_sector_crypt {
	struct rkt_aes_key data_key;
	struct rkt_aes_key tweak_key;
	const struct rkt_crypt_ops *ops; /* NULL: plain copy */
	u32 sector_size;
	u64 data_offset;
	u64 data_size;
	u64 iv_offset;
};

#define RKT_CRYPT_IVS 8

/* struct rkt_crypt_run - the state of one request, on the stack of who runs it */
struct rkt_crypt_run {
	u8 ivs[RKT_CRYPT_IVS][16]; /* encrypted IVs of the next crypt sectors */
	const struct rkt_sector_crypt *sc;
	struct rkt_crypt_stats *stats;
	u64 sector; /* IV of the first crypt sector that is not in ivs[] */
	u64 size; /* bytes of the request still to do */
	u32 left; /* bytes of the current crypt sector still to do */
	u32 iv; /* index of the current one in ivs[] */
	u32 ivs_count;
	int error;
};

/**
 * rkt_crypt_ops_get - the n-th implementation, best first
 * @n: 0 ..
 *
 * Return: NULL behind the last. For tests and statistics.
 */
const struct rkt_crypt_ops *rkt_crypt_ops_get(unsigned int n);

/**
 * rkt_crypt_check - are these parameters possible on a disk of this size?
 * @p:         what init found in a header; untrusted numbers, trusted key
 * @disk_size: bytes of the block device
 *
 * Return: 0, or -EINVAL.
 */
int rkt_crypt_check(const struct rkt_crypt_params *p, u64 disk_size);

/**
 * rkt_crypt_setup - expand the keys and choose the fastest implementation
 * @sc:  filled in; must be 16-byte aligned
 * @p:   checked parameters; the caller wipes them
 * @cpu: RKT_CPU_* bits
 *
 * Context: opens an FPU bracket of its own.
 * Return: 0; -EINVAL for an unknown cipher or two equal key halves (IEEE 1619,
 * section 5.1: XTS is unsafe with them); -ENODEV without AES-NI.
 */
int rkt_crypt_setup(struct rkt_sector_crypt *sc, const struct rkt_crypt_params *p, u32 cpu);

/* Overwrites the keys. No run may be open. */
void rkt_crypt_wipe(struct rkt_sector_crypt *sc);

/**
 * rkt_crypt_begin - start a request
 * @run:    the caller's, uninitialised
 * @sc:     the disk's format, or NULL for a plain copy
 * @stats:  where bytes are counted; private to the calling vCPU
 * @sector: first 512-byte sector of the request in the plaintext view, aligned
 *          to sc->sector_size by the block layer's logical block size
 * @size:   bytes of the whole request, a multiple of sc->sector_size
 *
 * Context: between this and rkt_crypt_end() the caller must not sleep.
 */
void rkt_crypt_begin(struct rkt_crypt_run *run, const struct rkt_sector_crypt *sc,
		     struct rkt_crypt_stats *stats, u64 sector, u64 size);

/**
 * rkt_crypt_in - take the next len bytes from a DMA buffer
 * @run: an open run
 * @dst: private memory
 * @src: host memory; read once, never again
 * @len: bytes, a multiple of 16 (any number when nothing is encrypted); crypt
 *       sectors may be split over several calls
 *
 * Return: 0, or -EINVAL for a bad length or more than the request's size (nothing
 * is written then, and the run stays failed).
 */
int rkt_crypt_in(struct rkt_crypt_run *run, void *dst, struct host_addr src, u32 len);

/**
 * rkt_crypt_out - put the next len bytes into a DMA buffer
 *
 * The mirror of rkt_crypt_in(). The private source is read at least once; the
 * caller keeps a program from changing it or accepts a torn sector, as with any
 * O_DIRECT write: the ciphertext is then still that of some plaintext.
 */
int rkt_crypt_out(struct rkt_crypt_run *run, struct host_addr dst, const void *src, u32 len);

/**
 * rkt_crypt_end - close the request's FPU bracket and wipe the registers
 *
 * Return: 0, the first error of the run, or -EINVAL when less than the request's
 * size was done.
 */
int rkt_crypt_end(struct rkt_crypt_run *run);

#endif
