// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* DMA memory from the heap, for test programs without a device. */
#include "enclave/boundary/dma.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int dma_alloc(struct dma_buf *buf, size_t size, size_t align)
{
	void *p;

	size = (size + 4095) & ~(size_t)4095;
	if (posix_memalign(&p, align < 4096 ? 4096 : align, size))
		return -ENOMEM;
	memset(p, 0, size);
	buf->addr.va = (unsigned long)p;
	buf->iova = buf->addr.va;
	buf->size = size;
	return 0;
}

void dma_free(struct dma_buf *buf)
{
	free(host_bytes(buf->addr));
	memset(buf, 0, sizeof(*buf));
}
