/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Asking a running TEE's launcher: the other end of the control socket. */
#ifndef HOST_RUN_CLIENT_H
#define HOST_RUN_CLIENT_H

#include "host/lib/err.h"

#define CLIENT_ANSWER_MAX 65536
#define CLIENT_TIMEOUT_MS 5000

/**
 * client_ask - send one command, wait for its answer
 * @name:    of the TEE
 * @request: one line of JSON without the newline
 * @answer:  CLIENT_ANSWER_MAX bytes, set to the line
 *
 * Waits at most CLIENT_TIMEOUT_MS. An answer with "ok":false is an error.
 * Return: 0, or -errno with E_NAME or E_CONTROL.
 */
int client_ask(const char *name, const char *request, char *answer, struct err *err);

#endif
