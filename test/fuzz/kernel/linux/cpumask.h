/* SPDX-License-Identifier: GPL-2.0-only */
#include "test/fuzz/kernel/linux/types.h"
