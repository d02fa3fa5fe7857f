// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/run/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "host/run/options.h"

#define FILE_SIZE_MAX (1 << 20)

struct reader {
	struct run_config *cfg;
	const char *path;
	yaml_parser_t parser;
	yaml_event_t event; /* the current one; deleted by the next next_event() */
	struct err *err;
};

static int fail(struct reader *r, const char *what, const char *detail)
{
	return err_set(r->err, E_CONFIG, "%s:%zu: %s%s%s", r->path, r->event.start_mark.line + 1,
		       what, detail ? " " : "", detail ?: "");
}

static int next_event(struct reader *r)
{
	yaml_event_delete(&r->event);
	if (!yaml_parser_parse(&r->parser, &r->event))
		return err_set(r->err, E_CONFIG, "%s:%zu: %s", r->path,
			       r->parser.problem_mark.line + 1, r->parser.problem ?: "is not YAML");
	if (r->event.type == YAML_ALIAS_EVENT)
		return fail(r, "aliases are not allowed", NULL);
	return 0;
}

static int expect(struct reader *r, yaml_event_type_t type, const char *what)
{
	int ret = next_event(r);

	if (!ret && r->event.type != type)
		ret = fail(r, "expected", what);
	return ret;
}

/* The current event as text; NULL when it is no plain scalar. */
static const char *scalar(struct reader *r)
{
	const char *text = (const char *)r->event.data.scalar.value;

	if (r->event.type != YAML_SCALAR_EVENT || r->event.data.scalar.tag ||
	    strlen(text) != r->event.data.scalar.length)
		return NULL;
	return text;
}

static int apply(struct reader *r, const struct opt *o, const char *value)
{
	struct err inner = {};
	int ret = opt_set(r->cfg, o, value, &inner);

	if (ret)
		err_set(r->err, inner.code, "%s:%zu: %s", r->path, r->event.start_mark.line + 1,
			inner.text);
	return ret;
}

static int apply_scalar(struct reader *r, const struct opt *o)
{
	const char *value = scalar(r);

	if (!value)
		return fail(r, "expected a plain value for", o->name);
	if (o->arg_optional && !strcmp(value, "true"))
		value = NULL;
	else if (o->arg_optional && !strcmp(value, "false"))
		return 0;
	return apply(r, o, value);
}

static int apply_sequence(struct reader *r, const struct opt *o)
{
	int ret;

	while (!(ret = next_event(r)) && r->event.type != YAML_SEQUENCE_END_EVENT) {
		ret = apply_scalar(r, o);
		if (ret)
			return ret;
	}
	return ret;
}

/* "KEY: VALUE" below env or tune, the same as KEY=VALUE. */
static int apply_pair(struct reader *r, const struct opt *o)
{
	const char *text = scalar(r);
	char *key, *pair = NULL;
	int ret;

	if (!text)
		return fail(r, "expected a plain key below", o->name);
	key = strdup(text);
	ret = key ? next_event(r) : err_set_errno(r->err, E_HOST, ENOMEM, "strdup");
	if (!ret && !scalar(r))
		ret = fail(r, "expected a plain value for", key);
	if (!ret && asprintf(&pair, "%s=%s", key, scalar(r)) < 0)
		ret = err_set_errno(r->err, E_HOST, ENOMEM, "asprintf");
	if (!ret)
		ret = apply(r, o, pair);
	free(pair);
	free(key);
	return ret;
}

static int apply_mapping(struct reader *r, const struct opt *o)
{
	int ret;

	while (!(ret = next_event(r)) && r->event.type != YAML_MAPPING_END_EVENT) {
		ret = apply_pair(r, o);
		if (ret)
			return ret;
	}
	return ret;
}

static bool takes_pairs(const struct opt *o)
{
	return !strcmp(o->name, "env") || !strcmp(o->name, "tune");
}

static int read_value(struct reader *r, const struct opt *o)
{
	int ret = next_event(r);

	if (ret)
		return ret;
	if (r->event.type == YAML_SEQUENCE_START_EVENT && o->repeat)
		return apply_sequence(r, o);
	if (r->event.type == YAML_MAPPING_START_EVENT && takes_pairs(o))
		return apply_mapping(r, o);
	return apply_scalar(r, o);
}

static int read_key(struct reader *r, u64 *seen)
{
	const char *key = scalar(r);
	const struct opt *o = key ? opt_find(key, strlen(key)) : NULL;
	u64 bit;

	if (!o || o->type == OPT_CONFIG)
		return fail(r, "there is no setting", key ?: "of that kind");
	bit = 1ull << (o - run_opts);
	if (*seen & bit)
		return fail(r, "given twice:", o->name);
	*seen |= bit;
	return read_value(r, o);
}

static int read_document(struct reader *r)
{
	u64 seen = 0;
	int ret;

	ret = expect(r, YAML_STREAM_START_EVENT, "a file") ?:
	      expect(r, YAML_DOCUMENT_START_EVENT, "one document") ?:
	      expect(r, YAML_MAPPING_START_EVENT, "a mapping of settings");
	if (ret)
		return ret;
	while (!(ret = next_event(r)) && r->event.type != YAML_MAPPING_END_EVENT) {
		ret = read_key(r, &seen);
		if (ret)
			return ret;
	}
	return ret ?: expect(r, YAML_DOCUMENT_END_EVENT, "the end of the document") ?:
		      expect(r, YAML_STREAM_END_EVENT, "one document only");
}

static FILE *open_file(const char *path, struct err *err)
{
	/* O_NONBLOCK: a FIFO must be refused, not waited for. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
	struct stat st;

	if (!file || fstat(fd, &st)) {
		err_set_errno(err, E_CONFIG, errno, "%s", path);
		goto out_close;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_SIZE_MAX) {
		err_set(err, E_CONFIG, "%s: not a regular file of at most 1 MiB", path);
		goto out_close;
	}
	return file;
out_close:
	if (file)
		fclose(file);
	else if (fd >= 0)
		close(fd);
	return NULL;
}

int config_file_read(struct run_config *cfg, const char *path, struct err *err)
{
	struct reader r = { .cfg = cfg, .path = path, .err = err };
	FILE *file = open_file(path, err);
	int ret;

	if (!file)
		return -EINVAL;
	if (!yaml_parser_initialize(&r.parser)) {
		fclose(file);
		return err_set_errno(err, E_HOST, ENOMEM, "yaml_parser_initialize");
	}
	yaml_parser_set_input_file(&r.parser, file);
	ret = read_document(&r);
	yaml_event_delete(&r.event);
	yaml_parser_delete(&r.parser);
	fclose(file);
	return ret;
}
