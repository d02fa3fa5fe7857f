// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/run/resources.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>

#define FILES_NEEDED 1024 /* eventfds are numbered from 900 on: host/tee/tee.h */
#define STACK_NEEDED (1ul << 20)

/* Return: what the limit is then. */
static rlim_t raise_to(int resource, rlim_t need)
{
	struct rlimit r;

	if (getrlimit(resource, &r) || r.rlim_cur >= need)
		return need;
	r.rlim_cur = need < r.rlim_max ? need : r.rlim_max;
	return setrlimit(resource, &r) ? 0 : r.rlim_cur;
}

int limits_raise(struct err *err)
{
	pthread_attr_t attr;
	rlim_t got;

	signal(SIGXFSZ, SIG_IGN);
	raise_to(RLIMIT_FSIZE, RLIM_INFINITY);
	got = raise_to(RLIMIT_NOFILE, FILES_NEEDED);
	if (got < FILES_NEEDED) {
		err_set(err, E_HOST, "the limit of open files (ulimit -n) is %lu, needed are %d",
			(unsigned long)got, FILES_NEEDED);
		return -EMFILE;
	}
	got = raise_to(RLIMIT_STACK, STACK_NEEDED);
	if (got < STACK_NEEDED) {
		err_set(err, E_HOST,
			"the limit of the stack (ulimit -s) is %lu KiB, needed are %lu",
			(unsigned long)got >> 10, STACK_NEEDED >> 10);
		return -ENOMEM;
	}
	/* The C library has taken the threads' size from the old limit. */
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_NEEDED);
	pthread_setattr_default_np(&attr);
	pthread_attr_destroy(&attr);
	return 0;
}
