// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/run/support.h"

#include <string.h>

/* Listed = missing. */
static const struct {
	const char *what, *value, *why;
} missing[] = {
	{ "tee", "sgx", "the SGX back end is not built yet" },
	{ "io", "libos-virtio", "this baseline is not built yet" },
	{ "io", "hostcall-async", "this baseline is not built yet" },
	{ "io", "hostcall-sync", "this baseline is not built yet" },
	{ "image", "app.img", "images with verity and configuration are not built yet" },
	{ "disk", "vfio", "NVMe through VFIO is not built yet" },
	{ "disk", "verity", "verity disks are not built yet" },
	{ "disk.key", "sealed", "sealed keys need the SGX back end" },
	{ "disk.key", "attested", "attested keys need the SGX back end" },
	{ "nic", "vfio", "NICs through VFIO are not built yet" },
};

int support_check(const char *what, const char *value, struct err *err)
{
	size_t i;

	for (i = 0; i < sizeof(missing) / sizeof(missing[0]); i++)
		if (!strcmp(missing[i].what, what) && !strcmp(missing[i].value, value))
			return err_set(err, E_BACKEND, "%s %s: %s", what, value, missing[i].why);
	return 0;
}
