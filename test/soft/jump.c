// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Runs inside the TEE: jumps with chosen registers to an address that the driver
 * (jail_test.py) names on standard input, or runs an instruction of its own.
 *
 * Line in: ADDRESS RAX RBX RCX RDX RSI RDI RBP R8 R9 R10 RSP FLAGS, all hexadecimal.
 * ADDRESS below 16 names one of the own[] instructions; RSP 0 keeps the stack. In
 * values, PATH_MARK stands for the address of the path in argv[1].
 * If the jump returns, "RETURNED RAX" is printed and the status is 0.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_MARK 0xa5a5a5a5
#define FLAG_LAST_CPU 1 /* jump on the last vCPU */
#define FLAG_NULL_FS 2 /* without thread-local storage, as a switch of contexts has it */

enum { ADDR, RAX, RBX, RCX, RDX, RSI, RDI, RBP, R8, R9, R10, RSP, FLAGS, COUNT };

/* Non-PIE and static: its addresses fit 32 bits, as int 0x80 wants them. */
static char path[256];
unsigned long in[COUNT], kept_rsp, kept_rbp, kept_rbx, kept_fs;
unsigned long jump(void);

__asm__(".globl jump\n"
	"jump:\n"
	"	pushq %r12\n	pushq %r13\n	pushq %r14\n	pushq %r15\n"
	"	movq %rsp, kept_rsp\n	movq %rbp, kept_rbp\n	movq %rbx, kept_rbx\n"
	"	rdfsbase %rax\n	movq %rax, kept_fs\n"
	"	testq $2, in+96\n	jz 1f\n	xorl %eax, %eax\n	wrfsbase %rax\n"
	"1:	movq in+0, %r11\n"
	"	movq in+16, %rbx\n	movq in+24, %rcx\n	movq in+32, %rdx\n"
	"	movq in+40, %rsi\n	movq in+48, %rdi\n	movq in+56, %rbp\n"
	"	movq in+64, %r8\n	movq in+72, %r9\n	movq in+80, %r10\n"
	"	movq in+8, %rax\n"
	"	cmpq $0, in+88\n	jne 2f\n"
	"	call *%r11\n"
	"	jmp 3f\n"
	"2:	movq in+88, %rsp\n	jmp *%r11\n"
	"3:	movq kept_rsp, %rsp\n	movq kept_rbp, %rbp\n	movq kept_rbx, %rbx\n"
	"	movq kept_fs, %rcx\n	wrfsbase %rcx\n"
	"	popq %r15\n	popq %r14\n	popq %r13\n	popq %r12\n	ret\n"
	"own_syscall: syscall\n	ret\n"
	"own_int80: int $0x80\n	ret\n"
	"own_sysenter: sysenter\n	ret\n"
	/* 32-bit mode by a far return, then the 32-bit entries */
	"own_far_int80: pushq $0x23\n	pushq $4f\n	lretq\n"
	"4:	int $0x80\n	ud2\n"
	"own_far_sysenter: pushq $0x23\n	pushq $5f\n	lretq\n"
	"5:	sysenter\n	ud2\n");

extern const char own_syscall[], own_int80[], own_sysenter[], own_far_int80[], own_far_sysenter[];
static const char *const own[] = { own_syscall, own_int80, own_sysenter, own_far_int80,
				   own_far_sysenter };

static int read_command(void)
{
	char line[1024], *at = line;
	int i;

	if (!fgets(line, sizeof(line), stdin))
		return -1;
	for (i = 0; i < COUNT; i++) {
		in[i] = strtoul(at, &at, 16);
		if (in[i] == PATH_MARK)
			in[i] = (unsigned long)path;
	}
	if (in[ADDR] < sizeof(own) / sizeof(own[0]))
		in[ADDR] = (unsigned long)own[in[ADDR]];
	return 0;
}

static void *run(void *arg)
{
	cpu_set_t set;
	int cpu = CPU_SETSIZE - 1;

	if (in[FLAGS] & FLAG_LAST_CPU) {
		sched_getaffinity(0, sizeof(set), &set);
		while (cpu && !CPU_ISSET(cpu, &set))
			cpu--;
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		sched_setaffinity(0, sizeof(set), &set);
	}
	printf("RETURNED %lx\n", jump());
	fflush(stdout);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc != 2 || strlen(argv[1]) >= sizeof(path))
		return 2;
	strcpy(path, argv[1]);
	puts("READY");
	fflush(stdout);
	if (read_command())
		return 2;
	if (pthread_create(&thread, NULL, run, NULL))
		return 2;
	pthread_join(thread, NULL);
	return 0;
}
