// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What can be seen of the machine before a TEE is started. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "host/run/config.h"

static int check_disk_file(const struct disk_spec *d, struct err *err)
{
	struct stat st;

	if (stat(d->target, &st) || access(d->target, d->ro ? R_OK : R_OK | W_OK))
		return err_set_errno(err, E_DISK, errno, "%s: %s", d->name, d->target);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_set(err, E_DISK, "%s: %s: neither a file nor a block device", d->name,
			       d->target);
	if (S_ISREG(st.st_mode) && (!st.st_size || st.st_size % 512))
		return err_set(err, E_DISK, "%s: %s: its size is no multiple of 512", d->name,
			       d->target);
	return 0;
}

static int check_socket(enum err_code code, const char *name, const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st))
		return err_set_errno(err, code, errno, "%s: %s", name, path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, code, "%s: %s: not a socket", name, path);
	return 0;
}

static int check_readable(enum err_code code, const char *name, const char *path, struct err *err)
{
	if (access(path, R_OK))
		return err_set_errno(err, code, errno, "%s: %s", name, path);
	return 0;
}

static int check_disk(const struct disk_spec *d, struct err *err)
{
	int ret = 0;

	if (d->kind == DISK_FILE)
		ret = check_disk_file(d, err);
	else if (d->kind == DISK_SHM)
		ret = check_socket(E_DISK, d->name, d->target, err);
	if (!ret && d->key == KEY_FILE)
		ret = check_readable(E_DISK, d->name, d->key_arg, err);
	return ret;
}

static int check_nic(const struct nic_spec *n, struct err *err)
{
	int ret = 0;

	if (n->kind == NIC_VHOST_USER)
		ret = check_socket(E_NIC, n->name, n->target, err);
	if (!ret && n->protect == PROTECT_WIREGUARD)
		ret = check_readable(E_NIC, n->name, n->protect_file, err);
	return ret;
}

/* What the kernel needs at start for a vCPU; with less, threads can't be made and it stops. */
#define MEMORY_PER_VCPU (3ULL << 19)

static int check_memory(const struct run_config *cfg, struct err *err)
{
	u64 have, least = cfg->vcpus * MEMORY_PER_VCPU;
	struct sysinfo s;

	if (cfg->memory_size < least)
		return err_set(err, E_MEMORY, "--memory: %llu vCPUs need at least %lluM",
			       (unsigned long long)cfg->vcpus,
			       (unsigned long long)(least + (1 << 20) - 1) >> 20);
	if (sysinfo(&s))
		return 0;
	have = ((u64)s.totalram + s.totalswap) * s.mem_unit;
	if (cfg->memory_size > have)
		return err_set(err, E_MEMORY, "--memory asks for %llu MiB, the machine has %llu",
			       (unsigned long long)cfg->memory_size >> 20,
			       (unsigned long long)have >> 20);
	return 0;
}

/* Before the program runs: afterwards it is too late to say that nobody can have the counters. */
static int check_stats_file(const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0)
		return err_set_errno(err, E_HOST, errno, "--stats: %s", path);
	close(fd);
	return 0;
}

int config_check_host(const struct run_config *cfg, struct err *err)
{
	int ret = check_memory(cfg, err);
	size_t i;

	if (!ret && cfg->stats_file)
		ret = check_stats_file(cfg->stats_file, err);
	for (i = 0; !ret && i < cfg->disk_count; i++)
		ret = check_disk(&cfg->disks[i], err);
	for (i = 0; !ret && i < cfg->nic_count; i++)
		ret = check_nic(&cfg->nics[i], err);
	return ret;
}
