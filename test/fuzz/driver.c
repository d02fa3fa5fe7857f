// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Runs a libFuzzer target without libFuzzer, the same way each time:
 *	driver ROUNDS SEED FILE...
 * Each round mutates one of the files a few times. For real campaigns build the
 * target with clang -fsanitize=fuzzer,address,undefined and leave this file out.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_MAX_INPUT 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t seed;

static uint64_t rnd(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static size_t load(const char *path, uint8_t *buf)
{
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(buf, 1, SIZE_MAX_INPUT, f) : 0;

	if (f)
		fclose(f);
	return n;
}

/* Digits, quotes and brackets change more than random bytes do. */
static uint8_t interesting(void)
{
	static const char set[] = "0123456789\"\\{}[]:,=-+ \n\t.#/%e\x7f\xff";

	return rnd(3) ? set[rnd(sizeof(set))] : rnd(256);
}

static size_t mutate(uint8_t *buf, size_t size)
{
	size_t at = rnd(size + 1), n = rnd(16);

	switch (rnd(5)) {
	case 0: /* change a byte */
		if (at < size)
			buf[at] = interesting();
		return size;
	case 1: /* insert one */
		if (size == SIZE_MAX_INPUT)
			return size;
		memmove(buf + at + 1, buf + at, size - at);
		buf[at] = interesting();
		return size + 1;
	case 2: /* delete some */
		n = n > size - at ? size - at : n;
		memmove(buf + at, buf + at + n, size - at - n);
		return size - n;
	case 3: /* copy a piece elsewhere */
		if (at + n <= size && n < size)
			memmove(buf + rnd(size - n), buf + at, n);
		return size;
	default: /* cut off */
		return rnd(20) ? size : at;
	}
}

int main(int argc, char **argv)
{
	static uint8_t input[SIZE_MAX_INPUT];
	unsigned long rounds = argc > 3 ? strtoul(argv[1], NULL, 0) : 0;

	if (!rounds)
		return 2;
	seed = strtoul(argv[2], NULL, 0) | 1;
	for (unsigned long i = 0; i < rounds; i++) {
		size_t size = load(argv[3 + i % (argc - 3)], input);
		unsigned int changes = rnd(6);
		uint8_t *exact;

		while (changes--)
			size = mutate(input, size);
		exact = malloc(size ? size : 1); /* so that reading past the end is seen */
		memcpy(exact, input, size);
		LLVMFuzzerTestOneInput(exact, size);
		free(exact);
	}
	printf("ok %lu rounds\n1 passed, 0 failed, 0 skipped\n", rounds);
	return 0;
}
