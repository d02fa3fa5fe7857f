// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A back end without a TEE: PROGRAM names what the "guest" does. It stands in
 * for host/tee so that the launcher is tested whole, as a process.
 */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/run/launcher.h"

struct fake {
	struct launcher *l;
	int event;
	atomic_int signo, resized, killed;
	bool deaf; /* refuses signals */
	bool dead; /* ignores even kill */
};

static int op_signal(void *ctx, int signo)
{
	struct fake *f = ctx;

	if (f->deaf)
		return -ENOSYS;
	f->signo = signo;
	return eventfd_write(f->event, 1);
}

static void op_winsize(void *ctx, const struct console_size *size)
{
	struct fake *f = ctx;

	f->resized = size->cols;
	eventfd_write(f->event, 1);
}

static void op_stats(void *ctx, struct rkt_stats *out)
{
	*out = (struct rkt_stats){ .version = RKT_STATS_VERSION, .count = RKT_STAT_COUNT };
	out->v[RKT_STAT_ENTRY_START] = 1;
	out->v[RKT_STAT_SYSCALL_EXECUTED] = 1234567;
}

static void op_kill(void *ctx)
{
	struct fake *f = ctx;

	if (f->dead)
		return;
	f->killed = 1;
	eventfd_write(f->event, 1);
}

static const struct tee_ops ops = {
	.signal = op_signal,
	.winsize = op_winsize,
	.stats = op_stats,
	.kill = op_kill,
};

static void say(struct fake *f, enum console_stream stream, const char *text)
{
	size_t done = 0;

	while (done < strlen(text)) {
		struct pollfd p = { .fd = console_write_fd(stream), .events = POLLOUT };
		ssize_t n = console_write(&f->l->console, stream, text + done, strlen(text) - done);

		if (n == -EPIPE)
			return;
		if (n > 0)
			done += n;
		else
			poll(&p, 1, -1);
	}
}

static void ended(struct fake *f, enum run_end end, int value)
{
	f->l->result = (struct run_result){ end, value };
}

/* Sleeps until an op calls, or input comes. */
static void rest(struct fake *f, bool input)
{
	struct pollfd p[2] = { { .fd = f->event, .events = POLLIN },
			       { .fd = input ? console_poll_fd(&f->l->console) : -1,
				 .events = POLLIN } };
	eventfd_t v;

	poll(p, 2, -1);
	if (p[0].revents)
		eventfd_read(f->event, &v);
}

static void do_cat(struct fake *f)
{
	char buf[65536 + 1];
	ssize_t n = console_read(&f->l->console, buf, 0);

	if (n != -EAGAIN)
		say(f, CONSOLE_ERR, "no room was taken for the end\n");
	while ((n = console_read(&f->l->console, buf, sizeof(buf) - 1))) {
		if (n > 0) {
			buf[n] = '\0';
			say(f, CONSOLE_OUT, buf);
			if (f->l->console.is_tty && strchr(buf, 4))
				break;
		} else {
			rest(f, true);
		}
	}
	ended(f, RUN_EXITED, 0);
}

static void do_wait(struct fake *f)
{
	char line[64];

	say(f, CONSOLE_OUT, "ready\n");
	while (!f->signo && !f->killed) {
		rest(f, false);
		if (f->resized) {
			snprintf(line, sizeof(line), "cols %d\n", atomic_exchange(&f->resized, 0));
			say(f, CONSOLE_OUT, line);
		}
	}
	if (f->killed) {
		ended(f, RUN_SIGNALED, 9);
		return;
	}
	snprintf(line, sizeof(line), "signal %d\n", f->signo);
	say(f, CONSOLE_OUT, line);
	ended(f, RUN_EXITED, 0);
}

static void do_stubborn(struct fake *f)
{
	say(f, CONSOLE_OUT, "ready\n");
	while (!f->killed)
		rest(f, false);
	ended(f, RUN_SIGNALED, 9);
}

static void do_log(struct fake *f, const struct run_config *cfg)
{
	char text[32];
	int level;

	for (level = 0; level < 8; level++) {
		snprintf(text, sizeof(text), "level %d\x1b[31m", level);
		launcher_log(f->l, level, text, strlen(text));
	}
	ended(f, RUN_EXITED, 0);
}

/* Prints what the launcher handed over. */
static void do_show(struct fake *f, const struct run_config *cfg)
{
	char line[512];
	struct stat st;
	size_t i;

	fstat(f->l->root_fd, &st);
	snprintf(line, sizeof(line),
		 "vcpus %u memory %llu cwd %s root %llu links %u rw %d tty %d\n", cfg->vcpus,
		 (unsigned long long)cfg->memory_size, cfg->cwd ?: "-",
		 (unsigned long long)f->l->root_size, (unsigned int)st.st_nlink,
		 f->l->root_writable, f->l->console.is_tty);
	say(f, CONSOLE_OUT, line);
	for (i = 0; i < cfg->env_count; i++) {
		snprintf(line, sizeof(line), "env %s\n", cfg->env[i]);
		say(f, CONSOLE_OUT, line);
	}
	for (i = 0; i < cfg->argc; i++) {
		snprintf(line, sizeof(line), "arg %s\n", cfg->argv[i]);
		say(f, CONSOLE_OUT, line);
	}
	ended(f, RUN_EXITED, 0);
}

static int perform(struct fake *f, const struct run_config *cfg)
{
	const char *what = cfg->argv[0];
	int arg = cfg->argc > 1 ? atoi(cfg->argv[1]) : 0;

	f->deaf = !strcmp(what, "deaf");
	f->dead = !strcmp(what, "dead");
	if (!strcmp(what, "exit"))
		ended(f, RUN_EXITED, arg);
	else if (!strcmp(what, "sig"))
		ended(f, RUN_SIGNALED, arg);
	else if (!strcmp(what, "noexec"))
		ended(f, RUN_EXEC_FAILED, arg);
	else if (!strcmp(what, "crash"))
		ended(f, RUN_CRASHED, 0);
	else if (!strcmp(what, "fail"))
		return err_set(&f->l->err, E_MEMORY, "bad\nnews\x1b[2J");
	else if (!strcmp(what, "cat"))
		do_cat(f);
	else if (!strcmp(what, "wait") || f->deaf)
		do_wait(f);
	else if (!strcmp(what, "stubborn") || f->dead)
		do_stubborn(f);
	else if (!strcmp(what, "log"))
		do_log(f, cfg);
	else if (!strcmp(what, "show"))
		do_show(f, cfg);
	else if (!strcmp(what, "streams"))
		say(f, CONSOLE_OUT, "out\n"), say(f, CONSOLE_ERR, "err\n"), ended(f, RUN_EXITED, 0);
	else if (!strcmp(what, "abort"))
		abort();
	return 0;
}

int tee_run(const struct run_config *cfg, struct launcher *l)
{
	struct fake f = { .l = l, .event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	int ret;

	launcher_attach(l, &ops, &f);
	ret = perform(&f, cfg);
	launcher_detach(l);
	close(f.event);
	return ret;
}
