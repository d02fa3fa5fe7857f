/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How the measured init hands an unlocked disk to the block layer.
 *
 * Both sides are inside the TEE and measured together: this is not a boundary,
 * and it has no compatibility to keep. init has parsed the (host-writable) LUKS2
 * header in user space, so that the kernel gets only these few numbers; it
 * checks them all the same (rkt_crypt_check()), because they come from a header
 * that the host can write.
 */
#ifndef CRYPT_PARAMS_H
#define CRYPT_PARAMS_H

#include "abi/types.h"

enum rkt_cipher {
	RKT_CIPHER_NONE = 0, /* plain copy */
	RKT_CIPHER_AES_XTS_PLAIN64 = 1, /* AES-256-XTS, IV = little-endian 512-byte sector number */
};

#define RKT_CRYPT_KEY_SIZE 64

/*
 * struct rkt_crypt_params - one crypt segment of one disk
 * @cipher:      enum rkt_cipher
 * @sector_size: bytes that share one IV: 512 or 4096
 * @data_offset: first byte of the ciphertext on the disk, a multiple of 4096
 * @data_size:   bytes of ciphertext, a multiple of sector_size; never 0
 * @iv_offset:   added to the 512-byte sector number of the plaintext view
 * @key:         data key (32 bytes), then tweak key (32 bytes)
 *
 * After RKT_BLK_SET_CRYPT the block device shows the plaintext of
 * [data_offset, data_offset + data_size) as its whole content.
 */
struct rkt_crypt_params {
	u32 cipher;
	u32 sector_size;
	u64 data_offset;
	u64 data_size;
	u64 iv_offset;
	u8 key[RKT_CRYPT_KEY_SIZE];
};
ABI_SIZE(struct rkt_crypt_params, 96);

/*
 * ioctl on an unmounted, exclusively opened block device (needs CAP_SYS_ADMIN).
 * Once per device: a second call fails with EBUSY, wrong parameters with EINVAL,
 * a device without one-pass encryption with ENOTTY.
 * Value: _IOW('R', 1, struct rkt_crypt_params)
 */
#define RKT_BLK_SET_CRYPT 0x40605201

#endif
