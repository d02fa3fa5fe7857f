// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A program that ends badly, or makes the TEE's kernel end badly (it runs at the same privilege). */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Functions that stay functions, to be found in traces. */
#define KEPT __attribute__((noinline, noclone))

static volatile int zero, one = 1;

static void panic_by_key(void)
{
	int fd = open("/proc/sysrq-trigger", O_WRONLY);

	if (fd < 0 || write(fd, "c", 1) != 1)
		_exit(9);
}

/* Enough system calls of one site that it is rewritten. */
static void show_maps(void)
{
	char text[4096];
	int fd, i;
	ssize_t n;

	for (i = 0; i < 100; i++)
		getppid();
	fd = open("/proc/self/maps", O_RDONLY);
	while ((n = read(fd, text, sizeof(text))) > 0)
		if (write(1, text, n) != n)
			_exit(9);
}

/* Reads a file that walks a table of the kernel's, into which a bad pointer was put. */
static void kernel_fault(char **argv)
{
	unsigned long *table = (void *)strtoul(argv[2], NULL, 0);
	char text[4096];
	int fd = open("/proc/devices", O_RDONLY), i;

	for (i = 0; i < 255; i++)
		table[i] = 0x10;
	while (read(fd, text, sizeof(text)) > 0)
		;
}

/* As if the kernel had used all of its stack: its stack pointer at the guard, in its own code. */
static void stack_overflow(char **argv)
{
	unsigned long code = strtoul(argv[2], NULL, 0), sp;

	/* gs: the vCPU's; its entry_sp is the top of this task's kernel stack */
	__asm__ volatile("movq %%gs:(%1), %0" : "=r"(sp) : "r"(strtoul(argv[3], NULL, 0)));
	sp = (sp & ~(strtoul(argv[4], NULL, 0) - 1)) + 16;
	__asm__ volatile("movq %0, %%rsp; jmp *%1" : : "r"(sp), "r"(code));
}

/* The per-CPU base that phase 1 of an exception loads is overwritten: it faults itself. */
static void nested_exceptions(char **argv)
{
	*(unsigned long *)strtoul(argv[2], NULL, 0) = 0x7fff00000000;
	zero = *(volatile int *)8;
}

static KEPT void deepest(char **argv)
{
	const char *how = argv[1];

	if (!strcmp(how, "segv"))
		*(volatile int *)0x10 = 1;
	else if (!strcmp(how, "ill"))
		__asm__ volatile("ud2");
	else if (!strcmp(how, "fpe"))
		zero = one / zero;
	else if (!strcmp(how, "abrt"))
		abort();
	else if (!strcmp(how, "jump"))
		((void (*)(void))0x12345)();
	else if (!strcmp(how, "handled")) {
		signal(SIGSEGV, _exit);
		*(volatile int *)0x10 = 1;
	} else if (!strcmp(how, "quit"))
		raise(SIGQUIT);
	else if (!strcmp(how, "term"))
		raise(SIGTERM);
	else if (!strcmp(how, "panic"))
		panic_by_key();
	else if (!strcmp(how, "oops"))
		kernel_fault(argv);
	else if (!strcmp(how, "overflow"))
		stack_overflow(argv);
	else if (!strcmp(how, "nested"))
		nested_exceptions(argv);
	else if (!strcmp(how, "maps"))
		show_maps();
	__asm__ volatile("");
}

static KEPT void middle(char **argv)
{
	deepest(argv);
	__asm__ volatile("");
}

static void *thread_main(void *argv)
{
	middle(argv);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc < 2)
		return 2;
	if (strcmp(argv[argc - 1], "thread")) {
		middle(argv);
		return 0;
	}
	pthread_create(&thread, NULL, thread_main, argv);
	pthread_join(thread, NULL);
	return 0;
}
