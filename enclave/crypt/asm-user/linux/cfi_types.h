/* SPDX-License-Identifier: GPL-2.0-only */
/* Control-flow integrity is not used: see linkage.h. */
