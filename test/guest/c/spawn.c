// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Processes: posix_spawn, vfork, execve, wait, exit statuses, orphans, process groups. */
#include "test/guest/lib/guest.h"
#include <spawn.h>
#include <sys/resource.h>

extern char **environ;

static int run(const char *how, const char *arg)
{
	char *argv[] = { (char *)guest_self(), "--", (char *)how, (char *)arg, NULL };
	int status = -1;
	pid_t pid;

	errno = posix_spawn(&pid, guest_self(), NULL, NULL, argv, environ);
	if (errno || waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

static void exit_statuses(void)
{
	char n[16];
	int i;

	for (i = 0; i < 256; i += i < 4 ? 1 : 17) {
		snprintf(n, sizeof(n), "%d", i);
		EQ(run("exit", n), i << 8);
	}
	EQ(run("exit", "255"), 255 << 8);
	EQ(run("exit", "256"), 0);
}

static void signal_deaths(void)
{
	static const int sigs[] = { SIGHUP,  SIGINT,  SIGABRT, SIGKILL, SIGUSR1, SIGSEGV, SIGPIPE,
				    SIGALRM, SIGTERM, SIGFPE,  SIGILL,	SIGBUS,	 SIGTRAP };
	char n[16];
	size_t i;

	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		snprintf(n, sizeof(n), "%d", sigs[i]);
		EQ(run("signal", n) & 0x7f, sigs[i]);
	}
	snprintf(n, sizeof(n), "%d", SIGRTMIN + 1);
	EQ(run("signal", n) & 0x7f, SIGRTMIN + 1);
}

static void real_fault_deaths(void)
{
	EQ(run("fault", "null") & 0x7f, SIGSEGV);
	EQ(run("fault", "ud2") & 0x7f, SIGILL);
	EQ(run("fault", "div") & 0x7f, SIGFPE);
	EQ(run("fault", "int3") & 0x7f, SIGTRAP);
	EQ(run("fault", "stack") & 0x7f, SIGSEGV);
}

static void vfork_exec(void)
{
	volatile int before = 1;
	int status;
	pid_t pid = vfork();

	if (pid == 0) {
		before = 2;
		execl(guest_self(), "self", "--", "exit", "9", NULL);
		_exit(99);
	}
	MUST(pid > 0);
	EQ(before, 2);
	MUST(waitpid(pid, &status, 0) == pid);
	EQ(status, 9 << 8);
}

static void vfork_exit(void)
{
	int status, i;
	pid_t pid;

	for (i = 0; i < 50; i++) {
		pid = vfork();
		if (pid == 0)
			_exit(i);
		MUST(pid > 0);
		MUST(waitpid(pid, &status, 0) == pid);
		EQ(status, i << 8);
	}
}

static void exec_errors(void)
{
	char *argv[] = { "x", NULL };
	int fd = open("/tmp/guest-noexec", O_CREAT | O_WRONLY, 0755);

	MUST(write(fd,
		   "\x7f"
		   "ELF but not really",
		   19) == 19);
	close(fd);
	FAILS(execve("/none", argv, environ), ENOENT);
	FAILS(execve("/tmp", argv, environ), EACCES);
	FAILS(execve("/tmp/guest-noexec", argv, environ), ENOEXEC);
	FAILS(execve("/tmp/guest-noexec/x", argv, environ), ENOTDIR);
	FAILS(execve((char *)8, argv, environ), EFAULT);
	FAILS(execve(guest_self(), (char **)8, environ), EFAULT);
	unlink("/tmp/guest-noexec");
}

static void too_big(void)
{
	size_t size = 32 << 12;
	char *big = malloc(size + 1);
	char *argv[] = { "x", big, NULL };

	MUST(big);
	memset(big, 'a', size);
	big[size] = 0;
	FAILS(execve(guest_self(), argv, environ), E2BIG);
	free(big);
}

/* 100 KB of arguments and environment arrive unharmed. */
static void large_argv_env(void)
{
	char *argv[103] = { (char *)guest_self(), "--", "count" }, *env[2] = { NULL, NULL };
	char text[500], e[50000];
	int i, status;
	pid_t pid;

	memset(text, 'b', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	for (i = 3; i < 102; i++)
		argv[i] = text;
	memset(e, 'c', sizeof(e) - 1);
	memcpy(e, "BIG=", 4);
	e[sizeof(e) - 1] = 0;
	env[0] = e;
	MUST(!posix_spawn(&pid, guest_self(), NULL, NULL, argv, env));
	MUST(waitpid(pid, &status, 0) == pid);
	EQ(status, 0);
}

static void script(void)
{
	char line[256];
	int fd = open("/tmp/guest-script", O_CREAT | O_WRONLY | O_TRUNC, 0755), status, n;
	char *argv[] = { "/tmp/guest-script", "exit", "12", NULL };
	pid_t pid;

	n = snprintf(line, sizeof(line), "#!%s --script\n", guest_self());
	MUST(write(fd, line, n) == n);
	close(fd);
	MUST(!posix_spawn(&pid, argv[0], NULL, NULL, argv, environ));
	MUST(waitpid(pid, &status, 0) == pid);
	EQ(status, 12 << 8);
	unlink("/tmp/guest-script");
}

static void file_actions(void)
{
	char *argv[] = { (char *)guest_self(), "--", "fds", NULL };
	posix_spawn_file_actions_t fa;
	int p[2], status, cloexec;
	char buf[8] = "";
	pid_t pid;

	MUST(!pipe(p));
	cloexec = open("/dev/null", O_RDONLY | O_CLOEXEC);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, p[1], 20);
	posix_spawn_file_actions_addopen(&fa, 21, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_addclose(&fa, p[0]);
	posix_spawn_file_actions_addclose(&fa, p[1]);
	MUST(!posix_spawn(&pid, argv[0], &fa, NULL, argv, environ));
	MUST(waitpid(pid, &status, 0) == pid);
	EQ(status, 0);
	EQ(read(p[0], buf, sizeof(buf)), 4);
	CHECK(!memcmp(buf, "fds!", 4));
	close(p[0]);
	close(p[1]);
	close(cloexec);
}

static void wait_kinds(void)
{
	char *argv[] = { (char *)guest_self(), "--", "wait-stdin", NULL };
	posix_spawn_file_actions_t fa;
	struct rusage ru;
	siginfo_t si;
	int p[2], status;
	pid_t pid;

	MUST(!pipe2(p, O_CLOEXEC));
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, p[0], 0);
	MUST(!posix_spawn(&pid, argv[0], &fa, NULL, argv, environ));
	EQ(waitpid(pid, &status, WNOHANG), 0);
	memset(&si, 1, sizeof(si));
	EQ(waitid(P_PID, pid, &si, WEXITED | WNOHANG), 0);
	EQ(si.si_pid, 0);
	MUST(write(p[1], "\5", 1) == 1);
	EQ(waitid(P_PID, pid, &si, WEXITED | WNOWAIT), 0);
	EQ(si.si_pid, pid);
	EQ(si.si_code, CLD_EXITED);
	EQ(si.si_status, 5);
	EQ(si.si_signo, SIGCHLD);
	EQ(wait4(pid, &status, 0, &ru), pid);
	EQ(status, 5 << 8);
	FAILS(waitpid(pid, &status, 0), ECHILD);
	FAILS(waitpid(-1, &status, 0), ECHILD);
	close(p[0]);
	close(p[1]);
}

static void many_children(void)
{
	char *argv[] = { (char *)guest_self(), "--", "exit", "1", NULL };
	int i, status, sum = 0;
	pid_t pid;

	for (i = 0; i < 20; i++)
		MUST(!posix_spawn(&pid, argv[0], NULL, NULL, argv, environ));
	while (waitpid(-1, &status, 0) > 0)
		sum += WEXITSTATUS(status);
	EQ(sum, 20);
}

/* The grandchild outlives its parent and is given to another one. */
static void orphan(void)
{
	char buf[8] = "";
	int p[2], status;
	char fd[16];

	MUST(!pipe(p));
	snprintf(fd, sizeof(fd), "%d", p[1]);
	status = run("orphan", fd);
	EQ(status, 0);
	close(p[1]);
	EQ(read(p[0], buf, sizeof(buf)), 1);
	EQ(buf[0], 'y');
	close(p[0]);
}

static void *exec_from_thread(void *arg)
{
	execl(guest_self(), "self", "--", "ids", (char *)arg, NULL);
	return NULL;
}

static void thread_then_exec(void)
{
	char pid[16];
	pthread_t t;
	int i;

	snprintf(pid, sizeof(pid), "%d", getpid());
	for (i = 0; i < 3; i++)
		pthread_create(&t, NULL, (void *(*)(void *))(void *)pause, NULL);
	pthread_create(&t, NULL, exec_from_thread, pid);
	pthread_join(t, NULL);
	_exit(98);
}

/* exec from a thread that is not the first: the process keeps its pid and loses the others. */
static void exec_in_thread(void)
{
	EQ(run("thread-exec", ""), 0);
}

static void process_groups(void)
{
	posix_spawnattr_t a;
	char *argv[] = { (char *)guest_self(), "--", "pgrp", NULL };
	int status;
	pid_t pid;

	posix_spawnattr_init(&a);
	posix_spawnattr_setflags(&a, POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setpgroup(&a, 0);
	MUST(!posix_spawn(&pid, argv[0], NULL, &a, argv, environ));
	MUST(waitpid(pid, &status, 0) == pid);
	EQ(status, 0);
}

static void sh_command(void)
{
	EQ(WEXITSTATUS(system("exit 3")), 3);
	EQ(WEXITSTATUS(system("test -d /tmp && exit 4")), 4);
}

static volatile int zero;

static int overflow(int n)
{
	volatile char a[4096];

	a[0] = (char)n;
	return overflow(n + 1) + a[0];
}

static int fault(const char *kind)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	if (!strcmp(kind, "null"))
		return *(volatile int *)(uintptr_t)(zero + 16);
	if (!strcmp(kind, "ud2"))
		__asm__ volatile("ud2");
	if (!strcmp(kind, "int3"))
		__asm__ volatile("int3");
	if (!strcmp(kind, "stack"))
		return overflow(0);
	__asm__ volatile("idivl %2" : : "a"(1), "d"(0), "r"(zero));
	return 0;
}

static int orphan_main(int fd)
{
	char *argv[] = { (char *)guest_self(), "--", "orphan2", NULL, NULL, NULL };
	char a[16], b[16];
	pid_t pid;

	snprintf(a, sizeof(a), "%d", fd);
	snprintf(b, sizeof(b), "%d", getpid());
	argv[3] = a;
	argv[4] = b;
	return posix_spawn(&pid, argv[0], NULL, NULL, argv, environ) != 0;
}

static int orphan2_main(int fd, pid_t parent)
{
	while (getppid() == parent)
		guest_nap_ms(1);
	return write(fd, getppid() > 0 || getpid() == 1 ? "y" : "n", 1) != 1;
}

static int count_main(int argc, char **argv)
{
	int i;

	for (i = 3; i < argc; i++)
		if (strlen(argv[i]) != 499 || strspn(argv[i], "b") != 499)
			return 1;
	return argc != 102 || !getenv("BIG") || strlen(getenv("BIG")) != 49995;
}

static int threads_now(void)
{
	char line[128];
	int n = -1;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Threads: %d", &n) == 1)
			break;
	fclose(f);
	return n;
}

static int child_main(int argc, char **argv)
{
	const char *how = argv[2];
	char c = 0;

	if (!strcmp(how, "exit"))
		exit(atoi(argv[3]));
	if (!strcmp(how, "signal"))
		return raise(atoi(argv[3]));
	if (!strcmp(how, "fault"))
		return fault(argv[3]);
	if (!strcmp(how, "count"))
		return count_main(argc, argv);
	if (!strcmp(how, "fds"))
		return write(20, "fds!", 4) != 4 || fcntl(21, F_GETFD) || fcntl(19, F_GETFD) != -1;
	if (!strcmp(how, "wait-stdin"))
		return read(0, &c, 1) == 1 ? c : 99;
	if (!strcmp(how, "orphan"))
		return orphan_main(atoi(argv[3]));
	if (!strcmp(how, "orphan2"))
		return orphan2_main(atoi(argv[3]), atoi(argv[4]));
	if (!strcmp(how, "pgrp"))
		return getpgrp() != getpid();
	if (!strcmp(how, "ids"))
		return getpid() != atoi(argv[3]) || guest_gettid() != getpid() ||
		       threads_now() != 1;
	if (!strcmp(how, "thread-exec"))
		thread_then_exec();
	return 97;
}

static const struct guest_case cases[] = {
	T(exit_statuses), T(signal_deaths),  T(real_fault_deaths), T(vfork_exec),
	T(vfork_exit),	  T(exec_errors),    T(too_big),	   T(large_argv_env),
	T(script),	  T(file_actions),   T(wait_kinds),	   T(many_children),
	T(orphan),	  T(exec_in_thread), T(process_groups),	   T(sh_command),
};

int main(int argc, char **argv)
{
	if (argc > 3 && !strcmp(argv[1], "--script"))
		return atoi(argv[4]);
	if (argc > 2 && !strcmp(argv[1], "--")) {
		guest_init(argv[0]);
		return child_main(argc, argv);
	}
	return guest_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
