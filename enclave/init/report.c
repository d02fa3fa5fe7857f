// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What init says to the outside: lines, the end, and the program's streams. */
#include "enclave/init/init.h"
#include "enclave/init/value.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define EXIT_RKTIO 125
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND 127

static void say(const char *code, const char *format, va_list args)
{
	char text[512];

	vsnprintf(text, sizeof(text), format, args);
	value_printable(text);
	dprintf(2, "init: %s: %s\n", code, text);
}

void init_log(const char *code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(code, format, args);
	va_end(args);
}

void init_die(const char *code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(code, format, args);
	va_end(args);
	sync();
	exit_report((struct end){ END_INIT_FAILED, 0 });
}

bool in_tee(void)
{
	struct utsname u;

	return getpid() == 1 && !uname(&u) && strstr(u.release, "-rktio");
}

static int exit_status(struct end end)
{
	switch (end.kind) {
	case END_EXITED:
		return end.value;
	case END_SIGNALED:
		return 128 + end.value;
	case END_EXEC_FAILED:
		return end.value == ENOENT || end.value == ENOTDIR ? EXIT_NOT_FOUND
								   : EXIT_NOT_EXECUTABLE;
	default:
		return EXIT_RKTIO;
	}
}

void exit_report(struct end end)
{
	static const char *const keys[] = {
		[END_EXITED] = "exit",
		[END_SIGNALED] = "signal",
		[END_EXEC_FAILED] = "exec",
		[END_INIT_FAILED] = "init",
	};
	char text[32];

	snprintf(text, sizeof(text), "%s=%d", keys[end.kind], end.value & 0xff);
	if (in_tee())
		syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
			LINUX_REBOOT_CMD_RESTART2, text);
	_exit(exit_status(end));
}

static void open_as(const char *path, int flags, int wanted)
{
	int fd = open(path, flags | O_NOCTTY);

	if (fd < 0)
		init_die("STDIO", "%s: %s", path, strerror(errno));
	if (fd == wanted)
		return;
	dup2(fd, wanted);
	close(fd);
}

void stdio_open(const struct init_config *c)
{
	if (c->stdio == STDIO_TTY) {
		open_as("/dev/hvc0", O_RDWR, 2);
		dup2(2, 0);
		dup2(2, 1);
	} else if (c->stdio == STDIO_RAW) {
		open_as("/dev/rkterr", O_WRONLY, 2);
		open_as("/dev/rktin", O_RDONLY, 0);
		open_as("/dev/rktout", O_WRONLY, 1);
	}
}
