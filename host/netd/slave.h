/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The back end's half of the vhost-user protocol: what each message does to a device.
 *
 * No sockets here, so that tests and the fuzzer feed messages directly. Messages are hostile:
 * any order, any content, any descriptors.
 */
#ifndef HOST_NETD_SLAVE_H
#define HOST_NETD_SLAVE_H

#include "host/device/vu_msg.h"
#include "host/netd/dev.h"

/**
 * slave_handle - carry out one message
 * @dev:   the device that the connection belongs to
 * @msg:   complete message; descriptors that are kept are set to -1 in it, the caller closes
 *         the others
 * @reply: filled in if the return value is 1
 *
 * A request that fails is answered with a non-zero REPLY_ACK if the front end asked for one;
 * without it the connection is of no more use, since the front end would go on believing.
 *
 * Return: 1 when reply is to be sent, 0 when there is none, a negative errno when the
 * connection must be dropped.
 */
int slave_handle(struct dev *dev, struct vu_msg *msg, struct vu_msg *reply);

#endif
