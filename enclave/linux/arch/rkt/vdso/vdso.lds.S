/* SPDX-License-Identifier: GPL-2.0-only */
#include <asm/vdso/params.h>

OUTPUT_FORMAT("elf64-x86-64", "elf64-x86-64", "elf64-x86-64")
OUTPUT_ARCH(i386:x86-64)

SECTIONS
{
	. = SIZEOF_HEADERS;
	.hash : { *(.hash) } :text
	.gnu.hash : { *(.gnu.hash) }
	.dynsym : { *(.dynsym) }
	.dynstr : { *(.dynstr) }
	.gnu.version : { *(.gnu.version) }
	.gnu.version_d : { *(.gnu.version_d) }
	.gnu.version_r : { *(.gnu.version_r) }
	.dynamic : { *(.dynamic) } :text :dynamic
	.note : { *(.note.*) } :text :note
	.eh_frame_hdr : { *(.eh_frame_hdr) } :text :eh_frame_hdr
	.eh_frame : { KEEP(*(.eh_frame)) } :text
	.rodata : { *(.rodata*) } :text
	.text : ALIGN(16) { *(.text*) } :text =0x90909090
	. = ALIGN(. + RKT_VDSO_PARAMS_SIZE, 4096) - RKT_VDSO_PARAMS_SIZE;
	.params : { *(.params) } :text
	ASSERT(. % 4096 == 0, "the parameters are not at the end")
	/* nothing may need storage or relocation */
	/DISCARD/ : { *(.data*) *(.bss*) *(.got*) *(.plt*) *(.discard*) *(.comment) *(.altinstr*) *(__bug_table) }
}

PHDRS
{
	text PT_LOAD FLAGS(5) FILEHDR PHDRS;
	dynamic PT_DYNAMIC FLAGS(4);
	note PT_NOTE FLAGS(4);
	eh_frame_hdr PT_GNU_EH_FRAME;
}

VERSION
{
	LINUX_2.6 {
	global:
		clock_gettime; __vdso_clock_gettime;
		gettimeofday; __vdso_gettimeofday;
		getcpu; __vdso_getcpu;
		time; __vdso_time;
		clock_getres; __vdso_clock_getres;
	local: *;
	};
}
