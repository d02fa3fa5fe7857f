/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Ends for tests and benchmarks: sink swallows frames, echo sends them back. */
#include <stdlib.h>
#include "host/netd/dev.h"

static int sink_tx(struct backend *be, unsigned pair, struct tx_frame *f)
{
	return 0;
}

static int echo_tx(struct backend *be, unsigned pair, struct tx_frame *f)
{
	dev_rx(be->dev, &f->hdr, f->data, f->len);
	return 0;
}

static bool no_poll(struct backend *be)
{
	return false;
}

static void test_close(struct backend *be)
{
	free(be);
}

static const struct backend_ops sink_ops = {
	.name = "sink",
	.tx = sink_tx,
	.poll = no_poll,
	.close = test_close,
};

static const struct backend_ops echo_ops = {
	.name = "echo",
	.linear = true,
	.tx = echo_tx,
	.poll = no_poll,
	.close = test_close,
};

static struct backend *test_open(struct loop *loop, const struct backend_ops *ops)
{
	struct backend *be = calloc(1, sizeof(*be));

	if (be) {
		be->ops = ops;
		be->loop = loop;
	}
	return be;
}

struct backend *sink_open(struct loop *loop)
{
	return test_open(loop, &sink_ops);
}

struct backend *echo_open(struct loop *loop)
{
	return test_open(loop, &echo_ops);
}
