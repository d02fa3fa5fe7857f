// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "test/nvme/host.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARENA_SIZE (8u << 20)
#define ARGS_MAX 24

static u16 last_status;

static void die(const char *what)
{
	printf("not ok harness: %s: %s\n", what, strerror(errno));
	exit(1);
}

u64 host_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

void host_open(struct host *h, const char *nvmed, const char *base)
{
	memset(h, 0, sizeof(*h));
	h->nvmed = nvmed;
	snprintf(h->dir, sizeof(h->dir), "%s/nvmed-test-XXXXXX", base);
	if (!mkdtemp(h->dir))
		die(h->dir);
	snprintf(h->socket, sizeof(h->socket), "%s/sock", h->dir);
	if (!test_arena.base)
		test_arena_create(ARENA_SIZE);
	test_arena_reset();
	boundary_lies = 0;
	for (u32 i = 0; i <= HOST_QUEUES; i++)
		h->events[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void host_close(struct host *h)
{
	char cmd[100];

	if (h->pid)
		host_stop(h, SIGTERM);
	for (u32 i = 0; i <= HOST_QUEUES; i++)
		close(h->events[i]);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", h->dir);
	if (system(cmd))
		die("rm");
}

const char *host_disk(struct host *h, const char *name, size_t size)
{
	static char path[8][100];
	static u32 next;
	char *p = path[next++ % 8];
	int fd;

	snprintf(p, sizeof(path[0]), "%s/%s", h->dir, name);
	fd = open(p, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, size))
		die(p);
	close(fd);
	return p;
}

void host_spawn(struct host *h, ...)
{
	const char *args[ARGS_MAX] = { h->nvmed, "--socket", h->socket, "--exit-with-parent" };
	u32 n = 4;
	va_list list;

	if (getenv("NVMED_NO_SANDBOX"))
		args[n++] = "--no-sandbox";
	va_start(list, h);
	while (n < ARGS_MAX - 1 && (args[n] = va_arg(list, const char *)))
		n++;
	va_end(list);
	fflush(stdout);
	h->pid = fork();
	if (h->pid < 0)
		die("fork");
	if (!h->pid) {
		execv(h->nvmed, (char **)args);
		_exit(127);
	}
}

int host_stop(struct host *h, int sig)
{
	int status = -1;

	kill(h->pid, sig);
	waitpid(h->pid, &status, 0);
	h->pid = 0;
	return status;
}

static void kick(void *arg)
{
	nvmed_link_kick(arg);
}

int host_connect(struct host *h)
{
	int err = -ENOENT;

	for (u32 i = 0; i < 500 && (err == -ENOENT || err == -ECONNREFUSED || err == -EBUSY); i++) {
		err = nvmed_link_connect(&h->link);
		if (err)
			poll(NULL, 0, 10);
	}
	return err;
}

int host_run(struct host *h)
{
	int err;

	while ((err = nvme_step(&h->ctrl, host_now_ns())) == -EINPROGRESS)
		poll(NULL, 0, 1);
	return err;
}

int host_up(struct host *h)
{
	struct nvme_params params = { .queues = h->queues,
				      .trackers = h->trackers,
				      .queue_count = HOST_QUEUES,
				      .depth = HOST_DEPTH,
				      .transfer_max = HOST_TRANSFER,
				      .admin_ms = 20000,
				      .ready_max_ms = 20000,
				      .recover_ms = 60000,
				      .io_ticks = 1000 };
	struct host_addr control;
	int err = nvmed_link_create(&h->link, h->socket, test_arena.fd, test_arena.size, h->events,
				    HOST_QUEUES + 1);

	if (err)
		return err;
	err = host_connect(h);
	if (err)
		return err;
	control.va = (unsigned long)h->link.control;
	err = nvme_shm_init(&h->shm, control, kick, &h->link);
	if (!err)
		err = dma_alloc(&h->data, 1 << 20, 4096);
	if (!err)
		err = nvme_init(&h->ctrl, &h->shm.transport, &params);
	if (!err)
		err = nvme_start(&h->ctrl, host_now_ns());
	return err ? err : host_run(h);
}

void host_down(struct host *h)
{
	struct nvme_completion c;

	nvme_shutdown_begin(&h->ctrl, host_now_ns());
	host_run(h);
	for (u32 i = 0; i < HOST_QUEUES; i++)
		while (nvme_reap(&h->queues[i], &c))
			;
	nvme_fini(&h->ctrl);
	memset(&h->ctrl, 0, sizeof(h->ctrl));
	memset(h->queues, 0, sizeof(h->queues));
	memset(h->trackers, 0, sizeof(h->trackers));
	dma_free(&h->data);
	nvmed_link_destroy(&h->link);
	test_arena_reset();
}

u8 *host_data(struct host *h)
{
	return (u8 *)(unsigned long)h->data.addr.va;
}

u16 host_last_status(void)
{
	return last_status;
}

int host_io(struct host *h, u32 q, u8 opcode, u32 ns, u64 lba, u32 blocks, u64 offset, bool fua)
{
	struct nvme_seg seg = { h->data.iova + offset, blocks << h->ctrl.ns[ns].lba_shift };
	struct nvme_io io = { .opcode = opcode,
			      .fua = fua,
			      .ns = &h->ctrl.ns[ns],
			      .lba = lba,
			      .blocks = blocks,
			      .segs = &seg,
			      .seg_count = 1 };
	struct nvme_completion done;
	int n = nvme_submit(&h->queues[q], &io, NULL);

	if (n)
		return n;
	nvme_ring(&h->queues[q]);
	while (!(n = nvme_poll(&h->queues[q], &done, 1)))
		sched_yield();
	last_status = n == 1 ? done.status : 0;
	return n == 1 ? done.error : n;
}
