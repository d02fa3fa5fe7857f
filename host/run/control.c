// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The commands of the control socket. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/lib/json.h"
#include "host/run/service.h"
#include "host/run/stats.h"
#include "host/run/value.h"

static void refuse(FILE *out, const char *why)
{
	fputs("{\"ok\":false,\"error\":", out);
	json_write_string(out, why);
	fputc('}', out);
}

static void cmd_info(struct launcher *l, const char *line, FILE *out)
{
	struct launcher_private *p = l->private;
	struct timespec now;
	bool attached;

	pthread_mutex_lock(&p->lock);
	attached = p->ops;
	pthread_mutex_unlock(&p->lock);
	clock_gettime(CLOCK_MONOTONIC, &now);
	fputs("{\"ok\":true,\"name\":", out);
	json_write_string(out, p->cfg->name);
	fprintf(out, ",\"pid\":%d,\"tee\":\"%s\",\"vcpus\":%u,\"memory_bytes\":%llu", (int)getpid(),
		tee_kind_name(p->cfg->tee), p->cfg->vcpus, (unsigned long long)p->cfg->memory_size);
	fprintf(out, ",\"uptime_s\":%lld,\"state\":\"%s\",\"program\":",
		(long long)(now.tv_sec - p->started.tv_sec),
		p->ends_seen || p->force_signal ? "ending"
		: attached			? "running"
						: "starting");
	json_write_string(out, p->cfg->argc ? p->cfg->argv[0] : "");
	fputc('}', out);
}

static void cmd_stats(struct launcher *l, const char *line, FILE *out)
{
	struct rkt_stats stats;

	if (!service_stats(l, &stats)) {
		refuse(out, "there are no counters yet");
		return;
	}
	fputs("{\"ok\":true,", out);
	stats_json_members(out, &stats);
	fputc('}', out);
}

static void cmd_log(struct launcher *l, const char *line, FILE *out)
{
	static const char *const levels[] = { "err", "warn", "info", "debug", NULL };
	struct launcher_private *p = l->private;
	struct err ignored = {};
	char text[16];
	u32 level;

	if (json_field(line, "level", text, sizeof(text)) ||
	    value_choice(&level, text, levels, &ignored)) {
		refuse(out, "level is none of err, warn, info, debug");
		return;
	}
	atomic_store(&p->log, level);
	pthread_mutex_lock(&p->lock);
	if (p->ops && p->ops->log)
		p->ops->log(p->ctx, level);
	pthread_mutex_unlock(&p->lock);
	fputs("{\"ok\":true}", out);
}

static void cmd_shutdown(struct launcher *l, const char *line, FILE *out)
{
	char text[8] = "false";
	int ret = json_field(line, "force", text, sizeof(text));

	if ((ret && ret != -ENOENT) || (strcmp(text, "true") && strcmp(text, "false"))) {
		refuse(out, "force is neither true nor false");
		return;
	}
	service_end(l, SIGTERM, text[0] == 't');
	fputs("{\"ok\":true}", out);
}

void control_answer(struct launcher *l, const char *line, FILE *out)
{
	static const struct {
		const char *name;
		void (*fn)(struct launcher *l, const char *line, FILE *out);
	} known[] = {
		{ "info", cmd_info },
		{ "stats", cmd_stats },
		{ "log", cmd_log },
		{ "shutdown", cmd_shutdown },
	};
	char name[32];
	size_t i;
	int ret = json_field(line, "cmd", name, sizeof(name));

	if (ret == -EINVAL) {
		refuse(out, "not a flat JSON object");
		return;
	}
	for (i = 0; !ret && i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].name, name)) {
			known[i].fn(l, line, out);
			return;
		}
	refuse(out, "no such cmd");
}
