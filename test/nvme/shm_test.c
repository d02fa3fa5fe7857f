// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The shared-memory transport alone: its header check, its kicks, its flags. */
#include "abi/nvmed.h"
#include "enclave/nvme/shm.h"
#include "test/lib/boundary_arena.h"
#include "test/lib/tap.h"
#include <errno.h>
#include <string.h>

static u8 region[NVMED_CONTROL_SIZE] __attribute__((aligned(4096)));
static struct nvme_shm shm;
static u32 kicks;

static void kick(void *arg)
{
	kicks++;
}

static int init(u64 magic, u32 version)
{
	struct nvmed_header h = { .magic = magic, .version = version, .event_count = 3 };
	struct host_addr at = { (unsigned long)region };

	memset(region, 0, sizeof(region));
	memcpy(region, &h, sizeof(h));
	boundary_lies = 0;
	return nvme_shm_init(&shm, at, kick, NULL);
}

static struct nvmed_flags *flags(void)
{
	return (struct nvmed_flags *)(void *)(region + NVMED_FLAGS_OFFSET);
}

int main(void)
{
	const struct nvme_transport *t = &shm.transport;

	tap_case(init(NVMED_MAGIC + 1, NVMED_VERSION) == -EPROTO && boundary_lies == 1,
		 "header-of-somebody-else", "lies %lu", boundary_lies);
	tap_case(init(NVMED_MAGIC, NVMED_VERSION + 1) == -EPROTO && boundary_lies == 1,
		 "header-of-another-version", "lies %lu", boundary_lies);
	tap_case(init(NVMED_MAGIC, NVMED_VERSION) == 0 && boundary_lies == 0, "header", "lies %lu",
		 boundary_lies);

	t->wr32(t->ctx, NVME_REG_CC, 1);
	t->rung(t->ctx);
	tap_case(kicks == 0 && shm.kicks == 0, "no-kick-for-one-that-looks", "%u", kicks);
	flags()->need_kick.word = 1;
	t->rung(t->ctx);
	t->wr32(t->ctx, NVME_REG_CC, 0);
	t->wr32(t->ctx, NVME_REG_AQA, 0);
	tap_case(kicks == 2 && shm.kicks == 2, "kick-for-one-that-sleeps", "%u", kicks);

	t->wr64(t->ctx, NVME_REG_ASQ, 0x1122334455667788ull);
	tap_case(t->rd64(t->ctx, NVME_REG_ASQ) == 0x1122334455667788ull &&
			 t->rd32(t->ctx, NVME_REG_ASQ) == 0x55667788,
		 "registers", "%x", t->rd32(t->ctx, NVME_REG_ASQ));

	t->need_event(t->ctx, 2, true);
	tap_case(flags()->need_event[2].word == 1 && !flags()->need_event[1].word, "need-event",
		 "%u", flags()->need_event[2].word);
	t->need_event(t->ctx, 2, false);
	t->need_event(t->ctx, NVMED_EVENT_MAX, true);
	tap_case(!flags()->need_event[2].word && !region[NVMED_CONTROL_SIZE - 1], "no-event", "%u",
		 flags()->need_event[2].word);
	return tap_end();
}
