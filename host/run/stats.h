/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Showing abi/stats.h. The counters come from the TEE's window: any value is possible. */
#ifndef HOST_RUN_STATS_H
#define HOST_RUN_STATS_H

#include <stdio.h>

#include "abi/stats.h"

/* X-macro data as an array, index = enum rkt_stat. */
struct stat_info {
	const char *group, *name, *help;
};

extern const struct stat_info stat_infos[RKT_STAT_COUNT];

/* Every counter that is not 0, and boundary.lies always. */
void stats_print(FILE *out, const struct rkt_stats *s);

/* "version":1,"entry.start":0,... without braces. */
void stats_json_members(FILE *out, const struct rkt_stats *s);

/* Writes one JSON object to a file. Return: 0, or -errno. */
int stats_write_file(const char *path, const struct rkt_stats *s);

#endif
