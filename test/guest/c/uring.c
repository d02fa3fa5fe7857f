// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* io_uring by raw syscalls: files, pipes, sockets, polls, timeouts, fixed buffers, links, cancel. */
#include "test/guest/lib/guest.h"
#include <linux/io_uring.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

static struct {
	int fd;
	unsigned int *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	unsigned int queued;
	void *ring;
	size_t ring_size, sqes_size;
} u;

static void setup(unsigned int flags)
{
	struct io_uring_params p = { .flags = flags };
	char *ring;

	memset(&u, 0, sizeof(u));
	u.fd = (int)syscall(SYS_io_uring_setup, 16, &p);
	MUST(u.fd >= 0);
	MUST(p.features & IORING_FEAT_SINGLE_MMAP);
	u.ring_size = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
	if (p.sq_off.array + p.sq_entries * 4 > u.ring_size)
		u.ring_size = p.sq_off.array + p.sq_entries * 4;
	u.sqes_size = p.sq_entries * sizeof(struct io_uring_sqe);
	ring = mmap(NULL, u.ring_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, u.fd,
		    IORING_OFF_SQ_RING);
	u.sqes = mmap(NULL, u.sqes_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, u.fd,
		      IORING_OFF_SQES);
	MUST(ring != MAP_FAILED && u.sqes != MAP_FAILED);
	u.ring = ring;
	u.sq_tail = (unsigned int *)(ring + p.sq_off.tail);
	u.sq_mask = (unsigned int *)(ring + p.sq_off.ring_mask);
	u.sq_array = (unsigned int *)(ring + p.sq_off.array);
	u.cq_head = (unsigned int *)(ring + p.cq_off.head);
	u.cq_tail = (unsigned int *)(ring + p.cq_off.tail);
	u.cq_mask = (unsigned int *)(ring + p.cq_off.ring_mask);
	u.cqes = (struct io_uring_cqe *)(ring + p.cq_off.cqes);
}

static void teardown(void)
{
	munmap(u.ring, u.ring_size);
	munmap(u.sqes, u.sqes_size);
	close(u.fd);
}

static struct io_uring_sqe *queue(int op, int fd, const void *addr, size_t len, uint64_t data)
{
	unsigned int tail = *u.sq_tail, i = tail & *u.sq_mask;
	struct io_uring_sqe *e = &u.sqes[i];

	memset(e, 0, sizeof(*e));
	e->opcode = (uint8_t)op;
	e->fd = fd;
	e->addr = (uint64_t)addr;
	e->len = (uint32_t)len;
	e->user_data = data;
	u.sq_array[i] = i;
	__atomic_store_n(u.sq_tail, tail + 1, __ATOMIC_RELEASE);
	u.queued++;
	return e;
}

static long submit(unsigned int wait)
{
	unsigned int n = u.queued;

	u.queued = 0;
	return syscall(SYS_io_uring_enter, u.fd, n, wait, wait ? IORING_ENTER_GETEVENTS : 0, NULL,
		       0);
}

/* The result of the next completion; it must belong to `data` unless that is 0. */
static int reap(uint64_t data)
{
	unsigned int head = *u.cq_head;
	struct io_uring_cqe c;

	while (head == __atomic_load_n(u.cq_tail, __ATOMIC_ACQUIRE))
		MUST(!syscall(SYS_io_uring_enter, u.fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0));
	c = u.cqes[head & *u.cq_mask];
	__atomic_store_n(u.cq_head, head + 1, __ATOMIC_RELEASE);
	if (data)
		EQ(c.user_data, data);
	return c.res;
}

static void nop(void)
{
	int i;

	setup(0);
	for (i = 0; i < 100; i++) {
		queue(IORING_OP_NOP, -1, NULL, 0, 5);
		queue(IORING_OP_NOP, -1, NULL, 0, 6);
		EQ(submit(2), 2);
		EQ(reap(5), 0);
		EQ(reap(6), 0);
	}
	teardown();
}

static void files(void)
{
	int fd = guest_tmpfile(10000);
	char buf[100];
	struct iovec v = { buf, sizeof(buf) };

	setup(0);
	queue(IORING_OP_READ, fd, buf, 100, 1)->off = 500;
	EQ(submit(1), 1);
	EQ(reap(1), 100);
	EQ((unsigned char)buf[0], 500 % 251);
	memset(buf, 'u', 100);
	queue(IORING_OP_WRITEV, fd, &v, 1, 2)->off = 20000;
	EQ(submit(1), 1);
	EQ(reap(2), 100);
	EQ(pread(fd, buf, 1, 20050), 1);
	EQ(buf[0], 'u');
	queue(IORING_OP_FSYNC, fd, NULL, 0, 3);
	queue(IORING_OP_READ, 999, buf, 1, 4);
	EQ(submit(2), 2);
	reap(0);
	reap(0);
	close(fd);
	teardown();
}

static void bad_pointers(void)
{
	int fd = guest_tmpfile(100);

	setup(0);
	queue(IORING_OP_READ, fd, (void *)8, 10, 1);
	EQ(submit(1), 1);
	EQ(reap(1), -EFAULT);
	queue(IORING_OP_READ, fd, (void *)0x100000000, 10, 2);
	EQ(submit(1), 1);
	EQ(reap(2), -EFAULT);
	queue(IORING_OP_READV, fd, (void *)0x8000000000000000, 1, 3);
	EQ(submit(1), 1);
	EQ(reap(3), -EFAULT);
	FAILS(syscall(SYS_io_uring_setup, 16, (void *)8), EFAULT);
	FAILS(syscall(SYS_io_uring_register, u.fd, IORING_REGISTER_BUFFERS, (void *)8, 1), EFAULT);
	close(fd);
	teardown();
}

static void waits_for_data(void)
{
	char buf[8];
	int p[2];

	setup(0);
	MUST(!pipe(p));
	queue(IORING_OP_READ, p[0], buf, 8, 11);
	queue(IORING_OP_POLL_ADD, p[0], NULL, 0, 12)->poll_events = POLLIN;
	EQ(submit(0), 2);
	guest_nap_ms(2);
	EQ(*u.cq_head, *u.cq_tail);
	write(p[1], "data", 4);
	reap(0);
	write(p[1], "data", 4);
	reap(0);
	close(p[0]);
	close(p[1]);
	teardown();
}

static void timeouts(void)
{
	struct __kernel_timespec t = { 0, 3000000 };

	setup(0);
	queue(IORING_OP_TIMEOUT, -1, &t, 1, 21);
	EQ(submit(1), 1);
	EQ(reap(21), -ETIME);
	t.tv_sec = 3600;
	queue(IORING_OP_TIMEOUT, -1, &t, 1, 22);
	EQ(submit(0), 1);
	queue(IORING_OP_TIMEOUT_REMOVE, -1, (void *)22, 0, 23);
	EQ(submit(2), 1);
	CHECK(reap(0) + reap(0) == -ECANCELED);
	teardown();
}

static void fixed_buffers(void)
{
	static char area[2][8192] __attribute__((aligned(4096)));
	struct iovec v[2] = { { area[0], 8192 }, { area[1], 8192 } };
	int fd = guest_tmpfile(8192);

	setup(0);
	MUST(!syscall(SYS_io_uring_register, u.fd, IORING_REGISTER_BUFFERS, v, 2));
	queue(IORING_OP_READ_FIXED, fd, area[1] + 100, 5000, 31)->buf_index = 1;
	EQ(submit(1), 1);
	EQ(reap(31), 5000);
	EQ((unsigned char)area[1][100 + 4999], 4999 % 251);
	queue(IORING_OP_READ_FIXED, fd, area[1] + 8000, 5000, 32)->buf_index = 1;
	EQ(submit(1), 1);
	EQ(reap(32), -EFAULT);
	MUST(!syscall(SYS_io_uring_register, u.fd, IORING_UNREGISTER_BUFFERS, NULL, 0));
	close(fd);
	teardown();
}

static void sockets(void)
{
	char a[4] = "ping", b[4] = "";
	int s[2];

	setup(0);
	MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	queue(IORING_OP_RECV, s[1], b, 4, 41);
	EQ(submit(0), 1);
	queue(IORING_OP_SEND, s[0], a, 4, 42);
	EQ(submit(2), 1);
	EQ(reap(0), 4);
	EQ(reap(0), 4);
	CHECK(!memcmp(a, b, 4));
	close(s[0]);
	close(s[1]);
	teardown();
}

static void links_and_cancel(void)
{
	char buf[8];
	int p[2];

	setup(0);
	MUST(!pipe(p));
	queue(IORING_OP_WRITE, p[1], "link", 4, 51)->flags = IOSQE_IO_LINK;
	queue(IORING_OP_READ, p[0], buf, 8, 52);
	EQ(submit(2), 2);
	EQ(reap(51), 4);
	EQ(reap(52), 4);
	queue(IORING_OP_READ, p[0], buf, 8, 53);
	EQ(submit(0), 1);
	queue(IORING_OP_ASYNC_CANCEL, -1, (void *)53, 0, 54);
	EQ(submit(2), 1);
	CHECK(reap(0) + reap(0) == -ECANCELED);
	close(p[0]);
	close(p[1]);
	teardown();
}

/* Closed with requests in flight. */
static void closed_busy(void)
{
	static char buf[64];
	int p[2], i;

	for (i = 0; i < 20; i++) {
		setup(0);
		MUST(!pipe(p));
		queue(IORING_OP_READ, p[0], buf, 8, 1);
		queue(IORING_OP_POLL_ADD, p[0], NULL, 0, 2)->poll_events = POLLIN;
		EQ(submit(0), 2);
		teardown();
		close(p[0]);
		close(p[1]);
	}
}

/* The kernel thread polls the submission queue (the worker lives in this process). */
static void polled_submission(void)
{
	int i;

	setup(IORING_SETUP_SQPOLL);
	for (i = 0; i < 10; i++) {
		queue(IORING_OP_NOP, -1, NULL, 0, 7);
		syscall(SYS_io_uring_enter, u.fd, 1, 1,
			IORING_ENTER_GETEVENTS | IORING_ENTER_SQ_WAKEUP, NULL, 0);
		EQ(reap(7), 0);
	}
	teardown();
}

GUEST_MAIN(T(nop), T(files), T(bad_pointers), T(waits_for_data), T(timeouts), T(fixed_buffers),
	   T(sockets), T(links_and_cancel), T(closed_busy), T(polled_submission))
