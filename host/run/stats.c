// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/run/stats.h"

#include <errno.h>
#include <string.h>

const struct stat_info stat_infos[RKT_STAT_COUNT] = {
#define X(id, group, name, help) [RKT_STAT_##id] = { #group, #name, help },
	RKT_STATS(X)
#undef X
};

/* What this launcher knows of what the writer has. */
static u32 known(const struct rkt_stats *s)
{
	u32 count = s->count;

	return count < RKT_STAT_COUNT ? count : RKT_STAT_COUNT;
}

/* 1234567 -> 1,234,567 */
static void grouped(char *out, u64 v)
{
	char digits[32];
	int n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)v), i;

	for (i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = '\0';
}

void stats_print(FILE *out, const struct rkt_stats *s)
{
	const char *group = "";
	char value[48], name[64];
	u32 i;

	fprintf(out, "%-32s %20s  %s\n", "counter", "value", "meaning");
	for (i = 0; i < known(s); i++) {
		if (!s->v[i] && i != RKT_STAT_BOUNDARY_LIES)
			continue;
		if (strcmp(group, stat_infos[i].group) && *group)
			fputc('\n', out);
		group = stat_infos[i].group;
		grouped(value, s->v[i]);
		snprintf(name, sizeof(name), "%s.%s", group, stat_infos[i].name);
		fprintf(out, "%-32s %20s  %s\n", name, value, stat_infos[i].help);
	}
	fflush(out);
}

void stats_json_members(FILE *out, const struct rkt_stats *s)
{
	u32 i;

	fprintf(out, "\"version\":%u", s->version);
	for (i = 0; i < known(s); i++)
		fprintf(out, ",\"%s.%s\":%llu", stat_infos[i].group, stat_infos[i].name,
			(unsigned long long)s->v[i]);
}

int stats_write_file(const char *path, const struct rkt_stats *s)
{
	FILE *out = fopen(path, "we");
	int ret;

	if (!out)
		return -errno;
	fputc('{', out);
	stats_json_members(out, s);
	fputs("}\n", out);
	ret = ferror(out) ? -EIO : 0;
	return fclose(out) ? -errno : ret;
}
