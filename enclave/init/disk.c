// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "enclave/crypt/luks2.h"
#include "enclave/init/init.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEVICE_WAIT_MS 5000
#define SECTOR_SIZE 4096

/* Its driver may still be talking to the device. */
static int open_device(const struct disk_config *d, const char *path)
{
	int fd = -1;

	for (int ms = 0; ms < DEVICE_WAIT_MS; ms += 10) {
		fd = open(path, (d->ro ? O_RDONLY : O_RDWR) | O_EXCL | O_CLOEXEC);
		if (fd >= 0 || (errno != ENOENT && errno != ENXIO))
			break;
		nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000 * 1000 }, NULL);
	}
	if (fd < 0)
		init_die("DISK", "%s: %s: %s", d->name, path, strerror(errno));
	return fd;
}

static u64 device_size(const struct disk_config *d, int fd)
{
	u64 size;

	if (ioctl(fd, BLKGETSIZE64, &size))
		init_die("DISK", "%s: %s: %s", d->name, d->device, strerror(errno));
	return size;
}

/* Blocks at the start of the data that are zeros. */
static void find_blanks(const struct disk_config *d, int fd, u64 offset, bool *blank)
{
	int err = luks2_blanks(fd, offset, blank);

	if (err)
		init_die("DISK", "%s: %s", d->name, strerror(-err));
}

/* With mkfs=empty, blanks are looked for in the ciphertext. */
static void unlock(const struct disk_config *d, int fd, u64 size, const char *key, size_t key_size,
		   bool *blank)
{
	struct rkt_crypt_params params;
	char why[LUKS2_WHY_SIZE];
	struct luks2_meta *meta = malloc(sizeof(*meta));

	if (!meta)
		init_die("DISK", "%s: no memory", d->name);
	if (luks2_read(fd, size, &luks2_default_limits, meta, why))
		init_die("LUKS", "%s: %s", d->name, why);
	if (d->mkfs == MKFS_EMPTY)
		find_blanks(d, fd, meta->data_offset, blank);
	if (luks2_unlock(fd, meta, key, key_size, &params, why))
		init_die("KEY", "%s: %s", d->name, why);
	if (ioctl(fd, RKT_BLK_SET_CRYPT, &params)) {
		int err = errno;

		explicit_bzero(&params, sizeof(params));
		init_die("DISK", "%s: %s cannot be encrypted: %s", d->name, d->device,
			 strerror(err));
	}
	explicit_bzero(&params, sizeof(params));
	free(meta);
}

/* So that a start that is cut off before mkfs is recognised by the next one. */
static void zero_start(const struct disk_config *d, int fd)
{
	static char zeros[65536];

	for (u32 at = 0; at < LUKS2_BLANK_SIZE; at += sizeof(zeros))
		if (pwrite(fd, zeros, sizeof(zeros), at) != sizeof(zeros))
			init_die("DISK", "%s: %s", d->name, strerror(errno));
	if (fsync(fd))
		init_die("DISK", "%s: %s", d->name, strerror(errno));
}

/* Return: formatted just now. */
static bool format_if_empty(const struct disk_config *d, int fd, u64 size, const char *key,
			    size_t key_size)
{
	char why[LUKS2_WHY_SIZE];
	int content = luks2_probe(fd, size);

	if (content < 0)
		init_die("DISK", "%s: %s", d->name, strerror(-content));
	if (content == LUKS2_CONTENT_OTHER)
		init_die("LUKS", "%s: neither empty nor a LUKS disk", d->name);
	if (content == LUKS2_CONTENT_LUKS)
		return false;
	if (luks2_format(fd, size, SECTOR_SIZE, key, key_size, why))
		init_die("LUKS", "%s: %s", d->name, why);
	init_log("DISK", "%s: was empty, formatted as LUKS2", d->name);
	return true;
}

void disk_open(const struct init_config *c, const struct disk_config *d, char path[128],
	       bool *fresh)
{
	bool encrypted = d->key.file || d->key.blob || d->key.prompt, formatted = false;
	bool blank[LUKS2_BLANK_COUNT] = {};
	char *key = NULL;
	size_t key_size = 0;
	u64 size;
	int fd;

	snprintf(path, 128, "/dev/%s", d->device);
	fd = open_device(d, path);
	size = device_size(d, fd);
	if (encrypted) {
		source_read(c, &d->key, d->name, &key, &key_size);
		if (!key_size)
			init_die("KEY", "%s: the key is empty", d->name);
		if (d->mkfs == MKFS_EMPTY)
			formatted = format_if_empty(d, fd, size, key, key_size);
		unlock(d, fd, size, key, key_size, blank);
		explicit_bzero(key, key_size);
		free(key);
	}
	if (d->mkfs == MKFS_EMPTY)
		find_blanks(d, fd, 0, blank);
	*fresh = formatted || !memchr(blank, false, sizeof(blank));
	if (encrypted && *fresh)
		zero_start(d, fd);
	close(fd);
}

/* The tool is the program's root's own. path is the same there. */
static void run_mkfs(const struct init_config *c, const struct disk_config *d, const char *path)
{
	const char *root = c->root.device ? "/newroot" : "/";
	static const char *const dirs[] = { "/sbin", "/usr/sbin", "/bin", "/usr/bin" };
	char tool[4][96];
	char *argv[] = { tool[0], "-q", (char *)path, NULL };
	char *env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	int status = 0;
	pid_t pid;

	for (int i = 0; i < 4; i++)
		snprintf(tool[i], sizeof(tool[i]), "%s/mkfs.%.60s", dirs[i], d->fs);
	pid = vfork();
	if (!pid) {
		if (!chroot(root) && !chdir("/"))
			for (int i = 0; i < 4; i++)
				execve(tool[i], argv, env);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		init_die("DISK", "%s: mkfs.%s: %s", d->name, d->fs, strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		init_die("DISK", "%s: the root has no mkfs.%s", d->name, d->fs);
	if (status)
		init_die("DISK", "%s: mkfs.%s failed", d->name, d->fs);
}

static void disk_mount(const struct init_config *c, const struct disk_config *d)
{
	char path[128], target[4352];
	unsigned long flags = MS_NOSUID | MS_NODEV | (d->ro ? MS_RDONLY : 0);
	bool fresh;
	int err;

	disk_open(c, d, path, &fresh);
	if (!d->mount)
		return;
	if (fresh)
		run_mkfs(c, d, path);
	snprintf(target, sizeof(target), "%s%s", c->root.device ? "/newroot" : "", d->mount);
	err = make_dirs(target);
	if (err)
		init_die("MOUNT", "%s: %s: %s", d->name, d->mount, strerror(-err));
	if (mount(path, target, d->fs, flags, NULL))
		init_die("MOUNT", "%s: %s as %s on %s: %s", d->name, path, d->fs, d->mount,
			 strerror(errno));
}

void disks_mount(const struct init_config *c)
{
	for (u32 i = 0; i < c->disk_count; i++)
		disk_mount(c, &c->disk[i]);
}
