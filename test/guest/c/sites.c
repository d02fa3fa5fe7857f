// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Syscall instructions in all shapes and places: rewriting or trapping, the result is Linux's. */
#include "test/guest/lib/guest.h"
#include <limits.h>

long site_mov32(void), site_mov_rax(long nr), site_bare(long nr), site_two_ways(long nr, long skip);
long site_next_is_target(void), site_red_zone(void), site_no_stack(void *sp), site_flags(void);
long site_all_flags(long flags), site_rcx(void), site_big_numbers(long nr), site_page_border(void),
	site_page_border2(void);
unsigned int site_immediate(void);
extern const unsigned char site_constants[12];

/* Each three times: before, at and after a rewrite. */
static void shapes(void)
{
	int i;

	for (i = 0; i < 3; i++) {
		EQ(site_mov32(), getppid());
		EQ(site_mov_rax(SYS_getpid), getpid());
		EQ(site_bare(SYS_getpid), getpid());
		EQ(site_next_is_target(), getppid());
		EQ(site_page_border(), getppid());
		EQ(site_page_border2(), getppid());
	}
}

static void jump_past_the_mov(void)
{
	int i;

	for (i = 0; i < 3; i++) {
		EQ(site_two_ways(SYS_getpid, 0), getppid());
		EQ(site_two_ways(SYS_getpid, 1), getpid());
	}
}

static void red_zone(void)
{
	EQ(site_red_zone(), 0);
	EQ(site_red_zone(), 0);
}

static void stack_pointer_garbage(void)
{
	int i;

	for (i = 0; i < 3; i++) {
		EQ(site_no_stack(NULL), getppid());
		EQ(site_no_stack((void *)8), getppid());
		EQ(site_no_stack((void *)0x8000000000000000), getppid());
		EQ(site_no_stack((void *)0x100000000), getppid());
		EQ(site_no_stack((void *)0x1000000000), getppid());
		EQ(site_no_stack((void *)-1L), getppid());
	}
}

static void flags(void)
{
	EQ(site_flags(), 0x401);
	EQ(site_flags(), 0x401);
}

/* CF PF AF ZF SF OF in every combination, each alone and with DF, AC and ID. */
static void every_flag(void)
{
	static const long arithmetic[] = { 1, 4, 0x10, 0x40, 0x80, 0x800 };
	static const long other[] = { 0, 0x400, 0x40000, 0x200000, 0x240400 };
	unsigned int i, n, o;
	long flags;

	for (o = 0; o < sizeof(other) / sizeof(other[0]); o++)
		for (i = 0; i < 64; i++) {
			flags = 0x202 | other[o];
			for (n = 0; n < 6; n++)
				flags |= i & 1u << n ? arithmetic[n] : 0;
			EQ(site_all_flags(flags), flags);
		}
}

static void rcx_is_the_next_address(void)
{
	EQ(site_rcx(), 1);
	EQ(site_rcx(), 1);
}

static void numbers(void)
{
	EQ(site_big_numbers(-1), -ENOSYS);
	EQ(site_big_numbers(INT_MAX), -ENOSYS);
	EQ(site_big_numbers(4096), -ENOSYS);
	EQ(site_big_numbers(0x4000006e), -ENOSYS);
	EQ(site_big_numbers(SYS_getpid | 1L << 32), getpid());
	EQ(site_big_numbers(334 + 60), -ENOSYS);
}

static void constants_stay(void)
{
	static const unsigned char want[12] = { 0x0f, 0x05, 0xb8, 0x6e, 0,    0,
						0,    0x0f, 0x05, 0xc3, 0x0f, 0x05 };

	CHECK(!memcmp(site_constants, want, sizeof(want)));
	EQ(site_immediate(), 0x050f050f);
}

/* Bytes that look like data until somebody jumps there are code from then on. */
static void data_becomes_code(void)
{
	long (*fn)(void) = (long (*)(void))(uintptr_t)(site_constants + 2);

	EQ(fn(), getppid());
	EQ(fn(), getppid());
}

static void anonymous_code(void)
{
	static const unsigned char code[] = { 0xb8, 0x6e, 0, 0, 0, 0x0f, 0x05, 0xc3 };
	unsigned char *p =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long (*fn)(void) = (long (*)(void))(void *)p;
	int i;

	MUST(p != MAP_FAILED);
	memcpy(p, code, sizeof(code));
	MUST(!mprotect(p, 4096, PROT_READ | PROT_EXEC));
	for (i = 0; i < 5; i++)
		EQ(fn(), getppid());
	CHECK(!memcmp(p, code, sizeof(code)));
	MUST(!mprotect(p, 4096, PROT_READ | PROT_WRITE));
	p[1] = SYS_getpid;
	MUST(!mprotect(p, 4096, PROT_READ | PROT_EXEC));
	EQ(fn(), getpid());
	munmap(p, 4096);
}

static long many(unsigned int i);

static void *race(void *arg)
{
	long bad = 0;
	unsigned int i;

	pthread_barrier_wait(arg);
	for (i = 0; i < 64; i++)
		bad += many(i) != getppid();
	return (void *)bad;
}

/* Threads run into the same fresh sites at the same time. */
static void first_run_races(void)
{
	pthread_barrier_t b;
	pthread_t t[4];
	void *bad;
	int i;

	pthread_barrier_init(&b, NULL, 4);
	for (i = 0; i < 4; i++)
		MUST(!pthread_create(&t[i], NULL, race, &b));
	for (i = 0; i < 4; i++) {
		MUST(!pthread_join(t[i], &bad));
		EQ((long)bad, 0);
	}
}

/* 64 sites that nobody has executed before. */
__asm__(".text\n.type fresh_sites, @function\nfresh_sites:\n"
	".rept 64\n.balign 16\nmov $110, %eax\nsyscall\nret\n.endr\n"
	".size fresh_sites, . - fresh_sites\n");
extern const unsigned char fresh_sites[] __attribute__((visibility("hidden")));

static long many(unsigned int i)
{
	return ((long (*)(void))(uintptr_t)(fresh_sites + 16 * i))();
}

/* A page of a file with: getppid(), then a constant; nothing in front that a rewriter could use. */
static int text_file(const char *path, unsigned char constant)
{
	const unsigned char code[] = { 0x89, 0xf8, 0x0f, 0x05, 0xb8, constant, 0, 0, 0, 0xc3 };
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0700);
	unsigned char page[4096];

	memset(page, 0xcc, sizeof(page));
	memcpy(page, code, sizeof(code));
	MUST(fd >= 0 && write(fd, page, sizeof(page)) == sizeof(page));
	unlink(path);
	return fd;
}

/* What was rewritten is unmapped, and other text with a syscall at the same place comes there. */
static void text_changes(void)
{
	int a = text_file("/tmp/sites-a", 1), b = text_file("/tmp/sites-b", 2), i;
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, a, 0);
	int (*fn)(long nr) = (int (*)(long))p;

	MUST(p != MAP_FAILED);
	for (i = 0; i < 6; i++)
		EQ(fn(SYS_getppid), 1);
	MUST(!munmap(p, 4096));
	MUST(mmap(p, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, b, 0) == p);
	for (i = 0; i < 6; i++)
		EQ(fn(SYS_getppid), 2);
	MUST(mmap(p, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, a, 0) == p);
	for (i = 0; i < 6; i++)
		EQ(fn(SYS_getppid), 1);
	munmap(p, 4096);
	close(a);
	close(b);
}

static volatile int hits;

static void hit(int sig)
{
	hits++;
}

/* An interrupted and restarted call returns to a rewritten site. */
static void *poke(void *arg)
{
	pid_t *tid = arg;

	guest_wait_asleep(*tid);
	syscall(SYS_tgkill, getpid(), *tid, SIGUSR1);
	while (!hits)
		guest_nap_ms(1);
	guest_wait_asleep(*tid);
	MUST(write(tid[1], "z", 1) == 1);
	return NULL;
}

static void restart(void)
{
	struct sigaction sa = { .sa_handler = hit, .sa_flags = SA_RESTART };
	pid_t arg[2] = { guest_gettid(), 0 };
	int p[2], i;
	pthread_t t;
	char c;

	sigaction(SIGUSR1, &sa, NULL);
	MUST(!pipe(p));
	arg[1] = p[1];
	for (i = 0; i < 3; i++) {
		hits = 0;
		MUST(!pthread_create(&t, NULL, poke, arg));
		EQ(read(p[0], &c, 1), 1);
		MUST(!pthread_join(t, NULL));
		EQ(hits, 1);
	}
}

GUEST_MAIN(T(shapes), T(jump_past_the_mov), T(red_zone), T(stack_pointer_garbage), T(flags),
	   T(every_flag), T(rcx_is_the_next_address), T(numbers), T(constants_stay),
	   T(data_becomes_code), T(anonymous_code), T(first_run_races), T(text_changes), T(restart))
