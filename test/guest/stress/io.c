// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Pipes, sockets, mappings, files. */
#include "test/guest/stress/smp.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

struct stream {
	struct worker *w;
	int in, out;
	unsigned int seed, count;
};

static unsigned char expected(unsigned int seed, unsigned int i)
{
	return (unsigned char)((seed + i) * 2654435761u >> 13);
}

static void *feed(void *arg)
{
	struct stream *s = arg;
	unsigned char buf[3000];
	unsigned int i = 0, n, j, r = s->seed;
	ssize_t done;

	while (i < s->count) {
		n = 1 + (unsigned int)rand_r(&r) % sizeof(buf);
		n = n < s->count - i ? n : s->count - i;
		for (j = 0; j < n; j++)
			buf[j] = expected(s->seed, i + j);
		done = write(s->out, buf, n);
		HOLDS(s->w, done > 0);
		i += (unsigned int)done;
	}
	shutdown(s->out, SHUT_WR);
	close(s->out);
	return NULL;
}

/* One thread writes a known sequence, this one reads and compares. */
static void run_stream(struct worker *w, int in, int out)
{
	struct stream s = { w, in, out, (unsigned int)rand_r(&w->seed),
			    1 + (unsigned int)rand_r(&w->seed) % 300000 };
	unsigned char buf[5000];
	unsigned int i = 0;
	ssize_t n, j;
	pthread_t t;

	HOLDS(w, !pthread_create(&t, NULL, feed, &s));
	while ((n = read(in, buf, sizeof(buf))) > 0)
		for (j = 0; j < n; j++, i++)
			HOLDS(w, buf[j] == expected(s.seed, i));
	HOLDS(w, n == 0 && i == s.count);
	HOLDS(w, !pthread_join(t, NULL));
	close(in);
}

void round_pipes(struct worker *w)
{
	int p[2];

	HOLDS(w, !pipe2(p, O_CLOEXEC));
	run_stream(w, p[0], p[1]);
}

static void tcp(struct worker *w, int family)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in a4 = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr *a = family == AF_INET ? (struct sockaddr *)&a4 : (struct sockaddr *)&a6;
	socklen_t len = family == AF_INET ? sizeof(a4) : sizeof(a6);
	int l = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), c, s;

	HOLDS(w, l >= 0 && !bind(l, a, len) && !listen(l, 4) && !getsockname(l, a, &len));
	c = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	HOLDS(w, c >= 0 && !connect(c, a, len));
	s = accept4(l, NULL, NULL, SOCK_CLOEXEC);
	HOLDS(w, s >= 0);
	close(l);
	run_stream(w, s, c);
}

static void datagrams(struct worker *w)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), i;
	unsigned int v;

	HOLDS(w, s >= 0 && !bind(s, (struct sockaddr *)&a, len));
	HOLDS(w, !getsockname(s, (struct sockaddr *)&a, &len));
	for (i = 0; i < 100; i++) {
		v = (unsigned int)i;
		HOLDS(w, sendto(s, &v, sizeof(v), 0, (struct sockaddr *)&a, len) == sizeof(v));
		HOLDS(w, recv(s, &v, sizeof(v), 0) == sizeof(v) && v == (unsigned int)i);
	}
	close(s);
}

void round_sockets(struct worker *w)
{
	int p[2];

	switch (rand_r(&w->seed) % 4) {
	case 0:
		HOLDS(w, !socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p));
		run_stream(w, p[0], p[1]);
		break;
	case 1:
		tcp(w, AF_INET);
		break;
	case 2:
		tcp(w, AF_INET6);
		break;
	default:
		datagrams(w);
	}
}

/* Without a page that is unmapped already: another thread may have mapped something there. */
static void unmap_around(struct worker *w, char *p, size_t pages, size_t hole)
{
	size_t behind = pages - hole - 1;

	if (hole)
		HOLDS(w, !munmap(p, hole * 4096));
	if (behind)
		HOLDS(w, !munmap(p + (hole + 1) * 4096, behind * 4096));
}

void round_memory(struct worker *w)
{
	size_t pages = 1 + (size_t)rand_r(&w->seed) % 256, i, hole;
	bool unmapped = false;
	char tag = (char)(w->index + 1), *p;

	p = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	HOLDS(w, p != MAP_FAILED);
	for (i = 0; i < pages; i++) {
		HOLDS(w, p[i * 4096] == 0 && p[i * 4096 + 4095] == 0);
		p[i * 4096] = p[i * 4096 + 4095] = tag;
	}
	hole = (size_t)rand_r(&w->seed) % pages;
	switch (rand_r(&w->seed) % 4) {
	case 0:
		HOLDS(w, !munmap(p + hole * 4096, 4096));
		unmapped = true;
		break;
	case 1:
		HOLDS(w, !mprotect(p + hole * 4096, 4096, PROT_READ));
		break;
	case 2:
		HOLDS(w, !madvise(p + hole * 4096, 4096, MADV_DONTNEED));
		HOLDS(w, p[hole * 4096] == 0);
		break;
	default:
		p = mremap(p, pages * 4096, pages * 8192, MREMAP_MAYMOVE);
		HOLDS(w, p != MAP_FAILED);
		HOLDS(w, p[0] == tag && p[pages * 8192 - 1] == 0);
		HOLDS(w, !munmap(p + pages * 4096, pages * 4096));
	}
	for (i = 0; i < pages; i++)
		if (i != hole)
			HOLDS(w, p[i * 4096] == tag && p[i * 4096 + 4095] == tag);
	if (unmapped)
		unmap_around(w, p, pages, hole);
	else
		HOLDS(w, !munmap(p, pages * 4096));
}

static void mapped_file(struct worker *w, int fd)
{
	char *m = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), c;

	HOLDS(w, m != MAP_FAILED);
	m[12345] = 'm';
	HOLDS(w, pread(fd, &c, 1, 12345) == 1 && c == 'm');
	HOLDS(w, pwrite(fd, "w", 1, 54321) == 1 && m[54321] == 'w');
	HOLDS(w, !munmap(m, 65536));
}

void round_files(struct worker *w)
{
	static char block[65536];
	char path[64], other[64], back[64];
	struct stat st;
	int fd, i;

	snprintf(path, sizeof(path), "/tmp/smp-%d", w->index);
	snprintf(other, sizeof(other), "/tmp/smp-%d-b", w->index);
	fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	HOLDS(w, fd >= 0);
	HOLDS(w, write(fd, block, sizeof(block)) == sizeof(block));
	for (i = 0; i < 20; i++) {
		off_t at = rand_r(&w->seed) % 65000;

		HOLDS(w, pwrite(fd, path, 20, at) == 20 && pread(fd, back, 20, at) == 20);
		HOLDS(w, !memcmp(path, back, 20));
	}
	mapped_file(w, fd);
	HOLDS(w, !rename(path, other) && stat(path, &st) && !stat(other, &st));
	HOLDS(w, st.st_size == sizeof(block));
	HOLDS(w, !unlink(other));
	close(fd);
}
