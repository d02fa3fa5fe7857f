/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The statistics of a TEE: one array of counters that the TEE writes and the
 * host only reads. They help a person to see where time goes; nothing is ever
 * decided by them, on either side, and the TEE never reads them back.
 *
 * The index of a counter and its JSON name never change. New counters are
 * appended at the end of the list, whatever their group.
 *
 * X(ID, group, json name, help); the full name is group.name. Counters count up
 * from 0 at start unless the help says "now" (a level) or names a unit.
 */
#ifndef ABI_STATS_H
#define ABI_STATS_H

#include "abi/types.h"

#define RKT_STATS(X)                                                                            \
	/* ways into the TEE */                                                                 \
	X(ENTRY_START, entry, start, "vCPU threads that entered for the first time")            \
	X(ENTRY_RESUME, entry, resume, "entries that ended a hostcall")                         \
	X(ENTRY_EXCEPTION, entry, exception, "exceptions delivered inside")                     \
	X(ENTRY_PREEMPT, entry, preempt, "exceptions by a tick that interrupted a program")     \
	/* ways out, by hostcall */                                                             \
	X(CALL_TOTAL, hostcall, total, "all hostcalls")                                         \
	X(CALL_CONSOLE_READ, hostcall, console_read, "console input")                           \
	X(CALL_CONSOLE_WRITE, hostcall, console_write, "console output")                        \
	X(CALL_VCPU_WAIT, hostcall, vcpu_wait, "a vCPU went to sleep")                          \
	X(CALL_VCPU_WAKE, hostcall, vcpu_wake, "a sleeping vCPU was woken")                     \
	X(CALL_VCPU_START, hostcall, vcpu_start, "a vCPU thread was asked for")                 \
	X(CALL_CLOCK, hostcall, clock, "wall clock")                                            \
	X(CALL_BLOCK, hostcall, block, "requests to the root image")                            \
	X(CALL_MEMORY, hostcall, memory, "memory added, trimmed or protected")                  \
	X(CALL_KICK, hostcall, kick, "device peers woken")                                      \
	X(CALL_SHUTDOWN, hostcall, shutdown, "the TEE ended")                                   \
	X(CALL_OTHER, hostcall, other, "all others")                                            \
	/* system calls of the programs */                                                      \
	X(SYSCALL_EXECUTED, syscall, executed, "system calls of all programs")                  \
	X(SYSCALL_TRAPPED, syscall, trapped, "of those, by a trap instead of a rewritten site") \
	X(SYSCALL_SITES, syscall, sites_rewritten, "sites rewritten when they were mapped")     \
	X(SYSCALL_SITES_LATE, syscall, sites_rewritten_late,                                    \
	  "sites rewritten on their first trap")                                                \
	X(SYSCALL_REFUSED, syscall, refused, "calls that rkt-io does not have (ENOSYS)")        \
	/* time */                                                                              \
	X(TIME_TICKS, time, ticks, "scheduler ticks")                                           \
	X(TIME_WAKES, time, wakes, "sleeps that ended")                                         \
	X(TIME_SWITCHES, time, switches, "task switches")                                       \
	X(TIME_BUSY_NS, time, busy_ns, "vCPU time of useful work, ns")                          \
	X(TIME_POLL_NS, time, poll_ns, "vCPU time of idle polling, ns")                         \
	X(TIME_SLEEP_NS, time, sleep_ns, "vCPU time asleep on the host, ns")                    \
	/* network */                                                                           \
	X(NET_RX_PACKETS, net, rx_packets, "packets received")                                  \
	X(NET_RX_BYTES, net, rx_bytes, "bytes received")                                        \
	X(NET_TX_PACKETS, net, tx_packets, "packets sent")                                      \
	X(NET_TX_BYTES, net, tx_bytes, "bytes sent")                                            \
	X(NET_RX_DROPS, net, rx_drops, "packets dropped for want of memory")                    \
	X(NET_TX_STALLS, net, tx_stalls, "times a full ring stopped a queue")                   \
	X(NET_POLLS, net, polls, "polls of a NIC queue")                                        \
	X(NET_POLLS_EMPTY, net, polls_empty, "polls that found nothing")                        \
	/* disks */                                                                             \
	X(DISK_READS, disk, reads, "read commands")                                             \
	X(DISK_READ_BYTES, disk, read_bytes, "bytes read")                                      \
	X(DISK_WRITES, disk, writes, "write commands")                                          \
	X(DISK_WRITE_BYTES, disk, write_bytes, "bytes written")                                 \
	X(DISK_FLUSHES, disk, flushes, "flush commands")                                        \
	X(DISK_ERRORS, disk, errors, "commands that failed")                                    \
	X(DISK_TIMEOUTS, disk, timeouts, "commands that timed out")                             \
	X(DISK_RESETS, disk, resets, "controller resets")                                       \
	X(DISK_POLLS, disk, polls, "polls of a completion queue")                               \
	X(DISK_POLLS_EMPTY, disk, polls_empty, "polls that found nothing")                      \
	/* encryption */                                                                        \
	X(CRYPT_ENCRYPT_BYTES, crypt, encrypted_bytes, "bytes encrypted on their way out")      \
	X(CRYPT_DECRYPT_BYTES, crypt, decrypted_bytes, "bytes decrypted on their way in")       \
	X(CRYPT_FAILURES, crypt, failures, "sectors or packets that failed authentication")     \
	/* the boundary */                                                                      \
	X(BOUNDARY_IN_BYTES, boundary, in_bytes, "bytes copied in")                             \
	X(BOUNDARY_OUT_BYTES, boundary, out_bytes, "bytes copied out")                          \
	X(BOUNDARY_LIES, boundary, lies, "host inputs rejected")                                \
	X(BOUNDARY_DEAD, boundary, dead_queues, "queues or devices failed because of a lie")    \
	/* memory */                                                                            \
	X(MEM_COMMITTED, memory, committed_bytes,                                               \
	  "memory of the TEE now, its kernel's included, bytes")                                \
	X(MEM_PEAK, memory, peak_bytes, "most of that so far, bytes")                           \
	X(MEM_ARENA, memory, arena_bytes, "DMA arena in use now, bytes")                        \
	/* enclave instructions, counted by the host where it emulates them */                  \
	X(SGX_EREPORT, sgx, ereport, "EREPORT")                                                 \
	X(SGX_EGETKEY, sgx, egetkey, "EGETKEY")                                                 \
	X(SGX_EENTER, sgx, eenter, "EENTER")                                                    \
	X(SGX_ERESUME, sgx, eresume, "ERESUME")                                                 \
	X(SGX_EEXIT, sgx, eexit, "EEXIT")                                                       \
	X(SGX_EACCEPT, sgx, eaccept, "EACCEPT")                                                 \
	X(SGX_EMODPE, sgx, emodpe, "EMODPE")                                                    \
	X(SGX_EACCEPTCOPY, sgx, eacceptcopy, "EACCEPTCOPY")                                     \
	X(SGX_EAUG, sgx, eaug, "EAUG: pages added")                                             \
	X(SGX_EMODPR, sgx, emodpr, "EMODPR: pages restricted")                                  \
	X(SGX_EMODT, sgx, emodt, "EMODT: pages trimmed")                                        \
	X(SGX_EREMOVE, sgx, eremove, "EREMOVE: pages removed")                                  \
	X(SGX_ETRACK, sgx, etrack, "ETRACK")                                                    \
	X(SGX_AEX_TICK, sgx, aex_tick, "asynchronous exits by a tick or step")                  \
	X(SGX_AEX_PF, sgx, aex_page_fault, "asynchronous exits by a page fault")                \
	X(SGX_AEX_UD, sgx, aex_invalid_opcode, "asynchronous exits by an invalid opcode")       \
	X(SGX_AEX_OTHER, sgx, aex_other, "asynchronous exits by other exceptions")              \
	/* CPUID of programs */                                                                 \
	X(CPUID_TRAPPED, cpuid, trapped, "CPUID instructions answered by a trap")               \
	X(CPUID_SITES, cpuid, sites_rewritten, "of them, made to trap when they were mapped")

enum rkt_stat {
#define X(id, group, name, help) RKT_STAT_##id,
	RKT_STATS(X)
#undef X
		RKT_STAT_COUNT
};

/* Room for later counters; a reader shows the first `count` and the names it knows. */
#define RKT_STAT_MAX 256
#define RKT_STATS_VERSION 1

/* In the control window. Written by the TEE (relaxed 64-bit stores), read by the launcher. */
struct rkt_stats {
	u32 version; /* RKT_STATS_VERSION */
	u32 count; /* RKT_STAT_COUNT of the writer */
	u64 v[RKT_STAT_MAX];
};
ABI_SIZE(struct rkt_stats, 8 + 8 * RKT_STAT_MAX);
ABI_OFFSET(struct rkt_stats, v, 8);
_Static_assert(RKT_STAT_COUNT <= RKT_STAT_MAX, "the array is full");

#endif
