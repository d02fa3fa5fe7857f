/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RKT_NVME_BOOT_H
#define RKT_NVME_BOOT_H
#include <linux/types.h>

/*
 * rkt_nvme_boot_item - take over a BOOT_NVME item (abi/nvmed.h)
 * @data, @size: in private memory; content untrusted, looked at when the driver starts
 *
 * Context: early boot, before any initcall. Return: false for a wrong size or too many.
 */
bool rkt_nvme_boot_item(const void *data, u32 size);

#endif
