/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one table of options. Command line, configuration file, --help, the man
 * page and docs/cli.md all read it; nothing about an option is written twice.
 */
#ifndef HOST_RUN_OPTIONS_H
#define HOST_RUN_OPTIONS_H

#include "host/run/config.h"

enum opt_type {
	OPT_FLAG, /* bool at offset; takes no value, in a file true/false */
	OPT_UINT, /* u32 at offset, within min..max */
	OPT_SIZE, /* u64 at offset, bytes with suffix, whole pages, within min..max */
	OPT_ENUM, /* u32 at offset, index into choices */
	OPT_STRING, /* char * at offset, not empty */
	OPT_CUSTOM, /* set() does it */
	OPT_CONFIG, /* names the configuration file: command line only, sets nothing itself */
};

enum opt_trust { OPT_HOST, OPT_TRUSTED };

struct opt {
	const char *name; /* long name and configuration key */
	char letter; /* short form, 0: none */
	const char *arg; /* what --help calls the value; NULL: takes none */
	enum opt_type type;
	enum opt_trust trust;
	bool repeat; /* may be given again: adds */
	bool arg_optional; /* only as --name=VALUE */
	bool file_only; /* a key of the file that is not an option */
	const char *def; /* shown and applied; NULL: none */
	const char *help; /* one line */
	const char *man; /* further sentences */
	size_t offset;
	u64 min, max;
	const char *const *choices;
	int (*set)(struct run_config *cfg, const char *value, struct err *err);
};

extern const struct opt run_opts[];
extern const size_t run_opt_count;

/* NULL when there is none of that name. */
const struct opt *opt_find(const char *name, size_t len);
const struct opt *opt_find_letter(char letter);

bool opt_given(const struct run_config *cfg, const char *name);

/**
 * opt_set - give one option a value
 * @value: NULL for a flag or an optional value that was left out
 *
 * Return: 0, or -errno with @err naming the option.
 */
int opt_set(struct run_config *cfg, const struct opt *o, const char *value, struct err *err);

#endif
