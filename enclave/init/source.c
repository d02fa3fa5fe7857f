// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "enclave/init/init.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define SOURCE_MAX (1024 * 1024)
#define PROMPT_MAX 512

static void read_file(const char *path, const char *what, char **data, size_t *size)
{
	char *buf = malloc(SOURCE_MAX + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (!buf || fd < 0)
		init_die("CONFIG", "%s: %s: %s", what, path, strerror(errno));
	*size = 0;
	while ((n = read(fd, buf + *size, SOURCE_MAX + 1 - *size)) > 0)
		*size += n;
	if (n < 0 || *size > SOURCE_MAX)
		init_die("CONFIG", "%s: %s: %s", what, path, n < 0 ? strerror(errno) : "too big");
	close(fd);
	buf[*size] = 0;
	*data = buf;
}

static void read_prompt(const char *what, char **data, size_t *size)
{
	struct termios old, quiet;
	bool tty = !tcgetattr(0, &old);
	char *buf = malloc(PROMPT_MAX + 1);
	ssize_t n;

	if (!buf)
		init_die("CONFIG", "%s: no memory", what);
	dprintf(2, "Key for %s: ", what);
	if (tty) {
		quiet = old;
		quiet.c_lflag &= ~ECHO;
		tcsetattr(0, TCSAFLUSH, &quiet);
	}
	n = read(0, buf, PROMPT_MAX);
	if (tty) {
		tcsetattr(0, TCSAFLUSH, &old);
		dprintf(2, "\n");
	}
	if (n <= 0)
		init_die("KEY", "%s: no key was typed", what);
	if (buf[n - 1] == '\n')
		n--;
	buf[n] = 0;
	*data = buf;
	*size = n;
}

static void copy_blob(const struct blob_config *b, char **data, size_t *size)
{
	*data = malloc(b->size + 1);
	if (!*data)
		init_die("CONFIG", "%s: no memory", b->name);
	memcpy(*data, b->data, b->size);
	(*data)[b->size] = 0;
	*size = b->size;
}

void source_read(const struct init_config *c, const struct source *s, const char *what, char **data,
		 size_t *size)
{
	if (s->prompt)
		read_prompt(what, data, size);
	else if (s->blob)
		copy_blob(config_blob(c, s->blob), data, size);
	else
		read_file(s->file, what, data, size);
}
