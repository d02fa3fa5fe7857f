// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "test/nvme/qtest.h"
#include "test/lib/boundary_arena.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define QEMU "/usr/bin/qemu-system-x86_64"
#define RAM_SIZE (64u << 20)
#define DMA_OFFSET (16u << 20)
#define DMA_SIZE (32u << 20)
#define BAR 0xe0000000u
#define SLOT 3u
#define HLT 0xf4
#define ARGS_MAX 48

bool qtest_available(void)
{
	return !access(QEMU, X_OK);
}

static void file_of(char *path, size_t size, const struct qtest *t, const char *name)
{
	snprintf(path, size, "%s/%s", t->dir, name);
}

static int make_file(const struct qtest *t, const char *name, size_t size, int fill)
{
	char path[96];
	int fd;

	file_of(path, sizeof(path), t, name);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, size))
		return -1;
	if (fill) {
		u8 *p = mmap(NULL, size, PROT_WRITE, MAP_SHARED, fd, 0);

		if (p == MAP_FAILED)
			return -1;
		memset(p, fill, size);
		munmap(p, size);
	}
	return fd;
}

void qtest_open(struct qtest *t)
{
	memset(t, 0, sizeof(*t));
	t->sock = -1;
	strcpy(t->dir, "/dev/shm/qtest-XXXXXX");
	if (!mkdtemp(t->dir))
		exit(2);
	close(make_file(t, "rom", 65536, HLT));
}

void qtest_close(struct qtest *t)
{
	char cmd[100];

	qtest_stop(t);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", t->dir);
	if (system(cmd))
		exit(2);
}

/* ---- the socket ---- */

static bool answer(struct qtest *t, char *line, size_t size)
{
	size_t n = 0;

	while (n + 1 < size && recv(t->sock, line + n, 1, 0) == 1) {
		if (line[n] != '\n') {
			n++;
			continue;
		}
		line[n] = 0;
		if (strncmp(line, "IRQ", 3))
			return !strncmp(line, "OK", 2);
		n = 0;
	}
	t->gone = true;
	return false;
}

static u64 command(struct qtest *t, const char *format, ...)
{
	char line[128];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (t->gone || send(t->sock, line, n, MSG_NOSIGNAL) != n ||
	    !answer(t, line, sizeof(line))) {
		t->gone = true;
		return ~0ull;
	}
	return line[2] ? strtoull(line + 3, NULL, 0) : 0;
}

static u32 rd32(void *ctx, u32 off)
{
	return command(ctx, "readl 0x%x\n", BAR + off);
}

static u64 rd64(void *ctx, u32 off)
{
	return command(ctx, "readq 0x%x\n", BAR + off);
}

static void wr32(void *ctx, u32 off, u32 val)
{
	command(ctx, "writel 0x%x 0x%x\n", BAR + off, val);
}

static void wr64(void *ctx, u32 off, u64 val)
{
	command(ctx, "writeq 0x%x 0x%llx\n", BAR + off, (unsigned long long)val);
}

static void config_write(struct qtest *t, u32 off, u32 val)
{
	command(t, "outl 0xcf8 0x%x\n", 0x80000000u | SLOT << 11 | off);
	command(t, "outl 0xcfc 0x%x\n", val);
}

static int connect_socket(struct qtest *t)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	file_of(a.sun_path, sizeof(a.sun_path), t, "sock");
	for (u32 i = 0; i < 1000; i++) {
		t->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (!connect(t->sock, (struct sockaddr *)&a, sizeof(a)))
			return 0;
		close(t->sock);
		t->sock = -1;
		if (waitpid(t->pid, NULL, WNOHANG) == t->pid) {
			t->pid = 0;
			return -1;
		}
		poll(NULL, 0, 10);
	}
	return -1;
}

/* ---- the process ---- */

static char *expand(const struct qtest *t, const char *arg)
{
	const char *at = strchr(arg, '@');
	char *out = NULL;

	if (!at)
		return strdup(arg);
	if (asprintf(&out, "%.*s%s%s", (int)(at - arg), arg, t->dir, at + 1) < 0)
		exit(2);
	return out;
}

static void spawn(struct qtest *t, const char *const *args)
{
	static const char *const base[] = {
		QEMU,
		"-nodefaults",
		"-no-user-config",
		"-display",
		"none",
		"-machine",
		"q35,memory-backend=m",
		"-accel",
		"tcg",
		"-bios",
		"@/rom",
		"-qtest",
		"unix:@/sock,server=on,wait=off",
		"-qtest-log",
		"none",
		"-m",
		"64",
		"-object",
		"memory-backend-file,id=m,size=64M,mem-path=@/ram,share=on",
		NULL
	};
	char *argv[ARGS_MAX] = { 0 };
	u32 n = 0;

	for (u32 i = 0; base[i]; i++)
		argv[n++] = expand(t, base[i]);
	for (u32 i = 0; args[i] && n < ARGS_MAX - 1; i++)
		argv[n++] = expand(t, args[i]);
	fflush(stdout);
	t->pid = fork();
	if (!t->pid) {
		execv(QEMU, argv);
		_exit(127);
	}
	while (n--)
		free(argv[n]);
}

int qtest_start(struct qtest *t, const char *const *args)
{
	int ram = make_file(t, "ram", RAM_SIZE, 0);
	char sock[96];

	if (ram < 0)
		return -1;
	file_of(sock, sizeof(sock), t, "sock");
	unlink(sock);
	if (test_arena.base)
		munmap(test_arena.base, test_arena.size);
	test_arena_map(ram, DMA_OFFSET, DMA_SIZE, DMA_OFFSET);
	close(ram);
	t->gone = false;
	spawn(t, args);
	if (t->pid < 0 || connect_socket(t))
		return -1;
	config_write(t, 0x10, BAR);
	config_write(t, 0x14, 0);
	config_write(t, 0x04, 6); /* memory space, bus master */
	t->transport = (struct nvme_transport){
		.rd32 = rd32, .rd64 = rd64, .wr32 = wr32, .wr64 = wr64, .ctx = t, .bar_size = 0x2000
	};
	return t->gone ? -1 : 0;
}

void qtest_stop(struct qtest *t)
{
	if (t->sock >= 0)
		close(t->sock);
	t->sock = -1;
	if (!t->pid)
		return;
	kill(t->pid, SIGTERM);
	waitpid(t->pid, NULL, 0);
	t->pid = 0;
}
