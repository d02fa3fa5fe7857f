/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guest's side for netd's tests: an arena in a memfd, split rings in it, a plain driver,
 * and netd as a child process that is handed the other end of the connection.
 */
#ifndef TEST_NETD_GUEST_H
#define TEST_NETD_GUEST_H

#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <stdio.h>
#include <sys/types.h>
#include "abi/types.h"
#include "host/device/vhost_user.h"

typedef struct virtio_net_hdr_mrg_rxbuf net_hdr;

#define BIT(n) (1ull << (n))
#define GUEST_PAIRS_MAX 4
#define GUEST_NUM 256
#define GUEST_TX_ROOM 69632 /* a whole GSO frame */
#define GUEST_FRAME_MAX 70000
#define GUEST_FEATURES                                                                    \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_NET_F_CSUM) | \
	 BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4) |                     \
	 BIT(VIRTIO_NET_F_HOST_TSO6) | BIT(VIRTIO_NET_F_GUEST_TSO4) |                     \
	 BIT(VIRTIO_NET_F_GUEST_TSO6))

struct gqueue {
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	u16 num, avail_idx, used_seen;
	u32 room; /* bytes per buffer */
	u64 buffers; /* offset of the first one */
	u64 guest_base;
	u16 in_flight;
	int kick, call;
	bool event_idx; /* VIRTIO_RING_F_EVENT_IDX */
	u16 kick_idx; /* avail_idx at the last question whether to kick */
	u64 kicks_sent;
	u64 calls_seen;
};

struct guest {
	int arena_fd;
	u8 *arena;
	u64 size;
	unsigned pairs;
	u32 rx_room;
	struct vhost_user *vu;
	struct vhost_user_config cfg;
	struct vhost_user_queue vq[2 * GUEST_PAIRS_MAX];
	struct gqueue q[2 * GUEST_PAIRS_MAX];
	pid_t netd;
};

/* Lays out arena and rings; room of each receive buffer. Ends the test program on failure. */
void guest_init(struct guest *g, unsigned pairs, u32 rx_room);
void guest_exit(struct guest *g);

/* Starts netd with these arguments (NULL-terminated); "@FD" becomes the inherited socket. */
void guest_spawn(struct guest *g, const char *const *args);
/* A netd that is not the guest's child by guest_spawn(). Returns its pid. */
pid_t spawn_netd(const char *const *args, int fd);
/* Where netd's standard error goes, if not to ours; and extra room at the end of each arena. */
extern int t_netd_stderr;
extern u64 t_extra_arena;
/* SIGTERM and wait; returns the wait status. */
int end_netd(pid_t pid);

/* VIRTIO 1.2, 2.7.10: where netd wants a kick, where the guest wants a call. */
u16 *guest_avail_event(struct gqueue *q);
u16 *guest_used_event(struct gqueue *q);

/* Negotiates and starts all queues with these features; fills the receive rings. */
int guest_start(struct guest *g, u64 features);
void guest_fill_rx(struct guest *g);
void guest_reset_rings(struct guest *g);

/* Sends; returns false if no buffer came back within 5 s. kick: as the ring asks. */
bool guest_tx(struct guest *g, unsigned pair, const net_hdr *hdr, const void *frame, u32 len);
void guest_kick(struct guest *g, unsigned q);
/* Waits until all that was sent is completed. */
bool guest_tx_drain(struct guest *g, unsigned pair);

/* Receives one frame into buf (GUEST_FRAME_MAX); returns its length, 0 after timeout_ms. */
u32 guest_rx(struct guest *g, unsigned pair, net_hdr *hdr, u8 *buf, int timeout_ms);
/* One attempt without waiting. */
u32 guest_rx_poll(struct guest *g, unsigned pair, net_hdr *hdr, u8 *buf);

/* Test results. */
extern unsigned t_passed, t_failed, t_skipped;
#define CHECK(cond, ...)                                                                       \
	do {                                                                                   \
		if (!(cond)) {                                                                 \
			printf("not ok %s: %s:%d: %s: ", __func__, __FILE__, __LINE__, #cond); \
			printf(" " __VA_ARGS__);                                               \
			printf("\n");                                                          \
			t_failed++;                                                            \
			return;                                                                \
		}                                                                              \
	} while (0)
#define PASS()                               \
	do {                                 \
		printf("ok %s\n", __func__); \
		t_passed++;                  \
	} while (0)
#define SKIP(why)                                       \
	do {                                            \
		printf("skip %s: %s\n", __func__, why); \
		t_skipped++;                            \
		return;                                 \
	} while (0)
int t_end(void);
s64 t_now_ms(void);

#endif
