// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * rktio: finds out which half a command belongs to and becomes that program. It
 * does nothing else, so that the owner's half never shares a process with the host's.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/lib/err.h"
#include "host/lib/self.h"
#include "host/run/commands.h"

static int become(const struct command *cmd, char **argv)
{
	const char *half = cmd->owner ? "rktio-owner" : "rktio-host";
	struct err err = {};
	char path[PATH_MAX];

	if (!self_sibling(path, sizeof(path), half))
		execv(path, argv);
	err_set_errno(&err, E_HOST, errno, "%s", half);
	err_print(&err);
	return EXIT_RKTIO_FAILED;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	const struct command *cmd = command_find(word);
	struct err err = {};

	if (cmd)
		return become(cmd, argv);
	if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help")) {
		help_commands(stdout);
		return 0;
	}
	if (!strcmp(word, "--version")) {
		puts("rktio " RKTIO_VERSION);
		return 0;
	}
	err_set(&err, E_OPTION,
		*word ? "there is no command '%s' (rktio --help)"
		      : "a command is missing (rktio --help)%s",
		word);
	err_print(&err);
	return EXIT_RKTIO_FAILED;
}
