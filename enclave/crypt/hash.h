/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hashes and key derivation for init (user space inside the TEE).
 * Everything derived from a key is wiped before return.
 */
#ifndef CRYPT_HASH_H
#define CRYPT_HASH_H

#include "abi/types.h"

enum rkt_hash {
	RKT_HASH_SHA256,
	RKT_HASH_SHA512,
};

#define RKT_HASH_SIZE_MAX 64

/* Bytes of a digest. */
size_t rkt_hash_size(enum rkt_hash hash);

/* Finds a hash by LUKS2's name for it ("sha256", "sha512"). Return: 0 or -ENOENT. */
int rkt_hash_by_name(const char *name, enum rkt_hash *hash);

/* Digest of a || b into out (rkt_hash_size() bytes). */
void rkt_hash_two(enum rkt_hash hash, const void *a, size_t a_size, const void *b, size_t b_size,
		  u8 *out);

/**
 * rkt_pbkdf2 - PBKDF2 with HMAC (RFC 8018, section 5.2)
 * @iterations: at least 1; the caller bounds it, time grows with it
 * @out:        size bytes
 */
void rkt_pbkdf2(enum rkt_hash hash, const void *pass, size_t pass_size, const u8 *salt,
		size_t salt_size, u32 iterations, u8 *out, size_t size);

#endif
