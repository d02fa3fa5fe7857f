/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Test builds: every fetch from shared memory is reported right after it. */
#ifndef TEST_NIC_OBSERVE_H
#define TEST_NIC_OBSERVE_H

void nic_test_observe(unsigned long va, unsigned long size);
#define HOST_MEM_OBSERVE(va, size) nic_test_observe(va, size)

#endif
