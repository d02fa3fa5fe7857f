/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The commands of rktio, for the dispatcher, --help and the documents. */
#ifndef HOST_RUN_COMMANDS_H
#define HOST_RUN_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct command {
	const char *name;
	bool owner; /* lives in rktio-owner, the trusted offline half */
	const char *usage; /* what follows the name */
	const char *help; /* one line */
	const char *man; /* further sentences */
};

extern const struct command commands[];
extern const size_t command_count;

/* NULL when there is none of that name. */
const struct command *command_find(const char *name);

void help_commands(FILE *out); /* rktio --help */

#endif
