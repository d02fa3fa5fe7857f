/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Two kinds of conditions, never mixed:
 *
 *  ASSERT(cond)      what our own code guarantees. A failure is our bug and stops
 *                    the TEE at once, in release builds too.
 *  CHECK_HOST(cond)  what the host or a device claims. A failure is a lie: it is
 *                    counted, logged once per place, and the caller fails the
 *                    queue or device that lied (never the TEE).
 *
 * Use: if (!CHECK_HOST(len <= len_max)) return -EPROTO;
 */
#ifndef BOUNDARY_CHECK_H
#define BOUNDARY_CHECK_H

#include "abi/types.h"

/*
 * Reports a lie: counts it in the statistics and logs the first one of each
 * place. Callable in any context, does not block.
 */
void boundary_lie(const char *cond, const char *file, int line, bool *seen);

/* Lies found since start; for the statistics. */
unsigned long boundary_lie_count(void);

/* Stops the TEE: prints the place and never returns. */
__attribute__((noreturn)) void boundary_bug(const char *cond, const char *file, int line);

#define CHECK_HOST(cond)                                                     \
	({                                                                   \
		static bool seen_;                                           \
		bool ok_ = !!(cond);                                         \
		if (__builtin_expect(!ok_, 0))                               \
			boundary_lie(#cond, __FILE__, __LINE__, &seen_);     \
		ok_;                                                         \
	})

#define ASSERT(cond)                                                         \
	do {                                                                 \
		if (__builtin_expect(!(cond), 0))                            \
			boundary_bug(#cond, __FILE__, __LINE__);             \
	} while (0)

#endif
