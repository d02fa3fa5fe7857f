// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/device/disks.h"
#include "host/run/init_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_SIZE_MAX 16384

/* The value's escapes are init's: a line end and the backslash. */
static void put(FILE *f, const char *key, const char *value)
{
	fprintf(f, "%s=", key);
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", f);
		else if (*value == '\\')
			fputs("\\\\", f);
		else
			fputc(*value, f);
	}
	fputc('\n', f);
}

static void put_base64(FILE *f, const u8 *data, size_t size)
{
	static const char set[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t i;

	for (i = 0; i < size; i += 3) {
		size_t left = size - i;
		u32 v = data[i] << 16 | (left > 1 ? data[i + 1] << 8 : 0) |
			(left > 2 ? data[i + 2] : 0);

		fputc(set[v >> 18], f);
		fputc(set[v >> 12 & 63], f);
		fputc(left > 1 ? set[v >> 6 & 63] : '=', f);
		fputc(left > 2 ? set[v & 63] : '=', f);
	}
}

/* A file of the host as a blob.NAME line. */
static int put_file(FILE *f, const char *name, const char *path, struct err *err)
{
	u8 data[FILE_SIZE_MAX + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size;

	if (fd < 0)
		return err_set_errno(err, E_HOST, errno, path);
	size = read(fd, data, sizeof(data));
	close(fd);
	if (size < 0)
		return err_set_errno(err, E_HOST, errno, path);
	if (size > FILE_SIZE_MAX)
		return err_set(err, E_OPTION, "%s: longer than %d bytes", path, FILE_SIZE_MAX);
	fprintf(f, "blob.%s=", name);
	put_base64(f, data, size);
	fputc('\n', f);
	explicit_bzero(data, sizeof(data));
	return 0;
}

static int put_disk_key(FILE *f, const struct disk_spec *d, struct err *err)
{
	char blob[64];

	switch (d->key) {
	case KEY_NONE:
		return 0;
	case KEY_PROMPT:
		fprintf(f, "disk.%s.key=prompt\n", d->name);
		return 0;
	case KEY_FILE:
		snprintf(blob, sizeof(blob), "disk.%s", d->name);
		fprintf(f, "disk.%s.key=blob:%s\n", d->name, blob);
		return put_file(f, blob, d->key_arg, err);
	default:
		return err_set(err, E_OPTION, "--disk: '%s': sealed and attested keys need a TEE",
			       d->name);
	}
}

static int put_disk(FILE *f, const struct run_config *cfg, size_t index, struct err *err)
{
	const struct disk_spec *d = &cfg->disks[index];
	char key[96], device[32];

	disks_device(cfg, index, device);
	fprintf(f, "disk.%s=%s\n", d->name, device);
	if (d->mount) {
		snprintf(key, sizeof(key), "disk.%s.mount", d->name);
		put(f, key, d->mount);
	}
	if (d->fs)
		fprintf(f, "disk.%s.fs=%s\n", d->name, d->fs);
	if (d->ro)
		fprintf(f, "disk.%s.ro=1\n", d->name);
	if (d->mkfs)
		fprintf(f, "disk.%s.mkfs=empty\n", d->name);
	return put_disk_key(f, d, err);
}

static int put_protect(FILE *f, const struct nic_spec *n, size_t index, struct err *err)
{
	char blob[32];

	switch (n->protect) {
	case PROTECT_WIREGUARD:
		snprintf(blob, sizeof(blob), "nic.eth%zu", index);
		fprintf(f, "nic.eth%zu.protect=wireguard:blob:%s\n", index, blob);
		return put_file(f, blob, n->protect_file, err);
	case PROTECT_PROGRAM:
		fprintf(f, "nic.eth%zu.protect=program\n", index);
		return 0;
	case PROTECT_INSECURE_NONE:
		fprintf(f, "nic.eth%zu.protect=insecure_none\n", index);
		return 0;
	default:
		return 0;
	}
}

static int put_nic(FILE *f, const struct nic_spec *n, size_t index, struct err *err)
{
	if (n->addr)
		fprintf(f, "nic.eth%zu.addr=%s\n", index, n->addr);
	else
		fprintf(f, "nic.eth%zu.addr=%s\n", index, n->kind == NIC_USER ? "user" : "none");
	if (n->gw)
		fprintf(f, "nic.eth%zu.gw=%s\n", index, n->gw);
	if (n->mtu)
		fprintf(f, "nic.eth%zu.mtu=%u\n", index, n->mtu);
	return put_protect(f, n, index, err);
}

static int put_all(FILE *f, const struct run_config *cfg, bool tty, struct err *err)
{
	bool root_nvme = cfg->root_via == ROOT_VIA_NVME;
	size_t i;
	int ret = 0;

	fprintf(f, "root=%s\nstdio=%s\n", root_nvme ? "nvme0n1" : "hostblk", tty ? "tty" : "raw");
	if (cfg->cwd)
		put(f, "cwd", cfg->cwd);
	for (i = 0; i < cfg->env_count; i++)
		put(f, "env", cfg->env[i]);
	for (i = 0; i < cfg->argc; i++)
		put(f, "arg", cfg->argv[i]);
	for (i = 0; !ret && i < cfg->disk_count; i++)
		ret = put_disk(f, cfg, i, err);
	for (i = 0; !ret && i < cfg->nic_count; i++)
		ret = put_nic(f, &cfg->nics[i], i, err);
	return ret;
}

char *init_text(const struct run_config *cfg, bool tty, struct err *err)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	int ret;

	if (!f) {
		err_set_errno(err, E_HOST, errno, "open_memstream");
		return NULL;
	}
	ret = put_all(f, cfg, tty, err);
	if (fclose(f) && !ret)
		ret = err_set_errno(err, E_HOST, errno, "fclose");
	if (!ret)
		return text;
	if (text)
		explicit_bzero(text, size);
	free(text);
	return NULL;
}
