/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The little languages of --disk, --nic and -p (grammar: docs/cli.md).
 *
 * Each function appends one parsed entry to the config or leaves it unchanged.
 * Nothing is opened here.
 */
#ifndef HOST_RUN_SPEC_H
#define HOST_RUN_SPEC_H

#include "host/run/config.h"

int disk_add(struct run_config *cfg, const char *spec, struct err *err);
int nic_add(struct run_config *cfg, const char *spec, struct err *err);
int port_add(struct run_config *cfg, const char *spec, struct err *err);

void disk_spec_free(struct disk_spec *disk);
void nic_spec_free(struct nic_spec *nic);

/**
 * spec_split - cut a spec at its unescaped commas
 * @text:  changed: \, becomes a comma, \\ a backslash, cuts become NULs
 * @parts: set to the beginnings
 * @max:   count of @parts
 *
 * Return: count of parts, or -E2BIG, or -EINVAL for another escape or an empty part.
 */
int spec_split(char *text, char **parts, size_t max);

/* A PCI address, DDDD:BB:DD.F or BB:DD.F. */
bool pci_address_valid(const char *text);

#endif
