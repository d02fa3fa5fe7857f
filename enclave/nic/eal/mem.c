// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* DPDK's allocator interface on the private heap. Nothing from here is ever told to a device. */
#include <string.h>

#include <rte_eal_paging.h>
#include <rte_malloc.h>
#include <rte_memory.h>

#include "enclave/nic/env/env.h"

void *rte_malloc_socket(const char *type, size_t size, unsigned int align, int socket)
{
	return size ? nic_heap_alloc(size, align) : NULL;
}

void *rte_malloc(const char *type, size_t size, unsigned int align)
{
	return rte_malloc_socket(type, size, align, SOCKET_ID_ANY);
}

void *rte_zmalloc_socket(const char *type, size_t size, unsigned int align, int socket)
{
	void *p = rte_malloc_socket(type, size, align, socket);

	if (p)
		memset(p, 0, size);
	return p;
}

void *rte_zmalloc(const char *type, size_t size, unsigned int align)
{
	return rte_zmalloc_socket(type, size, align, SOCKET_ID_ANY);
}

void rte_free(void *p)
{
	nic_heap_free(p);
}

int rte_malloc_heap_socket_is_external(int socket)
{
	return 0;
}

/* Private memory has no device address, whoever asks. */
rte_iova_t rte_mem_virt2iova(const void *p)
{
	return RTE_BAD_IOVA;
}

struct rte_memseg *rte_mem_virt2memseg(const void *p, const struct rte_memseg_list *msl)
{
	return NULL;
}

struct rte_memseg_list *rte_mem_virt2memseg_list(const void *p)
{
	return NULL;
}

int rte_memseg_list_walk(rte_memseg_list_walk_t func, void *arg)
{
	return 0;
}

unsigned int rte_memory_get_nchannel(void)
{
	return 1;
}

unsigned int rte_memory_get_nrank(void)
{
	return 1;
}

size_t rte_mem_page_size(void)
{
	return 4096;
}

/* "Huge pages" mean to DPDK: ask nobody about page boundaries. */
int rte_eal_has_hugepages(void)
{
	return 1;
}
