/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Opening the two images of a run: the root and the TEE's own. */
#ifndef HOST_RUN_IMAGE_H
#define HOST_RUN_IMAGE_H

#include "host/run/config.h"

struct root_image {
	int fd;
	u64 size;
	bool writable;
};

/**
 * root_image_open - open IMAGE, or pack --rootfs-dir into an unlinked temporary file
 *
 * Tells images apart by magic and sets cfg->image_kind. A writable image is locked
 * against a second TEE; one that may not be written is opened read-only. Forks when it
 * packs: call it before threads exist.
 *
 * Return: 0, or -errno with E_IMAGE, E_ROOTFS or E_TOOL.
 */
int root_image_open(struct run_config *cfg, struct root_image *image, struct err *err);

/* Opens the TEE image and checks that it is a static-PIE x86-64 ELF. Return: fd or -errno. */
int tee_image_open(const struct run_config *cfg, struct err *err);

#endif
