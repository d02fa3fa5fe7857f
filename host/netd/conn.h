/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The connection of one device with its front end, and how it comes back after either side died.
 */
#ifndef HOST_NETD_CONN_H
#define HOST_NETD_CONN_H

#include "host/device/vu_msg.h"
#include "host/netd/dev.h"
#include "host/netd/loop.h"

enum conn_mode {
	CONN_LISTEN, /* we own the socket file; front ends come and go, one at a time */
	CONN_CONNECT, /* we try until somebody listens there, again after each loss */
	CONN_FD, /* inherited; when it ends, netd ends */
};

struct conn {
	struct loop_source listener; /* CONN_LISTEN */
	struct loop_source sock;
	struct loop_source timer; /* CONN_CONNECT: next attempt */
	enum conn_mode mode;
	const char *path;
	unsigned retry_ms;
	struct vu_rx rx;
	struct dev *dev;
	struct loop *loop;
	bool owns_path;
};

/**
 * conn_open - start to serve a device
 * @path: of the socket, for CONN_LISTEN and CONN_CONNECT
 * @fd:   for CONN_FD; taken over
 *
 * CONN_LISTEN: a socket file that nobody listens on any more is replaced; a live one is
 * -EADDRINUSE. The file is created with mode 0600.
 *
 * Return: 0 or a negative errno, already logged.
 */
int conn_open(struct conn *c, struct loop *loop, struct dev *dev, enum conn_mode mode,
	      const char *path, int fd);

/* Ends the connection and removes the socket file that conn_open() made. */
void conn_close(struct conn *c);

#endif
