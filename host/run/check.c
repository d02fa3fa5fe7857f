// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Who may set what, and what this build can do. */
#include "host/run/config.h"

#include <stdio.h>
#include <string.h>

#include "host/run/options.h"
#include "host/run/support.h"

bool config_host_decides(const struct run_config *cfg)
{
	return cfg->tee == TEE_SOFT || (cfg->tee == TEE_EMU && cfg->rootfs_dir);
}

static bool allowed(const char *key, const char *const *host_may_set)
{
	for (; host_may_set && *host_may_set; host_may_set++)
		if (!strcmp(*host_may_set, key))
			return true;
	return false;
}

static int refuse(bool is_set, const char *key, const char *const *host_may_set, struct err *err)
{
	if (!is_set || allowed(key, host_may_set))
		return 0;
	return err_set(err, E_TRUST,
		       "'%s' is a trusted setting: only the measured image may set it outside "
		       "--tee soft",
		       key);
}

static int trust_disk(const struct disk_spec *d, const char *const *may, struct err *err)
{
	return refuse(d->mount, "disk.mount", may, err) ?: refuse(d->fs, "disk.fs", may, err) ?:
	       refuse(d->verity, "disk.verity", may, err) ?:
	       refuse(d->mkfs, "disk.mkfs", may, err) ?:
	       refuse(d->key != KEY_NONE, "disk.key", may, err);
}

static int trust_nic(const struct nic_spec *n, const char *const *may, struct err *err)
{
	return refuse(n->protect != PROTECT_UNSET, "nic.protect", may, err) ?:
	       refuse(n->addr, "nic.addr", may, err) ?: refuse(n->gw, "nic.gw", may, err);
}

int config_check_trust(const struct run_config *cfg, const char *const *host_may_set,
		       struct err *err)
{
	size_t i;
	int ret = 0;

	if (config_host_decides(cfg))
		return 0;
	/* The image's path is the host's to choose: what is in it, is measured. */
	for (i = 0; !ret && i < run_opt_count; i++)
		if (run_opts[i].trust == OPT_TRUSTED && strcmp(run_opts[i].name, "image"))
			ret = refuse(cfg->given & 1ull << i, run_opts[i].name, host_may_set, err);
	for (i = 0; !ret && i < cfg->disk_count; i++)
		ret = trust_disk(&cfg->disks[i], host_may_set, err);
	for (i = 0; !ret && i < cfg->nic_count; i++)
		ret = trust_nic(&cfg->nics[i], host_may_set, err);
	return ret;
}

static int support_disk(const struct disk_spec *d, struct err *err)
{
	static const char *const kinds[] = { "file", "vfio", "shm" };
	static const char *const keys[] = { "none", "file", "prompt", "sealed", "attested" };

	return support_check("disk", kinds[d->kind], err) ?:
	       support_check("disk.key", keys[d->key], err) ?:
	       d->verity ? support_check("disk", "verity", err) : 0;
}

static int support_nic(const struct nic_spec *n, struct err *err)
{
	static const char *const kinds[] = { "user", "tap", "vhost-user", "link", "vfio" };
	static const char *const protects[] = { "unset", "wireguard", "program", "insecure_none" };

	return support_check("nic", kinds[n->kind], err)
		       ?: support_check("nic.protect", protects[n->protect], err);
}

/* The name of the choice that an enum option has. */
static int support_enum(const struct run_config *cfg, const char *name, struct err *err)
{
	const struct opt *o = opt_find(name, strlen(name));
	u32 value = *(const u32 *)((const char *)cfg + o->offset);

	return support_check(name, o->choices[value], err);
}

int config_check_support(const struct run_config *cfg, struct err *err)
{
	size_t i;
	int ret;

	ret = support_enum(cfg, "tee", err) ?: support_enum(cfg, "io", err) ?:
	      support_enum(cfg, "root-via", err) ?:
	      cfg->strace ? support_check("strace", "on", err) : 0;
	if (!ret && cfg->gdb)
		ret = support_check("gdb", "on", err);
	if (!ret && cfg->port_count)
		ret = support_check("publish", "on", err);
	for (i = 0; !ret && i < cfg->disk_count; i++)
		ret = support_disk(&cfg->disks[i], err);
	for (i = 0; !ret && i < cfg->nic_count; i++)
		ret = support_nic(&cfg->nics[i], err);
	return ret;
}
