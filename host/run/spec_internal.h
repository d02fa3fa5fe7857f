/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by spec.c, spec_disk.c and spec_nic.c only. */
#ifndef HOST_RUN_SPEC_INTERNAL_H
#define HOST_RUN_SPEC_INTERNAL_H

#include "host/run/spec.h"
#include "host/run/value.h"

#define SPEC_PARTS_MAX 16
#define SPEC_NAME_MAX 15 /* a network interface's name is no longer */
#define SOCKET_PATH_MAX 107

/* A spec cut into "[name=]head" and keys. All pointers point into text. */
struct spec {
	char *text;
	char *parts[SPEC_PARTS_MAX];
	int count;
	char *name; /* NULL: not given */
	char *head;
};

/* spec_close() is due also when spec_open() fails. */
int spec_open(struct spec *s, const char *text, struct err *err);
void spec_close(struct spec *s);

/* "prefix" alone, or "prefix" followed by an argument (the prefix then ends in ':'). */
struct spec_choice {
	const char *prefix;
	int value;
	bool takes_arg;
};

/* The value of the choice that @text is, its argument in *arg; -1: none. */
int spec_choice(const struct spec_choice *choices, const char *text, const char **arg);

struct spec_key {
	const char *name;
	bool is_flag;
	int (*set)(void *obj, const char *value, struct err *err);
};

/* Applies every key of the spec to @obj; an unknown, doubled or ill-valued one is refused. */
int spec_keys(struct spec *s, const struct spec_key *keys, void *obj, struct err *err);

#endif
