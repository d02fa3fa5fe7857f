// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * CPUID, wherever it stands: answered by the processor, or by the kernel that makes it trap. What
 * holds on every machine is compared; what only the TEE says is checked inside, where it traps.
 */
#include "test/guest/lib/guest.h"
#include <elf.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <ucontext.h>

struct regs {
	uint32_t a, b, c, d;
};

void cpuid_plain(uint32_t leaf, uint32_t subleaf, struct regs *r),
	cpuid_branch(uint32_t leaf, uint32_t subleaf, struct regs *r),
	cpuid_switch(uint32_t leaf, uint32_t subleaf, struct regs *r),
	cpuid_page_border(uint32_t leaf, uint32_t subleaf, struct regs *r);
unsigned int cpuid_immediate(void);
unsigned long cpuid_registers(void), cpuid_upper_halves(void);
extern const unsigned char cpuid_site[2], cpuid_constants[5];

static struct regs ask(uint32_t leaf, uint32_t subleaf)
{
	struct regs r;

	cpuid_plain(leaf, subleaf, &r);
	return r;
}

static void same_vendor(const struct regs *a, const struct regs *b)
{
	EQ(a->b, b->b);
	EQ(a->c, b->c);
	EQ(a->d, b->d);
}

static void places(void)
{
	struct regs plain = ask(0, 0), other;
	int i;

	for (i = 0; i < 3; i++) {
		cpuid_branch(0, 0, &other);
		same_vendor(&plain, &other);
		cpuid_switch(0, 0, &other);
		same_vendor(&plain, &other);
		cpuid_page_border(0, 0, &other);
		same_vendor(&plain, &other);
	}
}

static void data_stay(void)
{
	static const unsigned char want[5] = { 0x0f, 0xa2, 0xb8, 0x0f, 0xa2 };

	CHECK(!memcmp(cpuid_constants, want, sizeof(want)));
	EQ(cpuid_immediate(), 0xa20fa20f);
}

static void registers(void)
{
	int i;

	for (i = 0; i < 3; i++) {
		EQ(cpuid_registers(), 0x401ul << 16 | 0x7ff);
		EQ(cpuid_upper_halves(), 0);
	}
}

static void anonymous_code(void)
{
	static const unsigned char code[] = { 0x53, 0x31, 0xc0, 0x31, 0xc9, 0x0f,
					      0xa2, 0x89, 0xd8, 0x5b, 0xc3 };
	unsigned char *p =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t (*fn)(void) = (uint32_t(*)(void))(void *)p;

	MUST(p != MAP_FAILED);
	memcpy(p, code, sizeof(code));
	MUST(!mprotect(p, 4096, PROT_READ | PROT_EXEC));
	EQ(fn(), ask(0, 0).b);
	munmap(p, 4096);
}

static void loops_end(void)
{
	uint32_t i;

	CHECK(ask(0, 0).a >= 0xd);
	for (i = 0; i < 64 && (ask(4, i).a & 0x1f); i++)
		;
	CHECK(i < 64);
	for (i = 0; i < 64 && (ask(0xb, i).b & 0xffff); i++)
		;
	CHECK(i < 64);
	CHECK(ask(0x80000000, 0).a >= 0x80000004);
}

/* XSAVE writes no byte behind the room that leaf 0DH tells of. */
static void xsave_fits(void)
{
	uint32_t mask = ask(0xd, 0).a, size = ask(0xd, 0).b, i;
	unsigned char *p = aligned_alloc(64, 65536);

	MUST(p && size >= 576 && size < 32768);
	memset(p, 0x5a, 65536);
	memset(p + 512, 0, 64); /* the header */
	__asm__ volatile("vpcmpeqd %%ymm1, %%ymm1, %%ymm1\n\txsave64 (%0)"
			 :
			 : "r"(p), "a"(mask), "d"(0)
			 : "memory", "xmm1");
	for (i = size; i < 65536; i++)
		MUST(p[i] == 0x5a);
	free(p);
}

/* ld.so chose by the same answers; those programs run that need what is told of. */
static void features_work(void)
{
	uint32_t c1 = ask(1, 0).c, b7 = ask(7, 0).b;
	unsigned long out = 0;

	if (c1 >> 23 & 1)
		__asm__ volatile("popcnt %1, %0" : "=r"(out) : "r"(0xfful));
	EQ(out, c1 >> 23 & 1 ? 8 : 0);
	if (b7 >> 8 & 1)
		__asm__ volatile("pext %1, %2, %0" : "=r"(out) : "r"(0xf0ul), "r"(0xabul));
	EQ(out, b7 >> 8 & 1 ? 0xa : out);
	if (b7 >> 5 & 1)
		__asm__ volatile("vpaddb %%ymm0, %%ymm0, %%ymm0" : : : "xmm0");
	if (b7 >> 31 & 1)
		__asm__ volatile("vpaddb %%ymm0, %%ymm0, %%ymm0%{%%k1%}" : : : "xmm0");
	CHECK(b7 & 1); /* FSGSBASE: the image needs it, Linux says so by AT_HWCAP2 */
}

static void *ask_often(void *arg)
{
	struct regs first = ask(0, 0), r;
	int i;

	for (i = 0; i < 200; i++) {
		r = ask(0, i);
		same_vendor(&first, &r);
	}
	return NULL;
}

static void threads(void)
{
	pthread_t t[4];
	int i;

	for (i = 0; i < 4; i++)
		MUST(!pthread_create(&t[i], NULL, ask_often, NULL));
	for (i = 0; i < 4; i++)
		MUST(!pthread_join(t[i], NULL));
}

/* Text mapped from a descriptor that does direct I/O is what it is elsewhere. */
static void direct_io(void)
{
	extern const unsigned char __executable_start[];
	size_t at = (size_t)(cpuid_site - __executable_start);
	int fd = open("/proc/self/exe", O_RDONLY | O_DIRECT);
	unsigned char *p;

	if (fd < 0)
		return; /* not on this file system */
	p = mmap(NULL, at + 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	MUST(p != MAP_FAILED);
	EQ(p[1], 'E');
	EQ(p[at], cpuid_site[0]);
	munmap(p, at + 4096);
	close(fd);
}

/* /proc/cpuinfo has a flag where CPUID has a bit. */
static void cpuinfo(void)
{
	static const struct {
		const char *flag;
		int bit; /* of leaf 7, ebx */
	} flags[] = { { " fsgsbase ", 0 }, { " bmi1 ", 3 },	{ " avx2 ", 5 },
		      { " bmi2 ", 8 },	   { " avx512f ", 16 }, { " sha_ni ", 29 } };
	FILE *f = fopen("/proc/cpuinfo", "r");
	uint32_t b = ask(7, 0).b;
	size_t size = 0, i;
	int lines = 0, names = 0;
	char *line = NULL;

	MUST(f);
	while (getline(&line, &size, f) > 0) {
		names += !strncmp(line, "model name\t: ", 13) && line[13] > ' ';
		if (strncmp(line, "flags\t\t:", 8))
			continue;
		lines++;
		line[strlen(line) - 1] = ' ';
		for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
			EQ(!!strstr(line, flags[i].flag), b >> flags[i].bit & 1);
	}
	EQ(lines, sysconf(_SC_NPROCESSORS_ONLN));
	EQ(names, lines);
	free(line);
	fclose(f);
}

/* Where the first byte has been changed, the kernel answers, and tells of the TEE. */
static void what_the_tee_says(void)
{
	int cpus = get_nprocs_conf(), i;
	cpu_set_t set;

	if (!guest_inside() || cpuid_site[0] == 0x0f)
		return;
	EQ(ask(1, 0).c >> 31, 0);
	EQ(ask(7, 0).c & 0x18, 0);
	EQ(ask(0x40000000, 0).a, 0);
	EQ(ask(0xb, 1).b, cpus);
	EQ(ask(1, 0).b >> 16 & 0xff, cpus);
	for (i = 0; i < cpus; i++) {
		CPU_ZERO(&set);
		CPU_SET(i, &set);
		MUST(!sched_setaffinity(0, sizeof(set), &set));
		EQ(ask(1, 0).b >> 24, i);
		EQ(ask(0xb, 0).d, i);
	}
}

/* Returns ebx of leaf 0; the instruction is at byte 5. */
static const unsigned char ask_vendor[] = { 0x53, 0x31, 0xc0, 0x31, 0xc9, 0x0f,
					    0xa2, 0x89, 0xd8, 0x5b, 0xc3 };
/* lstat(), as libc has it: its number is at byte 5. */
static const unsigned char ask_file[] = { 0xf3, 0x0f, 0x1e, 0xfa, 0xb8, 0x06, 0x00, 0x00,
					  0x00, 0x0f, 0x05, 0x48, 0x3d, 0x00, 0xf0, 0xff,
					  0xff, 0x77, 0x01, 0xc3, 0x48, 0x89, 0xc0, 0xc3 };

/* A library of one function, in the page at 1000H; a symbol says where it is. */
static int library(const char *path, const unsigned char *code, size_t size)
{
	static union {
		unsigned char bytes[0x2000];
		struct {
			Elf64_Ehdr eh;
			Elf64_Phdr ph;
			Elf64_Shdr sh;
			Elf64_Sym sym;
		} f;
	} u;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0700);

	memset(&u, 0, sizeof(u));
	u.f.eh = (Elf64_Ehdr){ .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
			       .e_type = ET_DYN,
			       .e_machine = EM_X86_64,
			       .e_phoff = (char *)&u.f.ph - (char *)&u,
			       .e_phentsize = sizeof(u.f.ph),
			       .e_phnum = 1,
			       .e_shoff = (char *)&u.f.sh - (char *)&u,
			       .e_shentsize = sizeof(u.f.sh),
			       .e_shnum = 1 };
	u.f.ph = (Elf64_Phdr){
		PT_LOAD, PF_R | PF_X, 0x1000, 0x1000, 0x1000, 0x1000, 0x1000, 0x1000
	};
	u.f.sh = (Elf64_Shdr){ .sh_type = SHT_SYMTAB,
			       .sh_offset = (char *)&u.f.sym - (char *)&u,
			       .sh_size = sizeof(u.f.sym),
			       .sh_entsize = sizeof(u.f.sym) };
	u.f.sym = (Elf64_Sym){ 0, STT_FUNC, 0, 1, 0x1000, size };
	memcpy(u.bytes + 0x1000, code, size);
	MUST(fd >= 0 && write(fd, &u, sizeof(u)) == sizeof(u));
	return fd;
}

static void *map_text(int fd, void *at)
{
	void *p = mmap(at, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | (at ? MAP_FIXED : 0), fd,
		       0x1000);

	MUST(p != MAP_FAILED);
	return p;
}

/* Where an instruction was changed, other text has a byte that looks so. */
static void other_text(void)
{
	int first = library("/tmp/cpuid-first", ask_vendor, sizeof(ask_vendor));
	int second = library("/tmp/cpuid-second", ask_file, sizeof(ask_file)), i;
	void *p = map_text(first, NULL);
	struct stat st;

	EQ(((uint32_t(*)(void))p)(), ask(0, 0).b);
	MUST(!munmap(p, 4096));
	map_text(second, p);
	for (i = 0; i < 8; i++) /* it is rewritten after some of them */
		EQ(((long (*)(const char *, struct stat *))p)("/tmp", &st), 0);
	munmap(p, 4096);
	close(first);
	close(second);
}

/* The function does not care where it is. */
static void copies(void)
{
	int fd = library("/tmp/cpuid-first", ask_vendor, sizeof(ask_vendor));
	unsigned char *p = map_text(fd, NULL);
	unsigned char *q =
		mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(q != MAP_FAILED);
	memcpy(q, p, 4096);
	MUST(!mprotect(q, 4096, PROT_READ | PROT_EXEC));
	EQ(((uint32_t(*)(void))(void *)q)(), ask(0, 0).b);
	MUST(mremap(p, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, q + 4096) == q + 4096);
	EQ(((uint32_t(*)(void))(void *)(q + 4096))(), ask(0, 0).b);
	munmap(q, 8192);
	close(fd);
}

static volatile int stops;

static void on_trap(int sig, siginfo_t *si, void *context)
{
	const ucontext_t *uc = context;

	stops += uc->uc_mcontext.gregs[REG_RIP] == (long)(cpuid_site + sizeof(cpuid_site));
}

/* Flags are pushed below the red zone. */
#define FLAG(insn)                                                   \
	__asm__ volatile("lea -128(%%rsp), %%rsp\n\tpushfq\n\t" insn \
			 "\n\tpopfq\n\tlea 128(%%rsp), %%rsp"        \
			 :                                           \
			 :                                           \
			 : "memory", "cc")

static void single_step(void)
{
	struct sigaction sa = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };
	struct regs r;

	MUST(!sigaction(SIGTRAP, &sa, NULL));
	FLAG("orl $0x100, (%%rsp)");
	cpuid_plain(0, 0, &r);
	FLAG("andl $~0x100, (%%rsp)");
	EQ(stops, 1);
	signal(SIGTRAP, SIG_DFL);
}

GUEST_MAIN(T(places), T(data_stay), T(registers), T(anonymous_code), T(loops_end), T(xsave_fits),
	   T(features_work), T(threads), T(what_the_tee_says), T(other_text), T(copies),
	   T(single_step), T(direct_io), T(cpuinfo))
