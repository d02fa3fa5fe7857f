// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID of programs, made to trap where the processor would execute it: that gives programs on
 * every back end what they get in an enclave. Done while a page of text is read, so nobody has
 * executed it yet. The first byte becomes one that raises #UD; trap.c answers there.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <asm/cpufeature.h>
#include <asm/rkt_text.h>
#include <asm/stats.h>
#include <asm/word-at-a-time.h>
#include "bounds.h"
#include "reach.h"
#include "site.h"

#define SITES_MAX 128 /* of one function */
/* Candidates looked at, of a piece and more for each page: a file where all are costs as little. */
#define LOOKS 16

/* A piece of a file's text that is about to be mapped. */
struct piece {
	struct vm_area_struct *vma;
	unsigned long addr;
	u8 *bytes;
	size_t size;
};

static bool has_second_byte(unsigned long word)
{
	const struct word_at_a_time zeros = WORD_AT_A_TIME_CONSTANTS;
	unsigned long unused;

	return has_zero(word ^ REPEAT_BYTE(CPUID_SECOND_BYTE), &unused, &zeros);
}

/* Return: where the next two bytes are that may be the instruction, or the size. */
static size_t next_candidate(const struct piece *p, size_t at)
{
	unsigned long word;

	for (at++; at < p->size; at++) {
		while (IS_ALIGNED(at, 8) && at + 8 <= p->size) {
			memcpy(&word, p->bytes + at, 8);
			if (has_second_byte(word))
				break;
			at += 8;
		}
		if (at < p->size && p->bytes[at] == CPUID_SECOND_BYTE &&
		    p->bytes[at - 1] == CPUID_FIRST_BYTE)
			return at - 1;
	}
	return p->size;
}

static void hide(struct rkt_exec *exec, const struct piece *p, size_t at)
{
	u8 *insn = p->bytes + at;

	if (at >= p->size - 1 || insn[0] != CPUID_FIRST_BYTE || insn[1] != CPUID_SECOND_BYTE ||
	    xa_err(xa_store(&exec->hidden, p->addr + at, xa_mk_value(1), GFP_KERNEL_ACCOUNT)))
		return;
	insn[0] = RW_WAIT_OPCODE;
	WRITE_ONCE(exec->hides, true);
	rkt_stat_inc(CPUID_SITES);
}

static void hide_all(struct rkt_exec *exec, const struct piece *p, struct file *file, u64 pos,
		     size_t size, size_t at)
{
	u8 *code = kvzalloc(size + REACH_WORK_SIZE, GFP_KERNEL_ACCOUNT);
	u32 *found = kmalloc_array(SITES_MAX, sizeof(*found), GFP_KERNEL_ACCOUNT);
	u32 n, count;

	if (code && found && !site_read_file(file, code, pos, size)) {
		count = reach_cpuid(code, size, code + size, found, SITES_MAX);
		for (n = 0; n < count; n++)
			hide(exec, p, at + found[n]); /* wraps where the function begins before */
	}
	kfree(found);
	kvfree(code);
}

/* The function around a candidate. Return: where to look on. */
static size_t look_at(struct rkt_exec *exec, const struct piece *p, size_t at)
{
	struct vm_area_struct *vma = p->vma;
	u64 pos = ((u64)vma->vm_pgoff << PAGE_SHIFT) + (p->addr - vma->vm_start) + at;
	struct rw_bounds b;
	u64 vaddr, size;

	if (!site_bounds(&b, &vaddr, vma->vm_file, pos) || vaddr < b.func.start ||
	    vaddr >= b.func.end)
		return at + CPUID_LEN;
	size = b.func.end - b.func.start;
	if (size <= REACH_SIZE_MAX && vaddr - b.func.start <= pos)
		hide_all(exec, p, vma->vm_file, pos - (vaddr - b.func.start), size,
			 at - (vaddr - b.func.start));
	return b.func.end - vaddr < p->size - at ? at + (b.func.end - vaddr) : p->size;
}

void rkt_exec_hide_cpuid(struct vm_area_struct *vma, unsigned long addr, void *bytes, size_t size)
{
	struct piece p = { .vma = vma, .addr = addr, .bytes = bytes, .size = size };
	struct rkt_exec *exec;
	size_t at, looks = LOOKS + size / PAGE_SIZE;

	rkt_exec_forget(vma->vm_mm, addr, addr + size);
	if (!rkt_cpuid_rewrite || !(vma->vm_flags & VM_EXEC) || (vma->vm_flags & VM_WRITE))
		return;
	at = next_candidate(&p, 0);
	exec = at < size ? site_exec(vma->vm_mm) : NULL;
	while (exec && at < size && looks-- && !fatal_signal_pending(current)) {
		at = look_at(exec, &p, at);
		at = at < size ? next_candidate(&p, at) : size;
		cond_resched();
	}
}
