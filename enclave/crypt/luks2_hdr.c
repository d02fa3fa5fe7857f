// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Section 2: where the two headers are and when one is whole. */
#include "enclave/crypt/luks2_disk.h"
#include "enclave/crypt/luks2_json.h"
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EMPTY_SIZE (16ull << 20)

/* Section 2.2: 16 KiB, 32 KiB ... 4 MiB, and the secondary lies right behind the primary. */
static bool size_is_allowed(u64 size)
{
	return size >= LUKS2_HDR_SIZE_MIN && size <= LUKS2_HDR_SIZE_MAX && !(size & (size - 1));
}

static bool checksum_is_right(const u8 *hdr, u64 size)
{
	struct luks2_bin bin;
	u8 csum[64] = { 0 };

	memcpy(&bin, hdr, sizeof(bin));
	memset(bin.csum, 0, sizeof(bin.csum));
	rkt_hash_two(RKT_HASH_SHA256, &bin, sizeof(bin), hdr + sizeof(bin), size - sizeof(bin),
		     csum);
	return !memcmp(csum, hdr + offsetof(struct luks2_bin, csum), sizeof(csum));
}

static int parse_bin(const u8 *hdr, size_t size, u64 offset, struct luks2_meta *meta, char *why)
{
	const char *magic = offset ? LUKS2_MAGIC_SECONDARY : LUKS2_MAGIC_PRIMARY;
	struct luks2_bin bin;

	if (size < sizeof(bin))
		return luks2_fail(why, -EINVAL, "header is cut off");
	memcpy(&bin, hdr, sizeof(bin));
	if (memcmp(bin.magic, magic, sizeof(bin.magic)))
		return luks2_fail(why, -EINVAL, "no LUKS header");
	if (be16toh(bin.version) != 2)
		return luks2_fail(why, -ENOTSUP, "LUKS version %u", be16toh(bin.version));
	meta->hdr_size = be64toh(bin.hdr_size);
	meta->seqid = be64toh(bin.seqid);
	if (!size_is_allowed(meta->hdr_size) || meta->hdr_size > size ||
	    be64toh(bin.hdr_offset) != offset || (offset && offset != meta->hdr_size))
		return luks2_fail(why, -EINVAL, "header size or offset is wrong");
	if (strncmp(bin.csum_alg, "sha256", sizeof(bin.csum_alg)))
		return luks2_fail(why, -ENOTSUP, "header checksum is not sha256");
	if (!checksum_is_right(hdr, meta->hdr_size))
		return luks2_fail(why, -EINVAL, "header checksum is wrong");
	return 0;
}

int luks2_parse(const u8 *hdr, size_t size, u64 offset, u64 disk_size,
		const struct luks2_limits *limits, struct luks2_meta *meta,
		char why[LUKS2_WHY_SIZE])
{
	const char *text = (const char *)hdr + LUKS2_BIN_SIZE;
	u64 json_size;
	int err;

	memset(meta, 0, sizeof(*meta));
	err = parse_bin(hdr, size, offset, meta, why);
	if (err)
		return err;
	json_size = meta->hdr_size - LUKS2_BIN_SIZE;
	if (!memchr(text, 0, json_size))
		return luks2_fail(why, -EINVAL, "JSON area has no end");
	return luks2_parse_json(text, disk_size, limits, meta, why);
}

/* Reads what is there, at most size. A disk may end early, never give an error for that. */
static ssize_t read_at(int fd, void *buf, size_t size, u64 offset)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, (u8 *)buf + done, size - done, offset + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		done += n;
	}
	return done;
}

static int read_copy(int fd, u64 offset, u8 *buf, u64 disk_size, const struct luks2_limits *limits,
		     struct luks2_meta *meta, char *why)
{
	ssize_t n = read_at(fd, buf, LUKS2_HDR_SIZE_MAX, offset);

	if (n < 0)
		return luks2_fail(why, n, "cannot read the header: %s", strerror(-n));
	return luks2_parse(buf, n, offset, disk_size, limits, meta, why);
}

/* Only with a damaged primary: its size, and so the place of the secondary, is unknown. */
static int search_secondary(int fd, u8 *buf, u64 disk_size, const struct luks2_limits *limits,
			    struct luks2_meta *meta, char *why)
{
	char ignored[LUKS2_WHY_SIZE];

	for (u64 offset = LUKS2_HDR_SIZE_MIN; offset <= LUKS2_HDR_SIZE_MAX; offset *= 2)
		if (!read_copy(fd, offset, buf, disk_size, limits, meta, ignored))
			return 0;
	return -EINVAL;
}

int luks2_read(int fd, u64 disk_size, const struct luks2_limits *limits, struct luks2_meta *meta,
	       char why[LUKS2_WHY_SIZE])
{
	struct luks2_meta *second = malloc(sizeof(*second));
	u8 *buf = malloc(LUKS2_HDR_SIZE_MAX);
	char ignored[LUKS2_WHY_SIZE];
	int err = -ENOMEM;

	if (!buf || !second) {
		luks2_fail(why, err, "no memory for the header");
		goto out;
	}
	err = read_copy(fd, 0, buf, disk_size, limits, meta, why);
	if (err == -EINVAL)
		err = search_secondary(fd, buf, disk_size, limits, meta, why);
	else if (!err && !read_copy(fd, meta->hdr_size, buf, disk_size, limits, second, ignored) &&
		 second->seqid > meta->seqid)
		*meta = *second;
out:
	free(buf);
	free(second);
	return err;
}

static bool magic_at(int fd, u64 offset, const char *magic)
{
	char found[6];

	return read_at(fd, found, sizeof(found), offset) == sizeof(found) &&
	       !memcmp(found, magic, sizeof(found));
}

/* Return: 1: zeros from start to end, 0: not, or a negative errno. */
static int all_zeros(int fd, u64 start, u64 end)
{
	static u8 buf[65536];

	for (u64 at = start; at < end; at += sizeof(buf)) {
		size_t size = end - at < sizeof(buf) ? end - at : sizeof(buf);
		ssize_t n = read_at(fd, buf, size, at);

		if (n < 0)
			return n;
		for (ssize_t i = 0; i < n; i++)
			if (buf[i])
				return 0;
	}
	return 1;
}

/* A format that was cut off: neither the primary header nor data, as nothing was ever unlocked. */
static int half_formatted(int fd)
{
	int zeros = all_zeros(fd, 0, LUKS2_NEW_HDR_SIZE);

	return zeros <= 0 ? zeros
			  : all_zeros(fd, LUKS2_NEW_AREA_OFFSET + LUKS2_NEW_AREA_SIZE,
				      LUKS2_NEW_DATA_OFFSET + LUKS2_BLANK_SIZE);
}

int luks2_probe(int fd, u64 disk_size)
{
	u64 size = disk_size < EMPTY_SIZE ? disk_size : EMPTY_SIZE;
	bool second = magic_at(fd, LUKS2_NEW_HDR_SIZE, LUKS2_MAGIC_SECONDARY);
	int zeros;

	if (magic_at(fd, 0, LUKS2_MAGIC_PRIMARY) || magic_at(fd, 0, LUKS2_MAGIC_SECONDARY))
		return LUKS2_CONTENT_LUKS;
	zeros = second ? half_formatted(fd) : all_zeros(fd, 0, size);
	if (zeros < 0)
		return zeros;
	if (zeros)
		return LUKS2_CONTENT_EMPTY;
	return second ? LUKS2_CONTENT_LUKS : LUKS2_CONTENT_OTHER;
}

int luks2_blanks(int fd, u64 offset, bool blank[LUKS2_BLANK_COUNT])
{
	for (u32 i = 0; i < LUKS2_BLANK_COUNT; i++) {
		u64 at = offset + i * (u64)LUKS2_BLANK_BLOCK;
		int zeros = blank[i] ? 1 : all_zeros(fd, at, at + LUKS2_BLANK_BLOCK);

		if (zeros < 0)
			return zeros;
		blank[i] = zeros;
	}
	return 0;
}
