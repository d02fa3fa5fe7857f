// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "enclave/init/init.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOUNTS_MAX 256

int make_dirs(const char *path)
{
	char partial[4352];
	size_t n = strlen(path);

	if (n >= sizeof(partial))
		return -ENAMETOOLONG;
	memcpy(partial, path, n + 1);
	for (size_t i = 1; i <= n; i++) {
		if (partial[i] && partial[i] != '/')
			continue;
		partial[i] = 0;
		if (mkdir(partial, 0755) && errno != EEXIST)
			return -errno;
		partial[i] = path[i];
	}
	return 0;
}

static void mount_or_die(const char *what, const char *target, const char *fs, unsigned long flags,
			 const char *options)
{
	if (mount(what, target, fs, flags, options))
		init_die("MOUNT", "%s on %s: %s", fs ?: what, target, strerror(errno));
}

void mount_basics(void)
{
	make_dirs("/proc");
	make_dirs("/dev");
	mount_or_die("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	if (mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=0755") && errno != EBUSY)
		init_die("MOUNT", "devtmpfs on /dev: %s", strerror(errno));
}

/* What every program expects; each only if its directory is there or can be made. */
static const struct {
	const char *target, *fs, *options;
	unsigned long flags;
	bool needed;
} program_mounts[] = {
	{ "/proc", "proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, true },
	{ "/sys", "sysfs", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, false },
	{ "/dev", "devtmpfs", "mode=0755", MS_NOSUID, true },
	{ "/dev/pts", "devpts", "gid=5,mode=620,ptmxmode=666", MS_NOSUID | MS_NOEXEC, false },
	{ "/dev/shm", "tmpfs", "mode=1777", MS_NOSUID | MS_NODEV, false },
	{ "/dev/mqueue", "mqueue", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, false },
	{ "/run", "tmpfs", "mode=0755", MS_NOSUID | MS_NODEV, false },
	{ "/tmp", "tmpfs", "mode=1777", MS_NOSUID | MS_NODEV, false },
};

static void mount_for_program(const char *root)
{
	char target[64];

	for (size_t i = 0; i < sizeof(program_mounts) / sizeof(program_mounts[0]); i++) {
		snprintf(target, sizeof(target), "%s%s", root, program_mounts[i].target);
		make_dirs(target);
		if (!mount(program_mounts[i].fs, target, program_mounts[i].fs,
			   program_mounts[i].flags, program_mounts[i].options) ||
		    errno == EBUSY)
			continue;
		if (program_mounts[i].needed)
			init_die("MOUNT", "%s: %s", program_mounts[i].target, strerror(errno));
		init_log("MOUNT", "%s: %s", program_mounts[i].target, strerror(errno));
	}
}

static void mount_overlay(const struct init_config *c, const char *device)
{
	char options[128];

	make_dirs("/lower");
	make_dirs("/upper");
	mount_or_die(device, "/lower", c->root.fs, MS_RDONLY, NULL);
	snprintf(options, sizeof(options), "mode=0755,size=%.32s", c->root_overlay_size);
	mount_or_die("tmpfs", "/upper", "tmpfs", 0, options);
	make_dirs("/upper/changes");
	make_dirs("/upper/work");
	mount_or_die("overlay", "/newroot", "overlay", 0,
		     "lowerdir=/lower,upperdir=/upper/changes,workdir=/upper/work");
}

void mount_root(const struct init_config *c)
{
	struct disk_config root = c->root;
	char device[128];
	bool fresh;

	if (!root.device) {
		mount_for_program("");
		return;
	}
	root.ro = c->root_mode != ROOT_RW;
	disk_open(c, &root, device, &fresh);
	make_dirs("/newroot");
	if (c->root_mode == ROOT_OVERLAY)
		mount_overlay(c, device);
	else
		mount_or_die(device, "/newroot", root.fs, root.ro ? MS_RDONLY : 0, NULL);
	mount_for_program("/newroot");
}

/* Return: 0 or a negative errno. */
static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text) ? 0 : -EIO;
}

static void write_resolv(const struct init_config *c)
{
	char text[256] = "", address[INET6_ADDRSTRLEN];
	size_t n = 0;
	int err;

	for (u32 i = 0; i < c->dns_count; i++) {
		inet_ntop(c->dns[i].family, c->dns[i].bytes, address, sizeof(address));
		n += snprintf(text + n, sizeof(text) - n, "nameserver %s\n", address);
	}
	unlink("/etc/resolv.conf"); /* often a link to a service that does not run here */
	err = write_file("/etc/resolv.conf", text);
	if (err)
		init_log("NET", "/etc/resolv.conf: %s", strerror(-err));
}

void mount_files(const struct init_config *c)
{
	char hosts[256];

	if (sethostname(c->hostname, strlen(c->hostname)))
		init_log("HOSTNAME", "%s: %s", c->hostname, strerror(errno));
	make_dirs("/etc");
	if (c->dns_count)
		write_resolv(c);
	if (!access("/etc/hosts", F_OK))
		return;
	snprintf(hosts, sizeof(hosts), "127.0.0.1 localhost\n127.0.1.1 %s\n::1 localhost\n",
		 c->hostname);
	write_file("/etc/hosts", hosts);
}

static void unmount_one(const char *target)
{
	if (!umount2(target, 0))
		return;
	if (mount(NULL, target, NULL, MS_REMOUNT | MS_RDONLY, NULL) && errno != EINVAL)
		init_log("UNMOUNT", "%s: %s", target, strerror(errno));
}

static bool holds_data(const char *type)
{
	return !strncmp(type, "ext", 3) || !strcmp(type, "xfs") || !strcmp(type, "btrfs");
}

void unmount_all(void)
{
	static char *targets[MOUNTS_MAX];
	FILE *f = setmntent("/proc/self/mounts", "r");
	struct mntent *m;
	u32 count = 0;

	sync();
	while (f && count < MOUNTS_MAX && (m = getmntent(f)))
		if (holds_data(m->mnt_type))
			targets[count++] = strdup(m->mnt_dir);
	if (f)
		endmntent(f);
	while (count--)
		if (targets[count])
			unmount_one(targets[count]);
	sync();
}
