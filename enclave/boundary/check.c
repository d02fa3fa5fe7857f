// SPDX-License-Identifier: GPL-2.0-only
/* What a lie and a bug lead to in the TEE. */
#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include "enclave/boundary/check.h"

static atomic_long_t lies;

/* Lies found since start. */
unsigned long boundary_lie_count(void)
{
	return atomic_long_read(&lies);
}

void boundary_lie(const char *cond, const char *file, int line, bool *seen)
{
	atomic_long_inc(&lies);
	if (xchg(seen, true))
		return;
	pr_err("host or device violated \"%s\" (%s:%d)\n", cond, file, line);
}

void boundary_bug(const char *cond, const char *file, int line)
{
	panic("assertion \"%s\" failed (%s:%d)", cond, file, line);
}
