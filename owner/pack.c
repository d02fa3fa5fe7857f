// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "owner/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK_SIZE 4096ull
#define INODE_SIZE 256ull
#define INODES_SPARE 4096
#define IMAGE_SIZE_MIN (8ull << 20)
#define JOURNAL_SIZE (16ull << 20)
/* Fixed, so that the same tree gives the same image. */
#define FS_UUID "72666b74-696f-4000-8000-726f6f740000"

struct tree_size {
	u64 bytes; /* whole blocks of contents */
	u64 inodes;
};

static int fail(char *why, size_t size, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int fail(char *why, size_t size, int errnum, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return -errnum;
}

static u64 round_up(u64 v)
{
	return (v + BLOCK_SIZE - 1) / BLOCK_SIZE * BLOCK_SIZE;
}

static int measure_entry(const FTSENT *e, struct tree_size *t, char *why, size_t why_size)
{
	switch (e->fts_info) {
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return fail(why, why_size, e->fts_errno, "%s: %s", e->fts_path,
			    strerror(e->fts_errno));
	case FTS_DP:
		return 0;
	case FTS_F:
		/* mke2fs would fail too, but names only some of them. */
		if (access(e->fts_accpath, R_OK))
			return fail(why, why_size, errno, "%s: %s", e->fts_path, strerror(errno));
		break;
	}
	t->inodes++;
	/* One block more for the entry, extents and directory growth. */
	t->bytes += round_up(e->fts_statp->st_size) + BLOCK_SIZE / 4;
	return 0;
}

static int measure(const char *dir, struct tree_size *t, char *why, size_t why_size)
{
	char *roots[] = { (char *)dir, NULL };
	FTS *fts = fts_open(roots, FTS_PHYSICAL, NULL);
	int ret = 0;
	FTSENT *e;

	if (!fts)
		return fail(why, why_size, errno, "%s: %s", dir, strerror(errno));
	while (!ret && (errno = 0, e = fts_read(fts)))
		ret = measure_entry(e, t, why, why_size);
	if (!ret && errno)
		ret = fail(why, why_size, errno, "%s: %s", dir, strerror(errno));
	fts_close(fts);
	return ret;
}

static u64 fitted_size(const struct tree_size *t, const struct pack_options *o)
{
	u64 size = t->bytes + (t->inodes + INODES_SPARE) * INODE_SIZE + o->slack;

	size += size / 16 + (o->journal ? JOURNAL_SIZE : 0);
	return round_up(size < IMAGE_SIZE_MIN ? IMAGE_SIZE_MIN : size);
}

static int write_map(const char *file, unsigned int id)
{
	char text[32];
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	int n = snprintf(text, sizeof(text), "0 %u 1", id), ret;

	ret = fd < 0 || write(fd, text, n) != n ? -1 : 0;
	if (fd >= 0)
		close(fd);
	return ret;
}

/* The caller's files look like root's from inside; without it they keep their owner. */
static void become_root_of_namespace(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int fd;

	if (uid == 0 || unshare(CLONE_NEWUSER))
		return;
	fd = open("/proc/self/setgroups", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (write(fd, "deny", 4) < 0)
			_exit(125);
		close(fd);
	}
	if (write_map("/proc/self/uid_map", uid) || write_map("/proc/self/gid_map", gid))
		_exit(125);
}

__attribute__((noreturn)) static void child(char **argv, int image_fd, int out_fd)
{
	static const char *const places[] = { "/usr/sbin/mke2fs", "/sbin/mke2fs" };
	size_t i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out_fd, STDOUT_FILENO);
	dup2(out_fd, STDERR_FILENO);
	fcntl(image_fd, F_SETFD, 0);
	setenv("E2FSPROGS_FAKE_TIME", "1", 1);
	setenv("LC_ALL", "C", 1);
	become_root_of_namespace();
	execvp("mke2fs", argv);
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		execv(places[i], argv);
	_exit(errno == ENOENT ? 127 : 126);
}

/* The last line that mke2fs wrote is its reason. */
static void last_line(int fd, char *line, size_t size)
{
	FILE *in = fdopen(fd, "r");
	char *text = NULL;
	size_t cap = 0;

	line[0] = '\0';
	while (in && getline(&text, &cap, in) > 0) {
		text[strcspn(text, "\n")] = '\0';
		if (*text)
			snprintf(line, size, "%s", text);
	}
	free(text);
	if (in)
		fclose(in);
	else
		close(fd);
}

static int verdict(int status, const char *line, char *why, size_t why_size)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return fail(why, why_size, ENOPKG, "mke2fs is not installed (package e2fsprogs)");
	if (strstr(line, "Could not allocate block"))
		return fail(why, why_size, ENOSPC, "the tree does not fit into this size");
	return fail(why, why_size, EIO, "mke2fs: %s", line[0] ? line : "ended abnormally");
}

static int run_mke2fs(char **argv, int fd, char *why, size_t why_size)
{
	char line[512];
	int out[2], status;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC))
		return fail(why, why_size, errno, "pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0) {
		int errnum = errno;

		close(out[0]);
		close(out[1]);
		return fail(why, why_size, errnum, "fork: %s", strerror(errnum));
	}
	if (pid == 0)
		child(argv, fd, out[1]);
	close(out[1]);
	last_line(out[0], line, sizeof(line));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fail(why, why_size, errno, "waitpid: %s", strerror(errno));
	return verdict(status, line, why, why_size);
}

int pack_tree(const char *dir, int fd, const struct pack_options *o, char *why, size_t why_size)
{
	char path[64], blocks[32], inodes[32];
	struct tree_size t = {};
	struct stat st;
	u64 size;
	int ret;
	char *argv[] = {
		"mke2fs",
		"-q",
		"-F",
		"-t",
		"ext4",
		"-b",
		"4096",
		"-m",
		"0",
		"-I",
		"256",
		"-O",
		o->journal ? "^metadata_csum_seed" : "^metadata_csum_seed,^has_journal",
		"-U",
		FS_UUID,
		"-E",
		"hash_seed=" FS_UUID ",root_owner=0:0,lazy_itable_init=1",
		"-N",
		inodes,
		"-d",
		(char *)dir,
		path,
		blocks,
		NULL,
	};

	if (stat(dir, &st))
		return fail(why, why_size, errno, "%s: %s", dir, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return fail(why, why_size, ENOTDIR, "%s: not a directory", dir);
	ret = measure(dir, &t, why, why_size);
	if (ret)
		return ret;
	size = o->size ?: fitted_size(&t, o);
	if (ftruncate(fd, 0) || ftruncate(fd, size))
		return fail(why, why_size, errno, "image of %llu bytes: %s",
			    (unsigned long long)size, strerror(errno));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	snprintf(blocks, sizeof(blocks), "%llu", (unsigned long long)(size / BLOCK_SIZE));
	snprintf(inodes, sizeof(inodes), "%llu", (unsigned long long)(t.inodes + INODES_SPARE));
	return run_mke2fs(argv, fd, why, why_size);
}
