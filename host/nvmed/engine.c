// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Work on disks: by io_uring, or at once where there is none or no need. */
#include "host/nvmed/nvmed.h"
#include <errno.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RING_ENTRIES 1024u

/* io_uring can do by itself what the sandbox refuses: it may only do what we ask of it. */
static int restrict_ring(struct io_uring *ring)
{
	static const u8 ops[] = { IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_FSYNC };
	struct io_uring_restriction r[sizeof(ops)] = { 0 };

	for (u32 i = 0; i < sizeof(ops); i++) {
		r[i].opcode = IORING_RESTRICTION_SQE_OP;
		r[i].sqe_op = ops[i];
	}
	/* Debian's liburing lacks the functions for both. */
	if (syscall(SYS_io_uring_register, ring->ring_fd, IORING_REGISTER_RESTRICTIONS, r,
		    sizeof(ops)) ||
	    syscall(SYS_io_uring_register, ring->ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0))
		return -errno;
	return 0;
}

static int open_ring(struct io_uring *ring, u32 flags)
{
	struct io_uring_params p = { .flags = flags | IORING_SETUP_R_DISABLED };
	int err = io_uring_queue_init_params(RING_ENTRIES, ring, &p);

	if (err)
		return err;
	err = restrict_ring(ring);
	if (err)
		io_uring_queue_exit(ring);
	return err;
}

/*
 * No SQPOLL or IOPOLL: they would cost a core when idle. Completions wait until we
 * enter the kernel, and don't interrupt the loop. Not DEFER_TASKRUN: a poll() of the
 * ring's descriptor then misses completions (seen on 6.18), and that is how we sleep.
 */
int engine_open(struct nvmed *d)
{
	u32 flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN |
		    IORING_SETUP_TASKRUN_FLAG;
	int err = d->sync ? -ECANCELED : open_ring(&d->ring, flags);

	if (err == -EINVAL)
		err = open_ring(&d->ring, 0);
	d->have_ring = !err;
	if (err && !d->sync)
		fprintf(stderr, "nvmed: io_uring: %s; disks are used synchronously\n",
			strerror(-err));
	for (u32 i = 0; err && i < d->disk_count; i++)
		if (d->disks[i].backend == BACKEND_ASYNC)
			d->disks[i].backend = BACKEND_SYNC;
	return 0;
}

void engine_close(struct nvmed *d)
{
	if (d->have_ring)
		io_uring_queue_exit(&d->ring);
	d->have_ring = false;
}

static struct io_uring_sqe *get_sqe(struct nvmed *d, struct req *r)
{
	struct io_uring_sqe *e = io_uring_get_sqe(&d->ring);

	if (!e) { /* the ring is full of unsubmitted entries */
		io_uring_submit(&d->ring);
		e = io_uring_get_sqe(&d->ring);
	}
	if (e)
		d->engine_ops++;
	return e;
}

static void data_now(struct nvmed *d, struct req *r)
{
	struct iovec *iov = &r->iov[r->iov_first];
	int flags = r->fua ? RWF_DSYNC : 0;
	ssize_t n;

	do {
		if (r->opcode == NVME_IO_READ)
			n = preadv2(r->disk->fd, iov, r->iov_count, r->offset, 0);
		else
			n = pwritev2(r->disk->fd, iov, r->iov_count, r->offset, flags);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		errno = EIO;
	io_progress(d, r, n < 0 ? -errno : n);
}

void engine_data(struct nvmed *d, struct req *r)
{
	struct iovec *iov = &r->iov[r->iov_first];
	int fd = r->direct ? r->disk->fd_direct : r->disk->fd;
	struct io_uring_sqe *e;

	e = r->disk->backend == BACKEND_ASYNC ? get_sqe(d, r) : NULL;
	if (!e) {
		data_now(d, r);
		return;
	}
	if (r->opcode == NVME_IO_READ)
		io_uring_prep_readv2(e, fd, iov, r->iov_count, r->offset, 0);
	else
		io_uring_prep_writev2(e, fd, iov, r->iov_count, r->offset, r->fua ? RWF_DSYNC : 0);
	io_uring_sqe_set_data(e, r);
}

void engine_sync(struct nvmed *d, struct req *r)
{
	struct io_uring_sqe *e;

	if (r->disk->backend == BACKEND_MAP) {
		io_progress(d, r, 0); /* memory is as stable as it gets */
		return;
	}
	e = r->disk->backend == BACKEND_ASYNC ? get_sqe(d, r) : NULL;
	if (!e) {
		io_progress(d, r, fdatasync(r->disk->fd) ? -errno : 0);
		return;
	}
	io_uring_prep_fsync(e, r->disk->fd, IORING_FSYNC_DATASYNC);
	io_uring_sqe_set_data(e, r);
}

/* Zeroing is rare and fast where holes exist; the fallbacks need several calls. */
void engine_zero(struct nvmed *d, struct req *r, u64 offset, u64 size)
{
	io_progress(d, r, disk_zero(r->disk, offset, size, r->deac));
}

static void enter(struct nvmed *d)
{
	int n;

	if (io_uring_sq_ready(&d->ring)) {
		n = io_uring_submit(&d->ring);
		if (n < 0 && n != -EAGAIN && n != -EBUSY && n != -EINTR)
			fprintf(stderr, "nvmed: io_uring_submit: %s\n", strerror(-n));
	}
	if (IO_URING_READ_ONCE(*d->ring.sq.kflags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW))
		io_uring_get_events(&d->ring);
}

bool engine_poll(struct nvmed *d)
{
	struct io_uring_cqe *cqe;
	bool any = false;

	if (!d->have_ring || !d->engine_ops)
		return false;
	enter(d);
	while (!io_uring_peek_cqe(&d->ring, &cqe)) {
		struct req *r = io_uring_cqe_get_data(cqe);
		int res = cqe->res;

		io_uring_cqe_seen(&d->ring, cqe);
		d->engine_ops--;
		any = true;
		io_progress(d, r, res);
	}
	return any;
}
