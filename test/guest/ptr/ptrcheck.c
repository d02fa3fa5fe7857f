// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Every pointer-taking syscall with addresses that a program must not reach:
 * the TEE's image, its memory, struct pages, the kernel window, the host's
 * side, unmapped, non-canonical, and ranges that cross the end of a user
 * window. The answer is EFAULT (or ENOSYS for a call that is not built in);
 * "loose" arguments may be answered otherwise, but must do no harm. What
 * harm would be shows in the rest of the suite: it runs in the same machine.
 */
#include "test/guest/lib/guest.h"
#include <linux/futex.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <grp.h>
#include <sys/xattr.h>
#include <netinet/in.h>
#include "abi/layout.h"

/* Objects that good arguments point to, and descriptors; set anew for each call. */
static struct {
	char buf[65536], zero[4096], ones[128], path[64], path2[64], path3[64], link[64], name[64],
		mqname[64];
	char *page, *argv[2];
	struct pollfd pollfd[1];
	struct iovec iov[1];
	struct msghdr msg;
	struct mmsghdr mmsg[1];
	struct sockaddr_in sockaddr;
	socklen_t socklen;
	struct timespec ts0, badts;
	struct timeval timeval0;
	struct itimerspec its;
	struct flock flock;
	struct rlimit rlimit;
	struct epoll_event epev;
	struct open_how openhow;
	struct {
		uint64_t val, uaddr;
		uint32_t flags, reserved;
	} waitv[2];
	struct {
		uint64_t off, len;
	} cachestat;
	struct {
		uint32_t version;
		int pid;
	} cap;
	struct {
		long p, size;
	} sigset6;
	struct {
		long handler, flags, restorer, mask;
	} sigact;
	struct sigevent sigev;
	stack_t stack;
	siginfo_t siginfo;
	long badset;
	fd_set fdset;
	int file, file2, pipe_r, pipe_w, dir, udp, listen, unix0, unix1, epoll, epoll_ready;
	int inotify, timerfd, pidfd, pid;
} g;

struct row {
	const char *name;
	int nr, args;
	unsigned int pointers, loose, not_null;
};

#include "ptrtable.h"

static struct bad {
	const char *name;
	uint64_t at;
} bads[] = {
	{ "NULL", 0 },
	{ "low", 8 },
	{ "image", TEE_IMAGE_BASE },
	{ "image+2M", TEE_IMAGE_BASE + 0x200000 },
	{ "kernel memory", TEE_IMAGE_BASE + 0x4000000 },
	{ "end of kernel memory", TEE_KERNEL_MEM_END - 8 },
	{ "memmap", TEE_MEMMAP_START },
	{ "memmap of the image", TEE_MEMMAP_START + (TEE_IMAGE_BASE >> 12) * 64 },
	{ "kernel window", TEE_KWIN_START },
	{ "kernel window+64K", TEE_KWIN_START + 0x10000 },
	{ "unmapped user", 0 },
	{ "host", 0x7ffffffde000 },
	{ "end of user half", 0x7ffffffff000 },
	{ "not canonical", 0x8000000000000000 },
	{ "native kernel", 0xffffffff81000000 },
	{ "last bytes", -8ULL },
};

static void open_files(void)
{
	struct epoll_event e = { .events = EPOLLOUT };
	int p[2];

	g.page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(g.page + 4096, 4096);
	bads[10].at = (uint64_t)g.page + 4096;
	g.file = guest_tmpfile(10000);
	g.file2 = guest_tmpfile(10000);
	MUST(!pipe2(p, O_NONBLOCK));
	g.pipe_r = p[0];
	g.pipe_w = p[1];
	g.dir = open("/tmp", O_RDONLY | O_DIRECTORY);
	g.udp = socket(AF_INET, SOCK_DGRAM, 0);
	g.listen = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	MUST(!listen(g.listen, 1));
	MUST(!socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, p));
	g.unix0 = p[0];
	g.unix1 = p[1];
	g.epoll = epoll_create1(0);
	g.epoll_ready = epoll_create1(0);
	MUST(!epoll_ctl(g.epoll_ready, EPOLL_CTL_ADD, g.unix0, &e));
	g.inotify = inotify_init1(IN_NONBLOCK);
	g.timerfd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	MUST(!setgroups(2, (gid_t[]){ 1, 2 }));
	g.pid = getpid();
	g.pidfd = (int)syscall(SYS_pidfd_open, g.pid, 0);
}

static void reset(void)
{
	lseek(g.file, 0, SEEK_SET);
	lseek(g.file2, 0, SEEK_SET);
	lseek(g.dir, 0, SEEK_SET);
	memset(g.zero, 0, sizeof(g.zero));
	memset(g.ones, 0xff, sizeof(g.ones));
	strcpy(g.path, "/tmp/guest-ptr");
	strcpy(g.path2, "/tmp/guest-ptr2");
	strcpy(g.path3, "none");
	strcpy(g.link, "/tmp/guest-link");
	strcpy(g.name, "trusted.guest");
	strcpy(g.mqname, "/guest-none");
	close(open(g.path, O_CREAT | O_RDWR, 0700));
	setxattr(g.path, g.name, "value", 5, 0);
	fsetxattr(g.file, g.name, "value", 5, 0);
	symlink("x", g.link);
	unlink(g.path2);
	g.argv[0] = g.path;
	g.pollfd[0] = (struct pollfd){ g.unix0, POLLOUT, 0 };
	g.iov[0] = (struct iovec){ g.buf, 64 };
	g.msg = (struct msghdr){ .msg_iov = g.iov, .msg_iovlen = 1 };
	g.mmsg[0].msg_hdr = g.msg;
	g.sockaddr = (struct sockaddr_in){ .sin_family = AF_INET,
					   .sin_port = 9,
					   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	g.socklen = 16;
	g.badts = (struct timespec){ 0, -1 };
	g.flock = (struct flock){ .l_type = F_WRLCK };
	g.rlimit = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	g.epev = (struct epoll_event){ .events = EPOLLIN };
	g.waitv[0].flags = g.waitv[1].flags = 2;
	g.cap.version = 0x20080522;
	g.sigset6.p = (long)g.zero;
	g.sigset6.size = 8;
	g.sigev.sigev_notify = SIGEV_NONE;
	g.siginfo.si_code = SI_QUEUE;
	g.stack = (stack_t){ .ss_flags = SS_DISABLE };
	FD_ZERO(&g.fdset);
	FD_SET(0, &g.fdset);
	send(g.unix1, "datagram", 8, MSG_DONTWAIT);
}

static bool allowed(const struct row *r, int arg, const struct bad *b, long ret, int err)
{
	if (ret == -1 && (err == EFAULT || err == ENOSYS))
		return true;
	/* NULL often means "not given"; what it gives natively is other tests' matter. */
	return b->at == 0 || (r->loose >> arg & 1);
}

static void try_row(int i)
{
	const struct row *r = &rows[i];
	long a[6], ret;
	size_t b;
	int arg;

	for (arg = 0; arg < r->args; arg++)
		for (b = 0; b < sizeof(bads) / sizeof(bads[0]); b++) {
			if (!(r->pointers >> arg & 1) || (!bads[b].at && (r->not_null >> arg & 1)))
				continue;
			memset(a, 0, sizeof(a));
			reset();
			arguments(i, a);
			a[arg] = (long)bads[b].at;
			errno = 0;
			ret = syscall(r->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
			if (!allowed(r, arg, &bads[b], ret, errno))
				guest_fail(__FILE__, __LINE__,
					   "%s: argument %d at %s gives %ld errno %d", r->name, arg,
					   bads[b].name, ret, errno);
		}
}

/* The 8 bytes before the end of the page are good, what follows is not. */
static void cross(int i, uint64_t page)
{
	const struct row *r = &rows[i];
	long a[6];
	int arg;

	for (arg = 0; arg < r->args; arg++)
		if (r->pointers >> arg & 1) {
			memset(a, 0, sizeof(a));
			reset();
			arguments(i, a);
			a[arg] = (long)(page + 4096 - 8);
			syscall(r->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		}
}

/* Calls that good bytes could make succeed with lasting effects are left out of crossing. */
static bool crossable(const char *name)
{
	static const char *const not [] = {
		"set",	 "clock_",    "adjtimex",      "chroot",	  "mount",    "umount2",
		"swap",	 "acct",      "pivot_root",    "select",	  "pselect6", "poll",
		"ppoll", "nanosleep", "rt_sigsuspend", "rt_sigtimedwait", "epoll",    "futex",
		"rseq",	 "execve",    "chdir",	       "prlimit64"
	};
	size_t i;

	for (i = 0; i < sizeof(not ) / sizeof(not [0]); i++)
		if (!strncmp(name, not [i], strlen(not [i])))
			return false;
	return true;
}

static void crossing_page(uint64_t page)
{
	int i;
	void *p = mmap((void *)page, 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	/*
	 * Inside, the last page of the high window may be the stack's: it serves as it is. A static
	 * layout has no memory there.
	 */
	CHECK(p == (void *)page || errno == EEXIST ||
	      (guest_memory_is_static() && errno == ENOMEM));
	for (i = 0; i < (int)(sizeof(rows) / sizeof(rows[0])); i++)
		if (rows[i].nr >= 0 && crossable(rows[i].name))
			cross(i, page);
	FAILS(read(g.file, (void *)(page + 4096), 8), EFAULT);
	FAILS(write(g.file, (void *)(page + 4096), 8), EFAULT);
	if (p == (void *)page)
		munmap(p, 4096);
}

static void end_of_low_window(void)
{
	crossing_page(TEE_USER_LOW_END - 4096);
}

static void end_of_high_window(void)
{
	crossing_page(TEE_USER_HIGH_END - 4096);
}

static void end_of_mapping(void)
{
	crossing_page((uint64_t)g.page);
}

static void one(void)
{
	int i;

	for (i = 0; i < (int)(sizeof(rows) / sizeof(rows[0])); i++)
		if (!strcmp(rows[i].name, guest_case_name()))
			try_row(i);
}

static const struct guest_case last[] = {
	T(end_of_low_window),
	T(end_of_high_window),
	T(end_of_mapping),
};

int main(int argc, char **argv)
{
	static struct guest_case cases[sizeof(rows) / sizeof(rows[0]) + 3];
	int i, n = 0;

	guest_init(argv[0]);
	open_files();
	for (i = 0; i < (int)(sizeof(rows) / sizeof(rows[0])); i++)
		if (rows[i].nr >= 0)
			cases[n++] = (struct guest_case){ rows[i].name, one };
	memcpy(cases + n, last, sizeof(last));
	return guest_main(argc, argv, cases, n + 3);
}
