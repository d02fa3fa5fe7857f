// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/lib/kicks.h"

#define KICK_NS (1000000000ull / KICKS_PER_S)

bool kicks_allowed(const struct kicks *k, u64 now_ns)
{
	return k->whole_ns < now_ns + KICKS_BURST * KICK_NS;
}

void kicks_charge(struct kicks *k, u32 count, u64 now_ns)
{
	if (k->whole_ns < now_ns)
		k->whole_ns = now_ns;
	k->whole_ns += count * KICK_NS;
}
