// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/nvmed/nvmed.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define FILE_DIO_ALIGN 4096u

static int bad(const char *spec, const char *why)
{
	fprintf(stderr, "nvmed: disk '%s': %s\n", spec, why);
	return -EINVAL;
}

static bool parse_u32(const char *s, u32 *out)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(s, &end, 0);
	if (errno || end == s || *end || *s == '-' || v > 0xfffffffful)
		return false;
	*out = v;
	return true;
}

/* One `,`-separated word of the specification. */
static int parse_word(struct disk *k, char *word, const char *spec, bool *have_path)
{
	u32 v;

	if (!strcmp(word, "ro")) {
		k->read_only = true;
		return 0;
	}
	if (!strcmp(word, "locked")) {
		k->locked = true;
		return 0;
	}
	if (!strncmp(word, "nsid=", 5)) {
		if (!parse_u32(word + 5, &k->nsid) || !k->nsid || k->nsid > 0xfffffffd)
			return bad(spec, "nsid must be a number from 1");
		return 0;
	}
	if (!strncmp(word, "lba=", 4)) {
		if (!parse_u32(word + 4, &v) || (v != 512 && v != 4096))
			return bad(spec, "lba must be 512 or 4096");
		k->lba_shift = v == 512 ? 9 : 12;
		return 0;
	}
	if (*have_path)
		return bad(spec, "unknown option (nsid=N, lba=512|4096, ro, locked)");
	k->path = strdup(word);
	*have_path = true;
	return k->path ? 0 : -ENOMEM;
}

/* Cuts the next word off, in place; `\\,` is a comma that does not end it. */
static char *next_word(char **rest)
{
	char *word = *rest, *from = word, *to = word;

	if (!word)
		return NULL;
	while (*from && *from != ',') {
		if (*from == '\\' && from[1])
			from++;
		*to++ = *from++;
	}
	*rest = *from ? from + 1 : NULL;
	*to = 0;
	return word;
}

static int parse_spec(struct disk *k, const char *spec)
{
	char *copy = strdup(spec), *rest = copy, *word;
	bool have_path = false;
	int err = copy ? 0 : -ENOMEM;

	while (!err && (word = next_word(&rest)))
		err = *word ? parse_word(k, word, spec, &have_path) : bad(spec, "empty option");
	free(copy);
	if (!err && !have_path)
		err = bad(spec, "no path");
	return err;
}

static int open_failed(const struct disk *k, const char *what)
{
	int err = -errno;

	fprintf(stderr, "nvmed: %s: %s: %s\n", k->path, what, strerror(errno));
	return err;
}

static int measure(struct disk *k, const struct stat *st)
{
	u64 size = st->st_size;
	int sector = 512;

	k->is_block = S_ISBLK(st->st_mode);
	k->dio_align = FILE_DIO_ALIGN;
	if (k->is_block) {
		if (ioctl(k->fd, BLKGETSIZE64, &size) || ioctl(k->fd, BLKSSZGET, &sector))
			return open_failed(k, "size");
		k->dio_align = sector;
	} else if (!S_ISREG(st->st_mode)) {
		errno = EINVAL;
		return open_failed(k, "neither a file nor a block device");
	}
	k->blocks = size >> k->lba_shift;
	if (!k->blocks) {
		errno = EINVAL;
		return open_failed(k, "smaller than one block");
	}
	return 0;
}

/* The same file gives the same name after a restart; another file another name. */
static void name_disk(struct disk *k, const struct stat *st)
{
	u64 id[2] = { st->st_dev, k->is_block ? st->st_rdev : st->st_ino };

	memcpy(k->nguid, id, sizeof(id));
	k->nguid[7] = 'R';
}

static bool memory_backed(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC ||
				     fs.f_type == HUGETLBFS_MAGIC);
}

static void choose_backend(struct disk *k)
{
	k->backend = BACKEND_ASYNC;
	k->fd_direct = -1;
	if (!k->is_block && memory_backed(k->fd)) {
		int prot = k->read_only ? PROT_READ : PROT_READ | PROT_WRITE;
		void *p = mmap(NULL, k->blocks << k->lba_shift, prot, MAP_SHARED, k->fd, 0);

		if (p != MAP_FAILED) {
			k->map = p;
			k->backend = BACKEND_MAP;
			return;
		}
	}
	k->fd_direct = open(k->path, (k->read_only ? O_RDONLY : O_RDWR) | O_DIRECT | O_CLOEXEC);
}

int disk_open(struct disk *k, const char *spec, u32 default_nsid)
{
	struct stat st;
	int err;

	*k = (struct disk){ .nsid = default_nsid, .lba_shift = 9, .fd = -1, .fd_direct = -1 };
	err = parse_spec(k, spec);
	if (err)
		goto fail;
	k->fd = open(k->path, (k->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (k->fd < 0 || fstat(k->fd, &st)) {
		err = open_failed(k, "open");
		goto fail;
	}
	err = measure(k, &st);
	if (err)
		goto fail;
	/* Two writers of one disk would destroy it; the lock dies with the process. */
	if (!k->locked && flock(k->fd, (k->read_only ? LOCK_SH : LOCK_EX) | LOCK_NB)) {
		err = open_failed(k, "in use by another nvmed");
		goto fail;
	}
	name_disk(k, &st);
	choose_backend(k);
	return 0;

fail:
	disk_close(k);
	return err;
}

void disk_close(struct disk *k)
{
	if (k->map)
		munmap(k->map, k->blocks << k->lba_shift);
	if (k->fd_direct >= 0)
		close(k->fd_direct);
	if (k->fd >= 0)
		close(k->fd);
	free((char *)k->path);
	*k = (struct disk){ .fd = -1, .fd_direct = -1 };
}

/* ---- mapped disks: a page that can't be had (file cut, memory full) is SIGBUS ---- */

static sigjmp_buf bus_jump;
static volatile sig_atomic_t bus_expected;

static void on_bus(int sig)
{
	if (bus_expected)
		siglongjmp(bus_jump, 1);
	/* The peer cut its arena under us: nobody is left to serve. */
	static const char msg[] = "nvmed: shared memory was cut short\n";

	if (write(2, msg, sizeof(msg) - 1) < 0)
		_exit(2);
	_exit(1);
}

void disk_catch_bus(void)
{
	struct sigaction sa = { .sa_handler = on_bus, .sa_flags = SA_NODEFER };

	sigaction(SIGBUS, &sa, NULL);
}

static void __attribute__((noinline))
copy_pieces(u8 *p, const struct iovec *iov, u32 count, bool write)
{
	for (u32 i = 0; i < count; i++) {
		if (write)
			memcpy(p, iov[i].iov_base, iov[i].iov_len);
		else
			memcpy(iov[i].iov_base, p, iov[i].iov_len);
		p += iov[i].iov_len;
	}
}

int disk_copy(struct disk *k, const struct iovec *iov, u32 count, u64 offset, bool write)
{
	if (sigsetjmp(bus_jump, 0)) {
		bus_expected = 0;
		return -EIO;
	}
	bus_expected = 1;
	copy_pieces(k->map + offset, iov, count, write);
	bus_expected = 0;
	return 0;
}

static int write_zeroes(struct disk *k, u64 offset, u64 size)
{
	static const u8 zeroes[1 << 16];

	while (size) {
		ssize_t n = pwrite(k->fd, zeroes, size < sizeof(zeroes) ? size : sizeof(zeroes),
				   offset);

		if (n <= 0)
			return n ? -errno : -EIO;
		offset += n;
		size -= n;
	}
	return 0;
}

/* Synchronous. Deallocated blocks read as zeroes, as identify promises. */
int disk_zero(struct disk *k, u64 offset, u64 size, bool deallocate)
{
	int mode = FALLOC_FL_KEEP_SIZE | (deallocate ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE);

	if (!fallocate(k->fd, mode, offset, size))
		return 0;
	if (errno != EOPNOTSUPP && errno != EINVAL && errno != ENODEV)
		return -errno;
	if (!deallocate &&
	    !fallocate(k->fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, offset, size))
		return 0;
	return write_zeroes(k, offset, size);
}
