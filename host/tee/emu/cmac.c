// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/tee/emu/cmac.h"

#include <string.h>
#include <wmmintrin.h>

#define AES __attribute__((target("aes,sse2")))
#define ROUNDS 10

struct schedule {
	__m128i k[ROUNDS + 1];
};

AES static __m128i expand(__m128i key, __m128i assist)
{
	key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
	key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
	return _mm_xor_si128(key, _mm_shuffle_epi32(assist, 0xff));
}

AES static void schedule(struct schedule *s, const u8 key[16])
{
	s->k[0] = _mm_loadu_si128((const __m128i *)key);
#define STEP(i, rcon) s->k[i] = expand(s->k[i - 1], _mm_aeskeygenassist_si128(s->k[i - 1], rcon))
	STEP(1, 0x01);
	STEP(2, 0x02);
	STEP(3, 0x04);
	STEP(4, 0x08);
	STEP(5, 0x10);
	STEP(6, 0x20);
	STEP(7, 0x40);
	STEP(8, 0x80);
	STEP(9, 0x1b);
	STEP(10, 0x36);
#undef STEP
}

AES static void encrypt(const struct schedule *s, u8 block[16])
{
	__m128i b = _mm_xor_si128(_mm_loadu_si128((const __m128i *)block), s->k[0]);
	int i;

	for (i = 1; i < ROUNDS; i++)
		b = _mm_aesenc_si128(b, s->k[i]);
	_mm_storeu_si128((__m128i *)block, _mm_aesenclast_si128(b, s->k[ROUNDS]));
}

/* RFC 4493, 2.3: times x. */
static void doubled(u8 k[16])
{
	u8 carry = k[0] >> 7;
	int i;

	for (i = 0; i < 15; i++)
		k[i] = k[i] << 1 | k[i + 1] >> 7;
	k[15] = k[15] << 1 ^ (carry ? 0x87 : 0);
}

static void mix(u8 to[16], const u8 *from, u32 size)
{
	u32 i;

	for (i = 0; i < size; i++)
		to[i] ^= from[i];
}

/* RFC 4493, 2.4. */
void emu_cmac(const u8 key[16], const void *data, u32 size, u8 mac[16])
{
	const u8 *at = data;
	struct schedule s;
	u8 sub[16] = {};

	schedule(&s, key);
	encrypt(&s, sub);
	doubled(sub);
	memset(mac, 0, 16);
	for (; size > 16; at += 16, size -= 16) {
		mix(mac, at, 16);
		encrypt(&s, mac);
	}
	if (size < 16) {
		doubled(sub);
		mac[size] ^= 0x80;
	}
	mix(mac, at, size);
	mix(mac, sub, 16);
	encrypt(&s, mac);
}
