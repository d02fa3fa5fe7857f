// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#define OPENSSL_SUPPRESS_DEPRECATED /* the plain functions keep the static init small */
#include "enclave/crypt/hash.h"
#include <endian.h>
#include <errno.h>
#include <openssl/sha.h>
#include <string.h>

#define HASH_BLOCK_MAX 128

union state {
	SHA256_CTX sha256;
	SHA512_CTX sha512;
};

static const struct algorithm {
	const char *name;
	size_t size, block;
} algorithms[] = {
	[RKT_HASH_SHA256] = { "sha256", 32, 64 },
	[RKT_HASH_SHA512] = { "sha512", 64, 128 },
};

size_t rkt_hash_size(enum rkt_hash hash)
{
	return algorithms[hash].size;
}

int rkt_hash_by_name(const char *name, enum rkt_hash *hash)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		if (strcmp(name, algorithms[i].name))
			continue;
		*hash = i;
		return 0;
	}
	return -ENOENT;
}

static void start(enum rkt_hash hash, union state *s)
{
	if (hash == RKT_HASH_SHA512)
		SHA512_Init(&s->sha512);
	else
		SHA256_Init(&s->sha256);
}

static void add(enum rkt_hash hash, union state *s, const void *data, size_t size)
{
	if (hash == RKT_HASH_SHA512)
		SHA512_Update(&s->sha512, data, size);
	else
		SHA256_Update(&s->sha256, data, size);
}

static void finish(enum rkt_hash hash, union state *s, u8 *out)
{
	if (hash == RKT_HASH_SHA512)
		SHA512_Final(out, &s->sha512);
	else
		SHA256_Final(out, &s->sha256);
}

void rkt_hash_two(enum rkt_hash hash, const void *a, size_t a_size, const void *b, size_t b_size,
		  u8 *out)
{
	union state s;

	start(hash, &s);
	add(hash, &s, a, a_size);
	add(hash, &s, b, b_size);
	finish(hash, &s, out);
	explicit_bzero(&s, sizeof(s));
}

/* RFC 2104: both padded keys are hashed once, each use starts from a copy. */
struct hmac {
	enum rkt_hash hash;
	union state inner, outer;
};

static void hmac_key(struct hmac *h, enum rkt_hash hash, const void *key, size_t size)
{
	size_t block = algorithms[hash].block;
	u8 pad[HASH_BLOCK_MAX] = { 0 };

	if (size > block)
		rkt_hash_two(hash, key, size, NULL, 0, pad);
	else
		memcpy(pad, key, size);
	for (size_t i = 0; i < block; i++)
		pad[i] ^= 0x36;
	h->hash = hash;
	start(hash, &h->inner);
	add(hash, &h->inner, pad, block);
	for (size_t i = 0; i < block; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	start(hash, &h->outer);
	add(hash, &h->outer, pad, block);
	explicit_bzero(pad, sizeof(pad));
}

static void hmac_two(const struct hmac *h, const u8 *a, size_t a_size, const void *b, size_t b_size,
		     u8 *out)
{
	union state s = h->inner;

	add(h->hash, &s, a, a_size);
	add(h->hash, &s, b, b_size);
	finish(h->hash, &s, out);
	s = h->outer;
	add(h->hash, &s, out, algorithms[h->hash].size);
	finish(h->hash, &s, out);
}

void rkt_pbkdf2(enum rkt_hash hash, const void *pass, size_t pass_size, const u8 *salt,
		size_t salt_size, u32 iterations, u8 *out, size_t size)
{
	size_t digest = algorithms[hash].size, part;
	u8 u[RKT_HASH_SIZE_MAX], t[RKT_HASH_SIZE_MAX];
	struct hmac h;

	hmac_key(&h, hash, pass, pass_size);
	for (u32 block = 1; size; block++, out += part, size -= part) {
		u32 number = htobe32(block);

		hmac_two(&h, salt, salt_size, &number, sizeof(number), u);
		memcpy(t, u, digest);
		for (u32 i = 1; i < iterations; i++) {
			hmac_two(&h, u, digest, NULL, 0, u);
			for (size_t k = 0; k < digest; k++)
				t[k] ^= u[k];
		}
		part = size < digest ? size : digest;
		memcpy(out, t, part);
	}
	explicit_bzero(&h, sizeof(h));
	explicit_bzero(u, sizeof(u));
	explicit_bzero(t, sizeof(t));
}
