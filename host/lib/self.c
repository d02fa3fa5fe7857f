// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/lib/self.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int self_sibling(char *path, size_t size, const char *name)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	if (n < 0)
		return -errno;
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (!slash || (size_t)(slash + 1 - path) + strlen(name) >= size)
		return -ENAMETOOLONG;
	strcpy(slash + 1, name);
	return 0;
}
