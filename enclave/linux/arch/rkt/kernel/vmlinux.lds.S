/* SPDX-License-Identifier: GPL-2.0-only */
#define RUNTIME_DISCARD_EXIT
#define LOAD_OFFSET 0
#define RO_EXCEPTION_TABLE_ALIGN 16
#include <asm/vmlinux.lds.h>
#include <asm/page.h>
#include <asm/cache.h>
#include <asm/thread_info.h>
OUTPUT_FORMAT(elf64-x86-64)
OUTPUT_ARCH(i386:x86-64)
ENTRY(tee_entry)
jiffies = jiffies_64;
PHDRS
{
	text PT_LOAD FLAGS(5);
	data PT_LOAD FLAGS(6);
}
SECTIONS
{
	. = 0;
	_text = .;
	_stext = .;
	.text : {
		HEAD_TEXT
		*(.entry.text)
		TEXT_TEXT
		SCHED_TEXT
		LOCK_TEXT
		KPROBES_TEXT
		ENTRY_TEXT
		IRQENTRY_TEXT
		SOFTIRQENTRY_TEXT
		*(.fixup)
		*(.text.*)
		_etext = .;
	} :text
	. = ALIGN(PAGE_SIZE);
	__init_begin = .;
	INIT_TEXT_SECTION(PAGE_SIZE)
	.exit.text : { EXIT_TEXT }
	. = ALIGN(PAGE_SIZE);
	__text_end = .;
	/* relocated at start, then read-only */
	.rodata.start : { QUAD(0) } :data
	RO_DATA(PAGE_SIZE)
	. = ALIGN(PAGE_SIZE);
	__rodata_end = .;
	_sdata = .;
	RW_DATA(L1_CACHE_BYTES, PAGE_SIZE, THREAD_SIZE)
	.got : { *(.got) *(.got.plt) *(.igot .igot.plt) }
	_edata = .;
	. = ALIGN(PAGE_SIZE);
	__init_data_begin = .;
	/* one pattern: with ".rela.*" the linker puts some behind the end symbol */
	.rela.dyn : ALIGN(8) {
		__rela_start = .;
		*(.rela .rela*)
		__rela_end = .;
	}
	.dynamic : { *(.dynamic) }
	.dynsym : { *(.dynsym) }
	.dynstr : { *(.dynstr) }
	.hash : { *(.hash) }
	.gnu.hash : { *(.gnu.hash) }
	INIT_DATA_SECTION(16)
	.exit.data : { EXIT_DATA }
	. = ALIGN(PAGE_SIZE);
	__init_data_end = .;
	PERCPU_SECTION(L1_CACHE_BYTES)
	. = ALIGN(PAGE_SIZE);
	__init_end = .;
	BSS_SECTION(PAGE_SIZE, PAGE_SIZE, PAGE_SIZE)
	_end = .;
	STABS_DEBUG
	DWARF_DEBUG
	ELF_DETAILS
	DISCARDS
}
