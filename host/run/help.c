// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/run/help.h"

#include <string.h>

#define HELP_COLUMN 30

void help_option_name(char out[OPTION_NAME_MAX], const struct opt *o)
{
	char letter[] = { '-', o->letter, ',', ' ', 0 };
	const char *open = !o->arg ? "" : o->arg_optional ? "[=" : " ";

	snprintf(out, OPTION_NAME_MAX, "%s--%s%s%s%s", o->letter ? letter : "", o->name, open,
		 o->arg ? o->arg : "", o->arg && o->arg_optional ? "]" : "");
}

static void help_option(FILE *out, const struct opt *o)
{
	char name[OPTION_NAME_MAX];

	help_option_name(name, o);
	fprintf(out, "  %s%-*s", o->letter ? "" : "    ", HELP_COLUMN - (o->letter ? 0 : 4), name);
	if (strlen(name) + (o->letter ? 0 : 4) >= HELP_COLUMN)
		fprintf(out, "\n  %-*s", HELP_COLUMN, "");
	fprintf(out, " %s", o->help);
	if (o->def)
		fprintf(out, " [%s]", o->def);
	fputc('\n', out);
}

static void help_tune(FILE *out)
{
	fputs("\nKeys of --tune:\n", out);
#define X(field, lo, hi, def, help) \
	fprintf(out, "  %-14s %s, %s to %s [%s]\n", #field, help, #lo, #hi, #def);
	TUNE_KEYS(X)
#undef X
}

void help_command(FILE *out, const struct command *cmd)
{
	size_t i;

	fprintf(out, "usage: rktio %s %s\n%s\n", cmd->name, cmd->usage, cmd->man);
	if (strcmp(cmd->name, "run"))
		return;
	fputc('\n', out);
	for (i = 0; i < run_opt_count; i++)
		if (!run_opts[i].file_only)
			help_option(out, &run_opts[i]);
	help_tune(out);
	fputs("\nExit status: the program's own; 128+n when signal n ended it; 125 rktio failed;\n"
	      "126 the program cannot be executed; 127 it was not found.\n",
	      out);
}
