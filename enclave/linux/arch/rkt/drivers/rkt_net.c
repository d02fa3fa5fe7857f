// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netdev over enclave/nic: bring-up, back ends that come and go, polling hooks.
 * One queue pair per vCPU; rkt_net_rx.c and rkt_net_tx.c are the data path.
 */
#include <linux/cpumask.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/if_vlan.h>
#include <linux/init.h>
#include <linux/kthread.h>
#include <linux/random.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <asm/fpu/api.h>
#include <asm/stats.h>
#include <asm/timex.h>
#include "abi/hostcall.h"
#include "enclave/boundary/check.h"
#include "enclave/nic/env/env.h"
#include "rkt_net.h"
#include "rkt_net_boot.h"
#include "../kernel/rkt.h"

#define NICS_MAX 8
#define RING_SIZE 256
#define HEAP_BASE (2 << 20)
#define HEAP_PER_PAIR (1 << 20)
#define OPEN_RETRY_MS 10
#define BOOT_WAIT_MS 3000
#define RESTART_RETRY_MS 50

/* ---- what enclave/nic stands on (enclave/nic/env/env.h) ---- */

unsigned int nic_env_cpu(void)
{
	return raw_smp_processor_id();
}

u64 nic_env_cycles(void)
{
	return rkt_rdtsc();
}

u64 nic_env_random(void)
{
	return get_random_u64();
}

void nic_env_log(int level, const char *line)
{
	printk("%s%s\n", level <= 3 ? KERN_ERR "nic: " : KERN_INFO "nic: ", line);
}

/* ---- kicks and failure ---- */

void rkt_net_kick(struct rkt_nic *n, unsigned int ring)
{
	rkt_exit(TEE_EXIT_KICK, n->device, ring, 0, 0);
}

/* Context: any, also with locks held. The control thread does the rest. */
void rkt_net_failed(struct rkt_nic *n)
{
	WRITE_ONCE(n->live, false);
	wake_up_process(n->control);
}

/* ---- polling hooks (asm/rkt_poll.h) ---- */

static u32 peek_generation(const struct rkt_nic *n)
{
	return host_get32(host_addr_add(n->ctl, offsetof(struct nicdev_ctl, host.generation)));
}

static bool poller_pending(struct rkt_poller *poller, unsigned int cpu)
{
	struct rkt_nic *n = container_of(poller, struct rkt_nic, poller);
	const struct rkt_pair *p;

	if (!READ_ONCE(n->live))
		return false;
	if (!cpu && peek_generation(n) != READ_ONCE(n->generation))
		return true;
	if (cpu >= n->pairs)
		return false;
	p = &n->pair[cpu];
	if (READ_ONCE(p->tx_stopped) && (p->tx_count || nic_peek_pending(&p->tx_peek)))
		return true;
	return nic_peek_pending(&p->rx_peek);
}

static void poller_poll(struct rkt_poller *poller, unsigned int cpu, unsigned int budget)
{
	struct rkt_nic *n = container_of(poller, struct rkt_nic, poller);

	if (!cpu && peek_generation(n) != READ_ONCE(n->generation))
		wake_up_process(n->control);
	if (cpu < n->pairs)
		napi_schedule_irqoff(&n->pair[cpu].napi);
}

static void poller_want_event(struct rkt_poller *poller, unsigned int cpu, bool on)
{
	struct rkt_nic *n = container_of(poller, struct rkt_nic, poller);

	if (cpu >= n->pairs || !READ_ONCE(n->live))
		return;
	nic_peek_want_event(&n->pair[cpu].rx_peek, on);
	nic_peek_want_event(&n->pair[cpu].tx_peek, on && READ_ONCE(n->pair[cpu].tx_stopped));
}

/* ---- netdev ---- */

static struct rkt_nic *nic_of(struct net_device *dev)
{
	return *(struct rkt_nic **)netdev_priv(dev);
}

static int net_open(struct net_device *dev)
{
	struct rkt_nic *n = nic_of(dev);
	unsigned int i;

	for (i = 0; i < n->pairs; i++)
		napi_enable(&n->pair[i].napi);
	netif_tx_start_all_queues(dev);
	return 0;
}

static int net_stop(struct net_device *dev)
{
	struct rkt_nic *n = nic_of(dev);
	unsigned int i;

	netif_tx_disable(dev);
	for (i = 0; i < n->pairs; i++) {
		napi_disable(&n->pair[i].napi);
		rkt_net_tx_drop(&n->pair[i]);
	}
	return 0;
}

static void net_stats(struct net_device *dev, struct rtnl_link_stats64 *s)
{
	struct rkt_nic *n = nic_of(dev);
	unsigned int i, start;

	for (i = 0; i < n->pairs; i++) {
		const struct rkt_pair *p = &n->pair[i];
		u64 v[4];

		do {
			start = u64_stats_fetch_begin(&p->sync);
			memcpy(v, (u64[]){ p->rx_packets, p->rx_bytes, p->tx_packets, p->tx_bytes },
			       sizeof(v));
		} while (u64_stats_fetch_retry(&p->sync, start));
		s->rx_packets += v[0];
		s->rx_bytes += v[1];
		s->tx_packets += v[2];
		s->tx_bytes += v[3];
		s->rx_errors += p->rx_errors;
		s->tx_errors += p->tx_errors;
	}
}

/* Segmentation of larger packets, or of headers longer than TCP's, is the stack's business. */
static netdev_features_t features_check(struct sk_buff *skb, struct net_device *dev,
					netdev_features_t features)
{
	if (skb->encapsulation || skb_network_offset(skb) > 127)
		return features & ~(NETIF_F_CSUM_MASK | NETIF_F_GSO_MASK);
	return vlan_features_check(skb, features);
}

/* Pair n belongs to vCPU n. */
static u16 select_queue(struct net_device *dev, struct sk_buff *skb, struct net_device *sb)
{
	return raw_smp_processor_id() % dev->real_num_tx_queues;
}

static const struct net_device_ops net_ops = {
	.ndo_open = net_open,
	.ndo_stop = net_stop,
	.ndo_start_xmit = rkt_net_xmit,
	.ndo_select_queue = select_queue,
	.ndo_get_stats64 = net_stats,
	.ndo_features_check = features_check,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
};

static const char stat_names[][ETH_GSTRING_LEN] = {
	"rx_packets", "rx_bytes",	   "rx_dropped",	"tx_packets", "tx_bytes",
	"tx_full",    "rx_boundary_bytes", "tx_boundary_bytes", "kicks",      "lies",
};
static_assert(sizeof(struct nic_stats) == ARRAY_SIZE(stat_names) * sizeof(u64));

static int stat_count(struct net_device *dev, int set)
{
	return set == ETH_SS_STATS ? ARRAY_SIZE(stat_names) : -EOPNOTSUPP;
}

static void stat_strings(struct net_device *dev, u32 set, u8 *to)
{
	if (set == ETH_SS_STATS)
		memcpy(to, stat_names, sizeof(stat_names));
}

static void stat_values(struct net_device *dev, struct ethtool_stats *stats, u64 *to)
{
	kernel_fpu_begin();
	nic_stats(nic_of(dev)->nic, (struct nic_stats *)to);
	kernel_fpu_end();
}

static void driver_info(struct net_device *dev, struct ethtool_drvinfo *info)
{
	strscpy(info->driver, "rkt_net", sizeof(info->driver));
	strscpy(info->bus_info, "vhost-user", sizeof(info->bus_info));
}

static const struct ethtool_ops ethtool_ops = {
	.get_drvinfo = driver_info,
	.get_link = ethtool_op_get_link,
	.get_sset_count = stat_count,
	.get_strings = stat_strings,
	.get_ethtool_stats = stat_values,
};

static netdev_features_t netdev_features(u64 f)
{
	netdev_features_t features = NETIF_F_SG | NETIF_F_HIGHDMA | NETIF_F_GRO;

	if (f & NICDEV_F_CSUM)
		features |= NETIF_F_IP_CSUM | NETIF_F_IPV6_CSUM;
	if (f & NICDEV_F_HOST_TSO4)
		features |= NETIF_F_TSO;
	if (f & NICDEV_F_HOST_TSO6)
		features |= NETIF_F_TSO6;
	if (f & NICDEV_F_GUEST_CSUM)
		features |= NETIF_F_RXCSUM;
	return features;
}

/* ---- bring-up and control; one kernel thread per NIC ---- */

static int open_nic(struct rkt_nic *n)
{
	struct nic_config c = {
		.ctl = n->ctl,
		.mtu = ETH_DATA_LEN,
		.pairs = n->pairs,
		.ring_size = RING_SIZE,
	};
	int ret;

	ether_addr_copy(c.mac, n->dev->dev_addr);
	kernel_fpu_begin();
	ret = nic_open(&n->nic, &c);
	kernel_fpu_end();
	return ret;
}

static void learn_rings(struct rkt_nic *n)
{
	unsigned int i;

	n->pairs = nic_pairs(n->nic);
	n->failed = nic_failed(n->nic);
	n->generation = peek_generation(n);
	for (i = 0; i < n->pairs; i++) {
		nic_peek(n->nic, i, false, &n->pair[i].rx_peek);
		nic_peek(n->nic, i, true, &n->pair[i].tx_peek);
	}
}

static void go_live(struct rkt_nic *n)
{
	smp_store_release(&n->live, true);
	netif_carrier_on(n->dev);
	rkt_net_kick(n, NICDEV_KICK_CTL);
}

static int start_netdev(struct rkt_nic *n)
{
	struct net_device *dev = n->dev;
	unsigned int i;
	int ret;

	learn_rings(n);
	for (i = 0; i < n->pairs; i++) {
		n->pair[i].nic = n;
		n->pair[i].index = i;
		u64_stats_init(&n->pair[i].sync);
		netif_napi_add(dev, &n->pair[i].napi, rkt_net_poll);
	}
	netif_set_real_num_tx_queues(dev, n->pairs);
	netif_set_real_num_rx_queues(dev, n->pairs);
	dev->hw_features = dev->features = netdev_features(nic_features(n->nic));
	dev->vlan_features = dev->features;
	netif_carrier_off(dev);
	ret = register_netdev(dev);
	if (ret)
		return ret;
	rkt_poll_register(&n->poller);
	go_live(n);
	return 0;
}

/* No burst runs and none starts: NAPI off, transmit queues off. */
static void quiesce(struct rkt_nic *n)
{
	WRITE_ONCE(n->live, false);
	netif_carrier_off(n->dev);
	if (netif_running(n->dev))
		net_stop(n->dev);
}

static void revive(struct rkt_nic *n)
{
	learn_rings(n);
	if (netif_running(n->dev))
		net_open(n->dev);
	go_live(n);
}

/* One step of a NIC whose back end went, came, or lied. True when it is up again or dead. */
static bool control_step(struct rkt_nic *n)
{
	enum nic_state state;
	int ret;

	kernel_fpu_begin();
	state = nic_poll(n->nic);
	kernel_fpu_end();
	if (state == NIC_UP) {
		revive(n);
		return true;
	}
	if (state == NIC_RESTART) {
		kernel_fpu_begin();
		ret = nic_restart(n->nic);
		kernel_fpu_end();
		if (!ret) {
			revive(n);
			netdev_info(n->dev, "back end is there again\n");
			return true;
		}
	}
	if (!*n->failed)
		return false;
	kernel_fpu_begin();
	nic_poll(n->nic); /* tells the launcher */
	kernel_fpu_end();
	rkt_net_kick(n, NICDEV_KICK_CTL);
	rkt_stat_inc(BOUNDARY_DEAD);
	netdev_err(n->dev, "the host violated the protocol: device failed (-EPROTO)\n");
	return true;
}

static void control(struct rkt_nic *n)
{
	rtnl_lock();
	quiesce(n);
	rtnl_unlock();
	for (;;) {
		bool done;

		rtnl_lock();
		done = control_step(n);
		rtnl_unlock();
		if (done)
			break;
		msleep(RESTART_RETRY_MS);
	}
}

static int control_thread(void *arg)
{
	struct rkt_nic *n = arg;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (READ_ONCE(n->live) && peek_generation(n) == n->generation) {
			schedule();
			continue;
		}
		__set_current_state(TASK_RUNNING);
		control(n);
		if (*n->failed)
			break;
	}
	for (;;) { /* dead for good; rkt_net_failed() may still wake us */
		set_current_state(TASK_IDLE);
		schedule();
	}
	return 0;
}

static struct boot_nic boot_nics[NICS_MAX];
static unsigned int boot_nic_count;

bool __init rkt_net_boot_item(const void *data, u32 size)
{
	if (boot_nic_count == NICS_MAX || size != sizeof(boot_nics[0]))
		return false;
	memcpy(&boot_nics[boot_nic_count++], data, size);
	return true;
}

static DECLARE_COMPLETION(nics_open);
static atomic_t nics_waiting;

static int bring_up(void *arg)
{
	struct rkt_nic *n = arg;
	int ret;

	while ((ret = open_nic(n)) == -EAGAIN)
		msleep(OPEN_RETRY_MS);
	if (!ret)
		ret = start_netdev(n);
	if (atomic_dec_and_test(&nics_waiting))
		complete_all(&nics_open);
	if (ret) {
		pr_err("nic %u: not usable: %d\n", n->device, ret);
		return ret;
	}
	netdev_info(n->dev, "up, %u queue pairs, features %llx\n", n->pairs, nic_features(n->nic));
	return control_thread(n);
}

static int __init add_nic(const struct boot_nic *b)
{
	unsigned int pairs = min_t(unsigned int, num_possible_cpus(), NICDEV_PAIRS_MAX);
	struct net_device *dev;
	struct rkt_nic *n;

	n = kzalloc(struct_size(n, pair, pairs), GFP_KERNEL);
	dev = alloc_etherdev_mqs(sizeof(n), pairs, pairs);
	if (!n || !dev)
		return -ENOMEM;
	*(struct rkt_nic **)netdev_priv(dev) = n;
	n->dev = dev;
	n->device = b->device;
	n->pairs = pairs;
	n->ctl.va = (u64)rkt_control_at(b->ctl_offset, sizeof(struct nicdev_ctl));
	if (!CHECK_HOST(n->ctl.va))
		return -EPROTO;
	n->poller.pending = poller_pending;
	n->poller.poll = poller_poll;
	n->poller.want_event = poller_want_event;
	dev->netdev_ops = &net_ops;
	dev->ethtool_ops = &ethtool_ops;
	dev->min_mtu = NIC_MTU_MIN;
	dev->max_mtu = NIC_MTU_MAX;
	netif_set_tso_max_size(dev, 65536);
	if (memchr(b->name, 0, sizeof(b->name)) && dev_valid_name(b->name))
		strscpy(dev->name, b->name, IFNAMSIZ);
	if (is_valid_ether_addr(b->mac))
		eth_hw_addr_set(dev, b->mac);
	else
		eth_hw_addr_random(dev);
	n->control = kthread_run(bring_up, n, "rkt_net");
	return PTR_ERR_OR_ZERO(n->control);
}

static int __init start_environment(unsigned int nics)
{
	size_t size = HEAP_BASE + (size_t)HEAP_PER_PAIR * num_possible_cpus() * nics;
	void *heap = alloc_pages_exact(size, GFP_KERNEL);
	int ret;

	if (!heap)
		return -ENOMEM;
	kernel_fpu_begin();
	ret = nic_env_init(heap, size);
	kernel_fpu_end();
	return ret;
}

/* Waits a little for the back ends, so that init finds its interfaces. */
static int __init rkt_net_init(void)
{
	unsigned int i;
	int ret;

	if (!boot_nic_count)
		return 0;
	ret = start_environment(boot_nic_count);
	if (ret)
		return ret;
	atomic_set(&nics_waiting, boot_nic_count);
	for (i = 0; i < boot_nic_count; i++) {
		ret = add_nic(&boot_nics[i]);
		if (ret) {
			pr_err("nic %u: %d\n", boot_nics[i].device, ret);
			atomic_dec(&nics_waiting);
		}
	}
	wait_for_completion_timeout(&nics_open, msecs_to_jiffies(BOOT_WAIT_MS));
	return 0;
}
late_initcall(rkt_net_init);
