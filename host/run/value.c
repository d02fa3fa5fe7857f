// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/run/value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PAGE_SIZE 4096
#define NAME_LEN_MAX 64

/* Reads leading digits; returns what follows them, NULL on overflow or no digit. */
static const char *digits(u64 *out, const char *p)
{
	u64 v = 0;

	if (!isdigit((unsigned char)*p))
		return NULL;
	for (; isdigit((unsigned char)*p); p++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *p - '0', &v))
			return NULL;
	*out = v;
	return p;
}

int value_number(u64 *out, const char *text, u64 min, u64 max, struct err *err)
{
	const char *end;
	u64 v = 0;

	end = digits(&v, text);
	if (!end || *end || v < min || v > max)
		return err_set(err, E_OPTION,
			       "'%s' is not a whole number from %" PRIu64 " to %" PRIu64, text, min,
			       max);
	*out = v;
	return 0;
}

int value_uint(u32 *out, const char *text, u64 min, u64 max, struct err *err)
{
	u64 v = 0;
	int ret = value_number(&v, text, min, max, err);

	if (!ret)
		*out = v;
	return ret;
}

/* The power of two of a unit, or -1. */
static int unit_shift(const char *unit)
{
	static const char letters[] = "KMGT";
	const char *at;

	if (!*unit)
		return 0;
	at = strchr(letters, toupper((unsigned char)*unit));
	if (!at || (unit[1] && strcasecmp(unit + 1, "B") && strcasecmp(unit + 1, "iB")))
		return -1;
	return 10 * (at - letters + 1);
}

int value_size(u64 *out, const char *text, u64 min, u64 max, struct err *err)
{
	const char *unit;
	int shift;
	u64 v = 0;

	unit = digits(&v, text);
	shift = unit ? unit_shift(unit) : -1;
	if (shift < 0 || (shift && v >> (64 - shift)))
		return err_set(err, E_OPTION, "'%s' is not a size such as 512M or 2G", text);
	v <<= shift;
	if (v < min || v > max)
		return err_set(err, E_OPTION, "'%s' is outside %" PRIu64 "M to %" PRIu64 "M", text,
			       min >> 20, max >> 20);
	if (v % PAGE_SIZE)
		return err_set(err, E_OPTION, "'%s' is not a multiple of 4 KiB", text);
	*out = v;
	return 0;
}

int value_bool(bool *out, const char *text, struct err *err)
{
	if (!text || !strcmp(text, "true"))
		*out = true;
	else if (!strcmp(text, "false"))
		*out = false;
	else
		return err_set(err, E_OPTION, "'%s' is neither true nor false", text);
	return 0;
}

int value_choice(u32 *out, const char *text, const char *const *choices, struct err *err)
{
	char all[256] = "";
	u32 i;

	for (i = 0; choices[i]; i++) {
		if (!strcmp(choices[i], text)) {
			*out = i;
			return 0;
		}
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? ", " : "",
			 choices[i]);
	}
	return err_set(err, E_OPTION, "'%s' is none of %s", text, all);
}

int value_string(char **out, const char *text, struct err *err)
{
	char *copy;

	if (!*text)
		return err_set(err, E_OPTION, "the value is empty");
	copy = strdup(text);
	if (!copy)
		return err_set_errno(err, E_HOST, ENOMEM, "strdup");
	free(*out);
	*out = copy;
	return 0;
}

int value_append(char ***list, size_t *count, const char *text, struct err *err)
{
	char **grown = reallocarray(*list, *count + 2, sizeof(**list));
	char *copy = strdup(text);

	if (grown)
		*list = grown;
	if (!grown || !copy) {
		free(copy);
		return err_set_errno(err, E_HOST, ENOMEM, "strdup");
	}
	grown[(*count)++] = copy;
	grown[*count] = NULL;
	return 0;
}

static bool plain_part(const char *part, size_t len)
{
	return len && !(len == 1 && part[0] == '.') &&
	       !(len == 2 && part[0] == '.' && part[1] == '.');
}

int value_abs_path(char **out, const char *text, struct err *err)
{
	const char *part = text + 1;
	size_t len;

	if (text[0] != '/')
		return err_set(err, E_OPTION, "'%s' is not an absolute path", text);
	while (*part) {
		len = strcspn(part, "/");
		if (!plain_part(part, len))
			return err_set(err, E_OPTION, "'%s' has an empty, . or .. part", text);
		part += len + (part[len] == '/');
	}
	return value_string(out, text, err);
}

int cwd_set(struct run_config *cfg, const char *text, struct err *err)
{
	return value_abs_path(&cfg->cwd, text, err);
}

int tune_set(struct run_config *cfg, const char *text, struct err *err)
{
	const char *eq = strchr(text, '=');

	if (!eq)
		return err_set(err, E_OPTION, "'%s' is not KEY=VALUE", text);
#define X(field, lo, hi, def, help)                                                    \
	if (strlen(#field) == (size_t)(eq - text) && !memcmp(text, #field, eq - text)) \
		return value_number(&cfg->tune.field, eq + 1, lo, hi, err);
	TUNE_KEYS(X)
#undef X
	return err_set(err, E_OPTION, "there is no tuning key '%.*s'", (int)(eq - text), text);
}

bool name_valid(const char *name)
{
	const char *p;

	if (!isalnum((unsigned char)name[0]) || strlen(name) > NAME_LEN_MAX)
		return false;
	for (p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			return false;
	return true;
}

int name_set(struct run_config *cfg, const char *text, struct err *err)
{
	if (!name_valid(text))
		return err_set(err, E_OPTION,
			       "'%s' is not a name (letters, digits, . _ -, at most %d)", text,
			       NAME_LEN_MAX);
	return value_string(&cfg->name, text, err);
}

int env_add(struct run_config *cfg, const char *text, struct err *err)
{
	const char *eq = strchr(text, '=');
	size_t i, key_len = eq ? (size_t)(eq - text) + 1 : 0;

	if (key_len < 2)
		return err_set(err, E_OPTION, "'%s' is not KEY=VALUE", text);
	for (i = 0; i < cfg->env_count; i++)
		if (!strncmp(cfg->env[i], text, key_len))
			return value_string(&cfg->env[i], text, err);
	return value_append(&cfg->env, &cfg->env_count, text, err);
}
