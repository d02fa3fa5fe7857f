// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "enclave/crypt/luks2_json.h"
#include "enclave/crypt/luks2_user.h"
#include <argon2.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* Section 2.4: every digest-sized piece is replaced by hash(its number || it). */
static void diffuse(enum rkt_hash hash, u8 block[LUKS2_KEY_SIZE])
{
	size_t piece = rkt_hash_size(hash);
	u8 out[RKT_HASH_SIZE_MAX];

	for (size_t at = 0; at < LUKS2_KEY_SIZE; at += piece) {
		u32 number = htobe32(at / piece);

		rkt_hash_two(hash, &number, sizeof(number), block + at, piece, out);
		memcpy(block + at, out, piece);
	}
	explicit_bzero(out, sizeof(out));
}

static void xor_key(u8 *out, const u8 *in)
{
	for (size_t i = 0; i < LUKS2_KEY_SIZE; i++)
		out[i] ^= in[i];
}

void luks2_af_merge(enum rkt_hash hash, const u8 *area, u8 key[LUKS2_KEY_SIZE])
{
	memset(key, 0, LUKS2_KEY_SIZE);
	for (u32 i = 0; i < LUKS2_STRIPES - 1; i++, area += LUKS2_KEY_SIZE) {
		xor_key(key, area);
		diffuse(hash, key);
	}
	xor_key(key, area);
}

int luks2_random(void *out, size_t size)
{
	for (u8 *p = out; size;) {
		ssize_t n = getrandom(p, size, 0);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			p += n;
			size -= n;
		}
	}
	return 0;
}

int luks2_af_split(enum rkt_hash hash, const u8 key[LUKS2_KEY_SIZE], u8 *area)
{
	u8 block[LUKS2_KEY_SIZE] = { 0 };
	int err = luks2_random(area, LUKS2_AF_SIZE);

	if (err)
		return err;
	for (u32 i = 0; i < LUKS2_STRIPES - 1; i++, area += LUKS2_KEY_SIZE) {
		xor_key(block, area);
		diffuse(hash, block);
	}
	memcpy(area, key, LUKS2_KEY_SIZE);
	xor_key(area, block);
	explicit_bzero(block, sizeof(block));
	return 0;
}

int luks2_derive(const struct luks2_slot *slot, const void *pass, size_t pass_size,
		 u8 key[LUKS2_KEY_SIZE])
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	argon2_context context = {
		.out = key,
		.outlen = LUKS2_KEY_SIZE,
		.pwd = (u8 *)pass,
		.pwdlen = pass_size,
		.salt = (u8 *)slot->salt,
		.saltlen = slot->salt_size,
		.t_cost = slot->time,
		.m_cost = slot->memory_kib,
		.lanes = slot->lanes,
		.threads = cpus > 1 ? slot->lanes : 1,
		.version = ARGON2_VERSION_13,
	};
	int err;

	if (slot->kdf == LUKS2_PBKDF2) {
		rkt_pbkdf2(slot->kdf_hash, pass, pass_size, slot->salt, slot->salt_size, slot->time,
			   key, LUKS2_KEY_SIZE);
		return 0;
	}
	err = argon2_ctx(&context, slot->kdf == LUKS2_ARGON2I ? Argon2_i : Argon2_id);
	if (err == ARGON2_MEMORY_ALLOCATION_ERROR || err == ARGON2_THREAD_FAIL)
		return -ENOMEM;
	return err == ARGON2_OK ? 0 : -EINVAL;
}

int luks2_area_crypt(const u8 key[LUKS2_KEY_SIZE], u8 *area, size_t size, bool encrypt)
{
	struct rkt_crypt_params params = { .cipher = RKT_CIPHER_AES_XTS_PLAIN64,
					   .sector_size = 512 };
	struct rkt_sector_crypt sc;
	int err;

	memcpy(params.key, key, sizeof(params.key));
	err = rkt_crypt_setup(&sc, &params, rkt_cpu_user());
	explicit_bzero(&params, sizeof(params));
	if (!err)
		err = rkt_crypt_in_place(&sc, area, size, encrypt);
	rkt_crypt_wipe(&sc);
	return err;
}

static bool digest_is_right(const struct luks2_meta *meta, const u8 key[LUKS2_KEY_SIZE])
{
	u8 digest[RKT_HASH_SIZE_MAX], diff = 0;

	rkt_pbkdf2(meta->digest_hash, key, LUKS2_KEY_SIZE, meta->digest_salt,
		   meta->digest_salt_size, meta->digest_iterations, digest, meta->digest_size);
	for (u32 i = 0; i < meta->digest_size; i++)
		diff |= digest[i] ^ meta->digest[i];
	explicit_bzero(digest, sizeof(digest));
	return !diff;
}

/* Return: 0, -EACCES for another passphrase. */
static int try_slot(int fd, const struct luks2_meta *meta, const struct luks2_slot *slot,
		    const void *pass, size_t pass_size, u8 *area, u8 key[LUKS2_KEY_SIZE])
{
	u8 slot_key[LUKS2_KEY_SIZE];
	int err = luks2_derive(slot, pass, pass_size, slot_key);

	if (!err && pread(fd, area, LUKS2_AF_SIZE, slot->area_offset) != LUKS2_AF_SIZE)
		err = -EIO;
	if (!err)
		err = luks2_area_crypt(slot_key, area, LUKS2_AF_SIZE, false);
	explicit_bzero(slot_key, sizeof(slot_key));
	if (err)
		return err;
	luks2_af_merge(slot->af_hash, area, key);
	return digest_is_right(meta, key) ? 0 : -EACCES;
}

static int explain(char *why, int err, const struct luks2_slot *slot)
{
	if (err == -EACCES)
		return luks2_fail(why, err, "no keyslot opens with this key");
	if (err == -ENOMEM)
		return luks2_fail(why, err, "keyslot %u: argon2 needs %u MiB of memory", slot->id,
				  slot->memory_kib / 1024);
	return luks2_fail(why, err, "keyslot %u: %s", slot->id, strerror(-err));
}

int luks2_unlock(int fd, const struct luks2_meta *meta, const void *pass, size_t pass_size,
		 struct rkt_crypt_params *params, char why[LUKS2_WHY_SIZE])
{
	const struct luks2_slot *slot = meta->slot;
	u8 *area = malloc(LUKS2_AF_SIZE);
	int err = -EACCES, worst = -EACCES;

	memset(params, 0, sizeof(*params));
	if (!area)
		return luks2_fail(why, -ENOMEM, "no memory for a keyslot");
	for (u32 i = 0; i < meta->slot_count && err; i++) {
		if (meta->slot[i].ignored)
			continue;
		err = try_slot(fd, meta, &meta->slot[i], pass, pass_size, area, params->key);
		if (err && err != -EACCES) {
			worst = err;
			slot = &meta->slot[i];
		}
	}
	explicit_bzero(area, LUKS2_AF_SIZE);
	free(area);
	if (err) {
		explicit_bzero(params, sizeof(*params));
		return explain(why, worst, slot);
	}
	params->cipher = RKT_CIPHER_AES_XTS_PLAIN64;
	params->sector_size = meta->sector_size;
	params->data_offset = meta->data_offset;
	params->data_size = meta->data_size;
	return 0;
}
