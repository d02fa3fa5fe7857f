/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Capture of all frames of a device, both directions, in the classic pcap format.
 *
 * It shows what the host sees; a test scans it for plaintext. GSO frames are stored whole, as
 * they cross the boundary, with the checksum field as it was then.
 */
#ifndef HOST_NETD_PCAP_H
#define HOST_NETD_PCAP_H

#include <sys/uio.h>
#include "abi/types.h"

struct pcap;

/* Appends if the file exists (a restarted netd goes on). Return: NULL and errno on failure. */
struct pcap *pcap_open(const char *path);

/* Stores the len bytes behind the first skip bytes of iov. Errors end the capture, logged once. */
void pcap_write(struct pcap *p, const struct iovec *iov, unsigned count, u32 skip, u32 len);

/* Hands buffered frames to the kernel. */
void pcap_flush(struct pcap *p);
void pcap_close(struct pcap *p);

#endif
