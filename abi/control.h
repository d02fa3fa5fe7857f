/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The control window: memory that the launcher shares with the TEE and nobody
 * else. It begins with the boot information, a list of type-length-value items
 * that the TEE copies once and checks; the items tell where the rest lies.
 *
 * Everything here is written or read by an untrusted host at any moment.
 */
#ifndef ABI_CONTROL_H
#define ABI_CONTROL_H

#include "abi/types.h"

#define BOOT_MAGIC 0x544f4f424f494b52 /* "RKIOBOOT" */
#define BOOT_VERSION 1
#define BOOT_INFO_MAX 65536

struct boot_header {
	u64 magic;
	u32 version;
	u32 size; /* bytes of header and items, at most BOOT_INFO_MAX */
};
ABI_SIZE(struct boot_header, 16);

struct boot_item {
	u32 type;
	u32 size; /* bytes of data that follow; the next item starts at a multiple of 8 */
};
ABI_SIZE(struct boot_item, 8);

enum boot_type {
	BOOT_END = 0,
	BOOT_MACHINE = 1, /* struct boot_machine */
	BOOT_CMDLINE = 2, /* text, no NUL: kernel parameters */
	BOOT_CONTROL = 3, /* struct boot_control */
	BOOT_DMA = 4, /* struct boot_dma */
	BOOT_INIT = 5, /* text, no NUL: configuration of init (docs/init.md) */
	BOOT_HOSTBLK = 6, /* struct boot_hostblk */
	BOOT_NVME = 7, /* one per disk; abi/nvmed.h */
	BOOT_NIC = 8, /* one per NIC; abi/nicdev.h */
	BOOT_ENTROPY = 9, /* up to 64 bytes; mixed in, never credited */
	BOOT_CPUID = 10, /* struct boot_cpuid, abi/cpuid.h */
};

/* How TEE_EXIT_MEM and the TEE work together (abi/hostcall.h). */
enum boot_memory {
	BOOT_MEMORY_HOST = 0, /* the exit alone does it */
	BOOT_MEMORY_SGX2 = 1, /* the TEE accepts each page with ENCLU leaves */
	/* all pages are there from the start (abi/tee_layout.h); the host has page tables only */
	BOOT_MEMORY_SGX1 = 2,
};

struct boot_machine {
	u32 vcpu_count;
	u32 memory; /* enum boot_memory */
	u64 tsc_khz;
	u64 wall_ns; /* CLOCK_REALTIME at ... */
	u64 wall_tsc; /* ... this TSC value */
	u64 kernel_size; /* bytes of kernel memory from the image's base, all present */
	u64 user_size; /* bytes of user memory that may be present at once */
};
ABI_SIZE(struct boot_machine, 48);

/* Offsets in the control window. */
struct boot_control {
	u64 vcpu_offset; /* struct control_vcpu[vcpu_count] */
	u64 console_offset; /* struct control_console */
	u64 stats_offset; /* struct rkt_stats, abi/stats.h; written by the TEE */
};
ABI_SIZE(struct boot_control, 24);

/* The DMA arena: outside the TEE's range, shared with device processes. */
struct boot_dma {
	u64 base; /* address in this process */
	u64 size;
	u64 iova; /* what device processes call its first byte */
};
ABI_SIZE(struct boot_dma, 24);

/* Owner of each field: who writes it. One cache line per vCPU and side. */
struct control_vcpu {
	u64 deadline_tsc; /* TEE: next timer event while running, ~0 = none */
	u8 pad0[56];
};
ABI_SIZE(struct control_vcpu, 64);

#define CONSOLE_RING_SIZE 65536

enum control_stream {
	STREAM_LOG = 0, /* kernel messages, TEE -> host */
	STREAM_OUT = 1, /* the program's terminal or stdout, TEE -> host */
	STREAM_IN = 2, /* host -> TEE */
	STREAM_ERR = 3, /* the program's stderr when no terminal is used, TEE -> host */
	STREAM_COUNT = 4,
};

/*
 * A byte ring. head is written by the producer, tail by the consumer; both run
 * freely, bytes present = head - tail <= CONSOLE_RING_SIZE. Each side keeps its
 * own index in private memory and only publishes it here.
 */
struct control_ring {
	u32 head;
	u8 pad0[60];
	u32 tail;
	u8 pad1[60];
	u8 data[CONSOLE_RING_SIZE];
};
ABI_SIZE(struct control_ring, 128 + CONSOLE_RING_SIZE);

#define CONSOLE_FLAG_TTY 1 /* stdin is a terminal: the guest's line discipline is used */
#define CONSOLE_FLAG_EOF 2 /* input has ended behind the ring's last byte */
#define CONSOLE_FLAG_OUT_GONE 4 /* nobody reads STREAM_OUT any more: what is put there is lost */
#define CONSOLE_FLAG_ERR_GONE 8 /* the same of STREAM_ERR */

struct control_console {
	u32 flags; /* host */
	u32 winsize; /* host: columns << 16 | rows */
	u32 signals; /* host: bit n set = signal n asked for, cleared by nobody: see signals_seq */
	u32 signals_seq; /* host: changes with each request */
	u32 service_sleeps; /* host: non-zero = the service thread sleeps, kick it */
	u8 pad0[44];
	struct control_ring ring[STREAM_COUNT];
};

/*
 * Block device by hostcall: the root before NVMe exists, and a baseline.
 * Fixed slots; slot i is the TEE's while state is FREE or DONE, the host's while READY.
 */
#define HOSTBLK_SLOTS 32
#define HOSTBLK_DATA_SIZE 131072

enum hostblk_op { HOSTBLK_READ = 0, HOSTBLK_WRITE = 1, HOSTBLK_FLUSH = 2, HOSTBLK_DISCARD = 3 };
enum hostblk_state { HOSTBLK_FREE = 0, HOSTBLK_READY = 1, HOSTBLK_DONE = 2 };

struct hostblk_slot {
	u32 state;
	u32 op;
	u64 offset; /* bytes */
	u32 size; /* bytes, at most HOSTBLK_DATA_SIZE */
	s32 result; /* host: 0 or a negative errno */
	u32 vcpu; /* to wake when done */
	u8 pad0[36];
};
ABI_SIZE(struct hostblk_slot, 64);

struct boot_hostblk {
	u64 slots_offset; /* struct hostblk_slot[HOSTBLK_SLOTS] in the control window */
	u64 data_offset; /* HOSTBLK_SLOTS buffers of HOSTBLK_DATA_SIZE bytes */
	u64 size; /* bytes of the disk, a multiple of 512 */
	u32 read_only;
	u32 reserved;
};
ABI_SIZE(struct boot_hostblk, 32);

#endif
