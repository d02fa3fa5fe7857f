// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "enclave/crypt/luks2_user.h"
#include <string.h>

/* In an ordinary program all memory is its own; tests bring functions that watch. */
__attribute__((weak)) void host_read(void *dst, struct host_addr src, size_t size)
{
	memcpy(dst, host_bytes(src), size);
}

__attribute__((weak)) void host_write(struct host_addr dst, const void *src, size_t size)
{
	memcpy(host_bytes(dst), src, size);
}

u32 rkt_cpu_user(void)
{
	u32 cpu = 0;

	if (__builtin_cpu_supports("aes"))
		cpu |= RKT_CPU_AESNI;
	if (__builtin_cpu_supports("avx"))
		cpu |= RKT_CPU_AVX;
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("vpclmulqdq"))
		cpu |= RKT_CPU_VAES_AVX2; /* every processor with the one has VAES */
	if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
	    __builtin_cpu_supports("bmi2"))
		cpu |= RKT_CPU_AVX512;
	return cpu;
}

int rkt_crypt_in_place(struct rkt_sector_crypt *sc, u8 *data, size_t size, bool encrypt)
{
	struct rkt_crypt_stats stats = { 0 };
	u8 sector[4096];

	for (size_t at = 0; at < size; at += sc->sector_size) {
		struct rkt_crypt_run run;
		int err;

		memcpy(sector, data + at, sc->sector_size);
		rkt_crypt_begin(&run, sc, &stats, at / 512, sc->sector_size);
		if (encrypt)
			rkt_crypt_out(&run, (struct host_addr){ (u64)(data + at) }, sector,
				      sc->sector_size);
		else
			rkt_crypt_in(&run, data + at, (struct host_addr){ (u64)sector },
				     sc->sector_size);
		err = rkt_crypt_end(&run);
		if (err)
			return err;
	}
	explicit_bzero(sector, sizeof(sector));
	return 0;
}
