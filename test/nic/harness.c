// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#include "test/nic/harness.h"
#include "test/nic/observe.h"

struct model_back back;
unsigned int env_cpu;
char env_last_log[256];
bool harness_scribble;

/* Indices and flags (2 bytes) are polled for ever; everything else may be fetched only once. */
void nic_test_observe(unsigned long va, unsigned long size)
{
	unsigned long base = (unsigned long)test_arena.base;

	if (harness_scribble && size > 4 && va >= base && va - base < test_arena.size)
		memset((void *)va, 0xa5, size);
}

unsigned int nic_env_cpu(void)
{
	return env_cpu;
}

uint64_t nic_env_cycles(void)
{
	return __rdtsc();
}

uint64_t nic_env_random(void)
{
	return 0x9e3779b97f4a7c15;
}

void nic_env_log(int level, const char *line)
{
	snprintf(env_last_log, sizeof(env_last_log), "%d %s", level, line);
	if (getenv("NIC_TEST_LOG"))
		fprintf(stderr, "nic<%d> %s\n", level, line);
}

void harness_start(size_t arena_size, size_t heap_size)
{
	static struct nicdev_ctl ctl;
	static void *heap;
	int ret;

	heap = malloc(heap_size);
	test_arena_create(arena_size);
	ret = nic_env_init(heap, heap_size);
	if (ret) {
		fprintf(stderr, "nic_env_init: %d\n", ret);
		exit(1);
	}
	back = (struct model_back){ .ctl = &ctl };
}

struct nic *harness_open(u64 features, u16 pairs, u16 ring_size, int *err)
{
	struct nic_config c = {
		.ctl.va = (unsigned long)back.ctl,
		.mac = { 2, 0, 0, 0, 0, 1 },
		.mtu = 1500,
		.pairs = pairs,
		.ring_size = ring_size,
	};
	struct nic *nic = NULL;

	test_arena_reset();
	back.arena = test_arena.base;
	back.arena_size = test_arena.size;
	model_lose(&back);
	model_offer(&back, features, pairs, ring_size);
	*err = nic_open(&nic, &c);
	if (!*err && model_attach(&back)) {
		fprintf(stderr, "the model refuses the rings\n");
		exit(1);
	}
	return nic;
}

void harness_close(struct nic *nic)
{
	nic_close(nic);
}

struct rx_ctx {
	struct h_packet *out;
	unsigned int n;
};

/* Two pieces, cut at an odd place, so that copying across pieces is exercised. */
static int rx_room(void *arg, u32 len, const struct nic_offload *off, struct nic_seg *segs,
		   unsigned int max)
{
	struct rx_ctx *ctx = arg;
	struct h_packet *p = &ctx->out[ctx->n++];
	u32 cut = len / 3;

	p->len = len;
	p->off = *off;
	segs[0] = (struct nic_seg){ p->data, cut };
	segs[1] = (struct nic_seg){ p->data + cut, len - cut };
	return 2;
}

int harness_rx(struct nic *nic, unsigned int queue, struct h_packet *out, unsigned int budget)
{
	struct rx_ctx ctx = { out, 0 };
	int n = nic_rx(nic, queue, budget, rx_room, &ctx);

	return n == (int)ctx.n ? n : -1;
}

int harness_tx(struct nic *nic, unsigned int queue, const void *data, u32 len, unsigned int pieces,
	       const struct nic_offload *off)
{
	struct nic_seg segs[NIC_SEGS_MAX];
	struct nic_packet p = { .segs = segs, .len = len, .seg_count = pieces };
	unsigned int i;
	u32 at = 0;

	if (off)
		p.off = *off;
	for (i = 0; i < pieces; i++) {
		u32 n = i == pieces - 1 ? len - at : len / pieces;

		segs[i] = (struct nic_seg){ (u8 *)data + at, n };
		at += n;
	}
	return nic_tx(nic, queue, &p, 1);
}

void harness_pattern(u8 *p, u32 len, u32 seed)
{
	u32 i;

	for (i = 0; i < len; i++)
		p[i] = (u8)(seed * 131 + i * 7 + (i >> 8));
}
