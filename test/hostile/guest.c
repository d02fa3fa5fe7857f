// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * An ordinary program: memory, files, sleep, output. Status 3 if all is right, 6 if new memory has
 * somebody's bytes. With an argument it
 * does nothing for ever, and is interrupted again and again where it does it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

static void handler(int sig)
{
	puts("handler");
	fflush(stdout);
	_exit(5);
}

static void spin(void)
{
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } };

	signal(SIGBUS, handler);
	signal(SIGSEGV, handler);
	signal(SIGALRM, SIG_IGN);
	setitimer(ITIMER_REAL, &often, NULL);
	puts("spinning");
	fflush(stdout);
	for (;;)
		__asm__ volatile("1: jmp 1b");
}

/* What was given back comes again, and as zero. */
static int memory_is_zero(void)
{
	size_t size = 4 << 20, at;
	int i, zero = 1;
	char *p;

	for (i = 0; i < 4; i++) {
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return 1;
		for (at = 0; at < size; at += 512)
			zero &= !p[at];
		memset(p, 0x5a, size);
		munmap(p, size);
	}
	return zero;
}

int main(int argc, char **argv)
{
	char text[64] = "", *memory = malloc(8 << 20);
	int i, fd;

	if (argc > 1)
		spin();
	memset(memory, 1, 8 << 20);
	fd = open("/tmp/f", O_CREAT | O_RDWR, 0600);
	if (fd < 0)
		fd = open("/f", O_CREAT | O_RDWR, 0600);
	if (fd < 0 || write(fd, "hello", 5) != 5 || pread(fd, text, 5, 0) != 5 ||
	    strcmp(text, "hello"))
		return 4;
	for (i = 0; i < 20; i++) {
		usleep(1000);
		printf("line %d\n", i);
		fflush(stdout);
	}
	while (read(0, text, sizeof(text)) > 0)
		;
	free(memory);
	return memory_is_zero() ? 3 : 6;
}
