// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What nvmed can't do any more once it serves. argv[1]: nvmed, argv[2]: escape.so, argv[3]: a folder on a disk. */
#include "test/lib/tap.h"
#include "test/nvme/host.h"
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const attempts[] = { "open",	  "open-old",  "socket",	"connect",
					"execve", "kill",      "unshare",	"ring-setup",
					"prctl",  "ring-open", "ring-register", "ring-socket" };
#define ATTEMPTS (sizeof(attempts) / sizeof(attempts[0]))

static struct host h;

/* nvmed with escape.so in it carries out one command; what escape.so wrote is in text. */
static int attack(const char **argv, const char *option, char *text, size_t size)
{
	int saved = dup(STDERR_FILENO), err;
	char path[100];
	ssize_t n;
	int fd;

	host_open(&h, argv[1], argv[3]);
	snprintf(path, sizeof(path), "%s/said", h.dir);
	fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	dup2(fd, STDERR_FILENO);
	setenv("LD_PRELOAD", argv[2], 1);
	host_spawn(&h, "--disk", host_disk(&h, "disk", 1 << 20), option, NULL);
	unsetenv("LD_PRELOAD");
	dup2(saved, STDERR_FILENO);
	close(saved);
	err = host_up(&h);
	memset(host_data(&h), 0x5a, 4096);
	if (!err)
		err = host_io(&h, 0, NVME_IO_WRITE, 0, 0, 8, 0, true);
	n = pread(fd, text, size - 1, 0);
	text[n > 0 ? n : 0] = 0;
	close(fd);
	return err;
}

static bool said(const char *text, const char *name, const char *verdict)
{
	char line[80];

	snprintf(line, sizeof(line), "escape: %s %s\n", name, verdict);
	return strstr(text, line);
}

static bool status_has(const char *line)
{
	char path[64], text[4096] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", h.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	return strstr(text, line);
}

static void test_jailed(const char **argv)
{
	char text[4096], name[64];
	int err = attack(argv, NULL, text, sizeof(text));

	tap_case(!err, "serves-behind-the-attempts", "error %d: %s", err, text);
	tap_case(status_has("NoNewPrivs:\t1\n") && status_has("Seccomp:\t2\n"), "is-sandboxed",
		 "/proc says otherwise");
	for (u32 i = 0; i < ATTEMPTS; i++) {
		snprintf(name, sizeof(name), "refused-%s", attempts[i]);
		tap_case(said(text, attempts[i], "refused"), name, "%s", text);
	}
	host_down(&h);
	host_close(&h);
}

/* The same without: else the attempts above might fail for a reason of their own. */
static void test_free(const char **argv)
{
	char text[4096];
	int err = attack(argv, "--no-sandbox", text, sizeof(text));

	tap_case(!err && said(text, "open", "possible") && said(text, "socket", "possible") &&
			 said(text, "execve", "possible") && said(text, "kill", "possible"),
		 "possible-without-sandbox", "error %d: %s", err, text);
	tap_case(said(text, "ring-open", "refused") && said(text, "ring-socket", "refused"),
		 "ring-is-always-restricted", "%s", text);
	host_down(&h);
	host_close(&h);
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: %s NVMED ESCAPE.SO DIR\n", argv[0]);
		return 2;
	}
	test_jailed((const char **)argv);
	test_free((const char **)argv);
	return tap_end();
}
