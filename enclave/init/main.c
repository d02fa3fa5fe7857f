// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The first program in the TEE: measured with the image, it unlocks and mounts
 * disks, starts the network and WireGuard, then runs the program and reports how
 * it ended.
 */
#include "enclave/init/init.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEASURED_CONFIG "/config"
#define HOST_CONFIG "/proc/rkt/init" /* the boot information's text */

static struct init_config config;

/* Return: false when there is no such file. */
static bool read_config(const char *path, bool trusted)
{
	char *text = malloc(CONFIG_TEXT_MAX + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t size = 0;
	ssize_t n = 1;

	if (fd < 0 && errno == ENOENT) {
		free(text);
		return false;
	}
	if (fd < 0 || !text)
		init_die("CONFIG", "%s: %s", path, strerror(errno));
	while (size <= CONFIG_TEXT_MAX &&
	       (n = read(fd, text + size, CONFIG_TEXT_MAX + 1 - size)) > 0)
		size += n;
	close(fd);
	if (n < 0 || size > CONFIG_TEXT_MAX)
		init_die("CONFIG", "%s: %s", path, n < 0 ? strerror(errno) : "too big");
	text[size] = 0;
	if (strlen(text) != size)
		init_die("CONFIG", "%s: has a zero byte", path);
	if (config_parse(&config, text, trusted)) /* keeps text */
		init_die("CONFIG", "%s:%d: %s", path, config.line, config.why);
	return true;
}

static void load_config(void)
{
	config_init(&config);
	read_config(MEASURED_CONFIG, true);
	read_config(HOST_CONFIG, false);
	if (config_finish(&config))
		init_die("CONFIG", "%s", config.why);
}

static void set_sysctl(char *setting)
{
	char path[256] = "/proc/sys/";
	char *value = strchr(setting, '=');
	size_t at = strlen(path);
	int fd;

	for (char *s = setting; s < value && at < sizeof(path) - 1; s++)
		path[at++] = *s == '.' ? '/' : *s;
	path[at] = 0;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value + 1, strlen(value + 1)) < 0)
		init_die("SYSCTL", "%s: %s", setting, strerror(errno));
	close(fd);
}

/* The old root with keys and configuration stays below, out of reach; its secrets go. */
static void enter_root(void)
{
	unlink(MEASURED_CONFIG);
	if (!config.root.device)
		return;
	umount2("/proc", MNT_DETACH);
	umount2("/dev", MNT_DETACH);
	if (chdir("/newroot") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		init_die("MOUNT", "cannot enter the root: %s", strerror(errno));
}

/* Key files are read by now. */
static void forget_key_files(void)
{
	for (u32 i = 0; i < config.disk_count; i++)
		if (config.disk[i].key.file)
			unlink(config.disk[i].key.file);
	if (config.root.key.file)
		unlink(config.root.key.file);
	for (u32 i = 0; i < config.nic_count; i++)
		if (config.nic[i].wireguard.file)
			unlink(config.nic[i].wireguard.file);
	config_wipe(&config);
}

int main(void)
{
	struct end end;
	sigset_t all;

	/* One that comes while disks are unlocked stays pending for the program. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	umask(022);
	mount_basics();
	load_config();
	stdio_open(&config);
	net_start(&config);
	mount_root(&config);
	disks_mount(&config);
	forget_key_files();
	enter_root();
	for (u32 i = 0; i < config.sysctl_count; i++)
		set_sysctl(config.sysctl[i]);
	mount_files(&config);
	end = program_run(&config);
	unmount_all();
	exit_report(end);
}
