// SPDX-License-Identifier: GPL-2.0-only
/* NVMe controllers of the boot information as block devices nvme<C>n<N>. */
#include <linux/init.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/slab.h>
#include "enclave/boundary/check.h"
#include "enclave/crypt/blk.h"
#include "../kernel/rkt.h"
#include "rkt_nvme.h"
#include "rkt_nvme_boot.h"

#define WRITE_ZEROES_BLOCKS 65536u

static struct boot_nvme boot_items[BOOT_NVME_MAX];
static unsigned int boot_item_count;

bool rkt_nvme_boot_item(const void *data, u32 size)
{
	if (boot_item_count == BOOT_NVME_MAX || size != sizeof(boot_items[0]))
		return false;
	memcpy(&boot_items[boot_item_count++], data, size);
	return true;
}

static int disk_ioctl(struct block_device *bdev, blk_mode_t mode, unsigned int cmd,
		      unsigned long arg)
{
	struct rkt_nvme_disk *d = bdev->bd_disk->private_data;

	return rkt_blk_crypt_ioctl(bdev, &d->crypt, cmd, arg);
}

static const struct block_device_operations fops = {
	.owner = THIS_MODULE,
	.ioctl = disk_ioctl,
};

static struct queue_limits limits_of(const struct rkt_nvme *n, const struct nvme_ns *ns)
{
	struct queue_limits l = {
		.logical_block_size = 1u << ns->lba_shift,
		.physical_block_size = PAGE_SIZE,
		.io_min = PAGE_SIZE,
		.max_hw_sectors = n->ctrl.transfer_max >> SECTOR_SHIFT,
		.max_segments = USHRT_MAX, /* the copy takes any shape */
		.max_segment_size = UINT_MAX,
		.dma_alignment = 3,
	};

	if (n->ctrl.volatile_cache)
		l.features |= BLK_FEAT_WRITE_CACHE | BLK_FEAT_FUA;
	if (n->ctrl.has_deallocate) {
		l.max_hw_discard_sectors = UINT_MAX >> SECTOR_SHIFT;
		l.discard_granularity = PAGE_SIZE;
	}
	if (n->ctrl.has_write_zeroes)
		l.max_write_zeroes_sectors = WRITE_ZEROES_BLOCKS << (ns->lba_shift - SECTOR_SHIFT);
	return l;
}

static int add_namespace(struct rkt_nvme *n, struct rkt_nvme_disk *d, const struct nvme_ns *ns)
{
	struct queue_limits limits = limits_of(n, ns);
	struct gendisk *disk = blk_mq_alloc_disk(&n->tags, &limits, d);
	int err;

	if (IS_ERR(disk))
		return PTR_ERR(disk);
	d->n = n;
	d->ns = ns;
	d->disk = disk;
	snprintf(disk->disk_name, sizeof(disk->disk_name), "nvme%un%u", n->index, ns->id);
	disk->fops = &fops;
	disk->private_data = d;
	set_capacity(disk, ns->blocks << (ns->lba_shift - SECTOR_SHIFT));
	set_disk_ro(disk, ns->read_only);
	err = add_disk(disk);
	if (err) {
		put_disk(disk);
		d->disk = NULL;
	}
	return err;
}

static void kick(void *arg)
{
	struct rkt_nvme *n = arg;

	rkt_exit(TEE_EXIT_KICK, n->kick, 0, 0, 0);
}

static int init_ctrl(struct rkt_nvme *n)
{
	struct nvme_params params = {
		.queues = n->queues,
		.trackers = n->trackers,
		.queue_count = n->hwq_count,
		.depth = RKT_NVME_DEPTH,
		.transfer_max = RKT_NVME_TRANSFER,
		.admin_ms = 10000,
		.ready_max_ms = 30000,
		.recover_ms = RKT_NVME_RECOVER_MS,
		.io_ticks = RKT_NVME_IO_TICKS,
	};

	return nvme_init(&n->ctrl, &n->shm.transport, &params);
}

static int bring_up(struct rkt_nvme *n)
{
	int err = nvme_start(&n->ctrl, ktime_get_ns());
	unsigned int i;

	if (!err)
		err = rkt_nvme_run(n);
	if (err)
		return err;
	n->hwq_count = n->ctrl.queue_count;
	for (i = 0; i < n->hwq_count && !err; i++) {
		spin_lock_init(&n->hwq[i].lock);
		n->hwq[i].q = &n->queues[i];
		err = rkt_nvme_buffers_alloc(n, &n->hwq[i]);
	}
	return err;
}

static int add_disks(struct rkt_nvme *n)
{
	u32 i;
	int err;

	n->tags.ops = &rkt_nvme_mq_ops;
	n->tags.nr_hw_queues = n->hwq_count;
	n->tags.queue_depth = n->queues[0].depth - 1;
	n->tags.numa_node = NUMA_NO_NODE;
	n->tags.cmd_size = sizeof(struct rkt_nvme_rq);
	n->tags.timeout = 30 * HZ;
	n->tags.driver_data = n;
	err = blk_mq_alloc_tag_set(&n->tags);
	if (err)
		return err;
	n->poller.pending = rkt_nvme_poll_pending;
	n->poller.poll = rkt_nvme_poll;
	n->poller.want_event = rkt_nvme_want_event;
	rkt_poll_register(&n->poller);
	for (i = 0; i < n->ctrl.ns_count && !err; i++)
		err = add_namespace(n, &n->disks[i], &n->ctrl.ns[i]);
	return err;
}

static struct rkt_nvme *alloc(unsigned int index, u32 kick_index)
{
	struct rkt_nvme *n = kzalloc(sizeof(*n), GFP_KERNEL);
	unsigned int count = num_possible_cpus();

	if (!n)
		return NULL;
	n->index = index;
	n->kick = kick_index;
	n->hwq_count = count;
	n->hwq = kcalloc(count, sizeof(*n->hwq), GFP_KERNEL);
	n->queues = kcalloc(count, sizeof(*n->queues), GFP_KERNEL);
	n->trackers = kcalloc(count * RKT_NVME_DEPTH, sizeof(*n->trackers), GFP_KERNEL);
	n->disks = kcalloc(NVME_NS_MAX, sizeof(*n->disks), GFP_KERNEL);
	INIT_DELAYED_WORK(&n->watch, rkt_nvme_watch);
	return n->hwq && n->queues && n->trackers && n->disks ? n : NULL;
}

/* A controller that can't be used is left as it is: nothing else depends on it. */
static int add_controller(unsigned int index, const struct boot_nvme *b)
{
	struct host_addr control = { (u64)rkt_control_at(b->control_offset, NVMED_CONTROL_SIZE) };
	struct rkt_nvme *n;
	int err;

	if (!CHECK_HOST(control.va && !(control.va & ~PAGE_MASK)))
		return -EPROTO;
	n = alloc(index, b->kick);
	if (!n)
		return -ENOMEM;
	err = nvme_shm_init(&n->shm, control, kick, n);
	if (!err)
		err = init_ctrl(n);
	if (!err)
		err = bring_up(n);
	if (!err)
		err = add_disks(n);
	if (!err)
		pr_info("nvme%u: %s, serial %s, %u namespaces, %u queues of %u, %u KiB a command\n",
			index, n->ctrl.model, n->ctrl.serial, n->ctrl.ns_count, n->hwq_count,
			n->queues[0].depth, n->ctrl.transfer_max >> 10);
	return err;
}

static int __init rkt_nvme_init(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < boot_item_count; i++) {
		err = add_controller(i, &boot_items[i]);
		if (err)
			pr_err("nvme%u: not usable: %d\n", i, err);
	}
	return 0;
}
device_initcall(rkt_nvme_init);
