// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "enclave/nvme/internal.h"
#include "enclave/nvme/shm.h"
#include "abi/nvmed.h"

static struct host_addr reg(const struct nvme_shm *s, u32 off)
{
	return host_addr_add(s->control, NVMED_BAR_OFFSET + off);
}

static struct host_addr flag(const struct nvme_shm *s, size_t off)
{
	return host_addr_add(s->control, NVMED_FLAGS_OFFSET + off);
}

static u32 shm_rd32(void *ctx, u32 off)
{
	return host_get32(reg(ctx, off));
}

static u64 shm_rd64(void *ctx, u32 off)
{
	return host_get64(reg(ctx, off));
}

/* After anything that the process must act on: wake it if it sleeps. */
static void shm_rung(void *ctx)
{
	struct nvme_shm *s = ctx;

	host_mb(); /* the doorbell before the look at need_kick */
	if (!host_get32(flag(s, offsetof(struct nvmed_flags, need_kick))))
		return;
	s->kicks++;
	s->kick(s->kick_arg);
}

static void shm_wr32(void *ctx, u32 off, u32 val)
{
	host_put32(reg(ctx, off), val);
	if (off == NVME_REG_CC)
		shm_rung(ctx);
}

static void shm_wr64(void *ctx, u32 off, u64 val)
{
	host_put64(reg(ctx, off), val);
}

static void shm_need_event(void *ctx, u16 qid, bool need)
{
	if (qid < NVMED_EVENT_MAX)
		host_put32(flag(ctx, offsetof(struct nvmed_flags, need_event) +
					     qid * sizeof(struct nvmed_flag)),
			   need);
}

int nvme_shm_init(struct nvme_shm *s, struct host_addr control, void (*kick)(void *arg),
		  void *kick_arg)
{
	struct nvmed_header h;

	host_read(&h, control, sizeof(h));
	if (!CHECK_HOST(h.magic == NVMED_MAGIC) || !CHECK_HOST(h.version == NVMED_VERSION))
		return -EPROTO;
	s->control = control;
	s->kick = kick;
	s->kick_arg = kick_arg;
	s->transport = (struct nvme_transport){
		.rd32 = shm_rd32,
		.rd64 = shm_rd64,
		.wr32 = shm_wr32,
		.wr64 = shm_wr64,
		.rung = shm_rung,
		.need_event = shm_need_event,
		.ctx = s,
		.doorbells = host_addr_add(control, NVMED_BAR_OFFSET + NVME_REG_DOORBELLS),
		.bar_size = NVMED_BAR_SIZE,
	};
	return 0;
}
