/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * QEMU's NVMe controller without a guest: registers through the qtest socket,
 * DMA memory is a file that QEMU uses as the machine's RAM. The machine's only
 * processor executes HLT.
 */
#ifndef TEST_NVME_QTEST_H
#define TEST_NVME_QTEST_H

#include "enclave/nvme/nvme.h"
#include <sys/types.h>

struct qtest {
	struct nvme_transport transport;
	char dir[64];
	pid_t pid;
	int sock;
	bool gone; /* the socket broke: every read is ones, as of a device that left */
};

/* True if there is a QEMU with the device. */
bool qtest_available(void);

/*
 * Starts QEMU with these further arguments (NULL ends) and finds the device at
 * 00:03.0. "@" in an argument stands for the test's directory. The arena of
 * boundary_arena.h is the machine's RAM afterwards. Return: 0 or -1.
 */
int qtest_start(struct qtest *t, const char *const *args);

/* Ends QEMU in order, so that its disks are written. The directory stays. */
void qtest_stop(struct qtest *t);

/* Makes, then removes the directory. */
void qtest_open(struct qtest *t);
void qtest_close(struct qtest *t);

#endif
