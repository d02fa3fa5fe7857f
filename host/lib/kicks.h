/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The allowance of kicks of a device process. A kick is a host call of the TEE, so how many of them
 * a device asks for is bounded by the clock: each one uses up a part of the allowance, and time
 * restores it. While there is none left the device does not ask for kicks: it naps for KICKS_NAP_US
 * and looks at its queues again. So kicks don't grow with the work, a request now and then is
 * served at once, and a quiet device soon sleeps for good.
 */
#ifndef HOST_LIB_KICKS_H
#define HOST_LIB_KICKS_H

#include "abi/types.h"

#define KICKS_PER_S 500
#define KICKS_BURST 50
#define KICKS_NAP_US 20

struct kicks {
	u64 whole_ns; /* when the allowance is whole again; monotonic time */
};

/* May a kick be asked for? */
bool kicks_allowed(const struct kicks *k, u64 now_ns);
/* @count kicks came. */
void kicks_charge(struct kicks *k, u32 count, u64 now_ns);

#endif
