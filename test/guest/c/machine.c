// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a program sees of its machine: /proc, /sys, /dev, limits, CPU time, affinity, entropy. */
#include "test/guest/lib/guest.h"
#include <dirent.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <elf.h>
#include <link.h>

static char text[1 << 18];

static ssize_t slurp(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = 0, r;

	text[0] = 0;
	if (fd < 0)
		return -1;
	while ((r = read(fd, text + n, sizeof(text) - 1 - (size_t)n)) > 0)
		n += r;
	text[n] = 0;
	close(fd);
	return n;
}

static void proc_self(void)
{
	char buf[4096] = "", want[64];

	MUST(slurp("/proc/self/stat") > 0);
	EQ(atoi(text), getpid());
	MUST(slurp("/proc/self/status") > 0);
	snprintf(want, sizeof(want), "Pid:\t%d\n", getpid());
	CHECK(strstr(text, want) != NULL);
	CHECK(strstr(text, "Threads:\t1\n") != NULL);
	CHECK(strstr(text, "SigCgt:") != NULL);
	MUST(slurp("/proc/self/comm") > 0);
	CHECK(!strcmp(text, "machine\n"));
	MUST(slurp("/proc/self/cmdline") > 0);
	CHECK(strstr(text, "machine") != NULL);
	CHECK(readlink("/proc/self/exe", buf, sizeof(buf)) > 0);
	CHECK(strstr(buf, "/machine") != NULL);
	EQ(access(buf, X_OK), 0);
	CHECK(slurp("/proc/self/environ") >= 0);
	CHECK(slurp("/proc/self/limits") > 0 && strstr(text, "Max open files"));
	CHECK(slurp("/proc/self/mounts") > 0 && strstr(text, " /proc proc "));
	CHECK(slurp("/proc/self/mountinfo") > 0 && strstr(text, " /tmp "));
}

/* The mapping that holds the address, or NULL; `perm` gets its permissions. */
static char *find_map(uintptr_t at, char *perm)
{
	unsigned long lo, hi;
	char *line, *save;

	MUST(slurp("/proc/self/maps") > 0);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (sscanf(line, "%lx-%lx %4s", &lo, &hi, perm) == 3 && at >= lo && at < hi)
			return line;
	return NULL;
}

static void proc_maps(void)
{
	static int data = 1;
	char perm[8], *line;
	char *p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	line = find_map((uintptr_t)proc_maps, perm);
	MUST(line != NULL);
	CHECK(!strcmp(perm, "r-xp"));
	CHECK(strstr(line, "/machine") != NULL);
	line = find_map((uintptr_t)&data, perm);
	MUST(line != NULL);
	CHECK(!strcmp(perm, "rw-p"));
	line = find_map((uintptr_t)&line, perm);
	MUST(line != NULL);
	CHECK(!strncmp(perm, "rw", 2));
	CHECK(strstr(line, "[stack]") != NULL);
	MUST(find_map((uintptr_t)p + 4096, perm) != NULL);
	CHECK(!strcmp(perm, "rw-p"));
	mprotect(p + 4096, 4096, PROT_READ);
	MUST(find_map((uintptr_t)p + 4096, perm) != NULL);
	CHECK(!strcmp(perm, "r--p"));
	munmap(p + 4096, 4096);
	CHECK(find_map((uintptr_t)p + 4096, perm) == NULL);
	CHECK(find_map((uintptr_t)p + 8192, perm) != NULL);
	munmap(p, 3 * 4096);
}

static void proc_fd(void)
{
	int fd = guest_tmpfile(10), n = 0;
	char path[64], to[256] = "";
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(readlink(path, to, sizeof(to)) > 0);
	CHECK(!strncmp(to, "/tmp/guest-", 11));
	d = opendir("/proc/self/fd");
	while ((e = readdir(d)))
		n += atoi(e->d_name) == fd;
	EQ(n, 1);
	closedir(d);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	CHECK(slurp(path) > 0 && strstr(text, "pos:\t0"));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(open(path, O_RDONLY) >= 0);
	close(fd);
}

static void proc_system(void)
{
	unsigned long total = 0;

	CHECK(slurp("/proc/meminfo") > 0);
	EQ(sscanf(text, "MemTotal: %lu kB", &total), 1);
	CHECK(total > 16384);
	CHECK(strstr(text, "MemAvailable:") != NULL);
	CHECK(slurp("/proc/stat") > 0 && !strncmp(text, "cpu ", 4));
	CHECK(slurp("/proc/uptime") > 0);
	CHECK(slurp("/proc/loadavg") > 0);
	CHECK(slurp("/proc/version") > 0 && !strncmp(text, "Linux version ", 14));
	CHECK(slurp("/proc/filesystems") > 0 && strstr(text, "tmpfs"));
	CHECK(slurp("/proc/cpuinfo") > 0);
	CHECK(slurp("/proc/sys/kernel/random/uuid") == 37);
	CHECK(slurp("/proc/sys/kernel/pid_max") > 0);
	CHECK(slurp("/proc/net/dev") > 0 && strstr(text, "lo:"));
	CHECK(slurp("/proc/net/tcp") > 0);
	EQ(access("/sys/class/net/lo", F_OK), 0);
	EQ(access("/sys/devices/system/cpu/online", R_OK), 0);
}

static void dev_nodes(void)
{
	static const struct {
		const char *path;
		int major, minor;
	} nodes[] = {
		{ "/dev/null", 1, 3 },	 { "/dev/zero", 1, 5 },	   { "/dev/full", 1, 7 },
		{ "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
	};
	struct stat st;
	char buf[64];
	size_t i;
	int fd;

	for (i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		EQ(stat(nodes[i].path, &st), 0);
		CHECK(S_ISCHR(st.st_mode));
		EQ(major(st.st_rdev), nodes[i].major);
		EQ(minor(st.st_rdev), nodes[i].minor);
	}
	fd = open("/dev/zero", O_RDONLY);
	memset(buf, 1, sizeof(buf));
	EQ(read(fd, buf, sizeof(buf)), sizeof(buf));
	EQ(buf[63], 0);
	close(fd);
	fd = open("/dev/full", O_WRONLY);
	FAILS(write(fd, "x", 1), ENOSPC);
	close(fd);
	EQ(access("/dev/shm", W_OK), 0);
}

static void pseudo_terminal(void)
{
	char name[64] = "", buf[32] = "";
	int m = posix_openpt(O_RDWR | O_NOCTTY), s;

	MUST(m >= 0);
	MUST(!grantpt(m) && !unlockpt(m));
	MUST(!ptsname_r(m, name, sizeof(name)));
	s = open(name, O_RDWR | O_NOCTTY);
	MUST(s >= 0);
	EQ(isatty(s), 1);
	EQ(write(m, "line\n", 5), 5);
	EQ(read(s, buf, sizeof(buf)), 5);
	CHECK(!memcmp(buf, "line\n", 5));
	EQ(write(s, "x\n", 2), 2);
	close(s);
	close(m);
}

static void random_bytes(void)
{
	unsigned char a[64] = { 0 }, b[64] = { 0 }, zero[64] = { 0 };
	int i, bits = 0;

	EQ(getrandom(a, sizeof(a), 0), sizeof(a));
	EQ(getrandom(b, sizeof(b), GRND_NONBLOCK), sizeof(b));
	CHECK(memcmp(a, b, 64) && memcmp(a, zero, 64));
	for (i = 0; i < 64; i++)
		bits += __builtin_popcount(a[i] ^ b[i]);
	CHECK(bits > 128 && bits < 384);
	FAILS(getrandom(a, 1, 0x100), EINVAL);
	memcpy(a, (void *)getauxval(AT_RANDOM), 16);
	CHECK(memcmp(a, zero, 16));
}

static void cpus(void)
{
	unsigned int cpu = 9999, node = 9999;
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t all, one;
	int i;

	EQ(sched_getaffinity(0, sizeof(all), &all), 0);
	EQ(CPU_COUNT(&all), online);
	for (i = 0; i < 1000; i++) {
		EQ(syscall(SYS_getcpu, &cpu, &node, NULL), 0);
		CHECK(cpu < online);
		CHECK(sched_getcpu() >= 0 && sched_getcpu() < online);
	}
	for (i = 0; i < online; i++) {
		CPU_ZERO(&one);
		CPU_SET(i, &one);
		EQ(sched_setaffinity(0, sizeof(one), &one), 0);
		EQ(sched_getcpu(), i);
	}
	CPU_ZERO(&one);
	CPU_SET(1000, &one);
	FAILS(sched_setaffinity(0, sizeof(one), &one), EINVAL);
	EQ(sched_setaffinity(0, sizeof(all), &all), 0);
}

static double cpu_s(clockid_t c)
{
	struct timespec t;

	clock_gettime(c, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static volatile int stop;
static double used[2];

static void *busy(void *arg)
{
	while (!stop)
		__asm__ volatile("pause");
	used[0] = cpu_s(CLOCK_THREAD_CPUTIME_ID);
	return NULL;
}

static void *asleep(void *arg)
{
	while (!stop)
		guest_nap_ms(10);
	used[1] = cpu_s(CLOCK_THREAD_CPUTIME_ID);
	return NULL;
}

struct cpu_times {
	double busy, asleep, process, wall;
};

static struct cpu_times measure_cpu_times(void)
{
	double before = cpu_s(CLOCK_PROCESS_CPUTIME_ID), wall = cpu_s(CLOCK_MONOTONIC);
	struct cpu_times r;
	pthread_t t[2];

	stop = 0;
	MUST(!pthread_create(&t[0], NULL, busy, NULL));
	MUST(!pthread_create(&t[1], NULL, asleep, NULL));
	while (cpu_s(CLOCK_PROCESS_CPUTIME_ID) - before < 0.3)
		guest_nap_ms(20);
	stop = 1;
	MUST(!pthread_join(t[0], NULL));
	MUST(!pthread_join(t[1], NULL));
	r.wall = cpu_s(CLOCK_MONOTONIC) - wall;
	r.process = cpu_s(CLOCK_PROCESS_CPUTIME_ID) - before;
	r.busy = used[0];
	r.asleep = used[1];
	return r;
}

/*
 * A busy thread is charged, a sleeping one next to nothing; the process gets the sum. Time that
 * the host gives to others counts for whoever was on the vCPU, so one undisturbed try of several
 * is enough; wrong accounting is wrong every time.
 */
static void cpu_time(void)
{
	struct rusage ru;
	struct cpu_times c;
	int tries = 0;

	do {
		c = measure_cpu_times();
		CHECK(c.busy <= c.wall + 0.02);
		CHECK(c.process >= c.busy * 0.8);
	} while ((c.busy < 0.15 || c.asleep > c.busy / 4) && ++tries < 15);
	if (tries == 15)
		guest_fail(__FILE__, __LINE__, "busy %.3f s, asleep %.3f s, wall %.3f s", c.busy,
			   c.asleep, c.wall);
	getrusage(RUSAGE_SELF, &ru);
	CHECK((double)ru.ru_utime.tv_sec + (double)ru.ru_utime.tv_usec / 1e6 > 0.1);
}

static void resource_limits(void)
{
	struct rlimit r, old;
	int fd[64], n = 0;

	EQ(getrlimit(RLIMIT_STACK, &r), 0);
	CHECK(r.rlim_cur >= 8 << 20);
	EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
	r = (struct rlimit){ 20, old.rlim_max };
	EQ(setrlimit(RLIMIT_NOFILE, &r), 0);
	while (n < 64 && (fd[n] = open("/dev/null", O_RDONLY)) >= 0)
		n++;
	EQ(errno, EMFILE);
	while (n--)
		close(fd[n]);
	EQ(prlimit(0, RLIMIT_NOFILE, &old, &r), 0);
	EQ(r.rlim_cur, 20);
}

static void names(void)
{
	struct utsname u;
	struct sysinfo si;
	struct statfs fs;
	char host[65];

	EQ(uname(&u), 0);
	CHECK(!strcmp(u.sysname, "Linux") && !strcmp(u.machine, "x86_64"));
	EQ(sethostname("guest-name", 10), 0);
	EQ(gethostname(host, sizeof(host)), 0);
	CHECK(!strcmp(host, "guest-name"));
	EQ(sysinfo(&si), 0);
	CHECK(si.totalram > 0 && si.procs > 0);
	EQ(statfs("/proc", &fs), 0);
	EQ(fs.f_type, 0x9fa0);
	EQ(statfs("/tmp", &fs), 0);
	EQ(fs.f_type, 0x01021994);
	EQ(sysconf(_SC_PAGESIZE), 4096);
	EQ(prctl(PR_GET_DUMPABLE), 1);
	EQ(getpagesize(), 4096);
}

/* The keys that every program may use (native Linux gives more on some machines). */
static void auxiliary_vector(void)
{
	static const unsigned long keys[] = { AT_PHDR,
					      AT_PHENT,
					      AT_PHNUM,
					      AT_PAGESZ,
					      AT_ENTRY,
					      AT_UID,
					      AT_EUID,
					      AT_GID,
					      AT_EGID,
					      AT_CLKTCK,
					      AT_HWCAP,
					      AT_HWCAP2,
					      AT_PLATFORM,
					      AT_RANDOM,
					      AT_EXECFN,
					      AT_SYSINFO_EHDR,
					      AT_MINSIGSTKSZ,
					      27 /* AT_RSEQ_FEATURE_SIZE */,
					      28 /* AT_RSEQ_ALIGN */ };
	Elf64_auxv_t *v = (Elf64_auxv_t *)text;
	ssize_t n = slurp("/proc/self/auxv");
	size_t i, j;

	MUST(n > 0);
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		for (j = 0; j < (size_t)n / sizeof(*v) && v[j].a_type != keys[i]; j++)
			;
		if (j == (size_t)n / sizeof(*v))
			guest_fail(__FILE__, __LINE__, "no auxv entry %lu", keys[i]);
	}
	EQ(getauxval(AT_PAGESZ), 4096);
	EQ(getauxval(AT_CLKTCK), 100);
	EQ(getauxval(AT_UID), getuid());
	CHECK(!strcmp((char *)getauxval(AT_PLATFORM), "x86_64"));
	CHECK(strstr((char *)getauxval(AT_EXECFN), "machine") != NULL);
	CHECK(getauxval(AT_MINSIGSTKSZ) >= 1000);
}

/* The vDSO is an ELF image with the usual functions. */
static void vdso(void)
{
	static const char *const want[] = { "__vdso_clock_gettime", "__vdso_gettimeofday",
					    "__vdso_time", "__vdso_getcpu", "__vdso_clock_getres" };
	const char *base = (const char *)getauxval(AT_SYSINFO_EHDR);
	const Elf64_Ehdr *e = (const Elf64_Ehdr *)base;
	const Elf64_Phdr *p;
	size_t i, at, size = 0;

	MUST(base && !memcmp(base, ELFMAG, SELFMAG));
	p = (const Elf64_Phdr *)(base + e->e_phoff);
	for (i = 0; i < e->e_phnum; i++)
		if (p[i].p_type == PT_LOAD)
			size = p[i].p_offset + p[i].p_filesz;
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		for (at = 0; at + strlen(want[i]) < size; at++)
			if (!strcmp(base + at, want[i]))
				break;
		CHECK(at + strlen(want[i]) < size);
	}
}

GUEST_MAIN(T(proc_self), T(proc_maps), T(proc_fd), T(proc_system), T(dev_nodes), T(pseudo_terminal),
	   T(random_bytes), T(cpus), T(cpu_time), T(resource_limits), T(names), T(auxiliary_vector),
	   T(vdso))
