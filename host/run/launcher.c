// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/run/launcher.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/run/image.h"
#include "host/run/service.h"
#include "host/run/stats.h"

/* A back end replaces it; without one every run ends here. */
__attribute__((weak)) int tee_run(const struct run_config *cfg, struct launcher *l)
{
	return err_set(&l->err, E_BACKEND, "tee %s: this build has no back end",
		       tee_kind_name(cfg->tee));
}

void launcher_attach(struct launcher *l, const struct tee_ops *ops, void *ctx)
{
	struct launcher_private *p = l->private;

	pthread_mutex_lock(&p->lock);
	p->ops = ops;
	p->ctx = ctx;
	if (p->pending_signal && (!ops->signal || ops->signal(ctx, p->pending_signal)) && ops->kill)
		ops->kill(ctx);
	p->pending_signal = 0;
	pthread_mutex_unlock(&p->lock);
}

void launcher_detach(struct launcher *l)
{
	struct launcher_private *p = l->private;

	pthread_mutex_lock(&p->lock);
	if (p->ops && p->ops->stats) {
		p->ops->stats(p->ctx, &p->last);
		p->have_stats = true;
	}
	p->ops = NULL;
	pthread_mutex_unlock(&p->lock);
}

enum log_level launcher_log_level(const struct launcher *l)
{
	return atomic_load(&l->private->log);
}

/* Kernel levels 0..3 are errors, 4 warnings, 5 and 6 information, 7 debugging. */
static enum log_level level_of(int kernel_level)
{
	if (kernel_level <= 3)
		return LOG_ERR;
	if (kernel_level == 4)
		return LOG_WARN;
	return kernel_level <= 6 ? LOG_INFO : LOG_DEBUG;
}

bool launcher_log(struct launcher *l, int level, const char *text, size_t size)
{
	static const char prefix[] = "[tee] ";
	char line[2048];
	size_t n = sizeof(prefix) - 1;

	if (level_of(level) > launcher_log_level(l))
		return false;
	memcpy(line, prefix, n);
	n += err_clean(line + n, sizeof(line) - n - 2, text, size);
	if (l->console.is_tty)
		line[n++] = '\r'; /* the terminal is raw */
	line[n++] = '\n';
	return write(STDERR_FILENO, line, n) > 0;
}

int run_exit_status(const struct run_result *r)
{
	switch (r->end) {
	case RUN_EXITED:
		return r->value & 0xff;
	case RUN_SIGNALED:
		return EXIT_SIGNAL_BASE + (r->value & 0x7f);
	case RUN_EXEC_FAILED:
		return r->value == ENOENT || r->value == ENOTDIR ? EXIT_NOT_FOUND
								 : EXIT_NOT_EXECUTABLE;
	case RUN_NOT_STARTED:
	case RUN_CRASHED:
		break;
	}
	return EXIT_RKTIO_FAILED;
}

static void explain(const struct run_config *cfg, struct launcher *l)
{
	if (l->result.end == RUN_EXEC_FAILED)
		err_set_errno(&l->err, E_PROGRAM, l->result.value, "%s", cfg->argv[0]);
	else if (l->result.end == RUN_CRASHED)
		err_set(&l->err, E_CRASH, "the TEE stopped");
	else if (l->result.end == RUN_NOT_STARTED)
		err_set(&l->err, E_CRASH, "the back end gave no result");
}

static void report_stats(const struct run_config *cfg, struct launcher *l)
{
	struct rkt_stats stats;
	int ret;

	if (!cfg->stats || !service_stats(l, &stats))
		return;
	if (!cfg->stats_file) {
		stats_print(stderr, &stats);
		return;
	}
	ret = stats_write_file(cfg->stats_file, &stats);
	if (ret)
		err_set_errno(&l->err, E_HOST, -ret, "--stats: %s", cfg->stats_file);
}

static int open_images(struct run_config *cfg, struct launcher *l)
{
	struct root_image root;
	int ret;

	if (!cfg->argc)
		return err_set(&l->err, E_OPTION, "no program: put it after --");
	l->tee_fd = tee_image_open(cfg, &l->err);
	if (l->tee_fd < 0)
		return l->tee_fd;
	ret = root_image_open(cfg, &root, &l->err);
	if (ret)
		return ret;
	l->root_fd = root.fd;
	l->root_size = root.size;
	l->root_writable = root.writable;
	return 0;
}

static void note_open(const struct run_config *cfg)
{
	char note[128];
	int n = snprintf(note, sizeof(note),
			 "rktio: note: --tee %s gives no confidentiality: the host can read and "
			 "change everything\n",
			 tee_kind_name(cfg->tee));

	if (cfg->tee != TEE_SGX && write(STDERR_FILENO, note, n) < 0)
		return;
}

/* From the runtime directory on, everything is undone on every way out. */
static int run_inside(const struct run_config *cfg, struct launcher *l)
{
	struct launcher_private *p = l->private;
	int ret;

	service_block_signals();
	ret = rundir_open(&p->dir, cfg->name, &l->err);
	if (ret)
		return ret;
	l->dir = p->dir.path;
	note_open(cfg);
	ret = console_open(&l->console, &l->err) ?: service_start(l, &l->err);
	if (!ret)
		ret = tee_run(cfg, l);
	if (!ret)
		explain(cfg, l);
	console_close(&l->console);
	report_stats(cfg, l);
	service_stop(l);
	rundir_close(&p->dir);
	return ret;
}

int launcher_run(struct run_config *cfg)
{
	struct launcher_private private = { .cfg = cfg,
					    .lock = PTHREAD_MUTEX_INITIALIZER,
					    .signal_fd = -1,
					    .listen_fd = -1,
					    .quit_fd = -1 };
	struct launcher l = { .root_fd = -1, .tee_fd = -1, .private = &private };
	int ret;

	atomic_init(&private.log, cfg->log);
	ret = open_images(cfg, &l);
	if (!ret)
		ret = run_inside(cfg, &l);
	if (l.root_fd >= 0)
		close(l.root_fd);
	if (l.tee_fd >= 0)
		close(l.tee_fd);
	if (l.err.code)
		err_print(&l.err);
	else if (ret)
		fprintf(stderr, "rktio: E_HOST: %s\n", strerror(-ret));
	return ret ? EXIT_RKTIO_FAILED : run_exit_status(&l.result);
}
