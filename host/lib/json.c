// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/lib/json.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

void json_write_string(FILE *out, const char *text)
{
	const unsigned char *p;

	fputc('"', out);
	for (p = (const unsigned char *)text; *p; p++) {
		if (*p == '"' || *p == '\\')
			fprintf(out, "\\%c", *p);
		else if (*p < 0x20 || *p >= 0x7f)
			fprintf(out, "\\u%04x", *p);
		else
			fputc(*p, out);
	}
	fputc('"', out);
}

/* A text that is being read, and where what is read goes (size 0: nowhere). */
struct scan {
	const char *p;
	bool bad, big;
};

static void blanks(struct scan *s)
{
	s->p += strspn(s->p, " \t\r\n");
}

static void put(struct scan *s, char *out, size_t size, size_t *n, char c)
{
	if (*n + 1 < size)
		out[(*n)++] = c;
	else if (size)
		s->big = true;
}

/* What follows a backslash; only code points below 256 are known. */
static int escape(struct scan *s)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	const char *at;
	unsigned int v;
	int used = 0;

	if (*s->p == 'u') {
		if (strspn(s->p + 1, "0123456789abcdefABCDEF") < 4 ||
		    sscanf(s->p + 1, "%4x%n", &v, &used) != 1 || used != 4 || !v || v > 255)
			return -1;
		s->p += 5;
		return v;
	}
	at = *s->p ? strchr(names, *s->p) : NULL;
	if (!at)
		return -1;
	s->p++;
	return (unsigned char)values[at - names];
}

static void string(struct scan *s, char *out, size_t size)
{
	size_t n = 0;
	int c;

	s->p++;
	while (*s->p != '"') {
		if ((unsigned char)*s->p < 0x20) {
			s->bad = true;
			return;
		}
		c = (unsigned char)*s->p++;
		if (c == '\\')
			c = escape(s);
		if (c < 0) {
			s->bad = true;
			return;
		}
		put(s, out, size, &n, c);
	}
	s->p++;
	if (size)
		out[n] = '\0';
}

static void word(struct scan *s, char *out, size_t size)
{
	size_t n = 0;

	if (!isalnum((unsigned char)*s->p) && *s->p != '-')
		s->bad = true;
	while (isalnum((unsigned char)*s->p) || (*s->p && strchr("+-.", *s->p)))
		put(s, out, size, &n, *s->p++);
	if (size)
		out[n] = '\0';
}

static void expect(struct scan *s, char c)
{
	blanks(s);
	if (*s->p == c)
		s->p++;
	else
		s->bad = true;
}

static bool member(struct scan *s, const char *key, char *out, size_t size)
{
	char name[64];
	bool match;

	blanks(s);
	if (*s->p != '"') {
		s->bad = true;
		return false;
	}
	string(s, name, sizeof(name));
	match = !s->bad && !s->big && !strcmp(name, key);
	s->big = false; /* a long name is only not ours */
	expect(s, ':');
	blanks(s);
	if (s->bad)
		return false;
	if (*s->p == '"')
		string(s, out, match ? size : 0);
	else
		word(s, out, match ? size : 0);
	return match;
}

int json_field(const char *line, const char *key, char *out, size_t size)
{
	struct scan s = { .p = line };
	bool found = false;

	expect(&s, '{');
	blanks(&s);
	if (*s.p == '}')
		s.p++;
	else
		while (!s.bad) {
			found |= member(&s, key, out, found ? 0 : size);
			blanks(&s);
			if (*s.p != ',') {
				expect(&s, '}');
				break;
			}
			s.p++;
		}
	blanks(&s);
	if (s.bad || *s.p)
		return -EINVAL;
	if (s.big)
		return -E2BIG;
	return found ? 0 : -ENOENT;
}
