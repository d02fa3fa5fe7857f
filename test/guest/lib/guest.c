// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "test/guest/lib/guest.h"
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <sys/auxv.h>

extern char **environ;

/* Programs that are linked for fixed addresses lie below. */
#define FIXED_END (1ul << 31)

static struct {
	pthread_mutex_t lock;
	pthread_t main;
	jmp_buf leave;
	bool failed;
	bool skipped;
	const char *name;
	char why[400];
	char self[4096];
} g = { .lock = PTHREAD_MUTEX_INITIALIZER };

void guest_fail(const char *file, int line, const char *fmt, ...)
{
	const char *base = strrchr(file, '/');
	va_list ap;
	int n;

	pthread_mutex_lock(&g.lock);
	if (!g.failed) {
		g.failed = true;
		n = snprintf(g.why, sizeof(g.why), "%s:%d: ", base ? base + 1 : file, line);
		va_start(ap, fmt);
		vsnprintf(g.why + n, sizeof(g.why) - n, fmt, ap);
		va_end(ap);
	}
	pthread_mutex_unlock(&g.lock);
}

void guest_skip(const char *why)
{
	g.skipped = true;
	snprintf(g.why, sizeof(g.why), "%s", why);
}

void guest_leave(void)
{
	if (pthread_equal(pthread_self(), g.main))
		longjmp(g.leave, 1);
	pthread_exit(NULL);
}

const char *guest_case_name(void)
{
	return g.name;
}

bool guest_inside(void)
{
	return getenv("GUEST_INSIDE") != NULL;
}

bool guest_memory_is_static(void)
{
	return getenv("GUEST_STATIC") != NULL;
}

const char *guest_self(void)
{
	return g.self;
}

int guest_run_self(const char *arg1, const char *arg2)
{
	char *argv[] = { g.self, (char *)arg1, (char *)arg2, NULL };
	int status = -1;
	pid_t pid;

	errno = posix_spawn(&pid, g.self, NULL, NULL, argv, environ);
	if (errno || waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

void guest_nap_ms(int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

pid_t guest_gettid(void)
{
	return (pid_t)syscall(SYS_gettid);
}

char guest_task_state(pid_t tid)
{
	char path[64], buf[256] = "";
	char *p;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return '?';
	if (read(fd, buf, sizeof(buf) - 1) < 0)
		buf[0] = 0;
	close(fd);
	p = strrchr(buf, ')');
	return p && p[1] ? p[2] : '?';
}

void guest_wait_asleep(pid_t tid)
{
	int seen = 0;

	/* Twice in a row: it may have slept on the way to where it is meant to sleep. */
	while (seen < 2) {
		seen = guest_task_state(tid) == 'S' ? seen + 1 : 0;
		guest_nap_ms(1);
	}
}

int guest_tmpfile(size_t size)
{
	char path[] = "/tmp/guest-XXXXXX";
	unsigned char buf[4096];
	size_t done, i, n;
	int fd = mkstemp(path);

	if (fd < 0)
		return -1;
	unlink(path);
	for (done = 0; done < size; done += n) {
		n = size - done < sizeof(buf) ? size - done : sizeof(buf);
		for (i = 0; i < n; i++)
			buf[i] = (unsigned char)((done + i) % 251);
		if (write(fd, buf, n) != (ssize_t)n) {
			close(fd);
			return -1;
		}
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static bool wanted(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return argc < 2;
}

static void run_case(const struct guest_case *c, int *count)
{
	g.failed = false;
	g.skipped = false;
	g.name = c->name;
	if (!setjmp(g.leave))
		c->run();
	if (g.failed)
		printf("not ok %s: %s\n", c->name, g.why);
	else if (g.skipped)
		printf("skip %s: %s\n", c->name, g.why);
	else
		printf("ok %s\n", c->name);
	fflush(stdout);
	count[g.failed ? 1 : g.skipped ? 2 : 0]++;
}

void guest_init(const char *argv0)
{
	char *dot;

	g.main = pthread_self();
	if (readlink("/proc/self/exe", g.self, sizeof(g.self) - 1) < 0)
		snprintf(g.self, sizeof(g.self), "%s", argv0);
	dot = strrchr(g.self, '.');
	if (dot && !strchr(dot, '/') && getauxval(AT_ENTRY) < FIXED_END)
		*dot = 0;
}

int guest_main(int argc, char **argv, const struct guest_case *cases, int count)
{
	int i, sum[3] = { 0, 0, 0 };

	guest_init(argv[0]);
	for (i = 0; i < count; i++)
		if (wanted(cases[i].name, argc, argv))
			run_case(&cases[i], sum);
	printf("%d passed, %d failed, %d skipped\n", sum[0], sum[1], sum[2]);
	fflush(stdout);
	return sum[1] != 0;
}
