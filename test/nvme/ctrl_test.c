// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Bring-up, recovery and shutdown, with honest, slow, broken and lying controllers. */
#include "test/lib/tap.h"
#include "test/nvme/fixture.h"
#include <errno.h>
#include <string.h>

static struct fixture f;

static void test_honest(u8 lba_shift, const char *name)
{
	bool good;

	fix_up(&f, lba_shift);
	good = f.ctrl.state == NVME_LIVE && f.ctrl.queue_count == FIX_QUEUES &&
	       f.ctrl.ns_count == 1 && f.ctrl.ns[0].blocks == FIX_BLOCKS &&
	       f.ctrl.ns[0].lba_shift == lba_shift && f.ctrl.transfer_max == FIX_TRANSFER &&
	       f.ctrl.volatile_cache && f.ctrl.has_deallocate && f.ctrl.has_write_zeroes &&
	       !strcmp(f.ctrl.serial, "MODEL-1") && !strcmp(f.ctrl.model, "model controller") &&
	       boundary_lies == 0 && f.model.bad_doorbells == 0;
	good = fix_close(&f) && good && f.ctrl.state == NVME_OFF;
	tap_case(good, name, "state %d error %d lies %lu", f.ctrl.state, f.ctrl.error,
		 boundary_lies);
}

/* ---- what the controller says is impossible or not for us ---- */

static void mqes_zero(struct nvme_model *m)
{
	m->cap &= ~0xffffull;
}
static void cap_zero(struct nvme_model *m)
{
	m->cap = 0;
}
static void gone(struct nvme_model *m)
{
	m->gone = true;
}
static void vs_ones(struct nvme_model *m)
{
	m->vs = ~0u;
}
static void vs_old(struct nvme_model *m)
{
	m->vs = NVME_VERSION(1, 0);
}
static void no_nvm(struct nvme_model *m)
{
	m->cap &= ~NVME_CAP_CSS_NVM;
}
static void big_pages(struct nvme_model *m)
{
	m->cap |= 4ull << 48;
}
static void stride_huge(struct nvme_model *m)
{
	m->cap |= 15ull << 32;
}
static void stride_beyond(struct nvme_model *m)
{
	m->cap |= 3ull << 32;
}
static void sqes_zero(struct nvme_model *m)
{
	m->ctrl.sqes = 0;
}
static void sqes_large(struct nvme_model *m)
{
	m->ctrl.sqes = 0x77;
}
static void cqes_zero(struct nvme_model *m)
{
	m->ctrl.cqes = 0;
}
static void cqes_large(struct nvme_model *m)
{
	m->ctrl.cqes = 0x55;
}
static void nn_zero(struct nvme_model *m)
{
	m->ctrl.nn = 0;
}
static void discovery(struct nvme_model *m)
{
	m->ctrl.cntrltype = 2;
}
static void list_twice(struct nvme_model *m)
{
	m->list[1] = 1;
}
static void list_falling(struct nvme_model *m)
{
	m->list[0] = 7;
	m->list[1] = 3;
}
static void list_broadcast(struct nvme_model *m)
{
	m->list[0] = 0xffffffff;
}
static void format_beyond(struct nvme_model *m)
{
	m->ns.flbas = 3;
	m->ns.lbaf[3].lbads = 9;
}
static void lbads_zero(struct nvme_model *m)
{
	m->ns.lbaf[0].lbads = 0;
}
static void lbads_small(struct nvme_model *m)
{
	m->ns.lbaf[0].lbads = 8;
}
static void lbads_large(struct nvme_model *m)
{
	m->ns.lbaf[0].lbads = 13;
}
static void lbads_garbage(struct nvme_model *m)
{
	m->ns.lbaf[0].lbads = 255;
}
static void metadata(struct nvme_model *m)
{
	m->ns.lbaf[0].ms = 8;
}
static void nsze_zero(struct nvme_model *m)
{
	m->ns.nsze = 0;
}
static void nsze_huge(struct nvme_model *m)
{
	m->ns.nsze = ~0ull;
}
static void nsze_overflow(struct nvme_model *m)
{
	m->ns.nsze = 1ull << 54;
}

static void bad_cqe_sqid(struct nvme_model *m, u16 sqid, const struct nvme_sqe *s,
			 struct nvme_cqe *c)
{
	c->sq_id = 1;
}

static void bad_cqe_cid(struct nvme_model *m, u16 sqid, const struct nvme_sqe *s,
			struct nvme_cqe *c)
{
	c->cid = 0x3ff;
}

static void refuse_identify(struct nvme_model *m, u16 sqid, const struct nvme_sqe *s,
			    struct nvme_cqe *c)
{
	if (s->opcode == NVME_ADMIN_IDENTIFY)
		c->status = NVME_SC_INTERNAL << 1;
}

static void refuse_create_cq(struct nvme_model *m, u16 sqid, const struct nvme_sqe *s,
			     struct nvme_cqe *c)
{
	if (s->opcode == NVME_ADMIN_CREATE_CQ)
		c->status = NVME_SC_QSIZE_INVALID << 1;
}

static void refuse_create_sq(struct nvme_model *m, u16 sqid, const struct nvme_sqe *s,
			     struct nvme_cqe *c)
{
	if (s->opcode == NVME_ADMIN_CREATE_SQ && (s->cdw10 & 0xffff) == FIX_QUEUES)
		c->status = NVME_SC_QSIZE_INVALID << 1;
}

static void admin_sqid(struct nvme_model *m)
{
	m->edit = bad_cqe_sqid;
}
static void admin_cid(struct nvme_model *m)
{
	m->edit = bad_cqe_cid;
}
static void id_refused(struct nvme_model *m)
{
	m->edit = refuse_identify;
}
static void cq_refused(struct nvme_model *m)
{
	m->edit = refuse_create_cq;
}
static void sq_refused(struct nvme_model *m)
{
	m->edit = refuse_create_sq;
}
static void never_ready(struct nvme_model *m)
{
	m->never_ready = true;
}
static void stuck_ready(struct nvme_model *m)
{
	m->never_ready = true;
	m->cc = NVME_CC_EN;
	m->csts = NVME_CSTS_RDY;
}
static void stuck_settling(struct nvme_model *m)
{
	m->never_ready = true;
	m->cc = NVME_CC_EN;
}
static void fatal(struct nvme_model *m)
{
	m->fatal_on_enable = true;
}
static void silent_admin(struct nvme_model *m)
{
	m->hold_admin = true;
}

static const struct {
	const char *name;
	void (*apply)(struct nvme_model *m);
	int error;
	unsigned int lies;
} refusals[] = {
	{ "cap-zero", cap_zero, -EPROTO, 1 },
	{ "mqes-zero", mqes_zero, -EPROTO, 1 },
	{ "registers-all-ones", gone, -ENODEV, 0 },
	{ "version-all-ones", vs_ones, -ENODEV, 0 },
	{ "version-too-old", vs_old, -EOPNOTSUPP, 0 },
	{ "no-nvm-command-set", no_nvm, -EOPNOTSUPP, 0 },
	{ "page-size-above-4k", big_pages, -EOPNOTSUPP, 0 },
	{ "doorbell-stride-huge", stride_huge, -EPROTO, 1 },
	{ "io-doorbells-beyond-bar", stride_beyond, -EPROTO, 1 },
	{ "sqes-zero", sqes_zero, -EPROTO, 1 },
	{ "sqes-large", sqes_large, -EPROTO, 1 },
	{ "cqes-zero", cqes_zero, -EPROTO, 1 },
	{ "cqes-large", cqes_large, -EPROTO, 1 },
	{ "nn-zero", nn_zero, -EPROTO, 1 },
	{ "discovery-controller", discovery, -EOPNOTSUPP, 0 },
	{ "namespace-listed-twice", list_twice, -EPROTO, 1 },
	{ "namespace-list-falling", list_falling, -EPROTO, 1 },
	{ "namespace-id-broadcast", list_broadcast, -EPROTO, 1 },
	{ "format-beyond-count", format_beyond, -EPROTO, 1 },
	{ "lbads-zero", lbads_zero, -EPROTO, 1 },
	{ "lbads-256-bytes", lbads_small, -EPROTO, 1 },
	{ "lbads-8k", lbads_large, -EOPNOTSUPP, 0 },
	{ "lbads-garbage", lbads_garbage, -EOPNOTSUPP, 0 },
	{ "metadata", metadata, -EOPNOTSUPP, 0 },
	{ "nsze-zero", nsze_zero, -EPROTO, 1 },
	{ "nsze-all-ones", nsze_huge, -EPROTO, 1 },
	{ "nsze-overflows-bytes", nsze_overflow, -EPROTO, 1 },
	{ "admin-completion-wrong-queue", admin_sqid, -EPROTO, 1 },
	{ "admin-completion-wrong-cid", admin_cid, -EPROTO, 1 },
	{ "identify-refused", id_refused, -EIO, 0 },
	{ "create-cq-refused", cq_refused, -EIO, 0 },
	{ "create-last-sq-refused", sq_refused, -EIO, 0 },
	{ "never-ready", never_ready, -ETIMEDOUT, 0 },
	{ "stuck-ready", stuck_ready, -ETIMEDOUT, 0 },
	{ "enabled-but-never-ready", stuck_settling, -ETIMEDOUT, 0 },
	{ "fatal-on-enable", fatal, -EIO, 0 },
	{ "admin-silent", silent_admin, -ETIMEDOUT, 0 },
};

static void test_refusals(void)
{
	for (u32 i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		int err;
		bool good;

		fix_open(&f, 9);
		refusals[i].apply(&f.model);
		err = fix_init(&f);
		if (!err)
			err = fix_start(&f);
		good = err == refusals[i].error && boundary_lies == refusals[i].lies &&
		       f.ctrl.state == NVME_FAILED && nvme_step(&f.ctrl, f.now_ns) == err &&
		       fix_read(&f, 0, NULL) == -ESHUTDOWN;
		good = fix_close(&f) && good;
		tap_case(good, refusals[i].name, "error %d lies %lu", err, boundary_lies);
	}
}

static void test_unusual_but_honest(void)
{
	fix_open(&f, 9);
	f.model.ctrl.mdts = 255;
	fix_init(&f);
	tap_case(!fix_start(&f) && f.ctrl.transfer_max == FIX_TRANSFER, "mdts-huge-is-no-limit",
		 "transfer_max %u", f.ctrl.transfer_max);
	fix_close(&f);

	fix_open(&f, 9);
	f.model.ctrl.mdts = 1;
	fix_init(&f);
	tap_case(!fix_start(&f) && f.ctrl.transfer_max == 8192, "mdts-small", "transfer_max %u",
		 f.ctrl.transfer_max);
	fix_close(&f);

	fix_open(&f, 9);
	f.model.cap = (f.model.cap & ~0xffffull) | 1;
	fix_init(&f);
	tap_case(!fix_start(&f) && f.queues[0].depth == 2, "mqes-smallest", "depth %u",
		 f.queues[0].depth);
	fix_close(&f);

	fix_open(&f, 9);
	f.model.queue_result = 0;
	fix_init(&f);
	tap_case(!fix_start(&f) && f.ctrl.queue_count == 1 && !f.queues[1].live,
		 "fewer-queues-than-wanted", "queue_count %u", f.ctrl.queue_count);
	fix_close(&f);

	fix_open(&f, 9);
	f.model.queue_result = 0xffffffff;
	fix_init(&f);
	tap_case(!fix_start(&f) && f.ctrl.queue_count == FIX_QUEUES, "queue-count-all-ones",
		 "queue_count %u", f.ctrl.queue_count);
	fix_close(&f);

	fix_open(&f, 9);
	for (u32 i = 0; i < 32; i++)
		f.model.list[i] = i + 1;
	fix_init(&f);
	tap_case(!fix_start(&f) && f.ctrl.ns_count == NVME_NS_MAX, "more-namespaces-than-kept",
		 "ns_count %u", f.ctrl.ns_count);
	fix_close(&f);

	fix_open(&f, 9);
	memset(f.model.ctrl.sn, 0x1b, 20);
	f.model.ctrl.sn[0] = 0;
	fix_init(&f);
	tap_case(!fix_start(&f) && !strcmp(f.ctrl.serial, "????????????????????"),
		 "serial-with-escapes", "'%s'", f.ctrl.serial);
	fix_close(&f);
}

/* CAP.TO of 127.5 s must not keep us longer than ready_max_ms. */
static void test_ready_bounded(void)
{
	int err;

	fix_open(&f, 9);
	f.model.never_ready = true;
	f.model.cap |= 255ull << 24;
	f.params.ready_max_ms = 2000;
	fix_init(&f);
	err = fix_start(&f);
	tap_case(err == -ETIMEDOUT && f.now_ns < 2100 * 1000000ull, "cap-to-huge-is-bounded",
		 "error %d after %llu ms", err, (unsigned long long)f.now_ns / 1000000);
	fix_close(&f);
}

static void test_retry_within_window(void)
{
	int err = 0;

	fix_open(&f, 9);
	f.model.fatal_on_enable = true;
	f.params.recover_ms = 5000;
	fix_init(&f);
	nvme_start(&f.ctrl, f.now_ns);
	for (u32 i = 0; i < 1000; i++)
		err = nvme_step(&f.ctrl, f.now_ns += 1000000);
	f.model.fatal_on_enable = false;
	tap_case(err == -EINPROGRESS && fix_run(&f) == 0, "bring-up-tried-again", "error %d", err);
	fix_close(&f);

	fix_open(&f, 9);
	f.model.fatal_on_enable = true;
	f.params.recover_ms = 5000;
	fix_init(&f);
	err = fix_start(&f);
	tap_case(err == -EIO && f.now_ns >= 5000 * 1000000ull && f.now_ns < 6000 * 1000000ull,
		 "bring-up-gives-up", "error %d after %llu ms", err,
		 (unsigned long long)f.now_ns / 1000000);
	fix_close(&f);
}

/* ---- memory ---- */

static void test_init_errors(void)
{
	struct fixture *x = &f;
	unsigned int n;
	bool good = true;
	int err = -ENOMEM;

	for (n = 1; err == -ENOMEM && n < 20; n++) {
		fix_open(x, 9);
		test_arena_fail_at(n);
		err = nvme_init(&x->ctrl, &x->model.transport, &x->params);
		if (err)
			good = good && test_arena_used() == 0;
		model_fini(&x->model);
	}
	tap_case(good && !err && n == 2 + 3 + 3 * FIX_QUEUES, "each-allocation-fails",
		 "error %d at %u", err, n);

	fix_open(x, 9);
	x->params.depth = 1;
	good = nvme_init(&x->ctrl, &x->model.transport, &x->params) == -EINVAL;
	x->params.depth = NVME_DEPTH_MAX + 1;
	good = good && nvme_init(&x->ctrl, &x->model.transport, &x->params) == -EINVAL;
	x->params.depth = 16;
	x->params.transfer_max = NVME_TRANSFER_MAX + NVME_PAGE_SIZE;
	good = good && nvme_init(&x->ctrl, &x->model.transport, &x->params) == -EINVAL;
	x->params.transfer_max = 1000;
	good = good && nvme_init(&x->ctrl, &x->model.transport, &x->params) == -EINVAL;
	tap_case(good, "parameters-refused", "accepted");
	model_fini(&x->model);
}

/* ---- reset ---- */

static void test_reset_keeps_commands(void)
{
	struct nvme_completion c;
	u32 canceled = 0;
	int cookies[3];
	int err;

	fix_up(&f, 9);
	f.model.hold = true;
	for (u32 i = 0; i < 3; i++)
		fix_read(&f, i, &cookies[i]);
	nvme_reset_begin(&f.ctrl, f.now_ns);
	err = fix_run(&f);
	tap_case(err == -EAGAIN && f.ctrl.state == NVME_DRAIN, "reset-asks-to-reap", "error %d",
		 err);
	tap_case(fix_read(&f, 0, NULL) == -ESHUTDOWN &&
			 nvme_poll(&f.queues[0], &c, 1) == -ESHUTDOWN,
		 "no-commands-during-reset", "accepted");
	while (nvme_reap(&f.queues[0], &c))
		canceled += c.error == -ECANCELED && c.cookie >= (void *)cookies &&
			    c.cookie <= (void *)&cookies[2];
	tap_case(canceled == 3, "reset-returns-each-once", "%u", canceled);
	f.model.hold = false;
	err = fix_run(&f);
	if (!err)
		err = fix_read(&f, 1, NULL);
	tap_case(!err && nvme_poll(&f.queues[0], &c, 4) == 1 && !c.error && f.ctrl.resets == 1,
		 "commands-after-reset", "error %d", err);
	fix_close(&f);
}

static void late_completion(struct nvme_model *m, u16 old_cid)
{
	model_post(m, 1, (struct nvme_cqe){ .sq_id = 1, .cid = old_cid });
}

static void test_late_completion(void)
{
	struct nvme_completion c;
	u16 old_cid;

	fix_up(&f, 9);
	f.model.hold = true;
	fix_read(&f, 0, NULL);
	old_cid = f.model.held[0].sqe.cid;
	nvme_reset_begin(&f.ctrl, f.now_ns);
	fix_run(&f);
	nvme_reap(&f.queues[0], &c);
	fix_run(&f);
	fix_read(&f, 0, NULL); /* the same tracker is in use again */
	late_completion(&f.model, old_cid);
	tap_case(nvme_poll(&f.queues[0], &c, 4) == -EPROTO && boundary_lies == 1 &&
			 nvme_watch(&f.ctrl) == NVME_DEAD && f.ctrl.error == -EPROTO,
		 "late-completion-after-reset", "lies %lu", boundary_lies);
	tap_case(nvme_reap(&f.queues[0], &c) && c.error == -EIO && !nvme_reap(&f.queues[0], &c),
		 "dead-controller-returns-commands", "error %d", c.error);
	fix_close(&f);
}

static void other_size(struct nvme_model *m)
{
	m->ns.nsze--;
}
static void other_shift(struct nvme_model *m)
{
	m->ns.lbaf[0].lbads = 12;
}
static void other_name(struct nvme_model *m)
{
	m->ns.nguid[3] ^= 1;
}
static void other_id(struct nvme_model *m)
{
	m->list[0] = 2;
}
static void no_namespace(struct nvme_model *m)
{
	m->list[0] = 0;
}
static void one_more(struct nvme_model *m)
{
	m->list[1] = 2;
}
static void smaller_mdts(struct nvme_model *m)
{
	m->ctrl.mdts = 1;
}
static void smaller_mqes(struct nvme_model *m)
{
	m->cap = (m->cap & ~0xffffull) | 3;
}
static void fewer_queues(struct nvme_model *m)
{
	m->queue_result = 0;
}
static void now_read_only(struct nvme_model *m)
{
	m->ns.nsattr = 1;
}

static void test_reset_other_controller(void)
{
	static const struct {
		const char *name;
		void (*apply)(struct nvme_model *m);
	} changes[] = {
		{ "after-reset-other-size", other_size },
		{ "after-reset-other-block-size", other_shift },
		{ "after-reset-other-nguid", other_name },
		{ "after-reset-other-nsid", other_id },
		{ "after-reset-no-namespace", no_namespace },
		{ "after-reset-one-more-namespace", one_more },
		{ "after-reset-smaller-mdts", smaller_mdts },
		{ "after-reset-smaller-mqes", smaller_mqes },
		{ "after-reset-fewer-queues", fewer_queues },
		{ "after-reset-read-only", now_read_only },
	};

	for (u32 i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		int err;

		fix_up(&f, 9);
		changes[i].apply(&f.model);
		nvme_reset_begin(&f.ctrl, f.now_ns);
		err = fix_run(&f);
		tap_case(err == -EPROTO && boundary_lies == 1, changes[i].name, "error %d lies %lu",
			 err, boundary_lies);
		fix_close(&f);
	}
}

/* ---- watching ---- */

static void test_watch(void)
{
	fix_up(&f, 9);
	tap_case(nvme_watch(&f.ctrl) == NVME_HEALTHY, "watch-healthy", "not");
	f.model.csts |= NVME_CSTS_CFS;
	tap_case(nvme_watch(&f.ctrl) == NVME_NEEDS_RESET, "watch-fatal-status", "not seen");
	f.model.csts = 0;
	tap_case(nvme_watch(&f.ctrl) == NVME_NEEDS_RESET, "watch-lost-ready", "not seen");
	nvme_reset_begin(&f.ctrl, f.now_ns);
	tap_case(fix_run(&f) == 0 && nvme_watch(&f.ctrl) == NVME_HEALTHY, "watch-after-reset",
		 "state %d", f.ctrl.state);
	f.model.gone = true;
	tap_case(nvme_watch(&f.ctrl) == NVME_DEAD && f.ctrl.error == -ENODEV &&
			 fix_read(&f, 0, NULL) == -ESHUTDOWN,
		 "watch-gone", "error %d", f.ctrl.error);
	fix_close(&f);
}

static void test_lie_then_reset(void)
{
	struct nvme_completion c;

	fix_up(&f, 9);
	model_post(&f.model, 1, (struct nvme_cqe){ .sq_id = 1 });
	nvme_poll(&f.queues[0], &c, 1);
	nvme_reset_begin(&f.ctrl, f.now_ns);
	tap_case(f.ctrl.state == NVME_FAILED && f.ctrl.error == -EPROTO, "a-lie-is-not-reset-away",
		 "state %d", f.ctrl.state);
	fix_close(&f);
}

static void test_shutdown(void)
{
	int err;

	fix_up(&f, 9);
	nvme_shutdown_begin(&f.ctrl, f.now_ns);
	err = fix_run(&f);
	tap_case(!err && f.ctrl.state == NVME_OFF && f.model.cc == 0, "shutdown", "error %d", err);
	fix_close(&f);

	fix_up(&f, 9);
	f.model.never_shut_down = true;
	nvme_shutdown_begin(&f.ctrl, f.now_ns);
	err = fix_run(&f);
	tap_case(err == -ETIMEDOUT && f.ctrl.state == NVME_OFF && f.model.cc == 0,
		 "shutdown-never-completes", "error %d", err);
	fix_close(&f);

	fix_open(&f, 9);
	f.model.never_ready = true;
	fix_init(&f);
	nvme_start(&f.ctrl, f.now_ns);
	nvme_step(&f.ctrl, f.now_ns);
	nvme_shutdown_begin(&f.ctrl, f.now_ns);
	tap_case(nvme_step(&f.ctrl, f.now_ns) == -ESHUTDOWN, "shutdown-amid-bring-up", "state %d",
		 f.ctrl.state);
	fix_close(&f);
}

int main(void)
{
	test_honest(9, "honest-512");
	test_honest(12, "honest-4096");
	test_refusals();
	test_unusual_but_honest();
	test_ready_bounded();
	test_retry_within_window();
	test_init_errors();
	test_reset_keeps_commands();
	test_late_completion();
	test_reset_other_controller();
	test_watch();
	test_lie_then_reset();
	test_shutdown();
	return tap_end();
}
