/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_RKT_CONSOLE_H
#define _ASM_RKT_CONSOLE_H
#include <linux/bits.h>
#include <linux/signal.h>

/* Signals that the launcher may pass on to init. */
#define RKT_CONSOLE_SIGNALS \
	(BIT(SIGHUP) | BIT(SIGINT) | BIT(SIGQUIT) | BIT(SIGUSR1) | BIT(SIGUSR2) | BIT(SIGTERM))

void rkt_console_init(void); /* boot: kernel messages from here on */
bool rkt_console_pending(void);
void rkt_console_poll(void);
#endif
