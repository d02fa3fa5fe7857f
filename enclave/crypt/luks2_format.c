// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "enclave/crypt/luks2_disk.h"
#include "enclave/crypt/luks2_json.h"
#include "enclave/crypt/luks2_user.h"
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HDR_SIZE LUKS2_NEW_HDR_SIZE
#define AREA_OFFSET LUKS2_NEW_AREA_OFFSET
#define AREA_SIZE LUKS2_NEW_AREA_SIZE
#define DATA_OFFSET LUKS2_NEW_DATA_OFFSET
#define DISK_SIZE_MIN (17u << 20)

/* Tens of milliseconds at a start that may happen often; the owner's tool can add stronger slots. */
#define ARGON2_TIME 4
#define ARGON2_MEMORY_KIB (32 * 1024)
#define DIGEST_ITERATIONS 10000
#define SALT_SIZE 32

struct text {
	char salt[48], digest_salt[48], digest[48];
};

static void base64(const u8 *in, char out[48])
{
	static const char set[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	u32 i, v;

	for (i = 0; i + 2 < SALT_SIZE; i += 3) {
		v = in[i] << 16 | in[i + 1] << 8 | in[i + 2];
		for (int shift = 18; shift >= 0; shift -= 6)
			*out++ = set[v >> shift & 63];
	}
	v = in[i] << 16 | in[i + 1] << 8; /* 32 bytes: two are left */
	*out++ = set[v >> 18 & 63];
	*out++ = set[v >> 12 & 63];
	*out++ = set[v >> 6 & 63];
	*out++ = '=';
	*out = 0;
}

static int write_json(char *out, size_t size, u32 sector_size, const struct text *t)
{
	int n = snprintf(
		out, size,
		"{\"keyslots\":{\"0\":{\"type\":\"luks2\",\"key_size\":64,"
		"\"af\":{\"type\":\"luks1\",\"stripes\":4000,\"hash\":\"sha256\"},"
		"\"area\":{\"type\":\"raw\",\"offset\":\"%u\",\"size\":\"%u\","
		"\"encryption\":\"aes-xts-plain64\",\"key_size\":64},"
		"\"kdf\":{\"type\":\"argon2id\",\"time\":%u,\"memory\":%u,\"cpus\":1,\"salt\":\"%s\"}}},"
		"\"tokens\":{},"
		"\"segments\":{\"0\":{\"type\":\"crypt\",\"offset\":\"%u\",\"size\":\"dynamic\","
		"\"iv_tweak\":\"0\",\"encryption\":\"aes-xts-plain64\",\"sector_size\":%u}},"
		"\"digests\":{\"0\":{\"type\":\"pbkdf2\",\"keyslots\":[\"0\"],\"segments\":[\"0\"],"
		"\"hash\":\"sha256\",\"iterations\":%u,\"salt\":\"%s\",\"digest\":\"%s\"}},"
		"\"config\":{\"json_size\":\"%u\",\"keyslots_size\":\"%u\"}}",
		AREA_OFFSET, AREA_SIZE, ARGON2_TIME, ARGON2_MEMORY_KIB, t->salt, DATA_OFFSET,
		sector_size, DIGEST_ITERATIONS, t->digest_salt, t->digest,
		HDR_SIZE - LUKS2_BIN_SIZE, DATA_OFFSET - AREA_OFFSET);

	return n < 0 || (size_t)n >= size ? -EINVAL : 0;
}

/* RFC 4122, section 4.4: random. */
static int make_uuid(char out[40])
{
	u8 r[16];
	int err = luks2_random(r, sizeof(r));

	r[6] = (r[6] & 0x0f) | 0x40;
	r[8] = (r[8] & 0x3f) | 0x80;
	for (int i = 0, at = 0; i < 16; i++)
		at += snprintf(out + at, 40 - at, "%s%02x",
			       i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", r[i]);
	return err;
}

/* hdr holds the JSON already. */
static int finish_header(u8 *hdr, u64 offset, const char *uuid)
{
	struct luks2_bin *bin = (struct luks2_bin *)hdr;
	u8 csum[RKT_HASH_SIZE_MAX];
	int err;

	memset(bin, 0, sizeof(*bin));
	memcpy(bin->magic, offset ? LUKS2_MAGIC_SECONDARY : LUKS2_MAGIC_PRIMARY, 6);
	bin->version = htobe16(2);
	bin->hdr_size = htobe64(HDR_SIZE);
	bin->seqid = htobe64(1);
	bin->hdr_offset = htobe64(offset);
	memcpy(bin->csum_alg, "sha256", sizeof("sha256"));
	memcpy(bin->uuid, uuid, sizeof(bin->uuid));
	err = luks2_random(bin->salt, sizeof(bin->salt));
	rkt_hash_two(RKT_HASH_SHA256, hdr, HDR_SIZE, NULL, 0, csum);
	memcpy(bin->csum, csum, 32);
	return err;
}

/* Makes key, slot and area; gives the texts of the JSON. */
static int make_keys(const void *pass, size_t pass_size, u8 *area, struct text *t)
{
	struct luks2_slot slot = { .kdf = LUKS2_ARGON2ID,
				   .time = ARGON2_TIME,
				   .memory_kib = ARGON2_MEMORY_KIB,
				   .lanes = 1,
				   .salt_size = SALT_SIZE };
	u8 key[LUKS2_KEY_SIZE], slot_key[LUKS2_KEY_SIZE], salt[SALT_SIZE], digest[SALT_SIZE];
	int err = luks2_random(key, sizeof(key)) ?: luks2_random(slot.salt, SALT_SIZE)
		?: luks2_random(salt, sizeof(salt));

	if (!err)
		err = luks2_derive(&slot, pass, pass_size, slot_key);
	if (!err)
		err = luks2_af_split(RKT_HASH_SHA256, key, area);
	if (!err)
		err = luks2_area_crypt(slot_key, area, LUKS2_AF_SIZE, true);
	rkt_pbkdf2(RKT_HASH_SHA256, key, sizeof(key), salt, sizeof(salt), DIGEST_ITERATIONS, digest,
		   sizeof(digest));
	base64(slot.salt, t->salt);
	base64(salt, t->digest_salt);
	base64(digest, t->digest);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(slot_key, sizeof(slot_key));
	return err;
}

static int write_synced(int fd, const void *data, size_t size, u64 offset)
{
	return pwrite(fd, data, size, offset) == (ssize_t)size && !fsync(fd) ? 0 : -EIO;
}

/* In this order: luks2_probe() knows what is there when it is cut off before the primary header. */
static int write_all(int fd, u8 *hdr, const u8 *area)
{
	char uuid[40] = { 0 };

	return make_uuid(uuid) ?: finish_header(hdr, HDR_SIZE, uuid)
		?: write_synced(fd, hdr, HDR_SIZE, HDR_SIZE)
		?: write_synced(fd, area, AREA_SIZE, AREA_OFFSET) ?: finish_header(hdr, 0, uuid)
		?: write_synced(fd, hdr, HDR_SIZE, 0);
}

int luks2_format(int fd, u64 disk_size, u32 sector_size, const void *pass, size_t pass_size,
		 char why[LUKS2_WHY_SIZE])
{
	u8 *area = calloc(1, AREA_SIZE), *hdr = calloc(1, HDR_SIZE);
	struct text t;
	int err = -ENOMEM;

	if (disk_size < DISK_SIZE_MIN) {
		err = luks2_fail(why, -ENOSPC, "disk is smaller than 17 MiB");
		goto out;
	}
	if (area && hdr)
		err = make_keys(pass, pass_size, area, &t);
	if (!err)
		err = write_json((char *)hdr + LUKS2_BIN_SIZE, HDR_SIZE - LUKS2_BIN_SIZE,
				 sector_size, &t);
	if (!err)
		err = write_all(fd, hdr, area);
	if (err)
		luks2_fail(why, err, "cannot format: %s", strerror(-err));
out:
	free(area);
	free(hdr);
	return err;
}
