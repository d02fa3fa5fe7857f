// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Admin commands. 2.0 section 5. */
#include "host/nvmed/nvmed.h"
#include <stdio.h>
#include <string.h>

static u16 to_peer(struct nvmed *d, const struct nvme_sqe *sqe, const void *data, u32 size)
{
	u32 first = NVME_PAGE_SIZE - (sqe->prp1 & (NVME_PAGE_SIZE - 1));
	void *a, *b = NULL;

	first = first < size ? first : size;
	a = peer_memory(&d->peer, sqe->prp1, first);
	if (size > first)
		b = peer_memory(&d->peer, sqe->prp2, size - first);
	if (sqe->prp1 & 3 || (size > first && sqe->prp2 & (NVME_PAGE_SIZE - 1)))
		return NVME_SC_PRP_OFFSET;
	if (!a || (size > first && !b))
		return NVME_SC_DATA_TRANSFER;
	memcpy(a, data, first);
	if (b)
		memcpy(b, (const u8 *)data + first, size - first);
	return 0;
}

/* ---- identify, 5.17 ---- */

static void pad(u8 *field, size_t size, const char *text)
{
	size_t len = strlen(text);

	memset(field, ' ', size);
	memcpy(field, text, len < size ? len : size);
}

static u16 identify_ctrl(struct nvmed *d, const struct nvme_sqe *sqe)
{
	struct nvme_id_ctrl id = { .mdts = MDTS,
				   .ver = NVME_VERSION(1, 4),
				   .cntrltype = 1,
				   .aerl = AER_MAX - 1,
				   .sqes = 0x66,
				   .cqes = 0x44,
				   .oncs = NVME_ONCS_DSM | NVME_ONCS_WRITE_ZEROES,
				   .vwc = NVME_VWC_PRESENT };

	memcpy(id.sn, d->serial, sizeof(id.sn));
	pad(id.mn, sizeof(id.mn), "rkt-io nvmed");
	pad(id.fr, sizeof(id.fr), "1");
	snprintf((char *)id.subnqn, sizeof(id.subnqn), "nqn.2026-11.io.rkt:nvmed");
	for (u32 i = 0; i < d->disk_count; i++)
		if (d->disks[i].nsid > id.nn)
			id.nn = d->disks[i].nsid;
	return to_peer(d, sqe, &id, sizeof(id));
}

static struct disk *disk_of(struct nvmed *d, u32 nsid)
{
	for (u32 i = 0; i < d->disk_count; i++)
		if (d->disks[i].nsid == nsid)
			return &d->disks[i];
	return NULL;
}

static u16 identify_ns(struct nvmed *d, const struct nvme_sqe *sqe)
{
	const struct disk *k = disk_of(d, sqe->nsid);
	struct nvme_id_ns id = { .dlfeat = 1 };

	if (!k)
		return NVME_SC_INVALID_NS;
	id.nsze = id.ncap = id.nuse = k->blocks;
	id.lbaf[0].lbads = k->lba_shift;
	id.nsattr = k->read_only ? NVME_NSATTR_WRITE_PROTECTED : 0;
	memcpy(id.nguid, k->nguid, sizeof(id.nguid));
	return to_peer(d, sqe, &id, sizeof(id));
}

/* The disks are sorted by id. */
static u16 identify_list(struct nvmed *d, const struct nvme_sqe *sqe)
{
	u32 list[NVME_PAGE_SIZE / 4] = { 0 };
	u32 n = 0;

	if (sqe->nsid >= 0xfffffffe)
		return NVME_SC_INVALID_NS;
	for (u32 i = 0; i < d->disk_count; i++)
		if (d->disks[i].nsid > sqe->nsid)
			list[n++] = d->disks[i].nsid;
	return to_peer(d, sqe, list, sizeof(list));
}

static u16 identify_desc(struct nvmed *d, const struct nvme_sqe *sqe)
{
	const struct disk *k = disk_of(d, sqe->nsid);
	u8 page[NVME_PAGE_SIZE] = { 0 };
	struct nvme_ns_desc desc = { .nidt = 2, .nidl = 16 };

	if (!k)
		return NVME_SC_INVALID_NS;
	memcpy(desc.nid, k->nguid, sizeof(desc.nid));
	memcpy(page, &desc, sizeof(desc));
	return to_peer(d, sqe, page, sizeof(page));
}

static u16 identify(struct nvmed *d, const struct nvme_sqe *sqe)
{
	switch (sqe->cdw10 & 0xff) {
	case NVME_CNS_CTRL:
		return identify_ctrl(d, sqe);
	case NVME_CNS_NS:
		return identify_ns(d, sqe);
	case NVME_CNS_NS_LIST:
		return identify_list(d, sqe);
	case NVME_CNS_NS_DESC:
		return identify_desc(d, sqe);
	default:
		return NVME_SC_INVALID_FIELD;
	}
}

/* ---- queues, 5.4 to 5.7 ---- */

static u16 check_new_queue(struct nvmed *d, const struct nvme_sqe *sqe, bool exists, u32 entry)
{
	u32 depth = (sqe->cdw10 >> 16) + 1;

	if (exists)
		return NVME_SC_QID_INVALID;
	if (depth < 2 || depth > MQES_ENTRIES)
		return NVME_SC_QSIZE_INVALID;
	if (!(sqe->cdw11 & NVME_QUEUE_PC))
		return NVME_SC_INVALID_FIELD;
	if (sqe->prp1 & (NVME_PAGE_SIZE - 1))
		return NVME_SC_PRP_OFFSET;
	return peer_memory(&d->peer, sqe->prp1, (u64)depth * entry) ? 0 : NVME_SC_DATA_TRANSFER;
}

static bool qid_valid(const struct nvmed *d, u32 id)
{
	return id > 0 && id < d->queue_limit;
}

static u16 create_cq(struct nvmed *d, const struct nvme_sqe *sqe)
{
	u32 id = sqe->cdw10 & 0xffff;
	struct cq *q;
	u16 status;

	if (!qid_valid(d, id))
		return NVME_SC_QID_INVALID;
	q = &d->cq[id];
	status = check_new_queue(d, sqe, q->on, NVME_CQE_SIZE);
	if (status)
		return status;
	if (sqe->cdw11 & 2) /* interrupts: there are none */
		return NVME_SC_INVALID_FIELD;
	*q = (struct cq){
		.on = true, .phase = 1, .depth = (sqe->cdw10 >> 16) + 1, .base = sqe->prp1
	};
	q->backlog_end = &q->backlog;
	*doorbell(d, id, true) = 0;
	return 0;
}

static u16 create_sq(struct nvmed *d, const struct nvme_sqe *sqe)
{
	u32 id = sqe->cdw10 & 0xffff, cqid = sqe->cdw11 >> 16;
	u16 status;

	if (!qid_valid(d, id))
		return NVME_SC_QID_INVALID;
	if (!qid_valid(d, cqid) || !d->cq[cqid].on)
		return NVME_SC_CQ_INVALID;
	status = check_new_queue(d, sqe, d->sq[id].on || d->sq[id].inflight, NVME_SQE_SIZE);
	if (status)
		return status;
	d->sq[id] = (struct sq){
		.on = true, .depth = (sqe->cdw10 >> 16) + 1, .cqid = cqid, .base = sqe->prp1
	};
	d->cq[cqid].sq_count++;
	*doorbell(d, id, false) = 0;
	return 0;
}

static u16 delete_sq(struct nvmed *d, u32 id)
{
	if (!qid_valid(d, id) || !d->sq[id].on)
		return NVME_SC_QID_INVALID;
	if (d->sq[id].inflight) /* the peer must let its commands end first */
		return NVME_SC_Q_DELETION;
	d->cq[d->sq[id].cqid].sq_count--;
	d->sq[id].on = false;
	return 0;
}

static u16 delete_cq(struct nvmed *d, u32 id)
{
	if (!qid_valid(d, id) || !d->cq[id].on)
		return NVME_SC_QID_INVALID;
	if (d->cq[id].sq_count)
		return NVME_SC_Q_DELETION;
	d->cq[id].on = false;
	return 0;
}

/* ---- features, 5.15 and 5.27; logs, 5.16 ---- */

static u16 feature(struct nvmed *d, const struct nvme_sqe *sqe, struct req *r)
{
	u32 count = d->queue_limit - 1;
	bool set = sqe->opcode == NVME_ADMIN_SET_FEATURES;

	if (set && sqe->cdw10 >> 31)
		return NVME_SC_FEATURE_NOT_SAVEABLE;
	switch (sqe->cdw10 & 0xff) {
	case NVME_FEAT_QUEUES:
		if (!count ||
		    (set && ((sqe->cdw11 & 0xffff) == 0xffff || sqe->cdw11 >> 16 == 0xffff)))
			return NVME_SC_INVALID_FIELD;
		r->result = (count - 1) << 16 | (count - 1);
		return 0;
	case NVME_FEAT_VWC: /* the page cache can't be turned off */
		r->result = 1;
		return set && !(sqe->cdw11 & 1) ? NVME_SC_INVALID_FIELD : 0;
	case NVME_FEAT_ASYNC_EVENT:
		return 0;
	default:
		return NVME_SC_INVALID_FIELD;
	}
}

static u16 get_log(struct nvmed *d, const struct nvme_sqe *sqe)
{
	static const u8 zeroes[NVME_PAGE_SIZE];
	u8 smart[512] = { [1] = 300 & 0xff, [2] = 300 >> 8, [3] = 100 }; /* 300 K, spare 100 % */
	u64 size = ((sqe->cdw10 >> 16 | (u64)(sqe->cdw11 & 0xffff) << 16) + 1) * 4;

	if (sqe->cdw12 || sqe->cdw13 || size > NVME_PAGE_SIZE)
		return NVME_SC_INVALID_FIELD;
	switch (sqe->cdw10 & 0xff) {
	case NVME_LOG_SMART:
		return to_peer(d, sqe, smart, size < sizeof(smart) ? size : sizeof(smart));
	case NVME_LOG_ERROR:
	case NVME_LOG_FIRMWARE:
		return to_peer(d, sqe, zeroes, size);
	default:
		return NVME_SC_LOG_PAGE_INVALID;
	}
}

static u16 execute(struct nvmed *d, struct req *r, const struct nvme_sqe *sqe)
{
	if (sqe->flags & NVME_SQE_FUSE_PSDT)
		return NVME_SC_INVALID_FIELD;
	switch (sqe->opcode) {
	case NVME_ADMIN_IDENTIFY:
		return identify(d, sqe);
	case NVME_ADMIN_CREATE_CQ:
		return create_cq(d, sqe);
	case NVME_ADMIN_CREATE_SQ:
		return create_sq(d, sqe);
	case NVME_ADMIN_DELETE_SQ:
		return delete_sq(d, sqe->cdw10 & 0xffff);
	case NVME_ADMIN_DELETE_CQ:
		return delete_cq(d, sqe->cdw10 & 0xffff);
	case NVME_ADMIN_SET_FEATURES:
	case NVME_ADMIN_GET_FEATURES:
		return feature(d, sqe, r);
	case NVME_ADMIN_GET_LOG:
		return get_log(d, sqe);
	case NVME_ADMIN_ABORT:
		r->result = 1; /* 5.1: not aborted */
		return 0;
	default:
		return NVME_SC_INVALID_OPCODE;
	}
}

void admin_start(struct nvmed *d, struct req *r, const struct nvme_sqe *sqe)
{
	/* 5.2: kept until an event happens. None ever does, so it isn't even stored. */
	if (sqe->opcode == NVME_ADMIN_ASYNC_EVENT && d->aer_count < AER_MAX) {
		d->aer_count++;
		ctrl_forget(d, r);
		return;
	}
	r->status = sqe->opcode == NVME_ADMIN_ASYNC_EVENT ? NVME_SC_AER_LIMIT : execute(d, r, sqe);
	ctrl_complete(d, r);
}
