// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/run/config.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/lib/self.h"
#include "host/run/config_file.h"
#include "host/run/options.h"
#include "host/run/spec.h"
#include "host/run/value.h"

#define TEE_IMAGE_INSTALLED "/usr/lib/rktio/rktio.tee"

void config_init(struct run_config *cfg)
{
	struct err err = {};
	size_t i;

	memset(cfg, 0, sizeof(*cfg));
#define X(field, lo, hi, def, help) cfg->tune.field = def;
	TUNE_KEYS(X)
#undef X
	for (i = 0; i < run_opt_count; i++)
		if (run_opts[i].def && opt_set(cfg, &run_opts[i], run_opts[i].def, &err))
			abort(); /* the table contradicts itself */
	cfg->given = 0;
}

static void free_list(char **list, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		free(list[i]);
	free(list);
}

void config_free(struct run_config *cfg)
{
	size_t i;

	for (i = 0; i < cfg->disk_count; i++)
		disk_spec_free(&cfg->disks[i]);
	for (i = 0; i < cfg->nic_count; i++)
		nic_spec_free(&cfg->nics[i]);
	for (i = 0; i < cfg->port_count; i++)
		free(cfg->ports[i].host_addr);
	free(cfg->disks);
	free(cfg->nics);
	free(cfg->ports);
	free_list(cfg->env, cfg->env_count);
	free_list(cfg->argv, cfg->argc);
	free(cfg->name);
	free(cfg->stats_file);
	free(cfg->tee_image);
	free(cfg->rootfs_dir);
	free(cfg->image);
	free(cfg->cwd);
	memset(cfg, 0, sizeof(*cfg));
}

/* The command line, cut but not yet applied: the configuration file comes first. */
struct cmdline {
	const char *config_file;
	const char *image;
	char **program; /* NULL: no -- */
	int program_count;
};

/* An option's value: after '=', or the next word. Advances *at over the latter. */
static int option_value(const struct opt *o, const char *attached, int argc, char **argv, int *at,
			const char **value, struct err *err)
{
	*value = attached;
	if (!o->arg) {
		if (attached)
			return err_set(err, E_OPTION, "--%s takes no value", o->name);
		return 0;
	}
	if (attached || o->arg_optional)
		return 0;
	if (*at + 1 >= argc || !strcmp(argv[*at + 1], "--"))
		return err_set(err, E_OPTION, "--%s needs a value (%s)", o->name, o->arg);
	*value = argv[++*at];
	return 0;
}

/* Finds what a word that begins with '-' names, and what is attached to it. */
static const struct opt *option_named(const char *word, const char **attached)
{
	size_t len;

	*attached = NULL;
	if (word[1] != '-') {
		if (word[2])
			*attached = word + 2;
		return opt_find_letter(word[1]);
	}
	len = strcspn(word + 2, "=");
	if (word[2 + len])
		*attached = word + 2 + len + 1;
	return opt_find(word + 2, len);
}

static int option_word(struct run_config *cfg, struct cmdline *line, int argc, char **argv, int *at,
		       u64 *seen, struct err *err)
{
	const char *attached, *value;
	const struct opt *o = option_named(argv[*at], &attached);
	u64 bit;
	int ret;

	if (!o || o->file_only)
		return err_set(err, E_OPTION, "there is no option '%s'", argv[*at]);
	ret = option_value(o, attached, argc, argv, at, &value, err);
	if (ret)
		return ret;
	bit = 1ull << (o - run_opts);
	if (!o->repeat && *seen & bit)
		return err_set(err, E_OPTION, "--%s is given twice", o->name);
	*seen |= bit;
	if (o->type == OPT_CONFIG)
		line->config_file = value;
	return cfg && o->type != OPT_CONFIG ? opt_set(cfg, o, value, err) : 0;
}

/* One pass over the words; with @cfg NULL it only checks their shape and finds --config. */
static int scan(struct run_config *cfg, struct cmdline *line, int argc, char **argv,
		struct err *err)
{
	u64 seen = 0;
	int i, ret = 0;

	memset(line, 0, sizeof(*line));
	for (i = 0; !ret && i < argc; i++) {
		if (!strcmp(argv[i], "--")) {
			line->program = argv + i + 1;
			line->program_count = argc - i - 1;
			break;
		}
		if (argv[i][0] == '-' && argv[i][1])
			ret = option_word(cfg, line, argc, argv, &i, &seen, err);
		else if (line->image)
			ret = err_set(err, E_OPTION,
				      "'%s' is a second IMAGE; the program comes after --",
				      argv[i]);
		else
			line->image = argv[i];
	}
	return ret;
}

static int apply_positional(struct run_config *cfg, const struct cmdline *line, struct err *err)
{
	int i, ret = 0;

	if (line->image)
		ret = opt_set(cfg, opt_find("image", 5), line->image, err);
	if (ret || !line->program)
		return ret;
	free_list(cfg->argv, cfg->argc);
	cfg->argv = NULL;
	cfg->argc = 0;
	for (i = 0; !ret && i < line->program_count; i++)
		ret = opt_set(cfg, opt_find("program", 7), line->program[i], err);
	return ret;
}

static int default_strings(struct run_config *cfg, struct err *err)
{
	char text[PATH_MAX];
	int ret = 0;

	if (!cfg->name) {
		snprintf(text, sizeof(text), "tee-%d", (int)getpid());
		ret = value_string(&cfg->name, text, err);
	}
	if (!ret && !cfg->tee_image) {
		if (self_sibling(text, sizeof(text), "rktio.tee") || access(text, F_OK))
			strcpy(text, TEE_IMAGE_INSTALLED);
		ret = value_string(&cfg->tee_image, text, err);
	}
	return ret;
}

static int check_nics(const struct run_config *cfg, struct err *err)
{
	size_t i, users = 0;

	for (i = 0; i < cfg->nic_count; i++) {
		users += cfg->nics[i].kind == NIC_USER;
		if (cfg->tee != TEE_SOFT && cfg->nics[i].protect == PROTECT_UNSET)
			return err_set(err, E_OPTION,
				       "--nic: '%s' must state protect= outside --tee soft",
				       cfg->nics[i].name);
	}
	if (cfg->port_count && users != 1)
		return err_set(err, E_OPTION, "-p needs exactly one '--nic user', there are %zu",
			       users);
	return 0;
}

static int check_disks(const struct run_config *cfg, struct err *err)
{
	size_t i, k;

	for (i = 0; i < cfg->disk_count; i++) {
		if (!config_host_decides(cfg) &&
		    (cfg->disks[i].key == KEY_FILE || cfg->disks[i].key == KEY_PROMPT))
			return err_set(err, E_TRUST,
				       "--disk: key=file: and key=prompt would show the key of "
				       "'%s' to the host outside --tee soft",
				       cfg->disks[i].name);
		for (k = 0; cfg->disks[i].mount && k < i; k++)
			if (cfg->disks[k].mount &&
			    !strcmp(cfg->disks[i].mount, cfg->disks[k].mount))
				return err_set(err, E_OPTION, "--disk: two disks on '%s'",
					       cfg->disks[i].mount);
	}
	return 0;
}

static int check_whole(const struct run_config *cfg, struct err *err)
{
	if (cfg->image && cfg->rootfs_dir)
		return err_set(err, E_OPTION, "IMAGE and --rootfs-dir exclude each other");
	if (!cfg->image && !cfg->rootfs_dir)
		return err_set(err, E_OPTION, "no root: give IMAGE or --rootfs-dir DIR");
	if (cfg->argc && !*cfg->argv[0])
		return err_set(err, E_OPTION, "the program's name is empty");
	return check_disks(cfg, err) ?: check_nics(cfg, err);
}

int config_parse(struct run_config *cfg, int argc, char **argv, struct err *err)
{
	struct cmdline line;
	int ret;

	ret = scan(NULL, &line, argc, argv, err);
	if (!ret && line.config_file)
		ret = config_file_read(cfg, line.config_file, err);
	if (!ret)
		ret = scan(cfg, &line, argc, argv, err);
	return ret ?: apply_positional(cfg, &line, err) ?: default_strings(cfg, err) ?:
		      check_whole(cfg, err);
}
