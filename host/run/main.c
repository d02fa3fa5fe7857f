// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* rktio-host: the untrusted half's commands. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/lib/json.h"
#include "host/run/client.h"
#include "host/run/gdb.h"
#include "host/run/help.h"
#include "host/run/launcher.h"
#include "host/run/resources.h"
#include "host/run/rundir.h"
#include "host/run/stats.h"

static int failed(const struct err *err)
{
	err_print(err);
	return EXIT_RKTIO_FAILED;
}

static bool wants_help(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	return false;
}

static int command_run(int argc, char **argv)
{
	struct run_config cfg;
	struct err err = {};
	int ret;

	config_init(&cfg);
	ret = limits_raise(&err) ?: config_parse(&cfg, argc - 1, argv + 1, &err) ?:
	      config_check_trust(&cfg, NULL, &err) ?: config_check_support(&cfg, &err) ?:
	      config_check_host(&cfg, &err) ?: gdb_exec(&cfg, argv - 1, &err);
	ret = ret ? failed(&err) : launcher_run(&cfg);
	config_free(&cfg);
	return ret;
}

/* NAME [FLAG]: what the small commands take. */
struct small_args {
	const char *words[2];
	int count;
	bool flag;
};

static int small_parse(struct small_args *a, int argc, char **argv, int want, const char *flag,
		       struct err *err)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (flag && !strcmp(argv[i], flag))
			a->flag = true;
		else if (argv[i][0] == '-')
			return err_set(err, E_OPTION, "there is no option '%s'", argv[i]);
		else if (a->count == want)
			return err_set(err, E_OPTION, "'%s' is too much", argv[i]);
		else
			a->words[a->count++] = argv[i];
	}
	if (a->count < want)
		return err_set(err, E_OPTION, "%s needs %s", argv[0],
			       want == 2 ? "NAME and LEVEL" : "NAME");
	return 0;
}

static int command_stats(int argc, char **argv)
{
	static char answer[CLIENT_ANSWER_MAX];
	struct rkt_stats stats = { .count = RKT_STAT_COUNT };
	struct small_args a = {};
	struct err err = {};
	char key[64], value[32];
	u32 i;

	if (small_parse(&a, argc, argv, 1, "--json", &err) ||
	    client_ask(a.words[0], "{\"cmd\":\"stats\"}", answer, &err))
		return failed(&err);
	if (a.flag) {
		puts(answer);
		return 0;
	}
	for (i = 0; i < RKT_STAT_COUNT; i++) {
		snprintf(key, sizeof(key), "%s.%s", stat_infos[i].group, stat_infos[i].name);
		if (!json_field(answer, key, value, sizeof(value)))
			stats.v[i] = strtoull(value, NULL, 10);
	}
	stats_print(stdout, &stats);
	return 0;
}

static int command_log(int argc, char **argv)
{
	static char answer[CLIENT_ANSWER_MAX];
	struct small_args a = {};
	struct err err = {};
	char *request = NULL;
	size_t size = 0;
	FILE *out;
	int ret;

	if (small_parse(&a, argc, argv, 2, NULL, &err))
		return failed(&err);
	out = open_memstream(&request, &size);
	if (!out)
		return failed((err_set_errno(&err, E_HOST, errno, "open_memstream"), &err));
	fputs("{\"cmd\":\"log\",\"level\":", out);
	json_write_string(out, a.words[1]);
	fputc('}', out);
	fclose(out);
	ret = client_ask(a.words[0], request, answer, &err);
	free(request);
	return ret ? failed(&err) : 0;
}

static int command_stop(int argc, char **argv)
{
	static char answer[CLIENT_ANSWER_MAX];
	struct small_args a = {};
	struct err err = {};

	if (small_parse(&a, argc, argv, 1, "--force", &err) ||
	    client_ask(a.words[0],
		       a.flag ? "{\"cmd\":\"shutdown\",\"force\":true}" : "{\"cmd\":\"shutdown\"}",
		       answer, &err))
		return failed(&err);
	return 0;
}

struct ps_list {
	char names[256][65];
	size_t count;
};

static void ps_collect(const char *name, void *arg)
{
	struct ps_list *list = arg;

	if (list->count < sizeof(list->names) / sizeof(list->names[0]))
		strcpy(list->names[list->count++], name);
}

/* A TEE that just ends has no answer and is left out. */
static void ps_line(const char *name, bool json)
{
	static const char *const keys[] = { "pid", "state", "vcpus", "uptime_s", "program" };
	static char answer[CLIENT_ANSWER_MAX];
	char value[5][256];
	struct err ignored = {};
	size_t i;

	if (client_ask(name, "{\"cmd\":\"info\"}", answer, &ignored))
		return;
	if (json) {
		puts(answer);
		return;
	}
	for (i = 0; i < 5; i++)
		if (json_field(answer, keys[i], value[i], sizeof(value[i])))
			strcpy(value[i], "?");
	printf("%-20s %8s %-9s %5s %8s  %s\n", name, value[0], value[1], value[2], value[3],
	       value[4]);
}

static int ps_by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int command_ps(int argc, char **argv)
{
	static struct ps_list list;
	struct small_args a = {};
	struct err err = {};
	size_t i;

	if (small_parse(&a, argc, argv, 0, "--json", &err) || rundir_each(ps_collect, &list, &err))
		return failed(&err);
	qsort(list.names, list.count, sizeof(list.names[0]), ps_by_name);
	if (!a.flag)
		printf("%-20s %8s %-9s %5s %8s  %s\n", "NAME", "PID", "STATE", "VCPUS", "SECONDS",
		       "PROGRAM");
	for (i = 0; i < list.count; i++)
		ps_line(list.names[i], a.flag);
	return 0;
}

/* A closed standard descriptor would be given to the next file opened. */
static void fill_std_fds(void)
{
	int fd = open("/dev/null", O_RDWR);

	while (fd >= 0 && fd <= STDERR_FILENO)
		fd = dup(fd);
	if (fd > STDERR_FILENO)
		close(fd);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*fn)(int argc, char **argv);
	} known[] = {
		{ "run", command_run }, { "ps", command_ps },	  { "stats", command_stats },
		{ "log", command_log }, { "stop", command_stop },
	};
	struct err err = {};
	size_t i;

	fill_std_fds();
	for (i = 0; argc >= 2 && i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].name, argv[1]))
			continue;
		if (!wants_help(argc - 1, argv + 1))
			return known[i].fn(argc - 1, argv + 1);
		help_command(stdout, command_find(argv[1]));
		return 0;
	}
	err_set(&err, E_OPTION, "rktio-host knows: run, ps, stats, log, stop");
	return failed(&err);
}
