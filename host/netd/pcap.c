/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "host/netd/log.h"
#include "host/netd/pcap.h"

#define PCAP_MAGIC_NS 0xa1b23c4d
#define LINKTYPE_ETHERNET 1
#define SNAP_LEN 262144

struct pcap {
	FILE *file;
	bool failed;
};

struct file_header {
	u32 magic;
	u16 major, minor;
	u32 zone, sigfigs, snap_len, link_type;
};
ABI_SIZE(struct file_header, 24);

struct record_header {
	u32 sec, nsec, stored, len;
};
ABI_SIZE(struct record_header, 16);

struct pcap *pcap_open(const char *path)
{
	const struct file_header h = {
		.magic = PCAP_MAGIC_NS,
		.major = 2,
		.minor = 4,
		.snap_len = SNAP_LEN,
		.link_type = LINKTYPE_ETHERNET,
	};
	struct pcap *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->file = fopen(path, "ae");
	if (!p->file)
		goto free_pcap;
	if (fseek(p->file, 0, SEEK_END) || ftell(p->file) > 0)
		return p; /* goes on after a restart */
	if (fwrite(&h, sizeof(h), 1, p->file) != 1 || fflush(p->file))
		goto close_file;
	return p;

close_file:
	fclose(p->file);
free_pcap:
	free(p);
	return NULL;
}

static void check_error(struct pcap *p)
{
	if (!ferror(p->file) || p->failed)
		return;
	p->failed = true;
	log_error("PCAP", "capture ends: %s", strerror(errno));
}

void pcap_write(struct pcap *p, const struct iovec *iov, unsigned count, u32 skip, u32 len)
{
	struct timespec ts;
	struct record_header r;

	if (p->failed)
		return;
	clock_gettime(CLOCK_REALTIME, &ts);
	r = (struct record_header){ ts.tv_sec, ts.tv_nsec, len, len };
	fwrite(&r, sizeof(r), 1, p->file);
	for (unsigned i = 0; i < count && len; i++) {
		size_t n = iov[i].iov_len;

		if (skip >= n) {
			skip -= n;
			continue;
		}
		n -= skip;
		if (n > len)
			n = len;
		fwrite((u8 *)iov[i].iov_base + skip, 1, n, p->file);
		skip = 0;
		len -= n;
	}
	check_error(p);
}

void pcap_flush(struct pcap *p)
{
	fflush(p->file);
	check_error(p);
}

void pcap_close(struct pcap *p)
{
	if (!p)
		return;
	fclose(p->file);
	free(p);
}
