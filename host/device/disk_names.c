// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which controller and namespace a --disk becomes. */
#include <stdio.h>

#include "host/device/disks.h"

u32 disks_count_kind(const struct run_config *cfg, enum disk_kind kind)
{
	u32 n = 0;

	for (size_t i = 0; i < cfg->disk_count; i++)
		n += cfg->disks[i].kind == kind;
	return n;
}

static bool root_comes(const struct run_config *cfg)
{
	return cfg->root_via == ROOT_VIA_NVME;
}

static bool own_controller(const struct run_config *cfg)
{
	return root_comes(cfg) || disks_count_kind(cfg, DISK_FILE);
}

u32 disks_controllers(const struct run_config *cfg)
{
	return own_controller(cfg) + disks_count_kind(cfg, DISK_SHM);
}

/* Our own controller comes first; its namespaces are the root, then the files in order. */
void disks_device(const struct run_config *cfg, size_t i, char name[32])
{
	u32 own = own_controller(cfg), same = 0;

	for (size_t k = 0; k < i; k++)
		same += cfg->disks[k].kind == cfg->disks[i].kind;
	if (cfg->disks[i].kind == DISK_FILE)
		snprintf(name, 32, "nvme0n%u", root_comes(cfg) + same + 1);
	else
		snprintf(name, 32, "nvme%un%u", own + same,
			 cfg->disks[i].nsid ? cfg->disks[i].nsid : 1);
}
