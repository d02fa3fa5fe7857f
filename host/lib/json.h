/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* As much JSON as the control socket needs: one flat object per line. */
#ifndef HOST_LIB_JSON_H
#define HOST_LIB_JSON_H

#include <stdio.h>

/* Writes a string with its quotes; bytes outside printable ASCII as escapes (Latin-1). */
void json_write_string(FILE *out, const char *text);

/**
 * json_field - find a member of a flat object
 * @line: one object, members are strings, numbers, true, false or null
 * @key:  member to find
 * @out:  set to its text: a string without quotes and escapes, else as it stands
 *
 * The whole line is checked, so a malformed one is refused whatever member is asked for.
 * Return: 0, -ENOENT when there is no such member, -EINVAL when the line is no flat
 * object, -E2BIG when @out is too small.
 */
int json_field(const char *line, const char *key, char *out, size_t size);

#endif
