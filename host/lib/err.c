// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/lib/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const names[] = { [ERR_NONE] = "E_NONE",
#define X(code, meaning, remedy) [code] = #code,
				     ERR_CODES(X)
#undef X
};

const char *err_code_name(enum err_code code)
{
	return names[code];
}

static void err_vset(struct err *err, enum err_code code, int errnum, const char *fmt, va_list ap)
{
	size_t used;

	if (err->code != ERR_NONE)
		return;
	err->code = code;
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	used = strlen(err->text);
	if (errnum)
		snprintf(err->text + used, sizeof(err->text) - used, ": %s", strerror(errnum));
}

int err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_vset(err, code, 0, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

int err_set_errno(struct err *err, enum err_code code, int errnum, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_vset(err, code, errnum, fmt, ap);
	va_end(ap);
	return -errnum;
}

size_t err_clean(char *out, size_t size, const char *text, size_t text_size)
{
	static const char hex[] = "0123456789abcdef";
	size_t i, n = 0;

	for (i = 0; i < text_size && n + 4 <= size; i++) {
		unsigned char c = text[i];

		if (c >= 0x20 && c != 0x7f) {
			out[n++] = c;
			continue;
		}
		out[n++] = '\\';
		out[n++] = 'x';
		out[n++] = hex[c >> 4];
		out[n++] = hex[c & 15];
	}
	return n;
}

void err_print(const struct err *err)
{
	char line[4 * ERR_TEXT_MAX + 64];
	size_t n = snprintf(line, 64, "rktio: %s: ", names[err->code]);

	n += err_clean(line + n, sizeof(line) - n - 1, err->text, strlen(err->text));
	line[n++] = '\n';
	/* One write: the line stays whole when several processes share standard error. */
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}
