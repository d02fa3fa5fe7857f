// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/device/disks.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/lib/self.h"

#define CONNECT_TRIES 500
#define CONNECT_PAUSE_MS 10
#define RETRY_MS 20
#define STOP_MS 2000

/* ---- our nvmed ---- */

static void free_argv(char **argv)
{
	for (size_t i = 0; argv && argv[i]; i++)
		free(argv[i]);
	free(argv);
}

/* A comma or backslash of the path is escaped, as nvmed expects it. */
static char *disk_argument(const struct disk_spec *s, u32 nsid)
{
	size_t size = 2 * strlen(s->target) + 32;
	char *arg = malloc(size), *at;

	if (!arg)
		return NULL;
	at = arg + snprintf(arg, size, "nsid=%u,", nsid);
	for (const char *p = s->target; *p; p++) {
		if (*p == ',' || *p == '\\')
			*at++ = '\\';
		*at++ = *p;
	}
	snprintf(at, size - (at - arg), "%s", s->ro ? ",ro" : "");
	return arg;
}

/* Beside us when all lie in one place, else as built or as installed. */
static int find_nvmed(char *path, size_t size)
{
	static const char *const places[] = { "nvmed", "host/nvmed/nvmed",
					      "../libexec/rktio/nvmed" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (!self_sibling(path, size, places[i]) && !access(path, X_OK))
			return 0;
	return -ENOENT;
}

/* The image may have no name any more, and its lock is ours. */
static char *root_argument(const struct disks_root *root, u32 nsid)
{
	char *arg = NULL;

	if (asprintf(&arg, "nsid=%u,/proc/%d/fd/%d,locked%s", nsid, getpid(), root->fd,
		     root->writable ? "" : ",ro") < 0)
		return NULL;
	return arg;
}

static char **make_argv(const struct run_config *cfg, const struct disks_root *root,
			const char *program, const char *socket)
{
	char **argv = calloc(2 * cfg->disk_count + 8, sizeof(*argv));
	u32 nsid = 0;
	size_t n = 0;

	if (!argv)
		return NULL;
	argv[n++] = strdup(program);
	argv[n++] = strdup("--socket");
	argv[n++] = strdup(socket);
	if (root->fd >= 0) {
		argv[n++] = strdup("--disk");
		argv[n++] = root_argument(root, ++nsid);
	}
	for (size_t i = 0; i < cfg->disk_count; i++) {
		if (cfg->disks[i].kind != DISK_FILE)
			continue;
		argv[n++] = strdup("--disk");
		argv[n++] = disk_argument(&cfg->disks[i], ++nsid);
	}
	for (size_t i = 0; i < n; i++)
		if (!argv[i])
			goto fail;
	return argv;
fail:
	free_argv(argv);
	return NULL;
}

static int start_nvmed(struct disk_ctrl *c, struct err *err)
{
	int ret = spawn_start(&c->proc, c->argv, -1);

	spawn_backoff_started(&c->backoff);
	return ret ? err_set_errno(err, E_TOOL, -ret, "%s", c->argv[0]) : 0;
}

/* ---- connections ---- */

static bool may_come(int err)
{
	return err == -ENOENT || err == -ECONNREFUSED || err == -EBUSY;
}

static int connect_first(struct disk_ctrl *c, struct err *err)
{
	int ret = -ENOENT;

	for (u32 i = 0; i < CONNECT_TRIES && may_come(ret); i++) {
		ret = nvmed_link_connect(&c->link);
		if (!ret)
			return 0;
		if (c->own && !spawn_alive(&c->proc, NULL))
			return err_set(err, E_DISK, "nvmed could not start (its message is above)");
		if (!c->own && ret == -EBUSY)
			break;
		poll(NULL, 0, CONNECT_PAUSE_MS);
	}
	return err_set_errno(err, E_DISK, -ret, "%s", c->socket);
}

static int map_control(struct disk_ctrl *c, void *at, struct err *err)
{
	void *p = mmap(at, NVMED_CONTROL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		       c->link.control_fd, 0);

	return p == MAP_FAILED ? err_set_errno(err, E_MEMORY, errno, "NVMe control region") : 0;
}

static int make_link(struct disk_ctrl *c, int arena_fd, u64 arena_size, const int *wake_fds,
		     u32 vcpu_count, struct err *err)
{
	int events[NVMED_EVENT_MAX];
	u32 n = vcpu_count < NVMED_QUEUE_MAX ? vcpu_count : NVMED_QUEUE_MAX;
	int ret;

	events[0] = wake_fds[0];
	for (u32 i = 0; i < n; i++)
		events[i + 1] = wake_fds[i];
	ret = nvmed_link_create(&c->link, c->socket, arena_fd, arena_size, events, n + 1);
	return ret ? err_set_errno(err, E_HOST, -ret, "NVMe control region") : 0;
}

/* ---- the thread ---- */

/* Milliseconds until the next start, 0 when it runs. */
static int keep_nvmed(struct disks *d, struct disk_ctrl *c)
{
	struct err err = {};

	if (!c->own || spawn_alive(&c->proc, NULL))
		return 0;
	poll(NULL, 0, spawn_backoff_died(&c->backoff));
	d->restarts++;
	if (start_nvmed(c, &err)) {
		err_print(&err);
		return RETRY_MS;
	}
	return 0;
}

static int serve_all(struct disks *d)
{
	int timeout = -1;

	for (u32 i = 0; i < d->count; i++) {
		struct disk_ctrl *c = &d->ctrl[i];

		if (nvmed_link_serve(&c->link) == -ENOTCONN) {
			keep_nvmed(d, c);
			timeout = RETRY_MS;
		}
	}
	return timeout;
}

static void *keep(void *arg)
{
	struct disks *d = arg;
	struct pollfd p[BOOT_NVME_MAX + 1];
	int timeout = -1;

	p[0] = (struct pollfd){ .fd = d->stop_fd, .events = POLLIN };
	for (;;) {
		for (u32 i = 0; i < d->count; i++)
			p[i + 1] = (struct pollfd){ .fd = d->ctrl[i].link.sock, .events = POLLIN };
		if (poll(p, d->count + 1, timeout) < 0 && errno != EINTR)
			return NULL;
		if (p[0].revents)
			return NULL;
		timeout = serve_all(d);
	}
}

/*
 * The first nvmed is a child of the caller's thread, later ones of the keeper's: each
 * ends with the thread that started it, and both outlive the TEE.
 */
static int start_one(struct disks *d, struct disk_ctrl *c, int arena_fd, u64 arena_size,
		     const int *wake_fds, u32 vcpu_count, void *window, struct err *err)
{
	int ret = make_link(c, arena_fd, arena_size, wake_fds, vcpu_count, err);

	if (!ret)
		ret = map_control(c, window, err);
	if (!ret && c->own)
		ret = start_nvmed(c, err);
	return ret ? ret : connect_first(c, err);
}

static int describe(struct disks *d, const struct run_config *cfg, const struct disks_root *root,
		    const char *dir, struct err *err)
{
	char program[4096];

	if (disks_controllers(cfg) > BOOT_NVME_MAX)
		return err_set(err, E_OPTION, "--disk: at most %u NVMe controllers", BOOT_NVME_MAX);
	if (root->fd >= 0 || disks_count_kind(cfg, DISK_FILE)) {
		struct disk_ctrl *c = &d->ctrl[d->count++];

		c->own = true;
		if (snprintf(c->socket, sizeof(c->socket), "%s/nvmed", dir) >=
		    (int)sizeof(c->socket))
			return err_set_errno(err, E_RUNDIR, ENAMETOOLONG, "%s", dir);
		if (find_nvmed(program, sizeof(program)))
			return err_set(err, E_TOOL, "nvmed is not installed beside rktio");
		c->argv = make_argv(cfg, root, program, c->socket);
		if (!c->argv)
			return err_set_errno(err, E_MEMORY, ENOMEM, "nvmed");
	}
	for (size_t i = 0; i < cfg->disk_count; i++) {
		struct disk_ctrl *c = &d->ctrl[d->count];

		if (cfg->disks[i].kind != DISK_SHM)
			continue;
		d->count++;
		if (strlen(cfg->disks[i].target) >= sizeof(c->socket))
			return err_set_errno(err, E_DISK, ENAMETOOLONG, "%s", cfg->disks[i].target);
		strcpy(c->socket, cfg->disks[i].target);
	}
	return 0;
}

int disks_start(struct disks *d, const struct run_config *cfg, const struct disks_root *root,
		const char *dir, int arena_fd, u64 arena_size, const int *wake_fds, u32 vcpu_count,
		void *window, struct err *err)
{
	int ret;

	*d = (struct disks){ .stop_fd = -1 };
	for (u32 i = 0; i < BOOT_NVME_MAX; i++) {
		d->ctrl[i].proc = (struct spawn_proc)SPAWN_NONE;
		d->ctrl[i].link.sock = d->ctrl[i].link.control_fd = d->ctrl[i].link.kick_fd = -1;
	}
	ret = describe(d, cfg, root, dir, err);
	for (u32 i = 0; !ret && i < d->count; i++)
		ret = start_one(d, &d->ctrl[i], arena_fd, arena_size, wake_fds, vcpu_count,
				(u8 *)window + (u64)i * NVMED_CONTROL_SIZE, err);
	if (!ret && d->count) {
		d->stop_fd = eventfd(0, EFD_CLOEXEC);
		ret = d->stop_fd < 0 ? errno : pthread_create(&d->thread, NULL, keep, d);
		d->running = !ret;
		if (ret)
			err_set_errno(err, E_HOST, ret, "disk thread");
		ret = -ret;
	}
	if (ret)
		disks_stop(d);
	return ret;
}

int disks_kick_fd(const struct disks *d, u32 i)
{
	return d->ctrl[i].link.kick_fd;
}

void disks_stop(struct disks *d)
{
	if (d->running) {
		eventfd_write(d->stop_fd, 1);
		pthread_join(d->thread, NULL);
		d->running = false;
	}
	for (u32 i = 0; i < d->count; i++) {
		struct disk_ctrl *c = &d->ctrl[i];

		if (c->link.control_fd >= 0)
			nvmed_link_destroy(&c->link);
		if (c->proc.pid)
			spawn_stop(&c->proc, STOP_MS);
		if (c->own)
			unlink(c->socket);
		free_argv(c->argv);
		c->argv = NULL;
		c->own = false;
	}
	if (d->count && d->stop_fd >= 0)
		close(d->stop_fd);
	d->stop_fd = -1;
	d->count = 0;
}
