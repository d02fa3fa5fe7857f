// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/run/commands.h"

#include <string.h>

const struct command commands[] = {
	{ .name = "run",
	  .usage = "[OPTIONS] [IMAGE] -- PROGRAM [ARGS...]",
	  .help = "run a program in a TEE",
	  .man = "Starts a TEE with IMAGE (or a tree) as its root file system, runs PROGRAM in "
		 "it and ends when it ends. The program's standard streams are this command's." },
	{ .name = "ps",
	  .usage = "[--json]",
	  .help = "list the running TEEs",
	  .man = "Name, process id, state and program of each TEE of this user." },
	{ .name = "stats",
	  .usage = "NAME [--json]",
	  .help = "print the counters of a running TEE",
	  .man = "The names are those of abi/stats.h and never change." },
	{ .name = "log",
	  .usage = "NAME LEVEL",
	  .help = "change a running TEE's log level",
	  .man = "LEVEL is err, warn, info or debug." },
	{ .name = "stop",
	  .usage = "NAME [--force]",
	  .help = "end a running TEE",
	  .man = "The program gets SIGTERM; with --force the TEE is torn down at once." },
	{ .name = "pack",
	  .owner = true,
	  .usage = "DIR -o IMG [--size SIZE] [--force]",
	  .help = "pack a directory tree into a root image",
	  .man = "Makes an ext4 image that holds the tree, files owned by root. Needs no "
		 "privileges." },
};

const size_t command_count = sizeof(commands) / sizeof(commands[0]);

const struct command *command_find(const char *name)
{
	size_t i;

	for (i = 0; i < command_count; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

void help_commands(FILE *out)
{
	size_t i;

	fputs("usage: rktio COMMAND ...\n"
	      "Runs unmodified Linux programs in a trusted execution environment.\n\n",
	      out);
	for (i = 0; i < command_count; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
	fputs("\n`rktio COMMAND --help` tells more; `rktio --version` prints the version.\n", out);
}
