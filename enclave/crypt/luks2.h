/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * LUKS2 for init: opens and creates encrypted disks that Debian's cryptsetup
 * can open too (LUKS2 On-Disk Format Specification 1.1.x; section numbers below).
 *
 * The header lies on the host's disk: it is hostile input, except that nobody
 * without a passphrase can make a key slot that yields a key of their choice.
 * So this parser is our own and strict, instead of libcryptsetup (device mapper,
 * udev, locking, LUKS1, TCRYPT, BitLocker, tokens ... all of which would be
 * trusted code that a host can reach): it knows one shape and refuses the rest
 * by name. JSON goes through json-c, depth-limited.
 *
 * Accepted: one crypt segment, aes-xts-plain64 with a 512-bit key, 512 or
 * 4096-byte sectors, iv_tweak 0; key slots of type luks2 with argon2i, argon2id
 * or pbkdf2 within struct luks2_limits; one pbkdf2 digest; no requirement flags.
 * Tokens are never run or looked into.
 *
 * What LUKS2 can't do: show that the host put an older header or older data back.
 */
#ifndef CRYPT_LUKS2_H
#define CRYPT_LUKS2_H

#include "enclave/crypt/hash.h"
#include "enclave/crypt/params.h"

#define LUKS2_SLOTS_MAX 32 /* section 3.2 */
#define LUKS2_SALT_MAX 64
#define LUKS2_KEY_SIZE RKT_CRYPT_KEY_SIZE
#define LUKS2_HDR_SIZE_MAX 0x400000
#define LUKS2_WHY_SIZE 160

enum luks2_kdf {
	LUKS2_PBKDF2,
	LUKS2_ARGON2I,
	LUKS2_ARGON2ID,
};

struct luks2_slot {
	u32 id;
	enum luks2_kdf kdf;
	enum rkt_hash kdf_hash; /* pbkdf2 only */
	enum rkt_hash af_hash;
	u32 time; /* argon2 passes or pbkdf2 iterations */
	u32 memory_kib;
	u32 lanes;
	u32 salt_size;
	u64 area_offset, area_size;
	bool ignored; /* priority 0 */
	u8 salt[LUKS2_SALT_MAX];
};

/* All that is used of a header; every number has been checked. */
struct luks2_meta {
	u64 hdr_size, seqid;
	u64 data_offset, data_size;
	u32 sector_size;
	u32 slot_count;
	struct luks2_slot slot[LUKS2_SLOTS_MAX];
	enum rkt_hash digest_hash;
	u32 digest_iterations;
	u32 digest_salt_size, digest_size;
	u32 digest_slots; /* bit n: slot with id n is bound to the segment */
	u8 digest_salt[LUKS2_SALT_MAX];
	u8 digest[RKT_HASH_SIZE_MAX];
};

/* What a header may ask for. A hostile one can cost at most this, per key slot. */
struct luks2_limits {
	u32 argon2_memory_kib_max;
	u64 argon2_work_max; /* time x memory_kib */
	u32 pbkdf2_iterations_max;
};

extern const struct luks2_limits luks2_default_limits;

/* What is on a disk, as far as its owner's mkfs policy needs to know. */
enum luks2_content {
	LUKS2_CONTENT_LUKS, /* a LUKS magic, whether valid or not */
	/* The first 16 MiB (or the whole disk) are zeros, or what a luks2_format() left that was
	 * cut off, with zeros where data starts. */
	LUKS2_CONTENT_EMPTY,
	LUKS2_CONTENT_OTHER,
};

/**
 * luks2_parse - take one header copy apart
 * @hdr:  binary header and JSON area, private memory, hostile content
 * @size: bytes in hdr; the header says its own size, which must not exceed it
 * @offset: where on the disk it was found (0: primary)
 * @disk_size: bytes of the disk
 * @meta: filled in when 0 is returned
 * @why:  one line for the log otherwise; printable ASCII
 *
 * Checks magic, version, size, offset, SHA-256 checksum (section 2.1), then the
 * JSON (section 3).
 * Return: 0; -EINVAL for no or a damaged header, -ENOTSUP for one that is whole
 * but asks for something refused.
 */
int luks2_parse(const u8 *hdr, size_t size, u64 offset, u64 disk_size,
		const struct luks2_limits *limits, struct luks2_meta *meta,
		char why[LUKS2_WHY_SIZE]);

/**
 * luks2_read - read and parse the newest valid header copy of a disk
 * @fd: the disk, readable
 *
 * Reads both copies (the secondary at each offset of section 2.2 if the primary
 * is damaged) and takes the one with the higher sequence number. Nothing is
 * repaired: cryptsetup does that.
 */
int luks2_read(int fd, u64 disk_size, const struct luks2_limits *limits, struct luks2_meta *meta,
	       char why[LUKS2_WHY_SIZE]);

/**
 * luks2_unlock - find the key slot that the passphrase opens
 * @fd:   the disk, for the key slots' areas
 * @pass: the passphrase or the whole content of a key file; not wiped
 * @params: filled in with key and geometry; the caller wipes it
 *
 * Return: 0; -EACCES when no slot opens; -ENOMEM when argon2 doesn't get its
 * memory; -EIO, -EINVAL.
 */
int luks2_unlock(int fd, const struct luks2_meta *meta, const void *pass, size_t pass_size,
		 struct rkt_crypt_params *params, char why[LUKS2_WHY_SIZE]);

/* Looks at the start of a disk. Return: enum luks2_content or a negative errno. */
int luks2_probe(int fd, u64 disk_size);

#define LUKS2_BLANK_SIZE (1u << 20) /* where data starts: a file system leaves traces here */
#define LUKS2_BLANK_BLOCK 4096
#define LUKS2_BLANK_COUNT (LUKS2_BLANK_SIZE / LUKS2_BLANK_BLOCK)

/**
 * luks2_blanks - which blocks of a LUKS2_BLANK_SIZE are zeros
 * @blank: set where they are; what is set already stays so
 *
 * First of the ciphertext, then of the plaintext: a start that is cut off before mkfs leaves
 * blocks of which each is zeros in one of both.
 * Return: 0 or a negative errno.
 */
int luks2_blanks(int fd, u64 offset, bool blank[LUKS2_BLANK_COUNT]);

/**
 * luks2_format - write a new LUKS2 header with one key slot and a random key
 * @fd:   the disk, writable; what is in its first 16 MiB is lost
 *
 * The layout is cryptsetup's default: two 16 KiB headers, data at 16 MiB. The
 * primary header is written last, after a sync, so that a crash leaves no header
 * or a whole one.
 * Return: 0; -ENOSPC for a disk below 17 MiB; -EIO ...
 */
int luks2_format(int fd, u64 disk_size, u32 sector_size, const void *pass, size_t pass_size,
		 char why[LUKS2_WHY_SIZE]);

/* Anti-forensic splitter (section 2.4). area: LUKS2_KEY_SIZE * 4000 bytes. */
#define LUKS2_STRIPES 4000
#define LUKS2_AF_SIZE (LUKS2_KEY_SIZE * LUKS2_STRIPES)
void luks2_af_merge(enum rkt_hash hash, const u8 *area, u8 key[LUKS2_KEY_SIZE]);
int luks2_af_split(enum rkt_hash hash, const u8 key[LUKS2_KEY_SIZE], u8 *area);

/* Key from passphrase as the slot says. Return: 0, -ENOMEM, -EINVAL. */
int luks2_derive(const struct luks2_slot *slot, const void *pass, size_t pass_size,
		 u8 key[LUKS2_KEY_SIZE]);

/* En/decrypts a key slot's area in place (IV: 512-byte sectors from its start). */
int luks2_area_crypt(const u8 key[LUKS2_KEY_SIZE], u8 *area, size_t size, bool encrypt);

#endif
