// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/run/image.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "host/run/rundir.h"
#include "host/run/support.h"
#include "owner/pack.h"

#define ROOTFS_SLACK (64ull << 20)
#define EXT4_SUPER_OFFSET 1024
#define EXT4_SUPER_SIZE 1024
#define EXT4_MAGIC 0xef53

/* The fields of ext4's superblock that tell whether the image is whole. */
static u64 ext4_size(const unsigned char *super)
{
	u32 blocks_lo, log_block, incompat, blocks_hi = 0;
	u16 magic;

	memcpy(&magic, super + 0x38, 2);
	memcpy(&blocks_lo, super + 0x4, 4);
	memcpy(&log_block, super + 0x18, 4);
	memcpy(&incompat, super + 0x60, 4);
	if (le32toh(incompat) & 0x80) /* 64bit */
		memcpy(&blocks_hi, super + 0x150, 4);
	if (le16toh(magic) != EXT4_MAGIC || le32toh(log_block) > 6)
		return 0;
	return ((u64)le32toh(blocks_hi) << 32 | le32toh(blocks_lo)) << (10 + le32toh(log_block));
}

/* What an image that is none of ours looks like, for the message. */
static const char *foreign_kind(const unsigned char *head)
{
	if (!memcmp(head, ELFMAG, SELFMAG))
		return "an ELF file (a TEE image is named with --tee-image)";
	if (!memcmp(head, "hsqs", 4))
		return "a squashfs, which is not supported";
	if (!memcmp(head, "QFI\xfb", 4))
		return "a qcow2 image; convert it to raw";
	if (!memcmp(head, "\x1f\x8b", 2) ||
	    !memcmp(head,
		    "\xfd"
		    "7zXZ",
		    5) ||
	    !memcmp(head, "\x28\xb5\x2f\xfd", 4))
		return "a compressed file; unpack it first";
	if (!memcmp(head, "LUKS\xba\xbe", 6))
		return "a LUKS volume; attach it with --disk ...,key=...";
	return "neither a raw ext4 file system nor an app.img";
}

static int classify(struct run_config *cfg, const struct root_image *image, struct err *err)
{
	unsigned char head[8192] = {};
	ssize_t n = pread(image->fd, head, sizeof(head), 0);
	u64 need;

	if (n < 0)
		return err_set_errno(err, E_IMAGE, errno, "%s", cfg->image);
	need = ext4_size(head + EXT4_SUPER_OFFSET);
	if (need) {
		cfg->image_kind = IMAGE_EXT4;
		if (need <= image->size)
			return 0;
		return err_set(err, E_IMAGE,
			       "%s: cut off: the file system has %llu bytes, "
			       "the file %llu",
			       cfg->image, (unsigned long long)need,
			       (unsigned long long)image->size);
	}
	if (!memcmp(head + 512, "EFI PART", 8) || !memcmp(head + 4096, "EFI PART", 8)) {
		cfg->image_kind = IMAGE_APP;
		return support_check("image", "app.img", err);
	}
	return err_set(err, E_IMAGE, "%s: is %s", cfg->image, foreign_kind(head));
}

static int image_size(const char *path, int fd, u64 *size, struct err *err)
{
	struct stat st;
	off_t end;

	if (fstat(fd, &st))
		return err_set_errno(err, E_IMAGE, errno, "%s", path);
	if (S_ISDIR(st.st_mode))
		return err_set(err, E_IMAGE, "%s: is a directory (use --rootfs-dir)", path);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_set(err, E_IMAGE, "%s: neither a file nor a block device", path);
	end = lseek(fd, 0, SEEK_END);
	if (end < 0)
		return err_set_errno(err, E_IMAGE, errno, "%s", path);
	*size = end;
	return 0;
}

static int open_image(struct run_config *cfg, struct root_image *image, struct err *err)
{
	int ret;

	/* O_NONBLOCK: a FIFO must be refused, not waited for. */
	image->fd = open(cfg->image, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	image->writable = image->fd >= 0;
	if (image->fd < 0 &&
	    (errno == EACCES || errno == EROFS || errno == EPERM || errno == ETXTBSY))
		image->fd = open(cfg->image, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (image->fd < 0 && errno == EISDIR)
		return err_set(err, E_IMAGE, "%s: is a directory (use --rootfs-dir)", cfg->image);
	if (image->fd < 0)
		return err_set_errno(err, E_IMAGE, errno, "%s", cfg->image);
	ret = image_size(cfg->image, image->fd, &image->size, err) ?: classify(cfg, image, err);
	if (ret)
		return ret;
	if (flock(image->fd, (image->writable ? LOCK_EX : LOCK_SH) | LOCK_NB))
		return err_set(err, E_IMAGE, "%s: in use by another TEE", cfg->image);
	return 0;
}

/* An unlinked file; where the runtime directory is small, /var/tmp takes it. */
static int temporary_file(struct err *err)
{
	char base[PATH_MAX];
	struct statvfs room;
	int fd;

	if (rundir_base(base, sizeof(base), err))
		return -EINVAL;
	if (statvfs(base, &room) || (u64)room.f_bavail * room.f_frsize < (4ull << 30))
		strcpy(base, getenv("TMPDIR") ? "" : "/var/tmp");
	if (!base[0])
		snprintf(base, sizeof(base), "%s", getenv("TMPDIR"));
	fd = open(base, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set_errno(err, E_ROOTFS, errno, "temporary file in %s", base);
	return fd;
}

static int pack_rootfs(struct run_config *cfg, struct root_image *image, struct err *err)
{
	struct pack_options options = { .slack = ROOTFS_SLACK };
	char why[ERR_TEXT_MAX - 64];
	int ret;

	image->fd = temporary_file(err);
	if (image->fd < 0)
		return image->fd;
	ret = pack_tree(cfg->rootfs_dir, image->fd, &options, why, sizeof(why));
	if (ret) {
		err_set(err, ret == -ENOPKG ? E_TOOL : E_ROOTFS, "--rootfs-dir: %s", why);
		return ret;
	}
	image->writable = true;
	image->size = lseek(image->fd, 0, SEEK_END);
	cfg->image_kind = IMAGE_ROOTFS_DIR;
	return 0;
}

int root_image_open(struct run_config *cfg, struct root_image *image, struct err *err)
{
	int ret;

	*image = (struct root_image){ .fd = -1 };
	ret = cfg->rootfs_dir ? pack_rootfs(cfg, image, err) : open_image(cfg, image, err);
	if (ret && image->fd >= 0)
		close(image->fd);
	return ret;
}

static bool is_tee_elf(int fd)
{
	Elf64_Ehdr h;

	return pread(fd, &h, sizeof(h), 0) == sizeof(h) && !memcmp(h.e_ident, ELFMAG, SELFMAG) &&
	       h.e_ident[EI_CLASS] == ELFCLASS64 && h.e_type == ET_DYN &&
	       h.e_machine == EM_X86_64 && h.e_phentsize == sizeof(Elf64_Phdr) && h.e_phnum;
}

int tee_image_open(const struct run_config *cfg, struct err *err)
{
	int fd = open(cfg->tee_image, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return err_set_errno(err, E_TEE_IMAGE, errno, "%s", cfg->tee_image);
	if (!is_tee_elf(fd)) {
		close(fd);
		return err_set(err, E_TEE_IMAGE, "%s: not a static-PIE ELF for x86-64",
			       cfg->tee_image);
	}
	return fd;
}
