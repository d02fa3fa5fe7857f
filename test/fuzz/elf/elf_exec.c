// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Executes thousands of malformed ELF files: the loader must refuse them or the
 * program must die; whoever runs them must not notice. Runs natively and inside.
 *
 *	elf_exec [SEED [COUNT [DIR]]]		DIR: where the files go (default /tmp)
 *
 * Deterministic: file n depends on SEED and n only. The files' code is exit(42)
 * in a sea of int3, so that a wrong entry point traps and nothing else happens.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILE_MAX 20000
#define CODE_OFF 0x1000
#define FIXED_BASE 0x13400000ull
#define GOOD_STATUS 42

struct image {
	unsigned char bytes[FILE_MAX];
	size_t size;
};

static uint64_t rng;

static uint64_t rnd(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng * 0x2545f4914f6cdd1dull;
}

static void seed(uint64_t s, uint64_t n)
{
	rng = (s + 1) * 0x9e3779b97f4a7c15ull ^ (n + 1) * 0xbf58476d1ce4e5b9ull;
	for (int i = 0; i < 4; i++)
		rnd();
}

static Elf64_Ehdr *ehdr(struct image *im)
{
	return (Elf64_Ehdr *)im->bytes;
}

static Elf64_Phdr *phdr(struct image *im)
{
	return (Elf64_Phdr *)(im->bytes + sizeof(Elf64_Ehdr));
}

static void add_segment(struct image *im, uint32_t type, uint32_t flags, uint64_t off,
			uint64_t vaddr, uint64_t filesz, uint64_t memsz, uint64_t align)
{
	phdr(im)[ehdr(im)->e_phnum++] = (Elf64_Phdr){ .p_type = type,
						      .p_flags = flags,
						      .p_offset = off,
						      .p_vaddr = vaddr,
						      .p_paddr = vaddr,
						      .p_filesz = filesz,
						      .p_memsz = memsz,
						      .p_align = align };
}

/* A correct file: headers, one page of code, data with bss, a stack note, perhaps an interpreter. */
static void make(struct image *im, int type, const char *interp)
{
	/* mov $42,%edi; mov $60,%eax; syscall */
	static const unsigned char code[] = { 0xbf, GOOD_STATUS, 0, 0, 0,    0xb8,
					      60,   0,		 0, 0, 0x0f, 0x05 };
	uint64_t base = type == ET_EXEC ? FIXED_BASE : 0;

	memset(im->bytes, 0xcc, sizeof(im->bytes));
	memset(im->bytes, 0, 0x400);
	im->size = 0x2800;
	*ehdr(im) = (Elf64_Ehdr){ .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
					       EV_CURRENT },
				  .e_type = type,
				  .e_machine = EM_X86_64,
				  .e_version = EV_CURRENT,
				  .e_entry = base + CODE_OFF,
				  .e_phoff = sizeof(Elf64_Ehdr),
				  .e_ehsize = sizeof(Elf64_Ehdr),
				  .e_phentsize = sizeof(Elf64_Phdr) };
	if (interp) {
		strcpy((char *)im->bytes + 0x300, interp);
		add_segment(im, PT_INTERP, PF_R, 0x300, base + 0x300, strlen(interp) + 1,
			    strlen(interp) + 1, 1);
	}
	add_segment(im, PT_LOAD, PF_R, 0, base, 0x400, 0x400, 0x1000);
	add_segment(im, PT_LOAD, PF_R | PF_X, CODE_OFF, base + CODE_OFF, 0x800, 0x800, 0x1000);
	add_segment(im, PT_LOAD, PF_R | PF_W, 0x2000, base + 0x2000, 0x800, 0x3000, 0x1000);
	add_segment(im, PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 16);
	memcpy(im->bytes + CODE_OFF, code, sizeof(code));
}

/* Sizes and addresses around every limit that a loader has, here and natively. */
static uint64_t interesting(void)
{
	static const uint64_t values[] = {
		0,
		1,
		2,
		7,
		0xfff,
		0x1000,
		0x1001,
		0x10000,
		0xffff,
		0x10001,
		0x400000,
		0x7fffffff,
		0x80000000,
		0xffffffff,
		0x100000000,
		0x100001000,
		0xfffffffff,
		0x1000000000,
		0x1400000000,
		0x1fffffffff,
		0x2000000000,
		0xffffffffff,
		0x10000000000,
		0x7fffffffefff,
		0x7ffffffff000,
		0x800000000000,
		0xffff800000000000,
		0x7fffffffffffffff,
		0x8000000000000000,
		0xfffffffffffff000,
		0xffffffffffffffff,
	};
	uint64_t v = values[rnd() % (sizeof(values) / sizeof(*values))];

	switch (rnd() % 6) {
	case 0:
		return v + (rnd() & 0xfff);
	case 1:
		return v - (rnd() & 0xfff);
	case 2:
		return rnd() >> (rnd() & 63);
	}
	return v;
}

static void mutate_phdr(struct image *im)
{
	Elf64_Phdr *p = phdr(im) + rnd() % 6;
	uint64_t *fields[] = { &p->p_offset, &p->p_vaddr, &p->p_filesz, &p->p_memsz, &p->p_align };
	static const uint32_t types[] = { PT_NULL,   PT_LOAD,	PT_DYNAMIC,   PT_INTERP,
					  PT_NOTE,   PT_TLS,	PT_GNU_STACK, PT_GNU_PROPERTY,
					  PT_LOPROC, 0xffffffff };

	switch (rnd() % 10) {
	case 0:
		p->p_type = types[rnd() % (sizeof(types) / sizeof(*types))];
		break;
	case 1:
		p->p_flags = rnd() & (rnd() & 1 ? 7 : ~0u);
		break;
	case 2:
		*p = phdr(im)[rnd() % 6];
		break;
	default:
		*fields[rnd() % 5] = interesting();
	}
}

static void mutate_ehdr(struct image *im)
{
	Elf64_Ehdr *e = ehdr(im);

	switch (rnd() % 8) {
	case 0:
		e->e_entry = interesting();
		break;
	case 1:
		e->e_phoff = interesting();
		break;
	case 2:
		e->e_phnum = interesting();
		break;
	case 3:
		e->e_phentsize = interesting();
		break;
	case 4:
		e->e_type = rnd() % 6;
		break;
	case 5:
		e->e_machine = rnd() % 200;
		break;
	case 6:
		e->e_ident[rnd() % EI_NIDENT] ^= 1 << rnd() % 8;
		break;
	case 7:
		e->e_phnum = rnd() % 12;
		break;
	}
}

static void mutate(struct image *im)
{
	for (int n = 1 + rnd() % 4; n; n--) {
		switch (rnd() % 12) {
		case 0:
			im->size = rnd() % (im->size + 1);
			break;
		case 1:
			im->bytes[rnd() % 0x400] ^= 1 << rnd() % 8;
			break;
		case 2:
			im->bytes[0x300 + rnd() % 64] = rnd();
			break;
		case 3:
		case 4:
			mutate_ehdr(im);
			break;
		default:
			mutate_phdr(im);
		}
	}
}

static int store(const char *path, const struct image *im)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, im->bytes, im->size);
	close(fd);
	return n == (ssize_t)im->size ? 0 : -EIO;
}

/* Return: the wait status, or what execve() failed with, negative. */
static int execute(const char *path)
{
	struct itimerval limit = { .it_value.tv_sec = 10 };
	char *argv[] = { (char *)path, "an argument", NULL }, *envp[] = { "A=B", NULL };
	volatile int failed = 0;
	int status = 0;
	pid_t pid = vfork();

	if (!pid) {
		setitimer(ITIMER_REAL, &limit, NULL); /* survives execve(): nothing can hang */
		execve(path, argv, envp);
		failed = errno;
		_exit(127);
	}
	if (pid < 0)
		return -errno;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return failed ? -failed : status;
}

static char victim[PATH_MAX], interp_path[PATH_MAX];

static bool good_ones_run(void)
{
	static const struct {
		int type;
		bool interp;
	} kinds[] = {
		{ ET_EXEC, false },
		{ ET_DYN, false },
		{ ET_EXEC, true },
		{ ET_DYN, true },
	};
	static struct image im;
	int status;

	make(&im, ET_DYN, NULL);
	if (store(interp_path, &im))
		return false;
	for (int n = 0; n < 4; n++) {
		make(&im, kinds[n].type, kinds[n].interp ? interp_path : NULL);
		if (store(victim, &im))
			return false;
		status = execute(victim);
		if (status < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != GOOD_STATUS) {
			printf("# correct file %d: %#x\n", n, status);
			return false;
		}
	}
	return true;
}

static void one(uint64_t s, uint64_t n, unsigned int *tally)
{
	static struct image im;
	bool with_interp, bad_interp;
	int status;

	seed(s, n);
	with_interp = rnd() % 3 == 0;
	bad_interp = with_interp && rnd() % 2;
	if (with_interp) {
		make(&im, rnd() % 4 ? ET_DYN : ET_EXEC, NULL);
		if (bad_interp)
			mutate(&im);
		store(interp_path, &im);
	}
	make(&im, rnd() % 2 ? ET_DYN : ET_EXEC, with_interp ? interp_path : NULL);
	if (!bad_interp || rnd() % 2)
		mutate(&im);
	store(victim, &im);
	status = execute(victim);
	if (getenv("VERBOSE"))
		printf("# %llu: %#x\n", (unsigned long long)n, status);
	tally[status < 0 ? 0 : WIFSIGNALED(status) ? 1 : 2]++;
}

int main(int argc, char **argv)
{
	uint64_t s = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 0) : 2000, n;
	const char *dir = argc > 3 ? argv[3] : "/tmp";
	unsigned int tally[3] = { 0 };
	bool ok;

	setvbuf(stdout, NULL, _IOLBF, 0);
	snprintf(victim, sizeof(victim), "%s/elf-victim-%d", dir, (int)getpid());
	snprintf(interp_path, sizeof(interp_path), "%s/elf-interp-%d", dir, (int)getpid());
	ok = good_ones_run();
	for (n = 0; ok && n < count; n++) {
		one(s, n, tally);
		if (n % 500 == 499)
			ok = good_ones_run();
	}
	ok = ok && good_ones_run();
	unlink(victim);
	unlink(interp_path);
	printf("# seed %llu: %u refused, %u killed, %u exited\n", (unsigned long long)s, tally[0],
	       tally[1], tally[2]);
	if (ok)
		printf("ok elf-exec %llu files\n1 passed, 0 failed, 0 skipped\n",
		       (unsigned long long)count);
	else
		printf("not ok elf-exec: a correct file did not run after %llu\n0 passed, 1 failed, 0 skipped\n",
		       (unsigned long long)n);
	return !ok;
}
