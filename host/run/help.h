/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Everything that is written from the tables: --help, man pages, docs/. */
#ifndef HOST_RUN_HELP_H
#define HOST_RUN_HELP_H

#include <stdio.h>

#include "host/run/commands.h"
#include "host/run/options.h"

void help_command(FILE *out, const struct command *cmd); /* rktio CMD --help */

/* "-m, --memory SIZE" */
#define OPTION_NAME_MAX 160
void help_option_name(char out[OPTION_NAME_MAX], const struct opt *o);

#endif
