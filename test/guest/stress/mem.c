// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Memory that goes away while the kernel reads or writes it: copies, O_DIRECT, io_uring. */
#include "test/guest/stress/smp.h"
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { AREA = 16 * 4096, GUARD = 4 * 4096 };

/* What one thread does to the memory that another one keeps changing. */
struct victim {
	struct worker *w;
	char *area;
	int file, pair[2];
	volatile int over;
};

static char *map_new(struct worker *w, size_t size, int prot)
{
	char *p = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	HOLDS(w, p != MAP_FAILED);
	return p;
}

static void one_call(struct victim *v, unsigned int *seed)
{
	size_t at = (size_t)(rand_r(seed) % 15) * 4096;
	ssize_t r;

	errno = 0;
	switch (rand_r(seed) % 6) {
	case 0:
		r = pread(v->file, v->area, AREA, 0);
		break;
	case 1:
		r = pwrite(v->file, v->area + at, 4096, 0);
		break;
	case 2:
		send(v->pair[0], "some bytes", 10, MSG_DONTWAIT);
		r = recv(v->pair[1], v->area + at, 4096, MSG_DONTWAIT);
		break;
	case 3:
		r = getrandom(v->area + at, 4096, 0);
		break;
	case 4:
		r = stat("/tmp", (struct stat *)(v->area + at + 4096 - 8));
		break;
	default:
		r = syscall(SYS_getcwd, v->area + at, 100);
	}
	HOLDS(v->w, r >= 0 || errno == EFAULT || errno == EAGAIN);
}

static void *call_on_area(void *arg)
{
	struct victim *v = arg;
	unsigned int seed = v->w->seed ^ 0x5555;

	while (!v->over)
		one_call(v, &seed);
	return NULL;
}

/* The addresses stay ours all the time: the other thread may write there at any moment. */
static void change_area(struct worker *w, char *area)
{
	size_t at = (size_t)(rand_r(&w->seed) % 15) * 4096;
	int fixed = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

	switch (rand_r(&w->seed) % 5) {
	case 0:
		HOLDS(w, mmap(area, AREA, PROT_READ | PROT_WRITE, fixed, -1, 0) == area);
		break;
	case 1:
		HOLDS(w,
		      mmap(area + at, 4096, PROT_NONE, fixed | MAP_NORESERVE, -1, 0) == area + at);
		break;
	case 2:
		HOLDS(w, !mprotect(area + at, 4096, PROT_READ));
		break;
	case 3:
		HOLDS(w, !madvise(area, AREA, MADV_DONTNEED));
		break;
	default:
		HOLDS(w, !mprotect(area, AREA, PROT_READ | PROT_WRITE));
	}
}

/* O_DIRECT where the file system has it: then the pages themselves are the target. */
static int open_victim_file(struct worker *w)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/root/smp-%d", w->index);
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC | O_DIRECT, 0600);
	if (fd < 0)
		fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	HOLDS(w, fd >= 0 && !unlink(path));
	return fd;
}

void round_inflight(struct worker *w)
{
	struct victim v = { .w = w, .area = map_new(w, AREA, PROT_READ | PROT_WRITE) };
	char *guard = map_new(w, GUARD, PROT_READ | PROT_WRITE);
	pthread_t t;
	int i;

	v.file = open_victim_file(w);
	HOLDS(w, pwrite(v.file, v.area, AREA, 0) == AREA);
	HOLDS(w, !socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, v.pair));
	memset(guard, 'g', GUARD);
	HOLDS(w, !pthread_create(&t, NULL, call_on_area, &v));
	for (i = 0; i < 60; i++) {
		change_area(w, v.area);
		if (rand_r(&w->seed) % 4 == 0)
			sched_yield();
	}
	v.over = 1;
	HOLDS(w, !pthread_join(t, NULL));
	for (i = 0; i < GUARD; i++)
		HOLDS(w, guard[i] == 'g');
	HOLDS(w, !munmap(v.area, AREA) && !munmap(guard, GUARD));
	close(v.file);
	close(v.pair[0]);
	close(v.pair[1]);
}

struct ring {
	int fd;
	unsigned int *sq_tail, *sq_array, *cq_head, *cq_tail, mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	void *map;
	size_t size, sqes_size;
};

static void ring_open(struct worker *w, struct ring *r)
{
	struct io_uring_params p = {};
	char *m;

	r->fd = (int)syscall(SYS_io_uring_setup, 4, &p);
	HOLDS(w, r->fd >= 0);
	r->size = p.sq_off.array + p.sq_entries * 4;
	if (r->size < p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe))
		r->size = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
	r->sqes_size = p.sq_entries * sizeof(struct io_uring_sqe);
	m = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, IORING_OFF_SQ_RING);
	HOLDS(w, m != MAP_FAILED);
	r->sqes = mmap(NULL, r->sqes_size, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd,
		       IORING_OFF_SQES);
	HOLDS(w, r->sqes != MAP_FAILED);
	r->map = m;
	r->sq_tail = (unsigned int *)(m + p.sq_off.tail);
	r->sq_array = (unsigned int *)(m + p.sq_off.array);
	r->mask = *(unsigned int *)(m + p.sq_off.ring_mask);
	r->cq_head = (unsigned int *)(m + p.cq_off.head);
	r->cq_tail = (unsigned int *)(m + p.cq_off.tail);
	r->cqes = (struct io_uring_cqe *)(m + p.cq_off.cqes);
}

static void ring_close(struct ring *r)
{
	munmap(r->map, r->size);
	munmap(r->sqes, r->sqes_size);
	close(r->fd);
}

static void ring_read(struct worker *w, struct ring *r, int op, int fd, char *buf, unsigned int len)
{
	unsigned int tail = *r->sq_tail, i = tail & r->mask;

	r->sqes[i] = (struct io_uring_sqe){
		.opcode = (uint8_t)op, .fd = fd, .addr = (uint64_t)(uintptr_t)buf, .len = len
	};
	r->sq_array[i] = i;
	__atomic_store_n(r->sq_tail, tail + 1, __ATOMIC_RELEASE);
	HOLDS(w, syscall(SYS_io_uring_enter, r->fd, 1, 0, 0, NULL, 0) == 1);
}

static int ring_result(struct worker *w, struct ring *r)
{
	unsigned int head = *r->cq_head;
	int res;

	while (head == __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE))
		HOLDS(w,
		      !syscall(SYS_io_uring_enter, r->fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0) ||
			      errno == EINTR);
	res = r->cqes[head & (2 * r->mask + 1)].res;
	__atomic_store_n(r->cq_head, head + 1, __ATOMIC_RELEASE);
	return res;
}

/*
 * A read that waits while its buffer goes: a registered one is pinned, so its pages take the
 * bytes although nobody can see them any more, and nobody else may have them before.
 */
void round_uring(struct worker *w)
{
	bool pinned = rand_r(&w->seed) % 2, leave = rand_r(&w->seed) % 4 == 0;
	char *buf = map_new(w, AREA, PROT_READ | PROT_WRITE), text[4096];
	struct iovec v = { buf, AREA };
	struct ring r;
	int p[2], res;

	ring_open(w, &r);
	HOLDS(w, !pipe2(p, O_CLOEXEC));
	if (pinned)
		HOLDS(w, !syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_BUFFERS, &v, 1));
	ring_read(w, &r, pinned ? IORING_OP_READ_FIXED : IORING_OP_READ, p[0], buf + 4096, 4096);
	if (pinned)
		HOLDS(w, !munmap(buf, AREA));
	else
		HOLDS(w, !mprotect(buf, AREA, PROT_NONE));
	memset(text, 't', sizeof(text));
	if (!leave) {
		HOLDS(w, write(p[1], text, sizeof(text)) == sizeof(text));
		res = ring_result(w, &r);
		HOLDS(w, pinned ? res == sizeof(text) : res == -EFAULT);
	}
	ring_close(&r);
	close(p[0]);
	close(p[1]);
	if (!pinned)
		HOLDS(w, !munmap(buf, AREA));
}
