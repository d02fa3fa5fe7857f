// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Addresses that reach the kernel inside other structures, or that it stores
 * and uses later: iovecs, message headers, robust lists, clear_tid, signal
 * stacks and frames, clone arguments, mmap with chosen addresses, thread
 * pointers. The answer is an error or a signal, never a kernel access.
 */
#include "test/guest/lib/guest.h"
#include <linux/futex.h>
#include <setjmp.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <net/if.h>
#include "abi/layout.h"

/* All are unmapped for a native program as well. */
static const uint64_t bads[] = {
	8,
	TEE_IMAGE_BASE,
	TEE_IMAGE_BASE + 0x200000,
	TEE_KERNEL_MEM_END - 8,
	TEE_MEMMAP_START,
	TEE_KWIN_START,
	TEE_KWIN_START + 0x10000,
	0x8000000000000000,
	0xffffffff81000000,
	-8ULL,
};

#define EACH_BAD(p) \
	for (size_t b_ = 0; b_ < sizeof(bads) / sizeof(bads[0]) && (p = (void *)bads[b_], 1); b_++)

static void iovecs(void)
{
	int fd = guest_tmpfile(100), s[2];
	char good[8];
	void *bad;

	MUST(!socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	EACH_BAD(bad)
	{
		struct iovec v = { bad, 8 }, first[2] = { { good, 4 }, { bad, 8 } };
		struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

		lseek(fd, 0, SEEK_SET);
		FAILS(readv(fd, &v, 1), EFAULT);
		FAILS(writev(fd, &v, 1), EFAULT);
		lseek(fd, 0, SEEK_SET);
		/* What access_ok() refuses fails at once, other addresses after the first part. */
		CHECK(readv(fd, first, 2) == 4 || errno == EFAULT);
		FAILS(sendmsg(s[0], &m, 0), EFAULT);
		MUST(send(s[0], "12345678", 8, 0) == 8);
		FAILS(recvmsg(s[1], &m, 0), EFAULT);
		while (recv(s[1], good, 8, MSG_DONTWAIT) >= 0)
			;
	}
	close(fd);
	close(s[0]);
	close(s[1]);
}

static void message_headers(void)
{
	struct iovec v = { "x", 1 };
	void *bad;
	int s[2];

	MUST(!socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	EACH_BAD(bad)
	{
		struct msghdr name = {
			.msg_iov = &v, .msg_iovlen = 1, .msg_name = bad, .msg_namelen = 16
		};
		struct msghdr control = {
			.msg_iov = &v, .msg_iovlen = 1, .msg_control = bad, .msg_controllen = 64
		};
		struct msghdr vec = { .msg_iov = bad, .msg_iovlen = 1 };

		FAILS(sendmsg(s[0], &name, 0), EFAULT);
		FAILS(sendmsg(s[0], &control, 0), EFAULT);
		FAILS(sendmsg(s[0], &vec, 0), EFAULT);
	}
	close(s[0]);
	close(s[1]);
}

static void ioctls(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	void *bad;

	EACH_BAD(bad)
	{
		struct ifconf c = { .ifc_len = 4096, .ifc_buf = bad };

		FAILS(ioctl(fd, SIOCGIFCONF, &c), EFAULT);
		FAILS(ioctl(fd, SIOCGIFFLAGS, bad), EFAULT);
	}
	close(fd);
}

static void argument_vectors(void)
{
	char *good[] = { "x", NULL };
	void *bad;

	EACH_BAD(bad)
	{
		char *argv[] = { "x", bad, NULL };

		FAILS(execve(guest_self(), argv, good), EFAULT);
		FAILS(execve(guest_self(), good, argv), EFAULT);
		FAILS(execve(guest_self(), bad, good), EFAULT);
	}
}

static void *set_and_exit(void *bad)
{
	syscall(SYS_set_tid_address, bad);
	syscall(SYS_set_robust_list, bad, sizeof(struct robust_list_head));
	syscall(SYS_exit, 0);
	return NULL;
}

static void thread_exit_words(void)
{
	static struct robust_list_head head;
	char stack[8][65536] __attribute__((aligned(16)));
	void *bad;
	int tid, n = 0, flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;

	EACH_BAD(bad)
	{
		tid = clone((int (*)(void *))(void *)set_and_exit, stack[n++ % 8] + 65536, flags,
			    bad);
		CHECK(tid > 0);
		while (guest_task_state(tid) != '?')
			guest_nap_ms(1);
	}
	head.list.next = &head.list;
}

/* A robust list whose entries point into the kernel. */
static int robust_entry(void *bad)
{
	struct {
		struct robust_list_head h;
	} *l = calloc(1, sizeof(*l));

	l->h.list.next = bad;
	l->h.futex_offset = 0;
	l->h.list_op_pending = bad;
	syscall(SYS_set_robust_list, &l->h, sizeof(l->h));
	syscall(SYS_exit, 0);
	return 0;
}

static void robust_entries(void)
{
	static char stack[8][65536] __attribute__((aligned(16)));
	int tid, n = 0, flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
	void *bad;

	EACH_BAD(bad)
	{
		tid = clone(robust_entry, stack[n++ % 8] + 65536, flags, bad);
		CHECK(tid > 0);
		while (guest_task_state(tid) != '?')
			guest_nap_ms(1);
	}
}

static int just_exit(void *arg)
{
	syscall(SYS_exit, 0);
	return 0;
}

static void clone_words(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD, tid;
	void *bad;

	EACH_BAD(bad)
	{
		tid = clone(just_exit, stack + 65536,
			    flags | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID, NULL, NULL, NULL,
			    bad);
		CHECK(tid > 0);
		while (guest_task_state(tid) != '?')
			guest_nap_ms(1);
		tid = clone(just_exit, stack + 65536, flags | CLONE_PARENT_SETTID, NULL, bad, NULL,
			    NULL);
		CHECK(tid > 0 || errno == EFAULT);
		while (tid > 0 && guest_task_state(tid) != '?')
			guest_nap_ms(1);
	}
}

static int status_of(const char *how, uint64_t bad)
{
	char text[32];

	snprintf(text, sizeof(text), "%llx", (unsigned long long)bad);
	return guest_run_self(how, text);
}

/* Only the calls' own checks protect the kernel: program and kernel share one TEE, and what a
 * program does to the kernel's memory by its own instructions is not looked at here.
 */
static bool by_instruction(const char *how)
{
	return !strcmp(how, "rsp") || !strcmp(how, "jump") || !strcmp(how, "read") ||
	       !strcmp(how, "handler");
}

static bool outside(uint64_t at)
{
	return at < TEE_IMAGE_BASE || at >= TEE_RANGE_END;
}

static void dies(const char *how)
{
	size_t i;
	int sig;

	/* SIGBUS: a non-canonical address through rsp or rbp is a stack fault. */
	for (i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		if (by_instruction(how) && !outside(bads[i]))
			continue;
		sig = status_of(how, bads[i]) & 0x7f;
		CHECK(sig == SIGSEGV || sig == SIGBUS);
	}
}

static void signal_stack_in_kernel(void)
{
	dies("altstack");
}

static void stack_pointer_in_kernel(void)
{
	dies("rsp");
}

static void handler_in_kernel(void)
{
	dies("handler");
}

static void jump_to_kernel(void)
{
	dies("jump");
}

static void read_kernel(void)
{
	dies("read");
}

static void sigreturn_garbage(void)
{
	dies("sigreturn");
}

static void thread_pointer(void)
{
	EQ(WIFSIGNALED(status_of("fs", 0x8000000000000000)), 0);
	FAILS(syscall(SYS_arch_prctl, 0x1002, 0x8000000000000000), EPERM);
	FAILS(syscall(SYS_arch_prctl, 0x1002, -8L), EPERM);
}

static void mapping_calls(void)
{
	static const uint64_t at[] = { TEE_IMAGE_BASE, TEE_IMAGE_BASE + 0x200000, TEE_MEMMAP_START,
				       TEE_KWIN_START };
	size_t i;
	void *p;

	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		/* Natively these are free addresses; inside they are refused. */
		p = mmap((void *)at[i], 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		if (guest_inside())
			CHECK(p == MAP_FAILED);
		else if (p != MAP_FAILED)
			munmap(p, 4096);
		p = mmap((void *)at[i], 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(p != MAP_FAILED);
		if (guest_inside())
			CHECK((uint64_t)p < TEE_IMAGE_BASE || (uint64_t)p >= TEE_USER_HIGH_START);
		munmap(p, 4096);
		FAILS(mprotect((void *)at[i], 4096, PROT_READ), ENOMEM);
		FAILS(madvise((void *)at[i], 4096, MADV_DONTNEED), ENOMEM);
		CHECK(munmap((void *)at[i], 4096) == 0 || errno == EINVAL);
		FAILS((long)mremap((void *)at[i], 4096, 8192, MREMAP_MAYMOVE), EFAULT);
		FAILS(mlock((void *)at[i], 4096), ENOMEM);
		FAILS(msync((void *)at[i], 4096, MS_SYNC), ENOMEM);
	}
}

/* Not natively: gs belongs to the vCPU. */
static void gs_base(void)
{
	if (guest_inside())
		CHECK(syscall(SYS_arch_prctl, 0x1001, 0x1000) == -1);
	EQ(getppid() > 0 || getpid() == 1, 1);
}

static void nothing(int sig)
{
}

static int doomed(const char *how, uint64_t bad)
{
	struct sigaction sa = { .sa_handler = nothing, .sa_flags = SA_ONSTACK };
	stack_t s = { .ss_sp = (void *)(bad - 65536), .ss_size = 65536 };

	if (!strcmp(how, "altstack")) {
		syscall(SYS_sigaltstack, &s, NULL);
		sigaction(SIGUSR1, &sa, NULL);
		raise(SIGUSR1);
	} else if (!strcmp(how, "rsp")) {
		__asm__ volatile("mov %0, %%rsp\n push %%rax\n ud2" : : "r"(bad));
	} else if (!strcmp(how, "handler")) {
		sa.sa_handler = (void (*)(int))(uintptr_t)bad;
		sigaction(SIGUSR1, &sa, NULL);
		raise(SIGUSR1);
	} else if (!strcmp(how, "jump")) {
		((void (*)(void))(uintptr_t)bad)();
	} else if (!strcmp(how, "read")) {
		return *(volatile char *)(uintptr_t)bad;
	} else if (!strcmp(how, "sigreturn")) {
		__asm__ volatile("mov %0, %%rsp\n mov $15, %%eax\n syscall\n ud2" : : "r"(bad));
	}
	return 0;
}

static const struct guest_case cases[] = {
	T(iovecs),
	T(message_headers),
	T(ioctls),
	T(argument_vectors),
	T(thread_exit_words),
	T(robust_entries),
	T(clone_words),
	T(signal_stack_in_kernel),
	T(stack_pointer_in_kernel),
	T(handler_in_kernel),
	T(jump_to_kernel),
	T(read_kernel),
	T(sigreturn_garbage),
	T(thread_pointer),
	T(mapping_calls),
	T(gs_base),
};

int main(int argc, char **argv)
{
	if (argc > 2)
		return doomed(argv[1], strtoull(argv[2], NULL, 16));
	return guest_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
