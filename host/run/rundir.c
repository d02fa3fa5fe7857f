// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/run/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/run/value.h"

static int join(char *out, size_t size, const char *dir, const char *name, struct err *err)
{
	if (snprintf(out, size, "%s/%s", dir, name) >= (int)size)
		return err_set(err, E_RUNDIR, "%s/%s: the path is too long", dir, name);
	return 0;
}

/* Makes a directory that only we can enter, or finds that it is one. */
static int private_dir(const char *path, struct err *err)
{
	struct stat st;

	if (mkdir(path, 0700) && errno != EEXIST)
		return err_set_errno(err, E_RUNDIR, errno, "%s", path);
	if (lstat(path, &st))
		return err_set_errno(err, E_RUNDIR, errno, "%s", path);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 077)
		return err_set(err, E_RUNDIR, "%s is not a private directory of this user", path);
	return 0;
}

int rundir_base(char *path, size_t size, struct err *err)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	char under_tmp[64];
	int ret;

	if (xdg && *xdg == '/')
		ret = join(path, size, xdg, "rktio", err);
	else if (geteuid() == 0)
		ret = join(path, size, "/run", "rktio", err);
	else {
		snprintf(under_tmp, sizeof(under_tmp), "rktio-%u", geteuid());
		ret = join(path, size, "/tmp", under_tmp, err);
	}
	return ret ?: private_dir(path, err);
}

static int open_base(char *base, size_t size, struct err *err)
{
	char path[PATH_MAX];
	int fd, ret;

	ret = rundir_base(base, size, err) ?: join(path, sizeof(path), base, ".lock", err);
	if (ret)
		return ret;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set_errno(err, E_RUNDIR, errno, "%s", path);
	while (flock(fd, LOCK_EX))
		if (errno != EINTR) {
			ret = err_set_errno(err, E_RUNDIR, errno, "%s", path);
			close(fd);
			return ret;
		}
	return fd;
}

/* Removes a directory that holds files only (never follows a link out of it). */
static void remove_dir(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			unlinkat(dirfd(dir), e->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(path);
}

/* The lock of BASE/NAME, or -EWOULDBLOCK when its TEE lives. The base lock is held. */
static int try_lock(const char *dir)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/lock", dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		close(fd);
		return -EWOULDBLOCK;
	}
	return fd;
}

static void sweep(const char *base, void (*fn)(const char *name, void *arg), void *arg)
{
	char path[PATH_MAX];
	struct err ignored = {};
	DIR *dir = opendir(base);
	struct dirent *e;
	int fd;

	while (dir && (e = readdir(dir))) {
		if (!name_valid(e->d_name) || join(path, sizeof(path), base, e->d_name, &ignored))
			continue;
		fd = try_lock(path);
		if (fd >= 0) {
			remove_dir(path);
			close(fd);
		} else if (fd == -EWOULDBLOCK && fn) {
			fn(e->d_name, arg);
		}
	}
	if (dir)
		closedir(dir);
}

int rundir_open(struct rundir *dir, const char *name, struct err *err)
{
	char base[PATH_MAX], path[PATH_MAX];
	int base_fd, ret;

	dir->path[0] = '\0';
	base_fd = open_base(base, sizeof(base), err);
	if (base_fd < 0)
		return base_fd;
	sweep(base, NULL, NULL);
	ret = join(path, sizeof(path), base, name, err);
	if (ret)
		goto out_unlock;
	ret = private_dir(path, err);
	if (ret)
		goto out_unlock;
	dir->lock_fd = try_lock(path);
	if (dir->lock_fd == -EWOULDBLOCK)
		ret = err_set(err, E_NAME, "a TEE named '%s' runs already", name);
	else if (dir->lock_fd < 0)
		ret = err_set_errno(err, E_RUNDIR, -dir->lock_fd, "%s/lock", path);
	else
		strcpy(dir->path, path);
out_unlock:
	close(base_fd);
	return ret;
}

void rundir_close(struct rundir *dir)
{
	struct err ignored = {};
	char base[PATH_MAX];
	int base_fd;

	if (!dir->path[0])
		return;
	base_fd = open_base(base, sizeof(base), &ignored);
	remove_dir(dir->path);
	dir->path[0] = '\0';
	close(dir->lock_fd);
	if (base_fd >= 0)
		close(base_fd);
}

int rundir_each(void (*fn)(const char *name, void *arg), void *arg, struct err *err)
{
	char base[PATH_MAX];
	int base_fd = open_base(base, sizeof(base), err);

	if (base_fd < 0)
		return base_fd;
	sweep(base, fn, arg);
	close(base_fd);
	return 0;
}
