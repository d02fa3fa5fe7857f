// SPDX-License-Identifier: GPL-2.0-only
#include "enclave/crypt/blk.h"
#include <linux/blkdev.h>
#include <linux/capability.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>

#define XFEATURES_AVX 0x06ull
#define XFEATURES_AVX512 0xe6ull

/* As register_avx_algs() in arch/x86/crypto/aesni-intel_glue.c decides. */
u32 rkt_crypt_cpu(void)
{
	u32 cpu = 0;

	if (boot_cpu_has(X86_FEATURE_AES))
		cpu |= RKT_CPU_AESNI;
	if (!boot_cpu_has(X86_FEATURE_AVX) || !cpu_has_xfeatures(XFEATURES_AVX, NULL))
		return cpu;
	cpu |= RKT_CPU_AVX;
	if (!boot_cpu_has(X86_FEATURE_AVX2) || !boot_cpu_has(X86_FEATURE_VAES) ||
	    !boot_cpu_has(X86_FEATURE_VPCLMULQDQ) || !boot_cpu_has(X86_FEATURE_PCLMULQDQ))
		return cpu;
	cpu |= RKT_CPU_VAES_AVX2;
	if (boot_cpu_has(X86_FEATURE_AVX512BW) && boot_cpu_has(X86_FEATURE_AVX512VL) &&
	    boot_cpu_has(X86_FEATURE_BMI2) && cpu_has_xfeatures(XFEATURES_AVX512, NULL))
		cpu |= RKT_CPU_AVX512;
	return cpu;
}

static void set_limits(struct gendisk *disk, const struct rkt_sector_crypt *sc)
{
	struct queue_limits lim = queue_limits_start_update(disk->queue);

	lim.logical_block_size = max(lim.logical_block_size, sc->sector_size);
	lim.physical_block_size = max(lim.physical_block_size, lim.logical_block_size);
	lim.io_min = max(lim.io_min, lim.physical_block_size);
	lim.max_write_zeroes_sectors = 0;
	lim.max_hw_discard_sectors = 0;
	lim.max_secure_erase_sectors = 0;
	if (queue_limits_commit_update(disk->queue, &lim))
		pr_warn("%s: block size not changed\n", disk->disk_name);
}

static int set_crypt(struct block_device *bdev, struct rkt_sector_crypt **slot,
		     const struct rkt_crypt_params *p)
{
	struct gendisk *disk = bdev->bd_disk;
	struct rkt_sector_crypt *sc;
	int err = rkt_crypt_check(p, (u64)get_capacity(disk) << SECTOR_SHIFT);

	if (err)
		return err;
	sc = kzalloc(sizeof(*sc), GFP_KERNEL);
	if (!sc)
		return -ENOMEM;
	err = rkt_crypt_setup(sc, p, rkt_crypt_cpu());
	if (err)
		goto free_crypt;
	blk_mq_freeze_queue(disk->queue);
	if (*slot) {
		blk_mq_unfreeze_queue(disk->queue);
		err = -EBUSY;
		goto free_crypt;
	}
	*slot = sc;
	set_limits(disk, sc);
	blk_mq_unfreeze_queue(disk->queue);
	set_capacity_and_notify(disk, sc->data_size >> SECTOR_SHIFT);
	invalidate_bdev(bdev);
	pr_info("%s: %s, %u-byte sectors, %llu MiB\n", disk->disk_name,
		sc->ops ? sc->ops->name : "not encrypted", sc->sector_size, sc->data_size >> 20);
	return 0;
free_crypt:
	rkt_blk_crypt_free(&sc);
	return err;
}

int rkt_blk_crypt_ioctl(struct block_device *bdev, struct rkt_sector_crypt **slot, unsigned int cmd,
			unsigned long arg)
{
	struct rkt_crypt_params p;
	int err;

	if (cmd != RKT_BLK_SET_CRYPT)
		return -ENOTTY;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (*slot)
		return -EBUSY;
	if (copy_from_user(&p, (void __user *)arg, sizeof(p)))
		return -EFAULT;
	err = set_crypt(bdev, slot, &p);
	memzero_explicit(&p, sizeof(p));
	return err;
}

void rkt_blk_crypt_free(struct rkt_sector_crypt **slot)
{
	if (!*slot)
		return;
	rkt_crypt_wipe(*slot);
	kfree(*slot);
	*slot = NULL;
}

/* nommu: a page's bytes are at its address. */
static void *segment(const struct bio_vec *bv)
{
	return page_address(bv->bv_page) + bv->bv_offset;
}

int rkt_blk_in(struct request *rq, const struct rkt_sector_crypt *sc, struct rkt_crypt_stats *stats,
	       struct host_addr dma)
{
	struct rkt_crypt_run run;
	struct req_iterator iter;
	struct bio_vec bv;

	rkt_crypt_begin(&run, sc, stats, blk_rq_pos(rq), blk_rq_bytes(rq));
	rq_for_each_bvec(bv, rq, iter)
	{
		rkt_crypt_in(&run, segment(&bv), dma, bv.bv_len);
		dma = host_addr_add(dma, bv.bv_len);
	}
	return rkt_crypt_end(&run);
}

int rkt_blk_out(struct request *rq, const struct rkt_sector_crypt *sc,
		struct rkt_crypt_stats *stats, struct host_addr dma)
{
	struct rkt_crypt_run run;
	struct req_iterator iter;
	struct bio_vec bv;

	rkt_crypt_begin(&run, sc, stats, blk_rq_pos(rq), blk_rq_bytes(rq));
	rq_for_each_bvec(bv, rq, iter)
	{
		rkt_crypt_out(&run, dma, segment(&bv), bv.bv_len);
		dma = host_addr_add(dma, bv.bv_len);
	}
	return rkt_crypt_end(&run);
}
