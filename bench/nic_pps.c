// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What hardening costs: cycles per packet in the TEE's virtio driver against DPDK's stock
 * virtio_user, same peer (librte_vhost in this process), same thread, same core.
 *
 *	nic_pps [BURSTS]
 *
 * Timed is the device under test alone, from private memory to the ring and back: stock is
 * alloc + copy + tx_burst and rx_burst + copy + free; ours is nic_tx() and nic_rx(), which do
 * the same. The peer's work between bursts is not timed. Per burst of 32 the median of BURSTS
 * (default 20000), the two drivers alternating in blocks. Uses no network and no huge pages.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <x86intrin.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_bus_vdev.h>

#include "enclave/nic/env/env.h"
#include "enclave/nic/nic.h"
#include "host/device/vhost_user.h"
#include "test/lib/boundary_arena.h"

#define BURST 32
#define RING 256
#define ROOM (RTE_PKTMBUF_HEADROOM + NIC_ROOM_SIZE)
#define BLOCK 500

static struct rte_mempool *pool;
static struct nicdev_ctl ctl;
static struct nic *nic;
static u8 frame[NICDEV_FRAME_MAX], sink[NICDEV_FRAME_MAX];
static char dir[] = "/tmp/nic_pps.XXXXXX";

/* ---- the environment of enclave/nic ---- */

unsigned int nic_env_cpu(void)
{
	return 0;
}

uint64_t nic_env_cycles(void)
{
	return __rdtsc();
}

uint64_t nic_env_random(void)
{
	return 4;
}

void nic_env_log(int level, const char *line)
{
	fprintf(stderr, "nic: %s\n", line);
}

/* ---- set-up ---- */

static void must(int bad, const char *what)
{
	if (bad) {
		fprintf(stderr, "nic_pps: %s: %d\n", what, bad);
		exit(1);
	}
}

static u16 port_start(const char *name, const char *args)
{
	struct rte_eth_conf conf = { .txmode.offloads = RTE_ETH_TX_OFFLOAD_MULTI_SEGS };
	u16 port;

	must(rte_eal_hotplug_add("vdev", name, args), name);
	must(rte_eth_dev_get_port_by_name(name, &port), name);
	must(rte_eth_dev_configure(port, 1, 1, &conf), "configure");
	must(rte_eth_rx_queue_setup(port, 0, RING, 0, NULL, pool), "rx queue");
	must(rte_eth_tx_queue_setup(port, 0, RING, 0, NULL), "tx queue");
	must(rte_eth_dev_start(port), "start");
	return port;
}

static void wait_link(u16 port)
{
	struct rte_eth_link link;
	int i;

	for (i = 0; i < 500; i++) {
		rte_eth_link_get_nowait(port, &link);
		if (link.link_status)
			return;
		usleep(10000);
	}
	must(1, "no link");
}

static u16 peer_start(unsigned int n)
{
	char name[32], args[256];

	snprintf(name, sizeof(name), "net_vhost%u", n);
	snprintf(args, sizeof(args), "iface=%s/%u,queues=1,tso=1", dir, n);
	return port_start(name, args);
}

static void stock_start(u16 *dut, u16 *peer)
{
	char args[256];

	*peer = peer_start(0);
	snprintf(args, sizeof(args), "path=%s/0,queues=1,queue_size=%u", dir, RING);
	*dut = port_start("virtio_user0", args);
	wait_link(*dut);
	wait_link(*peer);
}

static void ours_start(u16 *peer)
{
	struct nic_config c = { .ctl.va = (unsigned long)&ctl,
				.mac = { 2 },
				.mtu = 1500,
				.pairs = 1,
				.ring_size = RING };
	struct vhost_user_config vc = { 0 };
	struct vhost_user_queue q[2];
	struct vhost_user *vu;
	char path[64];
	int i;

	*peer = peer_start(1);
	test_arena_create(64 << 20);
	snprintf(path, sizeof(path), "%s/1", dir);
	vc.path = path;
	vc.arena_fd = test_arena.fd;
	vc.arena_size = test_arena.size;
	vc.arena = test_arena.base;
	must(vhost_user_new(&vu, &vc), "vhost_user_new");
	must(vhost_user_connect(vu), "vhost_user_connect");
	ctl.host = (struct nicdev_host){ .magic = NICDEV_MAGIC,
					 .generation = 1,
					 .pairs_max = 1,
					 .features = vhost_user_features(vu),
					 .ring_size_max = RING };
	must(nic_env_init(malloc(16 << 20), 16 << 20), "nic_env_init");
	must(nic_open(&nic, &c), "nic_open");
	for (i = 0; i < 2; i++)
		q[i] = (struct vhost_user_queue){ ctl.vring[i].size,
						  ctl.vring[i].desc,
						  ctl.vring[i].avail,
						  ctl.vring[i].used,
						  -1,
						  -1 };
	must(vhost_user_start(vu, ctl.tee.features, q, 2), "vhost_user_start");
	wait_link(*peer);
}

/* ---- packets in mbufs ---- */

static struct rte_mbuf *chain(u32 len, bool copy)
{
	struct rte_mbuf *m[18], *head;
	unsigned int i, n = (len + NIC_ROOM_SIZE - 1) / NIC_ROOM_SIZE;
	u32 at = 0;

	if (rte_pktmbuf_alloc_bulk(pool, m, n))
		return NULL;
	head = m[0];
	head->pkt_len = len;
	head->nb_segs = n;
	for (i = 0; i < n; i++) {
		m[i]->data_len = RTE_MIN(len - at, (u32)NIC_ROOM_SIZE);
		m[i]->next = i + 1 < n ? m[i + 1] : NULL;
		if (copy)
			memcpy(rte_pktmbuf_mtod(m[i], void *), frame + at, m[i]->data_len);
		at += m[i]->data_len;
	}
	return head;
}

static unsigned int drain(u16 port)
{
	struct rte_mbuf *m[BURST];
	unsigned int n, all = 0;

	while ((n = rte_eth_rx_burst(port, 0, m, BURST))) {
		rte_pktmbuf_free_bulk(m, n);
		all += n;
	}
	return all;
}

static void feed(u16 port, u32 len, unsigned int count)
{
	struct rte_mbuf *m[BURST];
	unsigned int n = 0, sent;

	while (n < count && (m[n] = chain(len, true)))
		n++;
	sent = rte_eth_tx_burst(port, 0, m, n);
	rte_pktmbuf_free_bulk(m + sent, n - sent);
}

/* ---- the four timed pieces: cycles, and packets in *count ---- */

static u64 stock_tx(u16 port, u32 len, unsigned int *count)
{
	struct rte_mbuf *m[BURST];
	u64 start = __rdtsc();
	unsigned int n = 0, sent;

	while (n < *count && (m[n] = chain(len, true)))
		n++;
	sent = rte_eth_tx_burst(port, 0, m, n);
	start = __rdtsc() - start;
	rte_pktmbuf_free_bulk(m + sent, n - sent);
	*count = sent;
	return start;
}

static u64 stock_rx(u16 port, u32 len, unsigned int *count)
{
	struct rte_mbuf *m[BURST], *s;
	u64 start = __rdtsc();
	unsigned int i, n = rte_eth_rx_burst(port, 0, m, BURST);

	for (i = 0; i < n; i++) {
		u8 *to = sink;

		for (s = m[i]; s; s = s->next) {
			memcpy(to, rte_pktmbuf_mtod(s, void *), s->data_len);
			to += s->data_len;
		}
	}
	rte_pktmbuf_free_bulk(m, n);
	*count = n;
	return __rdtsc() - start;
}

static u64 ours_tx(u16 port, u32 len, unsigned int *count)
{
	struct nic_seg seg = { frame, len };
	struct nic_packet p[BURST];
	u64 start = __rdtsc();
	unsigned int i;

	for (i = 0; i < *count; i++)
		p[i] = (struct nic_packet){ .segs = &seg, .seg_count = 1, .len = len };
	*count = nic_tx(nic, 0, p, *count);
	nic_tx_kick_needed(nic, 0);
	return __rdtsc() - start;
}

static int room(void *ctx, u32 len, const struct nic_offload *off, struct nic_seg *segs,
		unsigned int max)
{
	segs[0] = (struct nic_seg){ sink, len };
	return 1;
}

static u64 ours_rx(u16 port, u32 len, unsigned int *count)
{
	u64 start = __rdtsc();

	*count = nic_rx(nic, 0, BURST, room, NULL);
	return __rdtsc() - start;
}

/* ---- measuring ---- */

struct series {
	u32 *cycles; /* per packet, times 16 */
	unsigned int n;
};

static int by_value(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

static double median(struct series *s)
{
	must(!s->n, "nothing was measured");
	qsort(s->cycles, s->n, sizeof(s->cycles[0]), by_value);
	return s->cycles[s->n / 2] / 16.0;
}

static void block(struct series *s, bool tx, u16 dut, u16 peer, u32 len, unsigned int burst,
		  u64 (*piece)(u16, u32, unsigned int *))
{
	unsigned int i, count;
	u64 cycles;

	for (i = 0; i < BLOCK; i++) {
		count = burst;
		if (!tx)
			feed(peer, len, burst);
		cycles = piece(dut, len, &count);
		if (tx) {
			drain(peer);
		} else {
			unsigned int rest = count;

			while (rest)
				piece(dut, len, &rest);
		}
		if (count)
			s->cycles[s->n++] = cycles * 16 / count;
	}
}

static void compare(const char *name, bool tx, u32 len, unsigned int bursts, u16 stock, u16 peer0,
		    u16 peer1)
{
	unsigned int burst = len > 4096 ? 8 : BURST, i;
	struct series a = { calloc(bursts + BLOCK, 4), 0 }, b = { calloc(bursts + BLOCK, 4), 0 };
	double ca, cb;

	for (i = 0; i < bursts; i += BLOCK) {
		block(&a, tx, stock, peer0, len, burst, tx ? stock_tx : stock_rx);
		block(&b, tx, 0, peer1, len, burst, tx ? ours_tx : ours_rx);
	}
	ca = median(&a);
	cb = median(&b);
	printf("%-8s %6u B  stock %8.1f  ours %8.1f cycles/packet  rate %5.1f %% of stock\n", name,
	       len, ca, cb, 100 * ca / cb);
	fflush(stdout);
	free(a.cycles);
	free(b.cycles);
}

int main(int argc, char **argv)
{
	char prefix[64];
	char *eal[] = { argv[0],    "--no-huge",      "-m",	     "256",
			"--no-pci", "--no-telemetry", "--no-shconf", "--lcores",
			"0@0",	    "--log-level",    "4",	     "--file-prefix",
			prefix };
	unsigned int bursts = argc > 1 ? atoi(argv[1]) : 20000, i;
	static const u32 len[] = { 64, 1500, 9000, 65000 };
	u16 stock, peer0, peer1;
	char cmd[160];

	snprintf(prefix, sizeof(prefix), "nic_pps%d", getpid());
	must(!mkdtemp(dir), "mkdtemp");
	must(rte_eal_init(sizeof(eal) / sizeof(eal[0]), eal) < 0, "rte_eal_init");
	pool = rte_pktmbuf_pool_create("pps", 16383, 256, 0, ROOM, 0);
	must(!pool, "pool");
	stock_start(&stock, &peer0);
	ours_start(&peer1);
	for (i = 0; i < 4; i++) {
		compare("transmit", true, len[i], bursts, stock, peer0, peer1);
		compare("receive", false, len[i], bursts, stock, peer0, peer1);
	}
	printf("lies %lu\n", boundary_lies);
	rte_eal_cleanup();
	snprintf(cmd, sizeof(cmd), "rm -rf %s /run/dpdk/%s", dir, prefix);
	return system(cmd) ? 1 : 0;
}
