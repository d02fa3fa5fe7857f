// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Completions: every way to lie in one, wrap-around, order, limits, time. */
#include "test/lib/tap.h"
#include "test/nvme/fixture.h"
#include <errno.h>
#include <string.h>

static struct fixture f;
static struct nvme_completion done[64];

/* ---- lies in a completion ---- */

static void wrong_sqid(struct nvme_model *m, u16 sqid, const struct nvme_sqe *s, struct nvme_cqe *c)
{
	c->sq_id = 2;
}

static void admin_sqid(struct nvme_model *m, u16 sqid, const struct nvme_sqe *s, struct nvme_cqe *c)
{
	c->sq_id = 0;
}

static void head_at_depth(struct nvme_model *m, u16 sqid, const struct nvme_sqe *s,
			  struct nvme_cqe *c)
{
	c->sq_head = FIX_DEPTH;
}

static void head_garbage(struct nvme_model *m, u16 sqid, const struct nvme_sqe *s,
			 struct nvme_cqe *c)
{
	c->sq_head = 0xffff;
}

static void cid_last_index(struct nvme_model *m, u16 sqid, const struct nvme_sqe *s,
			   struct nvme_cqe *c)
{
	c->cid = FIX_DEPTH - 1; /* trackers end at depth - 2 */
}

static void cid_garbage(struct nvme_model *m, u16 sqid, const struct nvme_sqe *s,
			struct nvme_cqe *c)
{
	c->cid = 0xffff;
}

static void cid_idle(struct nvme_model *m, u16 sqid, const struct nvme_sqe *s, struct nvme_cqe *c)
{
	c->cid = 9; /* in range, generation 0, but nobody submitted it */
}

static void cid_stale(struct nvme_model *m, u16 sqid, const struct nvme_sqe *s, struct nvme_cqe *c)
{
	c->cid ^= 1u << 10; /* another generation of a busy tracker */
}

static void test_lies(void)
{
	static const struct {
		const char *name;
		void (*edit)(struct nvme_model *m, u16 sqid, const struct nvme_sqe *s,
			     struct nvme_cqe *c);
	} lies[] = {
		{ "completion-of-another-queue", wrong_sqid },
		{ "completion-of-admin-queue", admin_sqid },
		{ "sq-head-at-depth", head_at_depth },
		{ "sq-head-garbage", head_garbage },
		{ "cid-one-beyond-trackers", cid_last_index },
		{ "cid-garbage", cid_garbage },
		{ "cid-of-idle-tracker", cid_idle },
		{ "cid-of-older-generation", cid_stale },
	};

	for (u32 i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		int n;
		bool good;

		fix_up(&f, 9);
		f.model.edit = lies[i].edit;
		fix_read(&f, 0, NULL);
		n = nvme_poll(&f.queues[0], done, 8);
		good = n == -EPROTO && boundary_lies == 1 &&
		       nvme_poll(&f.queues[0], done, 8) == -EPROTO &&
		       fix_read(&f, 0, NULL) == -ESHUTDOWN && nvme_watch(&f.ctrl) == NVME_DEAD &&
		       nvme_reap(&f.queues[0], done) && done[0].error == -EIO;
		tap_case(good, lies[i].name, "poll %d lies %lu %s", n, boundary_lies,
			 boundary_last_lie);
		fix_close(&f);
	}
}

static void test_duplicate(void)
{
	struct nvme_cqe again = { .sq_id = 1 };
	int a, b;

	fix_up(&f, 9);
	fix_read(&f, 0, &f);
	again.cid = f.model.last.cid;
	model_post(&f.model, 1, again);
	a = nvme_poll(&f.queues[0], done, 8);
	b = nvme_poll(&f.queues[0], done, 8);
	tap_case(a == 1 && done[0].cookie == &f && b == -EPROTO && boundary_lies == 1,
		 "duplicate-completion", "%d then %d", a, b);
	fix_close(&f);
}

/* The good one before a lie in the same batch still counts. */
static void test_flood(void)
{
	int n;

	fix_up(&f, 9);
	for (u32 i = 0; i < FIX_DEPTH; i++)
		model_post(&f.model, 1, (struct nvme_cqe){ .sq_id = 1, .cid = i % 4 });
	n = nvme_poll(&f.queues[0], done, 64);
	tap_case(n == -EPROTO && boundary_lies == 1, "flood-without-commands", "%d", n);
	fix_close(&f);
}

/* Entries whose phase flips back, or that show the phase before anything was asked. */
static void test_phase_glitch(void)
{
	u8 *cq;
	int n;

	fix_up(&f, 9);
	f.model.hold = true;
	fix_read(&f, 0, NULL);
	cq = (u8 *)(unsigned long)f.queues[0].cq.va;
	cq[NVME_CQE_SIZE + 14] = 1; /* the second entry: must not be looked at */
	n = nvme_poll(&f.queues[0], done, 8);
	tap_case(n == 0, "phase-of-a-later-entry", "%d", n);
	cq[14] = 1; /* the first: zeroes with a phase: names queue 0 */
	n = nvme_poll(&f.queues[0], done, 8);
	tap_case(n == -EPROTO, "phase-without-completion", "%d", n);
	fix_close(&f);
}

static u16 status_to_post;

static void post_status(struct nvme_model *m, u16 sqid, const struct nvme_sqe *s,
			struct nvme_cqe *c)
{
	c->status = status_to_post << 1;
}

static void test_status(void)
{
	static const struct {
		u16 status;
		int error;
	} map[] = {
		{ NVME_SC_SUCCESS, 0 },
		{ NVME_SC_INVALID_OPCODE, -EOPNOTSUPP },
		{ NVME_SC_LBA_RANGE, -ENXIO },
		{ NVME_SC_CAPACITY, -ENOSPC },
		{ NVME_SC_NS_WRITE_PROTECTED, -EROFS },
		{ NVME_SC_READ_ONLY_RANGE, -EROFS },
		{ NVME_SC_READ_ERROR, -ENODATA },
		{ NVME_SC_WRITE_FAULT, -EIO },
		{ NVME_SC_ABORT_SQ_DELETED, -ECANCELED },
		{ NVME_SC_NS_NOT_READY, -ECANCELED },
		{ NVME_SC_INTERNAL, -EIO },
		{ 0x7ff, -EIO }, /* garbage */
		{ 0x3fff >> 1 & 0x7ff, -EIO },
	};
	bool good = true;
	u32 i;

	fix_up(&f, 9);
	f.model.edit = post_status;
	for (i = 0; good && i < sizeof(map) / sizeof(*map); i++) {
		status_to_post = map[i].status;
		good = !fix_read(&f, 0, NULL) && nvme_poll(&f.queues[0], done, 8) == 1 &&
		       done[0].error == map[i].error && done[0].status == map[i].status;
	}
	tap_case(good && boundary_lies == 0, "status-to-errno", "entry %u: %d", i, done[0].error);
	tap_case(f.queues[0].stats.errors == 12, "errors-counted", "%llu",
		 (unsigned long long)f.queues[0].stats.errors);
	fix_close(&f);
}

/* ---- rings ---- */

static void test_full(void)
{
	int n = 0, taken;

	fix_up(&f, 9);
	f.model.hold = true;
	while (n < 100 && !fix_read(&f, n, NULL))
		n++;
	tap_case(n == FIX_DEPTH - 1 && fix_read(&f, 0, NULL) == -EBUSY, "queue-full", "%d", n);
	model_release(&f.model, true);
	taken = nvme_poll(&f.queues[0], done, 4);
	tap_case(taken == 4, "poll-budget", "%d", taken);
	taken = nvme_poll(&f.queues[0], done, 64);
	tap_case(taken == FIX_DEPTH - 5 && f.queues[0].inflight == 0, "completions-in-reverse",
		 "%d", taken);
	fix_close(&f);
}

static u32 random_next(u32 *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	return *x ^= *x << 5;
}

/* Many laps of the ring and of the generations, with mixed order and depth. */
static void test_laps(void)
{
	u32 seed = 12345, submitted = 0, taken = 0;
	int n = 0;

	fix_up(&f, 9);
	f.model.hold = true;
	while (taken < 20000 && n >= 0) {
		for (u32 burst = random_next(&seed) % FIX_DEPTH; burst; burst--)
			submitted += !fix_read(&f, submitted % FIX_BLOCKS, NULL);
		model_release(&f.model, random_next(&seed) & 1);
		n = nvme_poll(&f.queues[0], done, 1 + random_next(&seed) % 20);
		taken += n > 0 ? n : 0;
		for (int i = 0; i < n; i++)
			n = done[i].error ? -1 : n;
	}
	tap_case(n >= 0 && boundary_lies == 0 && submitted == taken + f.queues[0].inflight,
		 "laps-of-the-ring", "%d %s", n, boundary_last_lie);
	tap_case(f.queues[0].stats.cq_doorbells * 3 <= taken, "cq-doorbells-are-few", "%llu for %u",
		 (unsigned long long)f.queues[0].stats.cq_doorbells, taken);
	tap_case(f.model.bad_doorbells == 0, "doorbells-in-range", "%u", f.model.bad_doorbells);
	fix_close(&f);
}

static void test_one_doorbell_per_burst(void)
{
	struct nvme_seg seg;
	struct nvme_io io = { .opcode = NVME_IO_READ, .blocks = 1, .segs = &seg, .seg_count = 1 };
	u64 before;

	fix_up(&f, 9);
	seg = (struct nvme_seg){ f.data.iova, 512 };
	io.ns = &f.ctrl.ns[0];
	before = f.queues[0].stats.sq_doorbells;
	for (u32 i = 0; i < 8; i++)
		nvme_submit(&f.queues[0], &io, NULL);
	nvme_ring(&f.queues[0]);
	nvme_ring(&f.queues[0]);
	tap_case(f.queues[0].stats.sq_doorbells - before == 1, "one-doorbell-per-burst", "%llu",
		 (unsigned long long)f.queues[0].stats.sq_doorbells);
	nvme_poll(&f.queues[0], done, 64);
	fix_close(&f);
}

/* ---- time ---- */

static void test_timeout(void)
{
	int err = 0;
	u32 ticks = 0;

	fix_up(&f, 9);
	for (u32 i = 0; i < 10; i++)
		nvme_tick(&f.queues[0]);
	tap_case(nvme_watch(&f.ctrl) == NVME_HEALTHY, "idle-never-times-out", "it did");
	f.model.hold = true;
	fix_read(&f, 0, NULL);
	while (!err && ticks < 100) {
		err = nvme_tick(&f.queues[0]);
		ticks++;
	}
	tap_case(err == -ETIMEDOUT && ticks == f.params.io_ticks + 1 &&
			 nvme_watch(&f.ctrl) == NVME_NEEDS_RESET,
		 "command-times-out", "%d after %u", err, ticks);
	nvme_reset_begin(&f.ctrl, f.now_ns);
	fix_run(&f);
	nvme_reap(&f.queues[0], done);
	tap_case(fix_run(&f) == 0 && nvme_watch(&f.ctrl) == NVME_HEALTHY, "timeout-then-reset",
		 "state %d", f.ctrl.state);
	fix_close(&f);
}

static void test_pending(void)
{
	bool early, idle, ready, after;

	fix_up(&f, 9);
	early = nvme_pending(&f.queues[0]);
	((u8 *)(unsigned long)f.queues[0].cq.va)[14] = 1; /* nobody asked for anything */
	idle = nvme_pending(&f.queues[0]);
	((u8 *)(unsigned long)f.queues[0].cq.va)[14] = 0;
	fix_read(&f, 0, NULL);
	ready = nvme_pending(&f.queues[0]);
	nvme_poll(&f.queues[0], done, 8);
	after = nvme_pending(&f.queues[0]);
	tap_case(!early && !idle && ready && !after, "pending", "%d %d %d %d", early, idle, ready,
		 after);
	fix_close(&f);
}

static u16 event_qid;
static bool event_wanted;

static void need_event(void *ctx, u16 qid, bool need)
{
	event_qid = qid;
	event_wanted = need;
}

static void test_sleep(void)
{
	bool asked;

	fix_up(&f, 9);
	nvme_sleep_prepare(&f.queues[1]); /* a transport without events */
	f.model.transport.need_event = need_event;
	nvme_sleep_prepare(&f.queues[1]);
	asked = event_wanted && event_qid == 2;
	nvme_sleep_finish(&f.queues[1]);
	tap_case(asked && !event_wanted, "sleep-asks-for-an-event", "%d %u", asked, event_qid);
	fix_close(&f);
}

int main(void)
{
	test_lies();
	test_duplicate();
	test_flood();
	test_phase_glitch();
	test_status();
	test_full();
	test_laps();
	test_one_doorbell_per_burst();
	test_timeout();
	test_pending();
	test_sleep();
	return tap_end();
}
