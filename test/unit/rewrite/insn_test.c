// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The decoder against Zydis: real code first, then random bytes. */
#include <Zydis/Zydis.h>
#include <stdio.h>
#include <string.h>

#include "enclave/linux/arch/rkt/exec/insn.h"
#include "test/unit/rewrite/elf_text.h"

static ZydisDecoder zydis;
static int passed, failed, skipped;

static void result(const char *name, bool ok, const char *why)
{
	printf(ok ? "ok %s\n" : "not ok %s: %s\n", name, why);
	ok ? passed++ : failed++;
}

static u8 class_of(const ZydisDecodedInstruction *z)
{
	if (z->mnemonic == ZYDIS_MNEMONIC_XEND || z->mnemonic == ZYDIS_MNEMONIC_XABORT)
		return INSN_PLAIN;
	switch (z->meta.category) {
	case ZYDIS_CATEGORY_COND_BR:
		return z->mnemonic >= ZYDIS_MNEMONIC_LOOP && z->mnemonic <= ZYDIS_MNEMONIC_LOOPNE
			       ? INSN_LOOP
		       : z->mnemonic == ZYDIS_MNEMONIC_JRCXZ || z->mnemonic == ZYDIS_MNEMONIC_JECXZ
			       ? INSN_LOOP
		       : z->mnemonic == ZYDIS_MNEMONIC_XBEGIN ? INSN_OTHER
							      : INSN_JCC;
	case ZYDIS_CATEGORY_UNCOND_BR:
		return z->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR ? INSN_OTHER
		       : z->raw.imm[0].is_relative		    ? INSN_JMP
								    : INSN_JMP_IND;
	case ZYDIS_CATEGORY_CALL:
		return z->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR ? INSN_OTHER
		       : z->raw.imm[0].is_relative		    ? INSN_CALL
								    : INSN_CALL_IND;
	case ZYDIS_CATEGORY_RET:
		return z->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR ||
				       z->mnemonic == ZYDIS_MNEMONIC_IRETQ ||
				       z->mnemonic == ZYDIS_MNEMONIC_IRETD ||
				       z->mnemonic == ZYDIS_MNEMONIC_IRET
			       ? INSN_OTHER
			       : INSN_RET;
	case ZYDIS_CATEGORY_SYSCALL:
		return z->mnemonic == ZYDIS_MNEMONIC_SYSCALL ? INSN_SYSCALL : INSN_OTHER;
	default:
		return INSN_PLAIN;
	}
}

/* Branches and RIP-relative operands must be seen as such; being more careful is allowed. */
static bool agrees(const struct insn *i, const ZydisDecodedInstruction *z)
{
	u8 want = class_of(z);
	bool riprel = (z->attributes & ZYDIS_ATTRIB_HAS_MODRM) && z->raw.modrm.mod == 0 &&
		      z->raw.modrm.rm == 5 && z->raw.disp.size == 32;

	if (i->len != z->length || !!i->rip_off != riprel)
		return false;
	if (riprel && i->rip_off != z->raw.disp.offset)
		return false;
	if (want == INSN_PLAIN)
		return i->class == INSN_PLAIN || i->class == INSN_NOP || i->class == INSN_STOP ||
		       i->class == INSN_OTHER;
	if (want == INSN_JCC || want == INSN_JMP || want == INSN_CALL)
		return i->class == want && i->rel_len * 8 == z->raw.imm[0].size;
	return i->class == want;
}

static bool compare(const u8 *p, size_t size, const char *what, u64 *unknown)
{
	ZydisDecodedInstruction z;
	struct insn i;
	bool zok = ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&zydis, NULL, p, size, &z));
	bool iok = insn_decode(&i, p, size) > 0;

	if (zok && !iok)
		++*unknown;
	if (!zok || !iok || agrees(&i, &z))
		return true;
	printf("# %s: ours len %d class %d rip %d, Zydis len %d:", what, i.len, i.class, i.rip_off,
	       z.length);
	for (int n = 0; n < 15 && n < (int)size; n++)
		printf(" %02x", p[n]);
	printf("\n");
	return false;
}

static void sweep(const char *path)
{
	struct elf_file f;
	u64 count = 0, unknown = 0, wrong = 0;
	char why[128];

	if (elf_open(&f, path)) {
		printf("# %s is not here\n", path);
		skipped++;
		return;
	}
	for (int n = 0; n < f.ehdr->e_phnum; n++) {
		const u8 *p = f.bytes + f.phdr[n].p_offset, *end = p + f.phdr[n].p_filesz;

		if (f.phdr[n].p_type != PT_LOAD || !(f.phdr[n].p_flags & PF_X))
			continue;
		for (; p < end && wrong < 20; count++) {
			ZydisDecodedInstruction z;
			bool ok = ZYAN_SUCCESS(
				ZydisDecoderDecodeInstruction(&zydis, NULL, p, end - p, &z));

			wrong += !compare(p, end - p, path, &unknown);
			p += ok ? z.length : 1;
		}
	}
	snprintf(why, sizeof(why), "%llu wrong, %llu unknown of %llu", (unsigned long long)wrong,
		 (unsigned long long)unknown, (unsigned long long)count);
	printf("# %s: %s\n", path, why);
	/* unknown ones are privileged, XOP, or data between the code */
	result(path, !wrong && unknown * 1000 <= count, why);
	elf_close(&f);
}

static u64 rng = 0x9e3779b97f4a7c15;

static u64 rnd(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	return rng ^= rng << 17;
}

static void random_bytes(void)
{
	static const u8 lead[] = { 0x0f, 0x66, 0xf2, 0xf3, 0x48, 0x41,
				   0xc4, 0xc5, 0x62, 0x67, 0x0f, 0x0f };
	u64 unknown = 0, wrong = 0;
	u8 b[16];

	for (int n = 0; n < 4000000 && wrong < 20; n++) {
		u64 r = rnd();

		memcpy(b, &r, 8);
		r = rnd();
		memcpy(b + 8, &r, 8);
		for (int k = 0; k < (int)(r & 3); k++)
			b[k] = lead[(r >> (8 * k + 8)) % sizeof(lead)];
		wrong += !compare(b, 15, "random", &unknown);
	}
	printf("# random: %llu known to Zydis only\n", (unsigned long long)unknown);
	result("random bytes", !wrong, "see above");
}

static void cut_off(void)
{
	/* the longest read must stay within what was given: the page behind is not there */
	u8 *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct insn i;

	munmap(page + 4096, 4096);
	for (int n = 0; n < 300000; n++) {
		int size = rnd() % 16;

		for (int k = 1; k <= size; k++)
			page[4096 - k] = rnd();
		if (insn_decode(&i, page + 4096 - size, size) > size) {
			result("cut off", false, "longer than the input");
			return;
		}
	}
	munmap(page, 4096);
	result("cut off", true, "");
}

int main(int argc, char **argv)
{
	static const char *const files[] = {
		"/lib/x86_64-linux-gnu/libc.so.6",
		"/lib64/ld-linux-x86-64.so.2",
		"/lib/x86_64-linux-gnu/libm.so.6",
		"/usr/lib/x86_64-linux-gnu/libcrypto.so.3",
		"/lib/ld-musl-x86_64.so.1",
		"/usr/bin/redis-server",
		"/usr/bin/python3.11",
	};

	ZydisDecoderInit(&zydis, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	for (int n = 0; n < (int)(sizeof(files) / sizeof(*files)); n++)
		sweep(files[n]);
	for (int n = 1; n < argc; n++)
		sweep(argv[n]);
	random_bytes();
	cut_off();
	printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
	return !!failed;
}
