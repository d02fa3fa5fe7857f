// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/run/gdb.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/layout.h"
#include "host/lib/self.h"
#include "host/tee/soft.h"

#define UNDER_GDB "RKTIO_UNDER_GDB"
#define ROOT "RKTIO_GDB_ROOT" /* of rktio-gdb.py */

_Static_assert(SOFT_TICK_SIGNAL == SIGURG, "named below");
static const char *const fixed[] = {
	"gdb", "-q",
	"-ex", "set confirm off",
	"-ex", "set breakpoint pending on",
	"-ex", "handle SIGSYS SIGSEGV SIGBUS SIGILL SIGFPE SIGURG nostop noprint pass",
};

#define FIXED_COUNT (sizeof(fixed) / sizeof(fixed[0]))

/* Return: whether there are any. */
static bool kernel_symbols(const struct run_config *cfg, char *out, size_t size)
{
	char file[4096];

	snprintf(file, sizeof(file), "%s.debug", cfg->tee_image);
	if (access(file, R_OK)) {
		snprintf(out, size, "echo no symbols of the kernel: %s can't be read\\n", file);
		return false;
	}
	snprintf(out, size, "add-symbol-file %s -o %#llx", file,
		 (unsigned long long)TEE_IMAGE_BASE);
	return true;
}

/* What follows programs; it needs the kernel's symbols. */
static void program_symbols(const struct run_config *cfg, char *out, size_t size)
{
	static const char *const places[] = { "rktio-gdb.py", "host/run/rktio-gdb.py",
					      "../share/rktio/rktio-gdb.py" };
	char file[4096], *root = cfg->rootfs_dir ? realpath(cfg->rootfs_dir, NULL) : NULL;
	size_t i;

	if (root)
		setenv(ROOT, root, 0);
	free(root);
	snprintf(out, size, "echo no symbols of programs: rktio-gdb.py is missing\\n");
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (!self_sibling(file, sizeof(file), places[i]) && !access(file, R_OK)) {
			snprintf(out, size, "source %s", file);
			return;
		}
}

static size_t add(const char **args, size_t n, const char *command)
{
	args[n] = "-ex";
	args[n + 1] = command;
	return n + 2;
}

/* Commands that come through a pipe are gdb's to read: the console would take them first. */
static int leave_input_to_gdb(struct err *err)
{
	int fd, ret = 0;

	if (isatty(STDIN_FILENO))
		return 0;
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
		ret = err_set_errno(err, E_HOST, errno, "/dev/null");
	if (fd >= 0)
		close(fd);
	return ret;
}

int gdb_exec(const struct run_config *cfg, char **argv, struct err *err)
{
	char symbols[4224], programs[4224], self[4096];
	size_t argc = 0, n = 0;
	const char **args;
	bool known;
	ssize_t len;

	if (!cfg->gdb)
		return 0;
	if (getenv(UNDER_GDB))
		return leave_input_to_gdb(err);
	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (len < 0)
		return err_set_errno(err, E_HOST, errno, "/proc/self/exe");
	self[len] = 0;
	while (argv[argc])
		argc++;
	args = calloc(FIXED_COUNT + 16 + argc, sizeof(*args));
	if (!args)
		return err_set(err, E_MEMORY, "--gdb");
	for (; n < FIXED_COUNT; n++)
		args[n] = fixed[n];
	known = kernel_symbols(cfg, symbols, sizeof(symbols));
	n = add(args, n, symbols);
	n = add(args, n, "tbreak soft_enter");
	n = add(args, n, "run");
	if (known) { /* breakpoints in the image: only now it is in memory */
		program_symbols(cfg, programs, sizeof(programs));
		n = add(args, n, programs);
	}
	args[n++] = "--args";
	args[n++] = self;
	memcpy(args + n, argv + 1, (argc - 1) * sizeof(*args));
	setenv(UNDER_GDB, "1", 1);
	execvp("gdb", (char **)args);
	free(args);
	return err_set_errno(err, E_HOST, errno, "--gdb: gdb");
}
