// SPDX-License-Identifier: GPL-2.0-only
/*
 * Block device by hostcall (abi/control.h): the root image before NVMe, and a
 * baseline. The slot's owner is private knowledge; of the host's word only
 * "done" and a result are used, once.
 */
#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/init.h>
#include <linux/module.h>
#include <asm/rkt_poll.h>
#include "enclave/boundary/check.h"
#include "enclave/boundary/host_mem.h"
#include "enclave/crypt/blk.h"
#include "../kernel/rkt.h"

static struct {
	struct host_addr slots, data;
	struct request *owner[HOSTBLK_SLOTS]; /* NULL: the slot is free */
	struct blk_mq_tag_set tags;
	struct gendisk *disk;
	struct rkt_poller poller;
	struct rkt_sector_crypt *crypt; /* NULL: not encrypted */
} blk;

static struct host_addr field(u32 tag, size_t offset)
{
	return host_addr_add(blk.slots, tag * sizeof(struct hostblk_slot) + offset);
}

#define SLOT(tag, name) field(tag, offsetof(struct hostblk_slot, name))

/* One pass between the request's pages and the slot's buffer: copy or en/decryption. */
static int move_data(struct request *rq, bool to_host)
{
	struct host_addr at = host_addr_add(blk.data, (u64)rq->tag * HOSTBLK_DATA_SIZE);
	struct rkt_crypt_stats stats = {};

	return to_host ? rkt_blk_out(rq, blk.crypt, &stats, at)
		       : rkt_blk_in(rq, blk.crypt, &stats, at);
}

static int op_of(struct request *rq)
{
	switch (req_op(rq)) {
	case REQ_OP_READ:
		return HOSTBLK_READ;
	case REQ_OP_WRITE:
		return HOSTBLK_WRITE;
	case REQ_OP_FLUSH:
		return HOSTBLK_FLUSH;
	case REQ_OP_DISCARD:
		return HOSTBLK_DISCARD;
	default:
		return -EOPNOTSUPP;
	}
}

static blk_status_t queue_rq(struct blk_mq_hw_ctx *hctx, const struct blk_mq_queue_data *bd)
{
	struct request *rq = bd->rq;
	u32 tag = rq->tag;
	int op = op_of(rq);

	if (op < 0)
		return BLK_STS_NOTSUPP;
	blk_mq_start_request(rq);
	if (op == HOSTBLK_WRITE && move_data(rq, true))
		return BLK_STS_IOERR;
	host_put32(SLOT(tag, op), op);
	host_put64(SLOT(tag, offset), rkt_blk_offset(blk.crypt) + (blk_rq_pos(rq) << SECTOR_SHIFT));
	host_put32(SLOT(tag, size), blk_rq_bytes(rq));
	host_put32(SLOT(tag, vcpu), raw_smp_processor_id());
	WRITE_ONCE(blk.owner[tag], rq);
	host_wmb(); /* the slot before its state */
	host_put32(SLOT(tag, state), HOSTBLK_READY);
	if (bd->last)
		rkt_exit(TEE_EXIT_SERVICE, 0, 0, 0, 0);
	return BLK_STS_OK;
}

static void commit_rqs(struct blk_mq_hw_ctx *hctx)
{
	rkt_exit(TEE_EXIT_SERVICE, 0, 0, 0, 0);
}

static bool pending(struct rkt_poller *p, unsigned int cpu)
{
	u32 tag;

	for (tag = 0; tag < HOSTBLK_SLOTS; tag++)
		if (READ_ONCE(blk.owner[tag]) && host_get32(SLOT(tag, state)) == HOSTBLK_DONE)
			return true;
	return false;
}

static void complete_slot(u32 tag)
{
	struct request *rq = xchg(&blk.owner[tag], NULL);
	s32 result;

	if (!rq)
		return; /* another vCPU was faster */
	host_rmb(); /* the state before what it covers */
	result = host_get32(SLOT(tag, result));
	host_put32(SLOT(tag, state), HOSTBLK_FREE);
	if (!result && req_op(rq) == REQ_OP_READ)
		result = move_data(rq, false);
	blk_mq_end_request(rq, result ? BLK_STS_IOERR : BLK_STS_OK);
}

static void poll(struct rkt_poller *p, unsigned int cpu, unsigned int budget)
{
	u32 tag;

	for (tag = 0; tag < HOSTBLK_SLOTS; tag++)
		if (READ_ONCE(blk.owner[tag]) && host_get32(SLOT(tag, state)) == HOSTBLK_DONE)
			complete_slot(tag);
}

static const struct blk_mq_ops mq_ops = { .queue_rq = queue_rq, .commit_rqs = commit_rqs };
static int ioctl(struct block_device *bdev, blk_mode_t mode, unsigned int cmd, unsigned long arg)
{
	return rkt_blk_crypt_ioctl(bdev, &blk.crypt, cmd, arg);
}

static const struct block_device_operations fops = { .owner = THIS_MODULE, .ioctl = ioctl };

static int add_disk_of(u64 size)
{
	struct queue_limits limits = {
		.logical_block_size = 512,
		.physical_block_size = 4096,
		.max_hw_sectors = HOSTBLK_DATA_SIZE >> SECTOR_SHIFT,
		.max_hw_discard_sectors = UINT_MAX >> SECTOR_SHIFT,
		.features = BLK_FEAT_WRITE_CACHE,
	};

	blk.disk = blk_mq_alloc_disk(&blk.tags, &limits, NULL);
	if (IS_ERR(blk.disk))
		return PTR_ERR(blk.disk);
	strscpy(blk.disk->disk_name, "hostblk", sizeof(blk.disk->disk_name));
	blk.disk->fops = &fops;
	set_capacity(blk.disk, size >> SECTOR_SHIFT);
	set_disk_ro(blk.disk, rkt_hostblk.read_only);
	return add_disk(blk.disk);
}

static int __init hostblk_init(void)
{
	u64 size = rkt_hostblk.size;
	int err;

	if (!size)
		return 0;
	blk.slots.va = (u64)rkt_control_at(rkt_hostblk.slots_offset,
					   HOSTBLK_SLOTS * sizeof(struct hostblk_slot));
	blk.data.va = (u64)rkt_control_at(rkt_hostblk.data_offset,
					  (u64)HOSTBLK_SLOTS * HOSTBLK_DATA_SIZE);
	if (!CHECK_HOST(blk.slots.va && blk.data.va && size % SECTOR_SIZE == 0 &&
			size < 1ull << 56))
		return -EPROTO;
	blk.tags.ops = &mq_ops;
	blk.tags.nr_hw_queues = 1;
	blk.tags.queue_depth = HOSTBLK_SLOTS;
	blk.tags.numa_node = NUMA_NO_NODE;
	err = blk_mq_alloc_tag_set(&blk.tags);
	if (err)
		return err;
	blk.poller.pending = pending;
	blk.poller.poll = poll;
	rkt_poll_register(&blk.poller);
	err = add_disk_of(size);
	if (err)
		blk_mq_free_tag_set(&blk.tags);
	return err;
}
device_initcall(hostblk_init);
