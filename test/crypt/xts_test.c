// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Every implementation against libcrypto, with random keys, lengths, tweaks and splits. */
#include "enclave/crypt/xts.h"
#include "test/crypt/cpu.h"
#include "test/lib/tap.h"
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define DATA_MAX (64 * 1024)

static u8 plain[DATA_MAX], cipher[DATA_MAX], want[DATA_MAX], back[DATA_MAX];
static u64 seed = 0x9e3779b97f4a7c15ull;

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void fill(u8 *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = rnd();
}

/* The reference: plain64, 512-byte units, whatever the sector size. */
static void openssl_xts(const struct rkt_crypt_params *p, u64 sector, size_t size)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	u64 iv[2] = { 0, 0 };
	int n;

	for (size_t at = 0; at < size; at += p->sector_size) {
		iv[0] = sector + p->iv_offset + at / 512;
		EVP_EncryptInit_ex(ctx, EVP_aes_256_xts(), NULL, p->key, (const u8 *)iv);
		EVP_EncryptUpdate(ctx, want + at, &n, plain + at, p->sector_size);
	}
	EVP_CIPHER_CTX_free(ctx);
}

static int run_random_splits(struct rkt_sector_crypt *sc, struct rkt_crypt_stats *st, u64 sector,
			     size_t size, bool out)
{
	struct rkt_crypt_run run;
	size_t at, part;

	rkt_crypt_begin(&run, sc, st, sector, size);
	for (at = 0; at < size; at += part) {
		part = 16 * (1 + rnd() % 300);
		part = part > size - at ? size - at : part;
		if (out)
			rkt_crypt_out(&run, (struct host_addr){ (u64)(cipher + at) }, plain + at,
				      part);
		else
			rkt_crypt_in(&run, back + at, (struct host_addr){ (u64)(cipher + at) },
				     part);
	}
	return rkt_crypt_end(&run);
}

static const char *one_round(const struct rkt_crypt_ops *ops, struct rkt_crypt_stats *st)
{
	struct rkt_crypt_params p = { .cipher = RKT_CIPHER_AES_XTS_PLAIN64,
				      .sector_size = rnd() % 2 ? 512 : 4096,
				      .data_size = 1 << 30,
				      .iv_offset = rnd() % 4 ? 0 : rnd() };
	struct rkt_sector_crypt sc;
	size_t size = p.sector_size * (1 + rnd() % (DATA_MAX / p.sector_size));
	u64 sector = rnd() >> (rnd() % 64);

	fill(p.key, sizeof(p.key));
	fill(plain, size);
	if (rkt_crypt_setup(&sc, &p, ops->cpu_needs))
		return "setup";
	sc.ops = ops;
	openssl_xts(&p, sector, size);
	if (run_random_splits(&sc, st, sector, size, true) || memcmp(cipher, want, size))
		return "ciphertext differs from libcrypto's";
	if (run_random_splits(&sc, st, sector, size, false) || memcmp(back, plain, size))
		return "does not decrypt to what it was";
	return NULL;
}

static void against_libcrypto(const struct rkt_crypt_ops *ops)
{
	struct rkt_crypt_stats st = { 0 };
	const char *why = NULL;
	int i;

	if ((cpu_features() & ops->cpu_needs) != ops->cpu_needs) {
		tap_skip(ops->name, "this processor cannot run it");
		return;
	}
	for (i = 0; i < 400 && !why; i++)
		why = one_round(ops, &st);
	if (!why && (!st.encrypted || st.encrypted != st.decrypted || st.copied_in))
		why = "counters";
	tap_case(!why, ops->name, "round %d: %s", i, why);
}

static void refusals(void)
{
	struct rkt_crypt_params good = { .cipher = RKT_CIPHER_AES_XTS_PLAIN64,
					 .sector_size = 512,
					 .data_offset = 16 << 20,
					 .data_size = 1 << 20 };
	u64 disk = 32 << 20;
	struct rkt_crypt_params p;
	struct rkt_sector_crypt sc;

#define REFUSED(name, change)                                                                   \
	do {                                                                                    \
		p = good;                                                                       \
		change;                                                                         \
		tap_case(rkt_crypt_check(&p, disk) == -EINVAL, "refuse_" name, "was accepted"); \
	} while (0)
	tap_case(rkt_crypt_check(&good, disk) == 0, "accept_good", "was refused");
	REFUSED("cipher", p.cipher = 2);
	REFUSED("sector_size_1024", p.sector_size = 1024);
	REFUSED("sector_size_0", p.sector_size = 0);
	REFUSED("offset_unaligned", p.data_offset += 512);
	REFUSED("offset_beyond_disk", p.data_offset = disk + 4096);
	REFUSED("offset_huge", p.data_offset = -4096ull);
	REFUSED("size_0", p.data_size = 0);
	REFUSED("size_unaligned", p.data_size += 16);
	REFUSED("size_beyond_disk", p.data_size = disk);
	REFUSED("size_wraps", p.data_size = -512ull);
	fill(good.key, 32);
	memcpy(good.key + 32, good.key, 32);
	tap_case(rkt_crypt_setup(&sc, &good, ~0u) == -EINVAL, "refuse_equal_halves", "accepted");
	good.key[0] ^= 1;
	tap_case(rkt_crypt_setup(&sc, &good, 0) == -ENODEV, "refuse_no_aesni", "accepted");
}

static void bad_runs(void)
{
	struct rkt_crypt_params p = { .cipher = RKT_CIPHER_AES_XTS_PLAIN64, .sector_size = 4096 };
	struct rkt_crypt_stats st = { 0 };
	struct rkt_sector_crypt sc;
	struct rkt_crypt_run run;
	struct host_addr dma = { (u64)cipher };

	fill(p.key, sizeof(p.key));
	rkt_crypt_setup(&sc, &p, cpu_features());
	memset(cipher, 0x55, 64);
	rkt_crypt_begin(&run, &sc, &st, 0, 8192);
	tap_case(rkt_crypt_out(&run, dma, plain, 24) == -EINVAL && cipher[0] == 0x55 &&
			 rkt_crypt_out(&run, dma, plain, 4096) == -EINVAL && cipher[0] == 0x55 &&
			 rkt_crypt_end(&run) == -EINVAL && !st.encrypted,
		 "odd_length_writes_nothing", "wrote or succeeded");
	rkt_crypt_begin(&run, &sc, &st, 0, 8192);
	rkt_crypt_in(&run, back, dma, 512);
	tap_case(rkt_crypt_end(&run) == -EINVAL, "incomplete_request", "end() succeeded");
	rkt_crypt_begin(&run, &sc, &st, 0, 4096);
	tap_case(rkt_crypt_in(&run, back, dma, 8192) == -EINVAL && rkt_crypt_end(&run) == -EINVAL,
		 "more_than_request", "succeeded");
	rkt_crypt_begin(&run, &sc, &st, 0, 512);
	tap_case(rkt_crypt_end(&run) == -EINVAL, "request_not_whole_sectors", "succeeded");
	rkt_crypt_begin(&run, NULL, &st, 0, 1001);
	rkt_crypt_out(&run, dma, plain, 1001);
	rkt_crypt_in(&run, back, dma, 1001);
	tap_case(rkt_crypt_end(&run) == 0 && !memcmp(back, plain, 1001) && st.copied_in == 1001 &&
			 st.copied_out == 1001,
		 "plain_copy", "bytes or counters");
	rkt_crypt_wipe(&sc);
	for (size_t i = 0; i < sizeof(sc); i++)
		if (((u8 *)&sc)[i])
			run.error = 1;
	tap_case(!run.error, "wipe", "bytes of a key left");
}

int main(void)
{
	const struct rkt_crypt_ops *ops;

	for (unsigned int n = 0; (ops = rkt_crypt_ops_get(n)); n++)
		against_libcrypto(ops);
	refusals();
	bad_runs();
	return tap_end();
}
