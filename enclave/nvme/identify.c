// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the controller says about itself, checked. 2.0 5.17 (1.4 5.15). */
#include "enclave/nvme/internal.h"

#define LBA_SHIFT_MIN 9
#define LBA_SHIFT_MAX 12
#define NSID_BROADCAST 0xffffffffu
#define NS_BYTES_MAX 0x7fffffffffffffffull

/* ASCII for messages: anything unprintable becomes '?', trailing blanks go. */
static void copy_name(char *dst, const u8 *src, u32 size)
{
	u32 len = 0;

	for (u32 i = 0; i < size; i++) {
		dst[i] = src[i] >= 0x20 && src[i] < 0x7f ? src[i] : '?';
		if (dst[i] != ' ')
			len = i + 1;
	}
	dst[len] = 0;
}

static u32 transfer_limit(const struct nvme_ctrl *c, u8 mdts)
{
	u32 wanted = c->params.transfer_max;

	/* 0 means no limit, and from 2^8 pages on it is above what we ever send. */
	if (mdts == 0 || mdts >= 8)
		return wanted;
	return wanted < NVME_PAGE_SIZE << mdts ? wanted : NVME_PAGE_SIZE << mdts;
}

int nvme_identify_ctrl(struct nvme_ctrl *c)
{
	const struct nvme_id_ctrl *id = (const void *)c->page;
	u32 transfer_max = transfer_limit(c, id->mdts);

	/* The ranges of entry sizes must contain the only sizes that exist. */
	if (!CHECK_HOST((id->sqes & 0xf) <= 6 && id->sqes >> 4 >= 6))
		return -EPROTO;
	if (!CHECK_HOST((id->cqes & 0xf) <= 4 && id->cqes >> 4 >= 4))
		return -EPROTO;
	if (!CHECK_HOST(id->nn != 0))
		return -EPROTO;
	/* The block layer was told the old limit. */
	if (c->known && !CHECK_HOST(transfer_max >= c->transfer_max))
		return -EPROTO;
	if (id->cntrltype > 1)
		return -EOPNOTSUPP;

	if (!c->known)
		c->transfer_max = transfer_max;
	c->volatile_cache = id->vwc & NVME_VWC_PRESENT;
	c->has_write_zeroes = id->oncs & NVME_ONCS_WRITE_ZEROES;
	c->has_deallocate = id->oncs & NVME_ONCS_DSM;
	copy_name(c->serial, id->sn, sizeof(id->sn));
	copy_name(c->model, id->mn, sizeof(id->mn));
	return 0;
}

/* 2.0 figure 273, CNS 02h: ids in increasing order, ended by 0. */
int nvme_identify_list(struct nvme_ctrl *c)
{
	const u32 *ids = (const void *)c->page;
	u32 count = 0;

	while (count < NVME_NS_MAX && ids[count]) {
		if (!CHECK_HOST(count == 0 || ids[count] > ids[count - 1]))
			return -EPROTO;
		if (!CHECK_HOST(ids[count] < NSID_BROADCAST - 1))
			return -EPROTO;
		c->list[count] = ids[count];
		count++;
	}
	if (c->known && !CHECK_HOST(count == c->ns_count))
		return -EPROTO;
	c->list_count = count;
	return 0;
}

static bool same_ns(const struct nvme_ns *a, const struct nvme_ns *b)
{
	return a->id == b->id && a->blocks == b->blocks && a->lba_shift == b->lba_shift &&
	       a->read_only == b->read_only && !memcmp(a->nguid, b->nguid, sizeof(a->nguid)) &&
	       !memcmp(a->eui64, b->eui64, sizeof(a->eui64));
}

static int parse_ns(const struct nvme_id_ns *id, struct nvme_ns *ns)
{
	u8 format = id->flbas & 0xf;
	const struct nvme_lbaf *lbaf = &id->lbaf[format];

	if (!CHECK_HOST(format <= id->nlbaf))
		return -EPROTO;
	/* 2.0 figure 98: below 9 is not allowed; above a page we could not split. */
	if (!CHECK_HOST(lbaf->lbads >= LBA_SHIFT_MIN))
		return -EPROTO;
	if (lbaf->lbads > LBA_SHIFT_MAX || lbaf->ms)
		return -EOPNOTSUPP;
	if (!CHECK_HOST(id->nsze != 0))
		return -EPROTO;
	if (!CHECK_HOST(id->nsze <= NS_BYTES_MAX >> lbaf->lbads))
		return -EPROTO;
	ns->lba_shift = lbaf->lbads;
	ns->blocks = id->nsze;
	ns->read_only = id->nsattr & NVME_NSATTR_WRITE_PROTECTED;
	memcpy(ns->nguid, id->nguid, sizeof(ns->nguid));
	memcpy(ns->eui64, id->eui64, sizeof(ns->eui64));
	return 0;
}

int nvme_identify_ns(struct nvme_ctrl *c, u16 i)
{
	struct nvme_ns ns = { .id = c->list[i] };
	int err = parse_ns((const void *)c->page, &ns);

	if (err)
		return err;
	if (!c->known) {
		c->ns[i] = ns;
		return 0;
	}
	/* Mounted file systems rely on what was there: another disk is not this one. */
	return CHECK_HOST(same_ns(&c->ns[i], &ns)) ? 0 : -EPROTO;
}
