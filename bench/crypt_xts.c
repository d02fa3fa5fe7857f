// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The one pass against the core's raw AES-XTS rate (the bare assembly), alternating,
 * as medians of paired ratios. Prints one line per implementation, sector and request size.
 */
#include "enclave/crypt/xts.h"
#include "test/crypt/cpu.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#define ROUNDS 41
#define BUF (256 * 1024)
#define WORK (8 * 1024 * 1024)

static u8 private_buf[BUF] __attribute__((aligned(4096)));
static u8 dma[BUF] __attribute__((aligned(4096)));
static struct rkt_sector_crypt sc;
static struct rkt_crypt_stats stats;

/* The bare assembly: messages of unit bytes, each with its IV, as kernel's own benchmarks do. */
static double raw_cycles(u32 unit)
{
	u64 t = __rdtsc();

	for (u32 done = 0, at = 0; done < WORK; done += unit, at = (at + unit) % BUF) {
		u64 tweak[2] = { done, 0 };

		sc.ops->encrypt_iv(&sc.tweak_key, (u8 *)tweak);
		sc.ops->decrypt(&sc.data_key, dma + at, private_buf + at, unit, (u8 *)tweak);
	}
	return __rdtsc() - t;
}

static double pass_cycles(u32 request)
{
	struct rkt_crypt_run run;
	u64 t = __rdtsc();

	for (u32 done = 0, at = 0; done < WORK; done += request, at = (at + request) % BUF) {
		rkt_crypt_begin(&run, &sc, &stats, done / 512, request);
		for (u32 page = 0; page < request; page += 4096)
			rkt_crypt_in(&run, private_buf + at + page,
				     (struct host_addr){ (u64)(dma + at + page) }, 4096);
		rkt_crypt_end(&run);
	}
	return __rdtsc() - t;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void compare(u32 sector_size, u32 request)
{
	double ratio[ROUNDS], long_ratio[ROUNDS], rate[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		double raw = raw_cycles(sector_size), pass = pass_cycles(request);

		ratio[i] = raw / pass;
		long_ratio[i] = raw_cycles(BUF) / pass;
		rate[i] = WORK / pass;
	}
	qsort(ratio, ROUNDS, sizeof(*ratio), by_value);
	qsort(long_ratio, ROUNDS, sizeof(*long_ratio), by_value);
	qsort(rate, ROUNDS, sizeof(*rate), by_value);
	printf("%-15s sector %4u request %6u: %5.2f bytes/cycle, %5.1f %% of the raw rate "
	       "at this sector size, %5.1f %% of one endless message\n",
	       sc.ops->name, sector_size, request, rate[ROUNDS / 2], 100 * ratio[ROUNDS / 2],
	       100 * long_ratio[ROUNDS / 2]);
}

int main(void)
{
	const struct rkt_crypt_ops *ops;
	static const u32 sectors[] = { 512, 4096 }, requests[] = { 4096, 65536 };

	for (unsigned int n = 0; (ops = rkt_crypt_ops_get(n)); n++) {
		if ((cpu_features() & ops->cpu_needs) != ops->cpu_needs)
			continue;
		for (int s = 0; s < 2; s++)
			for (int r = 0; r < 2; r++) {
				struct rkt_crypt_params p = { RKT_CIPHER_AES_XTS_PLAIN64,
							      sectors[s] };

				p.key[0] = 1;
				rkt_crypt_setup(&sc, &p, cpu_features());
				sc.ops = ops;
				compare(sectors[s], requests[r]);
			}
	}
	return 0;
}
