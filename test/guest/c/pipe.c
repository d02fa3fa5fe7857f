// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Pipes, FIFOs, splice, tee, vmsplice, sendfile, copy_file_range. */
#include "test/guest/lib/guest.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

static void basics(void)
{
	char buf[10] = "";
	int p[2], n = 0;

	MUST(!pipe2(p, O_NONBLOCK));
	FAILS(read(p[0], buf, 1), EAGAIN);
	EQ(write(p[1], "hello", 5), 5);
	EQ(ioctl(p[0], FIONREAD, &n), 0);
	EQ(n, 5);
	EQ(read(p[0], buf, 10), 5);
	CHECK(!memcmp(buf, "hello", 5));
	FAILS(write(p[0], "x", 1), EBADF);
	FAILS(read(p[1], buf, 1), EBADF);
	FAILS(lseek(p[0], 0, SEEK_SET), ESPIPE);
	close(p[1]);
	EQ(read(p[0], buf, 1), 0);
	close(p[0]);
}

static void capacity(void)
{
	static char buf[4096];
	int p[2], n = 0;

	MUST(!pipe2(p, O_NONBLOCK));
	EQ(fcntl(p[0], F_GETPIPE_SZ), 65536);
	while (write(p[1], buf, sizeof(buf)) == sizeof(buf))
		n++;
	EQ(errno, EAGAIN);
	EQ(n, 16);
	FAILS(fcntl(p[0], F_SETPIPE_SZ, 4096), EBUSY);
	EQ(fcntl(p[0], F_SETPIPE_SZ, 1 << 20), 1 << 20);
	EQ(write(p[1], buf, sizeof(buf)), sizeof(buf));
	close(p[0]);
	close(p[1]);
}

struct flow {
	int fd;
	size_t size;
	uint64_t sum;
};

static void *produce(void *arg)
{
	struct flow *f = arg;
	unsigned int seed = 1;
	unsigned char buf[10000];
	size_t done, n, i;

	for (done = 0; done < f->size; done += n) {
		n = 1 + (size_t)rand_r(&seed) % sizeof(buf);
		n = n < f->size - done ? n : f->size - done;
		for (i = 0; i < n; i++) {
			buf[i] = (unsigned char)((done + i) * 7 >> 3);
			f->sum = f->sum * 31 + buf[i];
		}
		for (i = 0; i < n;) {
			ssize_t w = write(f->fd, buf + i, n - i);

			if (w <= 0)
				return NULL;
			i += (size_t)w;
		}
	}
	close(f->fd);
	return NULL;
}

static uint64_t consume(int fd, size_t *size)
{
	unsigned char buf[7000];
	uint64_t sum = 0;
	ssize_t n, i;

	*size = 0;
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (i = 0; i < n; i++)
			sum = sum * 31 + buf[i];
		*size += (size_t)n;
	}
	return sum;
}

static void stream(void)
{
	struct flow f = { .size = 8 << 20 };
	uint64_t sum;
	size_t size;
	pthread_t t;
	int p[2];

	MUST(!pipe(p));
	f.fd = p[1];
	MUST(!pthread_create(&t, NULL, produce, &f));
	sum = consume(p[0], &size);
	MUST(!pthread_join(t, NULL));
	EQ(size, f.size);
	CHECK(sum == f.sum);
	close(p[0]);
}

static void *small_writes(void *arg)
{
	char line[64];
	int i;

	memset(line, 'a' + (int)((long)arg >> 8), sizeof(line));
	for (i = 0; i < 500; i++)
		write((int)((long)arg & 255), line, sizeof(line));
	return NULL;
}

/* Writes of up to PIPE_BUF are not mixed. */
static void atomic_writes(void)
{
	char line[64];
	pthread_t t[4];
	int p[2], i, j;

	MUST(!pipe(p));
	for (i = 0; i < 4; i++)
		MUST(!pthread_create(&t[i], NULL, small_writes, (void *)(long)(i << 8 | p[1])));
	for (i = 0; i < 2000; i++) {
		MUST(read(p[0], line, sizeof(line)) == sizeof(line));
		for (j = 1; j < 64; j++)
			if (line[j] != line[0])
				CHECK(!"writes are mixed");
	}
	for (i = 0; i < 4; i++)
		MUST(!pthread_join(t[i], NULL));
	close(p[0]);
	close(p[1]);
}

static void *open_fifo(void *arg)
{
	int fd = open("/tmp/guest-fifo", O_WRONLY);

	write(fd, "fifo", 4);
	close(fd);
	return NULL;
}

static void fifo(void)
{
	char buf[8];
	pthread_t t;
	int fd;

	MUST(!mkfifo("/tmp/guest-fifo", 0600));
	FAILS(open("/tmp/guest-fifo", O_WRONLY | O_NONBLOCK), ENXIO);
	MUST(!pthread_create(&t, NULL, open_fifo, NULL));
	fd = open("/tmp/guest-fifo", O_RDONLY);
	EQ(read(fd, buf, 8), 4);
	MUST(!pthread_join(t, NULL));
	EQ(read(fd, buf, 8), 0);
	close(fd);
	unlink("/tmp/guest-fifo");
}

static void vectors(void)
{
	struct iovec w[3] = { { "ab", 2 }, { "", 0 }, { "cde", 3 } };
	char a[2], b[8];
	struct iovec r[2] = { { a, 2 }, { b, 8 } };
	int p[2];

	MUST(!pipe(p));
	EQ(writev(p[1], w, 3), 5);
	EQ(readv(p[0], r, 2), 5);
	CHECK(!memcmp(a, "ab", 2) && !memcmp(b, "cde", 3));
	FAILS(writev(p[1], w, 2000), EINVAL);
	close(p[0]);
	close(p[1]);
}

static void splice_chain(void)
{
	int in = guest_tmpfile(20000), out = guest_tmpfile(0), p[2], q[2];
	char a[4096], b[4096];
	loff_t off = 100;

	MUST(!pipe(p) && !pipe(q));
	EQ(splice(in, &off, p[1], NULL, 4096, 0), 4096);
	EQ(off, 4196);
	EQ(tee(p[0], q[1], 4096, 0), 4096);
	EQ(splice(p[0], NULL, out, NULL, 4096, 0), 4096);
	EQ(read(q[0], b, 4096), 4096);
	EQ(pread(out, a, 4096, 0), 4096);
	CHECK(!memcmp(a, b, 4096));
	EQ((unsigned char)a[0], 100);
	FAILS(splice(in, NULL, out, NULL, 10, 0), EINVAL);
	close(p[0]);
	close(p[1]);
	close(q[0]);
	close(q[1]);
	close(in);
	close(out);
}

static void vmsplice_pages(void)
{
	static char page[8192] __attribute__((aligned(4096)));
	struct iovec v = { page, sizeof(page) };
	char b[8192];
	int p[2];

	MUST(!pipe(p));
	memset(page, 'v', sizeof(page));
	EQ(vmsplice(p[1], &v, 1, 0), 8192);
	EQ(read(p[0], b, 8192), 8192);
	CHECK(!memcmp(page, b, 8192));
	close(p[0]);
	close(p[1]);
}

static void send_file(void)
{
	int in = guest_tmpfile(100000), out = guest_tmpfile(0);
	static char a[100000], b[100000];
	off_t off = 0;

	EQ(sendfile(out, in, &off, 100000), 100000);
	EQ(off, 100000);
	EQ(pread(in, a, 100000, 0), 100000);
	EQ(pread(out, b, 100000, 0), 100000);
	CHECK(!memcmp(a, b, 100000));
	EQ(sendfile(out, in, &off, 10), 0);
	close(in);
	close(out);
}

static void copy_range(void)
{
	int in = guest_tmpfile(10000), out = guest_tmpfile(0);
	loff_t from = 1000, to = 50;
	unsigned char c[2];

	EQ(copy_file_range(in, &from, out, &to, 5000, 0), 5000);
	EQ(pread(out, c, 2, 50), 2);
	EQ(c[0], 1000 % 251);
	EQ(pread(out, c, 1, 10), 1);
	EQ(c[0], 0);
	close(in);
	close(out);
}

static void hangup(void)
{
	struct pollfd f = { .events = POLLIN | POLLOUT };
	int p[2];

	MUST(!pipe(p));
	f.fd = p[1];
	EQ(poll(&f, 1, 0), 1);
	EQ(f.revents, POLLOUT);
	close(p[0]);
	EQ(poll(&f, 1, 0), 1);
	CHECK(f.revents & POLLERR);
	close(p[1]);
}

GUEST_MAIN(T(basics), T(capacity), T(stream), T(atomic_writes), T(fifo), T(vectors),
	   T(splice_chain), T(vmsplice_pages), T(send_file), T(copy_range), T(hangup))
