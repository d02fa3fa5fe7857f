/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef HOST_RUN_CONFIG_FILE_H
#define HOST_RUN_CONFIG_FILE_H

#include "host/run/config.h"

/**
 * config_file_read - apply a YAML file of options
 *
 * One mapping; the keys are the long option names and `image`, `program`. An option
 * that may be repeated takes one value or a list; env and tune also take a mapping.
 * Unknown and doubled keys, aliases, tags and second documents are refused, each with
 * its line. Files above 1 MiB are refused.
 *
 * Return: 0, or -errno with @err set (E_CONFIG, or the code of the value's parser).
 */
int config_file_read(struct run_config *cfg, const char *path, struct err *err);

#endif
