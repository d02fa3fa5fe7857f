// SPDX-License-Identifier: GPL-2.0-only
#include "enclave/crypt/xts.h"
#include "enclave/boundary/string.h"
#include "enclave/crypt/fpu.h"

#ifdef __KERNEL__
#include <linux/errno.h>
#define VECTOR_CLOBBERS "memory"
#else
#include <errno.h>
#define VECTOR_CLOBBERS                                                                           \
	"memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", \
		"xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
#endif

#define BLOCK 16u
#define IV_UNIT 512u

/* arch/x86/crypto of the kernel's source; the vector code is used as it is. */
#define XTS_ASM(name)                                                                      \
	void aes_xts_encrypt_##name(const struct rkt_aes_key *key, const u8 *src, u8 *dst, \
				    unsigned int len, u8 tweak[BLOCK]);                    \
	void aes_xts_decrypt_##name(const struct rkt_aes_key *key, const u8 *src, u8 *dst, \
				    unsigned int len, u8 tweak[BLOCK])
XTS_ASM(vaes_avx10_512);
XTS_ASM(vaes_avx10_256);
XTS_ASM(vaes_avx2);
XTS_ASM(aesni_avx);
void aes_xts_encrypt_iv(const struct rkt_aes_key *key, u8 iv[BLOCK]);
void aesni_set_key(struct rkt_aes_key *key, const u8 *in, unsigned int len);
void aesni_ecb_enc(const struct rkt_aes_key *key, u8 *out, const u8 *in, unsigned int len);
void aesni_enc(const void *key, u8 *out, const u8 *in);
void aesni_dec(const void *key, u8 *out, const u8 *in);

#define EACH_LOW(op)                                                                            \
	op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) \
		op(14) op(15)
#define EACH_HIGH(op)                                                                              \
	op(16) op(17) op(18) op(19) op(20) op(21) op(22) op(23) op(24) op(25) op(26) op(27) op(28) \
		op(29) op(30) op(31)
#define ZERO_XMM(n) "pxor %%xmm" #n ", %%xmm" #n "\n\t"
#define ZERO_ZMM(n) "vpxord %%zmm" #n ", %%zmm" #n ", %%zmm" #n "\n\t"

static void wipe_sse(void)
{
	__asm__ volatile(EACH_LOW(ZERO_XMM)::: VECTOR_CLOBBERS);
}

static void wipe_avx(void)
{
	__asm__ volatile("vzeroall" ::: VECTOR_CLOBBERS);
}

/* The AVX-512 code caches the round keys in the upper sixteen registers. */
static void wipe_avx512(void)
{
	__asm__ volatile(EACH_HIGH(ZERO_ZMM) "vzeroall" ::: VECTOR_CLOBBERS);
}

struct block {
	u64 lo, hi;
};

/* IEEE 1619, section 5.2: multiplication by x in GF(2^128). */
static void next_tweak(struct block *t)
{
	u64 carry = t->hi >> 63;

	t->hi = t->hi << 1 | t->lo >> 63;
	t->lo = t->lo << 1 ^ (0x87 & -carry);
}

/* One block at a time through private memory: for processors without AVX. */
static void xts_blocks(const struct rkt_aes_key *key, const u8 *src, u8 *dst, unsigned int len,
		       u8 tweak[BLOCK], void (*aes)(const void *key, u8 *out, const u8 *in))
{
	struct block t, b;

	memcpy(&t, tweak, BLOCK);
	for (; len >= BLOCK; len -= BLOCK, src += BLOCK, dst += BLOCK) {
		b.lo = *(const volatile u64 *)src ^ t.lo;
		b.hi = *(const volatile u64 *)(src + 8) ^ t.hi;
		aes(key, (u8 *)&b, (const u8 *)&b);
		*(volatile u64 *)dst = b.lo ^ t.lo;
		*(volatile u64 *)(dst + 8) = b.hi ^ t.hi;
		next_tweak(&t);
	}
	memcpy(tweak, &t, BLOCK);
}

static void encrypt_aesni(const struct rkt_aes_key *key, const u8 *src, u8 *dst, unsigned int len,
			  u8 tweak[BLOCK])
{
	xts_blocks(key, src, dst, len, tweak, aesni_enc);
}

static void decrypt_aesni(const struct rkt_aes_key *key, const u8 *src, u8 *dst, unsigned int len,
			  u8 tweak[BLOCK])
{
	xts_blocks(key, src, dst, len, tweak, aesni_dec);
}

static void encrypt_iv_aesni(const struct rkt_aes_key *key, u8 iv[BLOCK])
{
	aesni_enc(key, iv, iv);
}

/* Best first. Choice and order follow register_avx_algs() in aesni-intel_glue.c. */
static const struct rkt_crypt_ops all_ops[] = {
	{ "vaes_avx10_512", RKT_CPU_AVX512 | RKT_CPU_VAES_AVX2 | RKT_CPU_AVX | RKT_CPU_AESNI,
	  aes_xts_encrypt_vaes_avx10_512, aes_xts_decrypt_vaes_avx10_512, aes_xts_encrypt_iv,
	  wipe_avx512 },
	{ "vaes_avx10_256", RKT_CPU_AVX512 | RKT_CPU_VAES_AVX2 | RKT_CPU_AVX | RKT_CPU_AESNI,
	  aes_xts_encrypt_vaes_avx10_256, aes_xts_decrypt_vaes_avx10_256, aes_xts_encrypt_iv,
	  wipe_avx512 },
	{ "vaes_avx2", RKT_CPU_VAES_AVX2 | RKT_CPU_AVX | RKT_CPU_AESNI, aes_xts_encrypt_vaes_avx2,
	  aes_xts_decrypt_vaes_avx2, aes_xts_encrypt_iv, wipe_avx },
	{ "aesni_avx", RKT_CPU_AVX | RKT_CPU_AESNI, aes_xts_encrypt_aesni_avx,
	  aes_xts_decrypt_aesni_avx, aes_xts_encrypt_iv, wipe_avx },
	{ "aesni", RKT_CPU_AESNI, encrypt_aesni, decrypt_aesni, encrypt_iv_aesni, wipe_sse },
};

const struct rkt_crypt_ops *rkt_crypt_ops_get(unsigned int n)
{
	return n < sizeof(all_ops) / sizeof(all_ops[0]) ? &all_ops[n] : NULL;
}

static const struct rkt_crypt_ops *choose_ops(u32 cpu)
{
	const struct rkt_crypt_ops *ops;
	unsigned int n = cpu & RKT_CPU_SLOW_ZMM ? 1 : 0;

	for (; (ops = rkt_crypt_ops_get(n)); n++)
		if ((cpu & ops->cpu_needs) == ops->cpu_needs)
			return ops;
	return NULL;
}

int rkt_crypt_check(const struct rkt_crypt_params *p, u64 disk_size)
{
	if (p->cipher != RKT_CIPHER_NONE && p->cipher != RKT_CIPHER_AES_XTS_PLAIN64)
		return -EINVAL;
	if (p->sector_size != 512 && p->sector_size != 4096)
		return -EINVAL;
	if (p->data_offset % 4096 || p->data_offset > disk_size)
		return -EINVAL;
	if (!p->data_size || p->data_size % p->sector_size ||
	    p->data_size > disk_size - p->data_offset)
		return -EINVAL;
	return 0;
}

/* In constant time: the keys are secret. */
static bool key_halves_equal(const u8 *key)
{
	u8 diff = 0;

	for (int i = 0; i < RKT_CRYPT_KEY_SIZE / 2; i++)
		diff |= key[i] ^ key[RKT_CRYPT_KEY_SIZE / 2 + i];
	return !diff;
}

int rkt_crypt_setup(struct rkt_sector_crypt *sc, const struct rkt_crypt_params *p, u32 cpu)
{
	memset(sc, 0, sizeof(*sc));
	sc->sector_size = p->sector_size;
	sc->data_offset = p->data_offset;
	sc->data_size = p->data_size;
	sc->iv_offset = p->iv_offset;
	if (p->cipher == RKT_CIPHER_NONE)
		return 0;
	if (p->cipher != RKT_CIPHER_AES_XTS_PLAIN64 || key_halves_equal(p->key))
		return -EINVAL;
	sc->ops = choose_ops(cpu);
	if (!sc->ops)
		return -ENODEV;
	rkt_fpu_begin();
	aesni_set_key(&sc->data_key, p->key, RKT_CRYPT_KEY_SIZE / 2);
	aesni_set_key(&sc->tweak_key, p->key + RKT_CRYPT_KEY_SIZE / 2, RKT_CRYPT_KEY_SIZE / 2);
	sc->ops->wipe();
	rkt_fpu_end();
	return 0;
}

void rkt_crypt_wipe(struct rkt_sector_crypt *sc)
{
	memset(sc, 0, sizeof(*sc));
	__asm__ volatile("" ::"r"(sc) : "memory"); /* keeps the compiler from dropping it */
}

void rkt_crypt_begin(struct rkt_crypt_run *run, const struct rkt_sector_crypt *sc,
		     struct rkt_crypt_stats *stats, u64 sector, u64 size)
{
	run->sc = sc && sc->ops ? sc : NULL;
	run->stats = stats;
	run->error = 0;
	if (!run->sc)
		return;
	run->sector = sector + sc->iv_offset;
	run->size = size;
	run->left = 0;
	run->iv = 0;
	run->ivs_count = 0;
	if (size % sc->sector_size)
		run->error = -EINVAL;
	rkt_fpu_begin();
	/* What the program left in the upper halves would slow the SSE code down. */
	if (sc->ops->cpu_needs & RKT_CPU_AVX)
		__asm__ volatile("vzeroupper" ::: VECTOR_CLOBBERS);
}

/* Several IVs at a time, because one alone costs the whole latency of AES. */
static void more_ivs(struct rkt_crypt_run *run)
{
	const struct rkt_sector_crypt *sc = run->sc;
	u64 sectors = run->size / sc->sector_size;
	u32 i, count = sectors < RKT_CRYPT_IVS ? sectors : RKT_CRYPT_IVS;

	for (i = 0; i < count; i++) {
		struct block iv = { run->sector + i * (sc->sector_size / IV_UNIT), 0 };

		memcpy(run->ivs[i], &iv, BLOCK);
	}
	if (count == 1)
		sc->ops->encrypt_iv(&sc->tweak_key, run->ivs[0]);
	else
		aesni_ecb_enc(&sc->tweak_key, run->ivs[0], run->ivs[0], count * BLOCK);
	run->sector += count * (sc->sector_size / IV_UNIT);
	run->ivs_count = count;
	run->iv = 0;
}

static void next_sector(struct rkt_crypt_run *run)
{
	run->iv++;
	if (run->iv >= run->ivs_count)
		more_ivs(run);
	run->left = run->sc->sector_size;
}

static int crypt_bytes(struct rkt_crypt_run *run, u8 *dst, const u8 *src, u32 len,
		       __typeof__(((struct rkt_crypt_ops *)0)->encrypt) crypt)
{
	u32 part;

	if (len % BLOCK || len > run->size)
		run->error = -EINVAL;
	if (run->error)
		return run->error;
	for (; len; len -= part, dst += part, src += part) {
		if (!run->left)
			next_sector(run);
		part = len < run->left ? len : run->left;
		crypt(&run->sc->data_key, src, dst, part, run->ivs[run->iv]);
		run->left -= part;
		run->size -= part;
	}
	return 0;
}

int rkt_crypt_in(struct rkt_crypt_run *run, void *dst, struct host_addr src, u32 len)
{
	int err;

	if (!run->sc) {
		host_read(dst, src, len);
		run->stats->copied_in += len;
		return 0;
	}
	err = crypt_bytes(run, dst, host_bytes(src), len, run->sc->ops->decrypt);
	if (!err) {
		HOST_MEM_OBSERVE(src.va, len);
		run->stats->decrypted += len;
	}
	return err;
}

int rkt_crypt_out(struct rkt_crypt_run *run, struct host_addr dst, const void *src, u32 len)
{
	int err;

	if (!run->sc) {
		host_write(dst, src, len);
		run->stats->copied_out += len;
		return 0;
	}
	err = crypt_bytes(run, host_bytes(dst), src, len, run->sc->ops->encrypt);
	if (!err)
		run->stats->encrypted += len;
	return err;
}

int rkt_crypt_end(struct rkt_crypt_run *run)
{
	if (!run->sc)
		return 0;
	run->sc->ops->wipe();
	rkt_fpu_end();
	memset(run->ivs, 0, sizeof(run->ivs));
	if (!run->error && run->size)
		run->error = -EINVAL;
	return run->error;
}
