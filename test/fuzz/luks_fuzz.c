// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A LUKS2 header with hostile JSON. The first byte chooses: even, the rest is the JSON area under a
 * right checksum; odd, the rest is the raw header.
 */
#include "enclave/crypt/luks2.h"
#include "enclave/crypt/luks2_disk.h"
#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define HDR 0x4000
#define DISK (20ull << 20)

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void check(const u8 *hdr, size_t size)
{
	struct luks2_meta meta;
	char why[LUKS2_WHY_SIZE] = "";
	int err = luks2_parse(hdr, size, 0, DISK, &luks2_default_limits, &meta, why);

	if (err) {
		assert(*why && strlen(why) < LUKS2_WHY_SIZE);
		return;
	}
	assert(meta.slot_count && meta.slot_count <= LUKS2_SLOTS_MAX);
	assert(meta.sector_size == 512 || meta.sector_size == 4096);
	assert(meta.data_offset < DISK && meta.data_size <= DISK - meta.data_offset);
	assert(meta.data_size && meta.data_size % meta.sector_size == 0);
	for (u32 i = 0; i < meta.slot_count; i++) {
		assert(meta.slot[i].area_offset >= 2 * meta.hdr_size);
		assert(meta.slot[i].area_offset + meta.slot[i].area_size <= meta.data_offset);
		assert(meta.slot[i].area_size >= LUKS2_AF_SIZE);
	}
}

static void check_json(const u8 *json, size_t size)
{
	struct luks2_bin bin = { .magic = LUKS2_MAGIC_PRIMARY, .csum_alg = "sha256" };
	u8 *hdr = calloc(1, HDR);

	size = size < HDR - LUKS2_BIN_SIZE ? size : HDR - LUKS2_BIN_SIZE;
	bin.version = htobe16(2);
	bin.hdr_size = htobe64(HDR);
	memcpy(hdr, &bin, sizeof(bin));
	memcpy(hdr + sizeof(bin), json, size);
	rkt_hash_two(RKT_HASH_SHA256, hdr, HDR, NULL, 0, ((struct luks2_bin *)hdr)->csum);
	check(hdr, HDR);
	free(hdr);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	if (!size)
		return 0;
	if (data[0] % 2)
		check(data + 1, size - 1);
	else
		check_json(data + 1, size - 1);
	return 0;
}
