// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Files on tmpfs: names, links, directories, positions, locks, attributes, size limits. */
#include "test/guest/lib/guest.h"
#include <dirent.h>
#include <ftw.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/xattr.h>

static void put(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);

	MUST(fd >= 0);
	MUST(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void enter(void)
{
	MUST(!mkdir("/tmp/guest-f", 0755) || errno == EEXIST);
	MUST(!chdir("/tmp/guest-f"));
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	return remove(path);
}

static void leave(void)
{
	chdir("/");
	EQ(nftw("/tmp/guest-f", remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void open_flags(void)
{
	char buf[16] = "";
	int fd;

	enter();
	FAILS(open("none", O_RDONLY), ENOENT);
	put("a", "hello");
	FAILS(open("a", O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
	FAILS(open("a/b", O_RDONLY), ENOTDIR);
	FAILS(open("a", O_DIRECTORY), ENOTDIR);
	FAILS(open(".", O_WRONLY), EISDIR);
	fd = open("a", O_APPEND | O_RDWR);
	EQ(pwrite(fd, "!", 1, 0), 1);
	EQ(pread(fd, buf, 16, 0), 6);
	CHECK(!strcmp(buf, "hello!"));
	close(fd);
	fd = open("a", O_RDWR | O_TRUNC);
	EQ(lseek(fd, 0, SEEK_END), 0);
	close(fd);
	fd = open(".", O_TMPFILE | O_RDWR, 0600);
	CHECK(fd >= 0);
	EQ(write(fd, "t", 1), 1);
	close(fd);
	fd = open("a", O_PATH);
	FAILS(read(fd, buf, 1), EBADF);
	close(fd);
	leave();
}

static void names(void)
{
	char buf[300], longname[300];
	struct stat st;

	enter();
	memset(longname, 'n', 299);
	longname[299] = 0;
	FAILS(mkdir(longname, 0700), ENAMETOOLONG);
	put("a", "1");
	put("b", "22");
	EQ(rename("a", "b"), 0);
	EQ(stat("b", &st), 0);
	EQ(st.st_size, 1);
	EQ(link("b", "c"), 0);
	EQ(stat("c", &st), 0);
	EQ(st.st_nlink, 2);
	EQ(symlink("c", "s"), 0);
	EQ(readlink("s", buf, sizeof(buf)), 1);
	EQ(lstat("s", &st), 0);
	CHECK(S_ISLNK(st.st_mode));
	symlink("loop", "loop");
	FAILS(open("loop", O_RDONLY), ELOOP);
	FAILS(open("s", O_RDONLY | O_NOFOLLOW), ELOOP);
	mkdir("d", 0755);
	put("d/x", "x");
	FAILS(rmdir("d"), ENOTEMPTY);
	FAILS(rename("d", "d/y"), EINVAL);
	FAILS(unlink("d"), EISDIR);
	FAILS((int)syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "c", 1), EEXIST);
	EQ(syscall(SYS_renameat2, AT_FDCWD, "d", AT_FDCWD, "c", 2), 0);
	EQ(stat("c/x", &st), 0);
	leave();
}

static void directories(void)
{
	struct dirent *e;
	int i, n = 0, sum = 0;
	char name[16];
	DIR *d;

	enter();
	for (i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		put(name, "");
	}
	d = opendir(".");
	while ((e = readdir(d)))
		if (e->d_name[0] == 'f') {
			n++;
			sum += atoi(e->d_name + 1);
			EQ(e->d_type, DT_REG);
		}
	EQ(n, 500);
	EQ(sum, 499 * 500 / 2);
	rewinddir(d);
	CHECK(readdir(d) != NULL);
	closedir(d);
	leave();
}

static void sizes_and_holes(void)
{
	struct stat st;
	char c = 1;
	int fd;

	enter();
	fd = open("h", O_CREAT | O_RDWR, 0600);
	EQ(pwrite(fd, "x", 1, 1 << 20), 1);
	EQ(fstat(fd, &st), 0);
	EQ(st.st_size, (1 << 20) + 1);
	CHECK(st.st_blocks <= 16);
	EQ(pread(fd, &c, 1, 4096), 1);
	EQ(c, 0);
	EQ(lseek(fd, 0, SEEK_DATA), 1 << 20);
	EQ(lseek(fd, 0, SEEK_HOLE), 0);
	EQ(ftruncate(fd, 10), 0);
	EQ(pread(fd, &c, 1, 10), 0);
	EQ(fallocate(fd, 0, 0, 65536), 0);
	EQ(fstat(fd, &st), 0);
	EQ(st.st_size, 65536);
	EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 65536), 0);
	FAILS(ftruncate(fd, -1), EINVAL);
	FAILS(lseek(fd, -1, SEEK_SET), EINVAL);
	EQ(fsync(fd), 0);
	EQ(fdatasync(fd), 0);
	close(fd);
	leave();
}

static void vectors(void)
{
	struct iovec w[2] = { { "abc", 3 }, { "de", 2 } };
	char a[2], b[3];
	struct iovec r[2] = { { a, 2 }, { b, 3 } };
	int fd = guest_tmpfile(0);

	EQ(pwritev(fd, w, 2, 10), 5);
	EQ(preadv(fd, r, 2, 10), 5);
	CHECK(!memcmp(a, "ab", 2) && !memcmp(b, "cde", 3));
	EQ(preadv2(fd, r, 2, 10, 0), 5);
	close(fd);
}

static void metadata(void)
{
	struct timespec t[2] = { { 1000, 5 }, { 2000, 7 } };
	struct statx sx;
	struct stat st;

	enter();
	put("m", "meta");
	EQ(chmod("m", 04711), 0);
	EQ(chown("m", 12, 34), 0);
	EQ(utimensat(AT_FDCWD, "m", t, 0), 0);
	EQ(stat("m", &st), 0);
	EQ(st.st_uid, 12);
	EQ(st.st_gid, 34);
	EQ(st.st_mode, S_IFREG | 0711);
	EQ(st.st_mtim.tv_sec, 2000);
	EQ(st.st_atim.tv_nsec, 5);
	EQ(statx(AT_FDCWD, "m", 0, STATX_BASIC_STATS, &sx), 0);
	EQ(sx.stx_size, 4);
	EQ(access("m", R_OK), 0);
	EQ(umask(077), 022);
	EQ(umask(022), 077);
	leave();
}

static void attributes(void)
{
	char buf[64] = "";

	enter();
	put("x", "");
	EQ(setxattr("x", "trusted.guest", "value", 5, XATTR_CREATE), 0);
	FAILS(setxattr("x", "trusted.guest", "v", 1, XATTR_CREATE), EEXIST);
	EQ(getxattr("x", "trusted.guest", buf, sizeof(buf)), 5);
	CHECK(!memcmp(buf, "value", 5));
	FAILS(getxattr("x", "trusted.none", buf, sizeof(buf)), ENODATA);
	EQ(listxattr("x", buf, sizeof(buf)), 14);
	EQ(removexattr("x", "trusted.guest"), 0);
	leave();
}

static void locks(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10 };
	int a, b;

	enter();
	a = open("l", O_CREAT | O_RDWR, 0600);
	b = open("l", O_RDWR);
	EQ(flock(a, LOCK_EX), 0);
	FAILS(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	EQ(flock(a, LOCK_UN), 0);
	EQ(fcntl(a, F_OFD_SETLK, &l), 0);
	FAILS(fcntl(b, F_OFD_SETLK, &l), EAGAIN);
	l.l_start = 10;
	EQ(fcntl(b, F_OFD_SETLK, &l), 0);
	EQ(fcntl(a, F_SETLK, &(struct flock){ .l_type = F_RDLCK, .l_start = 100, .l_len = 1 }), 0);
	close(a);
	close(b);
	leave();
}

static void descriptors(void)
{
	int fd = guest_tmpfile(100), d;
	char c;

	d = dup(fd);
	EQ(lseek(fd, 50, SEEK_SET), 50);
	EQ(read(d, &c, 1), 1);
	EQ(c, 50);
	EQ(dup2(fd, 40), 40);
	FAILS(dup3(fd, fd, 0), EINVAL);
	EQ(dup3(fd, 41, O_CLOEXEC), 41);
	EQ(fcntl(41, F_GETFD), FD_CLOEXEC);
	EQ(fcntl(fd, F_DUPFD, 60), 60);
	EQ(syscall(SYS_close_range, 40, 60, 0), 0);
	FAILS(fcntl(60, F_GETFD), EBADF);
	EQ(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK), 0);
	EQ(fcntl(d, F_GETFL) & (O_APPEND | O_NONBLOCK), O_APPEND | O_NONBLOCK);
	close(fd);
	close(d);
	FAILS(close(d), EBADF);
}

static void tmpfs_limit(void)
{
	static char block[65536];
	struct statvfs v;
	int fd, n = 0;

	mkdir("/tmp/guest-l", 0700);
	MUST(!mount("tmpfs", "/tmp/guest-l", "tmpfs", 0, "size=1M,nr_inodes=10"));
	EQ(statvfs("/tmp/guest-l", &v), 0);
	EQ(v.f_blocks * v.f_frsize, 1 << 20);
	fd = open("/tmp/guest-l/f", O_CREAT | O_RDWR, 0600);
	while (write(fd, block, sizeof(block)) == sizeof(block))
		n++;
	EQ(errno, ENOSPC);
	EQ(n, 16);
	EQ(ftruncate(fd, 0), 0);
	EQ(write(fd, block, sizeof(block)), sizeof(block));
	close(fd);
	for (n = 0; n < 20; n++) {
		char name[32];

		snprintf(name, sizeof(name), "/tmp/guest-l/%d", n);
		if (mkdir(name, 0700))
			break;
	}
	EQ(errno, ENOSPC);
	EQ(n, 8);
	EQ(umount("/tmp/guest-l"), 0);
	rmdir("/tmp/guest-l");
}

static void *append(void *arg)
{
	int fd = open("/tmp/guest-append", O_WRONLY | O_APPEND), i;
	char line[10];

	memset(line, 'a' + (int)(long)arg, 10);
	for (i = 0; i < 500; i++)
		write(fd, line, 10);
	close(fd);
	return NULL;
}

static void parallel_append(void)
{
	pthread_t t[4];
	char line[10];
	int fd = open("/tmp/guest-append", O_CREAT | O_RDWR | O_TRUNC, 0600), n = 0;
	long i;

	for (i = 0; i < 4; i++)
		MUST(!pthread_create(&t[i], NULL, append, (void *)i));
	for (i = 0; i < 4; i++)
		MUST(!pthread_join(t[i], NULL));
	while (read(fd, line, 10) == 10) {
		n++;
		CHECK(line[0] == line[9]);
	}
	EQ(n, 2000);
	close(fd);
	unlink("/tmp/guest-append");
}

GUEST_MAIN(T(open_flags), T(names), T(directories), T(sizes_and_holes), T(vectors), T(metadata),
	   T(attributes), T(locks), T(descriptors), T(tmpfs_limit), T(parallel_append))
