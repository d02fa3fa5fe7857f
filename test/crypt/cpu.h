/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TEST_CRYPT_CPU_H
#define TEST_CRYPT_CPU_H

#include "enclave/crypt/luks2_user.h"

#define cpu_features() rkt_cpu_user()

#endif
