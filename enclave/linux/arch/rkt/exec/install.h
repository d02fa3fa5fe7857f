/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writing a planned patch into text that other threads are executing.
 *
 * A patch inside one aligned quadword is one store: every thread sees the old or
 * the new bytes. Any other goes in three steps, with all threads made to
 * re-fetch (a serialising event on each processor) after the first two:
 *
 *   1. first byte := an opcode that raises #UD     whoever comes now waits
 *   2. the remaining bytes                         nobody can execute them
 *   3. first byte := the new first byte
 *
 * A thread that meets #UD exactly at stub->patch while this goes on must be sent
 * back to the same address after the installation has ended (the kernel takes
 * the lock that the installer holds). This is Linux's text_poke_bp() with #UD
 * in place of int3, which a program may be using itself.
 */
#ifndef RKT_EXEC_INSTALL_H
#define RKT_EXEC_INSTALL_H

#include "rewrite.h"

#define RW_WAIT_OPCODE 0x06

struct rw_ops {
	/* Writes text; when rw_is_atomic(addr, len) by rw_store(). */
	void (*write)(void *ctx, u64 addr, const u8 *bytes, size_t len);
	/* Returns after every thread that can run this text has gone through a serialising event. */
	void (*sync)(void *ctx);
	void *ctx;
};

/**
 * rw_install - put the patch in place
 * @stub: from rw_emit(); its code must already be in place and executable
 * @ops:  how to write text; a write that fails is the callee's to remember
 *
 * Context: one installer per address space at a time (the caller's lock).
 */
void rw_install(const struct rw_stub *stub, const struct rw_ops *ops);

/* Puts the original bytes back. The stub must stay: threads may be in it. */
void rw_remove(const struct rw_stub *stub, const struct rw_ops *ops);

/* Replaces @len bytes inside one aligned quadword by a single store. */
static inline void rw_store(u64 addr, const u8 *bytes, size_t len)
{
	volatile u64 *word = (volatile u64 *)(unsigned long)(addr & ~7ull);
	u64 value = *word;

	__builtin_memcpy((u8 *)&value + (addr & 7), bytes, len);
	*word = value;
}

#endif
