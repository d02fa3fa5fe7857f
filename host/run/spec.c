// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What --disk and --nic share: cutting, names, key=value. */
#include "host/run/spec_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int spec_split(char *text, char **parts, size_t max)
{
	char *in = text, *out = text;
	size_t count = 1;

	parts[0] = text;
	for (; *in; in++) {
		if (*in == '\\') {
			in++;
			if (*in != ',' && *in != '\\')
				return -EINVAL;
			*out++ = *in;
			continue;
		}
		if (*in != ',') {
			*out++ = *in;
			continue;
		}
		if (count == max)
			return -E2BIG;
		if (out == parts[count - 1])
			return -EINVAL;
		*out++ = '\0';
		parts[count++] = out;
	}
	*out = '\0';
	return out == parts[count - 1] ? -EINVAL : (int)count;
}

bool pci_address_valid(const char *text)
{
	static const char *const shapes[] = { "xxxx:xx:xx.x", "xx:xx.x" };
	size_t i, k;

	for (i = 0; i < 2; i++) {
		if (strlen(text) != strlen(shapes[i]))
			continue;
		for (k = 0; text[k]; k++)
			if (shapes[i][k] == 'x' ? !isxdigit((unsigned char)text[k])
						: text[k] != shapes[i][k])
				return false;
		return text[k - 1] < '8'; /* functions are 0 to 7 */
	}
	return false;
}

/* The length of a leading "NAME=", without the '='; 0 when there is none. */
static size_t name_prefix(const char *head)
{
	size_t n = 0;

	while (isalnum((unsigned char)head[n]) || head[n] == '_' || head[n] == '-')
		n++;
	return n && head[n] == '=' ? n : 0;
}

int spec_open(struct spec *s, const char *text, struct err *err)
{
	size_t len;

	s->text = strdup(text);
	if (!s->text)
		return err_set_errno(err, E_HOST, ENOMEM, "strdup");
	s->count = spec_split(s->text, s->parts, SPEC_PARTS_MAX);
	if (s->count < 0)
		return err_set(
			err, E_OPTION, "'%s': %s", text,
			s->count == -E2BIG
				? "too many parts"
				: "an empty part or a \\ that stands before neither , nor \\");
	s->name = NULL;
	s->head = s->parts[0];
	len = name_prefix(s->head);
	if (len > SPEC_NAME_MAX)
		return err_set(err, E_OPTION, "the name in '%s' is longer than %d bytes", s->head,
			       SPEC_NAME_MAX);
	if (len) {
		s->head[len] = '\0';
		s->name = s->head;
		s->head += len + 1;
	}
	return 0;
}

void spec_close(struct spec *s)
{
	free(s->text);
}

int spec_choice(const struct spec_choice *choices, const char *text, const char **arg)
{
	size_t i, len;

	for (i = 0; choices[i].prefix; i++) {
		len = strlen(choices[i].prefix);
		if (strncmp(text, choices[i].prefix, len))
			continue;
		if (!choices[i].takes_arg && text[len])
			continue;
		*arg = text + len;
		return choices[i].value;
	}
	return -1;
}

int spec_keys(struct spec *s, const struct spec_key *keys, void *obj, struct err *err)
{
	u64 seen = 0;
	size_t k, len;
	char *value;
	int i, ret;

	for (i = 1; i < s->count; i++) {
		len = strcspn(s->parts[i], "=");
		value = s->parts[i][len] ? s->parts[i] + len + 1 : NULL;
		s->parts[i][len] = '\0';
		for (k = 0; keys[k].name && strcmp(keys[k].name, s->parts[i]); k++)
			;
		if (!keys[k].name)
			return err_set(err, E_OPTION, "there is no key '%s'", s->parts[i]);
		if (seen & 1ull << k)
			return err_set(err, E_OPTION, "'%s' is given twice", keys[k].name);
		seen |= 1ull << k;
		if (keys[k].is_flag ? !!value : !value || !*value)
			return err_set(err, E_OPTION, "'%s' %s", keys[k].name,
				       keys[k].is_flag ? "takes no value" : "needs a value");
		ret = keys[k].set(obj, value, err);
		if (ret)
			return ret;
	}
	return 0;
}
