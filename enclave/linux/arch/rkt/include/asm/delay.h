/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_DELAY_H
#define _ASM_RKT_DELAY_H
extern void __udelay(unsigned long usecs);
extern void __ndelay(unsigned long nsecs);
extern void __delay(unsigned long cycles);
#define udelay(n) __udelay(n)
#define ndelay(n) __ndelay(n)
#endif
