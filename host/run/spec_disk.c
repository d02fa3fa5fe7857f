// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* --disk [NAME=]file:PATH|vfio:BDF|shm:SOCKET[,nsid=][,mount=][,ro][,fs=][,verity=][,key=...][,mkfs=] */
#include "host/run/spec_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERITY_HEX_LEN 64

void disk_spec_free(struct disk_spec *disk)
{
	free(disk->name);
	free(disk->target);
	free(disk->mount);
	free(disk->fs);
	free(disk->verity);
	free(disk->key_arg);
}

static int key_nsid(void *obj, const char *value, struct err *err)
{
	return value_uint(&((struct disk_spec *)obj)->nsid, value, 1, 0xfffffffe, err);
}

static int key_mount(void *obj, const char *value, struct err *err)
{
	return value_abs_path(&((struct disk_spec *)obj)->mount, value, err);
}

static int key_ro(void *obj, const char *value, struct err *err)
{
	((struct disk_spec *)obj)->ro = true;
	return 0;
}

static int key_fs(void *obj, const char *value, struct err *err)
{
	static const char *const choices[] = { "ext4", NULL };
	u32 unused;

	return value_choice(&unused, value, choices, err)
		       ?: value_string(&((struct disk_spec *)obj)->fs, value, err);
}

static int key_verity(void *obj, const char *value, struct err *err)
{
	struct disk_spec *disk = obj;
	size_t n = 0;

	while (isxdigit((unsigned char)value[n]))
		n++;
	if (n != VERITY_HEX_LEN || value[n])
		return err_set(err, E_OPTION, "verity takes a root hash of %d hex digits",
			       VERITY_HEX_LEN);
	disk->ro = true;
	return value_string(&disk->verity, value, err);
}

static int key_key(void *obj, const char *value, struct err *err)
{
	static const struct spec_choice choices[] = {
		{ "file:", KEY_FILE, true },
		{ "prompt", KEY_PROMPT },
		{ "sealed:", KEY_SEALED, true },
		{ "attested", KEY_ATTESTED },
		{},
	};
	struct disk_spec *disk = obj;
	const char *arg;
	int kind = spec_choice(choices, value, &arg);

	if (kind < 0)
		return err_set(err, E_OPTION,
			       "key '%s' is none of file:FILE, prompt, sealed:NAME, attested",
			       value);
	disk->key = kind;
	return kind == KEY_FILE || kind == KEY_SEALED ? value_string(&disk->key_arg, arg, err) : 0;
}

static int key_mkfs(void *obj, const char *value, struct err *err)
{
	static const char *const choices[] = { "never", "empty", NULL };
	u32 choice = 0;
	int ret = value_choice(&choice, value, choices, err);

	((struct disk_spec *)obj)->mkfs = choice;
	return ret;
}

static const struct spec_key disk_keys[] = {
	{ "nsid", false, key_nsid },	 { "mount", false, key_mount },
	{ "ro", true, key_ro },		 { "fs", false, key_fs },
	{ "verity", false, key_verity }, { "key", false, key_key },
	{ "mkfs", false, key_mkfs },	 {},
};

static int disk_target(struct disk_spec *disk, const char *head, struct err *err)
{
	static const struct spec_choice choices[] = {
		{ "file:", DISK_FILE, true },
		{ "vfio:", DISK_VFIO, true },
		{ "shm:", DISK_SHM, true },
		{},
	};
	const char *arg;
	int kind = spec_choice(choices, head, &arg);

	if (kind < 0) {
		kind = DISK_FILE;
		arg = head;
	}
	disk->kind = kind;
	if (kind == DISK_VFIO && !pci_address_valid(arg))
		return err_set(err, E_OPTION, "'%s' is not a PCI address such as 0000:3b:00.0",
			       arg);
	if (kind == DISK_SHM && strlen(arg) > SOCKET_PATH_MAX)
		return err_set(err, E_OPTION, "the socket path is longer than %d bytes",
			       SOCKET_PATH_MAX);
	return value_string(&disk->target, arg, err);
}

static int disk_name(const struct run_config *cfg, struct disk_spec *disk, const char *name,
		     struct err *err)
{
	char made_up[32];
	size_t i;

	snprintf(made_up, sizeof(made_up), "disk%zu", cfg->disk_count);
	name = name ?: made_up;
	for (i = 0; i < cfg->disk_count; i++)
		if (!strcmp(cfg->disks[i].name, name))
			return err_set(err, E_OPTION, "two disks are named '%s'", name);
	return value_string(&disk->name, name, err);
}

static int disk_conflicts(const struct disk_spec *disk, struct err *err)
{
	if (disk->nsid && disk->kind == DISK_FILE)
		return err_set(err, E_OPTION, "nsid does not go with a file");
	if (disk->fs && !disk->mount)
		return err_set(err, E_OPTION, "fs without mount has no effect");
	if (disk->mkfs && (disk->ro || !disk->mount))
		return err_set(err, E_OPTION, "mkfs=empty needs mount and excludes ro");
	if (disk->verity && disk->key)
		return err_set(err, E_OPTION, "verity and key exclude each other");
	return 0;
}

int disk_add(struct run_config *cfg, const char *text, struct err *err)
{
	struct disk_spec disk = {}, *grown;
	struct spec s;
	int ret;

	ret = spec_open(&s, text, err) ?: disk_target(&disk, s.head, err) ?:
	      disk_name(cfg, &disk, s.name, err) ?: spec_keys(&s, disk_keys, &disk, err) ?:
	      disk_conflicts(&disk, err);
	spec_close(&s);
	if (ret)
		goto out_free;
	grown = reallocarray(cfg->disks, cfg->disk_count + 1, sizeof(*grown));
	if (!grown) {
		ret = err_set_errno(err, E_HOST, ENOMEM, "reallocarray");
		goto out_free;
	}
	cfg->disks = grown;
	cfg->disks[cfg->disk_count++] = disk;
	return 0;
out_free:
	disk_spec_free(&disk);
	return ret;
}
