/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The test's version of pages_port.h, with its guard: included first, it takes its place.
 */
#ifndef RKT_MM_PAGES_PORT_H
#define RKT_MM_PAGES_PORT_H

#include "abi/types.h"

bool page_states_present(u64 addr);
u64 page_states_next(u64 addr, u64 end);
u64 page_states_end(u64 addr);
u8 *page_state(u64 addr);
bool page_extra_refs(u64 addr);
int page_states_prepare(u64 start, u64 end);
void page_struct_init(u64 addr);
int pages_charge(size_t count);
void pages_uncharge(size_t count);
void pages_zero(u64 start, u64 end);

#endif
