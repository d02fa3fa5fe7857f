// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* nvmed: a software NVMe controller over shared memory. */
#include "host/nvmed/nvmed.h"
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <poll.h>
#include <unistd.h>

#define SPIN_US_DEFAULT 50u
#define SPIN_US_MAX 1000000u

static struct nvmed nvmed;
static volatile int stop;

static const char usage[] =
	"usage: nvmed --socket PATH --disk [nsid=N,]PATH[,ro][,lba=512|4096][,locked]...\n"
	"\n"
	"Presents files and block devices as namespaces of one NVMe controller to the\n"
	"TEE that connects to the socket.\n"
	"\n"
	"  --socket PATH        listen there (UNIX, SOCK_SEQPACKET)\n"
	"  --disk SPEC          add a namespace; ids are 1, 2, ... unless nsid= is given\n"
	"                       (\\, is a comma of PATH; locked: the caller holds its lock)\n"
	"  --sync               do not use io_uring\n"
	"  --spin-us N          look for work this long before sleeping (default 50)\n"
	"  --exit-with-parent   end when the process that started this one ends\n"
	"  --no-sandbox         keep all system calls (for debugging and sanitizers)\n"
	"  --verbose            say who comes and goes, with counters\n"
	"  --help\n";

static void on_signal(int sig)
{
	int saved = errno;

	stop = 1;
	eventfd_write(nvmed.stop_fd, 1);
	errno = saved;
}

static int fail(const char *what, const char *arg)
{
	fprintf(stderr, "nvmed: %s%s%s\n", what, arg ? ": " : "", arg ? arg : "");
	return -EINVAL;
}

static int add_disk(struct nvmed *d, const char *spec)
{
	int err;

	if (d->disk_count == DISK_MAX)
		return fail("too many disks", spec);
	err = disk_open(&d->disks[d->disk_count], spec, d->disk_count + 1);
	if (!err)
		d->disk_count++;
	return err;
}

static int parse_spin(struct nvmed *d, const char *s)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);

	if (end == s || *end || v > SPIN_US_MAX)
		return fail("--spin-us must be 0 to 1000000", s);
	d->spin_us = v;
	return 0;
}

static int exit_with_parent(void)
{
	pid_t parent = getppid();

	if (prctl(PR_SET_PDEATHSIG, SIGTERM))
		return fail("prctl", strerror(errno));
	if (getppid() != parent) /* it died before we asked */
		raise(SIGTERM);
	return 0;
}

static int parse_args(struct nvmed *d, int argc, char **argv, const char **socket_path)
{
	static const struct option options[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "disk", required_argument, NULL, 'd' },
		{ "spin-us", required_argument, NULL, 'i' },
		{ "sync", no_argument, NULL, 'y' },
		{ "exit-with-parent", no_argument, NULL, 'p' },
		{ "no-sandbox", no_argument, NULL, 'n' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c, err = 0;

	while (!err && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			*socket_path = optarg;
		else if (c == 'd')
			err = add_disk(d, optarg);
		else if (c == 'i')
			err = parse_spin(d, optarg);
		else if (c == 'p')
			err = exit_with_parent();
		else if (c == 'y')
			d->sync = true;
		else if (c == 'n')
			d->no_sandbox = true;
		else if (c == 'v')
			d->verbose = true;
		else if (c == 'h')
			exit(fputs(usage, stdout) < 0);
		else
			err = -EINVAL;
	}
	if (!err && optind < argc)
		err = fail("unexpected argument", argv[optind]);
	if (!err && (!*socket_path || !d->disk_count))
		err = fail("--socket and at least one --disk are needed (--help)", NULL);
	return err;
}

static int by_nsid(const void *a, const void *b)
{
	u32 x = ((const struct disk *)a)->nsid, y = ((const struct disk *)b)->nsid;

	return x < y ? -1 : x > y;
}

static int finish_disks(struct nvmed *d)
{
	char serial[32];
	u64 id;

	qsort(d->disks, d->disk_count, sizeof(d->disks[0]), by_nsid);
	for (u32 i = 1; i < d->disk_count; i++)
		if (d->disks[i].nsid == d->disks[i - 1].nsid)
			return fail("two disks have the same nsid", d->disks[i].path);
	memcpy(&id, d->disks[0].nguid + 8, sizeof(id));
	snprintf(serial, sizeof(serial), "NVMED%-15llu",
		 (unsigned long long)id % 1000000000000000ull);
	memcpy(d->serial, serial, sizeof(d->serial));
	return 0;
}

/* A socket file that nobody listens on is left from a killed nvmed. */
static int remove_stale(const struct sockaddr_un *addr)
{
	struct stat st;
	int probe, err = 0;

	if (lstat(addr->sun_path, &st))
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return fail("exists and is not a socket", addr->sun_path);
	probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (probe < 0 || !connect(probe, (const void *)addr, sizeof(*addr)) ||
	    errno != ECONNREFUSED)
		err = fail("somebody listens there already", addr->sun_path);
	else
		unlink(addr->sun_path);
	if (probe >= 0)
		close(probe);
	return err;
}

static int open_socket(struct nvmed *d, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	mode_t old;
	int fd, err;

	if (strlen(path) >= sizeof(addr.sun_path))
		return fail("socket path too long", path);
	strcpy(addr.sun_path, path);
	err = remove_stale(&addr);
	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail("socket", strerror(errno));
	old = umask(0077); /* whoever can connect owns the disks */
	err = bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 4) ? errno : 0;
	umask(old);
	if (err) {
		close(fd);
		fprintf(stderr, "nvmed: %s: %s\n", path, strerror(err));
		return -err;
	}
	d->listen_fd = fd;
	return 0;
}

static int enter_sandbox(struct nvmed *d)
{
	int err = d->no_sandbox ? 0 : sandbox_enter();

	if (err)
		fprintf(stderr, "nvmed: sandbox: %s (--no-sandbox goes without)\n", strerror(-err));
	return err;
}

static int make_reqs(struct nvmed *d)
{
	d->reqs = calloc(REQ_COUNT, sizeof(*d->reqs));
	if (!d->reqs)
		return fail("out of memory", NULL);
	for (u32 i = 0; i < REQ_COUNT; i++) {
		d->reqs[i].next = d->free_reqs;
		d->free_reqs = &d->reqs[i];
	}
	return 0;
}

static void serve_one(struct nvmed *d)
{
	int sock = accept4(d->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	int err;

	if (sock < 0)
		return;
	err = peer_accept(d, sock);
	if (err) {
		fprintf(stderr, "nvmed: peer refused: %s\n", strerror(-err));
		return;
	}
	if (d->verbose)
		fprintf(stderr, "nvmed: peer connected, %llu MiB arena\n",
			(unsigned long long)d->peer.arena_size >> 20);
	ctrl_run(d, &stop);
	peer_close(&d->peer);
	if (d->verbose)
		fprintf(stderr,
			"nvmed: peer left: %llu commands, %llu sleeps, %llu naps, %llu kicks\n",
			(unsigned long long)d->commands, (unsigned long long)d->sleeps,
			(unsigned long long)d->naps, (unsigned long long)d->kicks);
}

static void serve(struct nvmed *d)
{
	struct pollfd p[2] = { { .fd = d->listen_fd, .events = POLLIN },
			       { .fd = d->stop_fd, .events = POLLIN } };

	while (!stop)
		if (poll(p, 2, -1) > 0 && p[0].revents & POLLIN)
			serve_one(d);
}

static void handle_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	disk_catch_bus();
}

int main(int argc, char **argv)
{
	struct nvmed *d = &nvmed;
	const char *socket_path = NULL;
	int err;

	d->spin_us = SPIN_US_DEFAULT;
	d->stop_fd = eventfd(0, EFD_CLOEXEC);
	prctl(PR_SET_TIMERSLACK, 1000); /* ns: naps are short */
	d->peer.sock = -1;
	handle_signals();
	err = parse_args(d, argc, argv, &socket_path);
	if (!err)
		err = finish_disks(d);
	if (!err)
		err = make_reqs(d);
	if (!err)
		err = engine_open(d);
	if (!err)
		err = open_socket(d, socket_path);
	if (!err) {
		err = enter_sandbox(d);
		if (!err)
			serve(d);
		unlink(socket_path);
		close(d->listen_fd);
	}
	engine_close(d);
	for (u32 i = 0; i < d->disk_count; i++)
		disk_close(&d->disks[i]);
	free(d->reqs);
	return err ? 1 : 0;
}
