/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * vhost-user messages on the wire, for both roles.
 *
 * Reference: QEMU, docs/interop/vhost-user.rst, sections "Message Specification" and
 * "Front-end message types". Only what a network device without configuration space needs
 * is named here; a request that is not named is refused by the back end.
 *
 * All fields are in host byte order (the protocol is local to one machine).
 */
#ifndef HOST_DEVICE_VU_MSG_H
#define HOST_DEVICE_VU_MSG_H

#include <sys/types.h>
#include "abi/types.h"

enum vu_request {
	VU_GET_FEATURES = 1,
	VU_SET_FEATURES = 2,
	VU_SET_OWNER = 3,
	VU_RESET_OWNER = 4,
	VU_SET_MEM_TABLE = 5,
	VU_SET_VRING_NUM = 8,
	VU_SET_VRING_ADDR = 9,
	VU_SET_VRING_BASE = 10,
	VU_GET_VRING_BASE = 11,
	VU_SET_VRING_KICK = 12,
	VU_SET_VRING_CALL = 13,
	VU_SET_VRING_ERR = 14,
	VU_GET_PROTOCOL_FEATURES = 15,
	VU_SET_PROTOCOL_FEATURES = 16,
	VU_GET_QUEUE_NUM = 17,
	VU_SET_VRING_ENABLE = 18,
	VU_RESET_DEVICE = 34,
	VU_REQUEST_MAX = 64,
};

/* vu_header.flags: bits 0-1 are the protocol version. */
#define VU_VERSION 0x1
#define VU_VERSION_MASK 0x3
#define VU_FLAG_REPLY 0x4
#define VU_FLAG_NEED_REPLY 0x8

/* Feature bit that says "the protocol features exist"; never passed on to the guest. */
#define VU_F_PROTOCOL_FEATURES 30

/* Protocol features (bit numbers). */
#define VU_PROTOCOL_F_MQ 0
#define VU_PROTOCOL_F_REPLY_ACK 3
#define VU_PROTOCOL_F_RESET_DEVICE 13

/* In the u64 of SET_VRING_KICK/CALL/ERR. */
#define VU_VRING_INDEX_MASK 0xff
#define VU_VRING_NOFD 0x100

#define VU_REGION_MAX 8
#define VU_FD_MAX VU_REGION_MAX

struct vu_header {
	u32 request;
	u32 flags;
	u32 size; /* of the payload */
};
ABI_SIZE(struct vu_header, 12);

struct vu_vring_state {
	u32 index;
	u32 num;
};
ABI_SIZE(struct vu_vring_state, 8);

struct vu_vring_addr {
	u32 index;
	u32 flags; /* bit 0: log writes; not supported */
	u64 desc; /* three addresses in the front end's own address space */
	u64 used;
	u64 avail;
	u64 log;
};
ABI_SIZE(struct vu_vring_addr, 40);

struct vu_region {
	u64 guest_addr; /* what descriptors hold */
	u64 size;
	u64 user_addr; /* what struct vu_vring_addr holds */
	u64 mmap_offset; /* where the region starts in its file */
};
ABI_SIZE(struct vu_region, 32);

struct vu_memory {
	u32 count;
	u32 padding;
	struct vu_region regions[VU_REGION_MAX];
};
ABI_SIZE(struct vu_memory, 8 + 32 * VU_REGION_MAX);

union vu_payload {
	u64 u64;
	struct vu_vring_state state;
	struct vu_vring_addr addr;
	struct vu_memory memory;
};

/* One message; the wire carries hdr and hdr.size bytes of the payload without a gap. */
struct vu_msg {
	struct vu_header hdr;
	union vu_payload payload;
	int fds[VU_FD_MAX];
	unsigned fd_count;
};

/**
 * struct vu_rx - a message being received
 *
 * Zero-initialise. Owned by one thread. Holds the descriptors of an incomplete message.
 */
struct vu_rx {
	struct vu_msg msg;
	size_t got; /* bytes of header and payload so far */
};

/**
 * vu_recv - take what the socket has of the next message
 * @rx:   state that survives between calls
 * @sock: stream socket
 *
 * Never blocks, whatever the peer does: a message that arrives in pieces is put together
 * over several calls. Trust: nothing of the sender is trusted. A payload longer than the
 * largest known one, a wrong version, or more descriptors than VU_FD_MAX are errors; the
 * meaning of the payload is not looked at. Bytes of the next message are not consumed.
 *
 * Return: 1 when rx->msg is complete (the caller now owns its descriptors and must call
 * vu_msg_close_fds() for those that it does not keep), 0 when more is to come, -ECONNRESET
 * when the peer closed, -EPROTO for a malformed message, another negative errno else. After an
 * error all descriptors of the message are closed and the connection is of no more use.
 */
int vu_recv(struct vu_rx *rx, int sock);

/**
 * vu_send - send one message with its descriptors
 * @sock: stream socket
 * @msg:  header, payload and fds; the descriptors stay the caller's
 *
 * Blocks while the socket buffer is full (bounded by SO_SNDTIMEO if the caller set it).
 * Never raises SIGPIPE.
 *
 * Return: 0 or a negative errno.
 */
int vu_send(int sock, const struct vu_msg *msg);

/* Closes the descriptors that msg still holds; those set to -1 are skipped. */
void vu_msg_close_fds(struct vu_msg *msg);

/* Forgets a half-received message and closes its descriptors. */
void vu_rx_reset(struct vu_rx *rx);

#endif
