/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is on the far side of a device: user-mode network, tap, link, or a test's end.
 *
 * A backend belongs to one device and is called by the loop's thread only.
 */
#ifndef HOST_NETD_BACKEND_H
#define HOST_NETD_BACKEND_H

#include <sys/uio.h>
#include "host/netd/frame.h"
#include "host/netd/loop.h"

struct dev;
struct backend;
struct options_net;

/* One frame from the guest. The header is private and was checked against len. */
struct tx_frame {
	net_hdr hdr;
	u8 *data; /* private copy, if the backend asked for one; it may change it */
	const struct iovec *iov; /* else: in guest memory, may change at any time */
	unsigned iov_count;
	u32 len;
};

struct backend_ops {
	const char *name;
	bool linear; /* wants tx_frame.data */
	/*
	 * Takes a frame. Return 0 when it is done with (sent or dropped), -EAGAIN when the
	 * device shall offer it again after dev_tx_resume().
	 */
	int (*tx)(struct backend *be, unsigned pair, struct tx_frame *f);
	/* Brings frames to the guest; bounded; returns whether there were any. */
	bool (*poll)(struct backend *be);
	/* Like loop_client.prepare_sleep. */
	bool (*prepare_sleep)(struct backend *be, int *timeout_ms);
	/* The negotiated features changed (0 while no front end is there). */
	void (*set_features)(struct backend *be, u64 features);
	void (*close)(struct backend *be);
};

struct backend {
	const struct backend_ops *ops;
	struct dev *dev;
	struct loop *loop;
};

/*
 * Each opens its kind of backend. pairs is the number of queue pairs wanted. On failure they
 * log why and return NULL.
 */
struct backend *slirp_open(struct loop *loop, const struct options_net *opt);
struct backend *tap_open(struct loop *loop, const struct options_net *opt, unsigned pairs);
struct backend *link_open(struct loop *loop, const struct options_net *opt);
struct backend *sink_open(struct loop *loop);
struct backend *echo_open(struct loop *loop);

#endif
