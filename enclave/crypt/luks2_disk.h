/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* LUKS2 binary header (section 2.1): big-endian. */
#ifndef CRYPT_LUKS2_DISK_H
#define CRYPT_LUKS2_DISK_H

#include "abi/types.h"

#define LUKS2_MAGIC_PRIMARY "LUKS\xba\xbe"
#define LUKS2_MAGIC_SECONDARY "SKUL\xba\xbe"
#define LUKS2_BIN_SIZE 4096
#define LUKS2_HDR_SIZE_MIN 0x4000

/* What luks2_format() makes: cryptsetup's default layout. */
#define LUKS2_NEW_HDR_SIZE 0x4000
#define LUKS2_NEW_AREA_OFFSET 0x8000
#define LUKS2_NEW_AREA_SIZE 258048
#define LUKS2_NEW_DATA_OFFSET (16u << 20)

struct luks2_bin {
	char magic[6];
	u16 version;
	u64 hdr_size; /* this binary part and the JSON area */
	u64 seqid;
	char label[48];
	char csum_alg[32];
	u8 salt[64];
	char uuid[40];
	char subsystem[48];
	u64 hdr_offset;
	u8 padding[184];
	u8 csum[64];
	u8 padding4096[3584];
} __attribute__((packed));
ABI_SIZE(struct luks2_bin, LUKS2_BIN_SIZE);
ABI_OFFSET(struct luks2_bin, csum, 448);

#endif
