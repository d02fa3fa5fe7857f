/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Turning a `syscall` instruction into a jump, safely.
 *
 * Input is the address A of a syscall instruction that was *executed* (it
 * trapped: that is the proof that these two bytes are code) in private text.
 * Output is a plan: at most five bytes to write near A, and a stub that loads
 * rcx with the return address and jumps to the kernel. No stub touches the
 * user's stack or red zone, and of the registers only rcx, which the
 * instruction clobbers anyway.
 *
 * Three ways, in this order:
 *
 *  RW_BACK     An instruction I of five bytes or more runs straight into A
 *              (`mov $nr,%eax; syscall` nearly always). jmp replaces I; the stub
 *              executes copies of I..A and returns to A+2. Needs a proof that I
 *              is an instruction: the walk from the function's start; where that
 *              is unknown, and nothing else is possible, what all walks from
 *              fifteen consecutive bytes agree on (one of them begins an
 *              instruction; assumes that the 55 bytes in front of an executed
 *              syscall are code, and takes nothing behind a jmp or ret). The
 *              bytes between I and A stay, so that branches into them and a
 *              thread that stands there still work (and trap).
 *  RW_HOLE     A two-byte jmp at A itself into padding between two functions,
 *              within 127 bytes, where a five-byte jmp to the stub is put.
 *              Needs a proof that the padding is never executed: it lies between
 *              known functions, decodes as nops or int3 only, and the function in
 *              front of it ends in ret, jmp or ud2.
 *  RW_FORWARD  jmp replaces A and the instructions behind it, whose copies run
 *              in the stub after the system call. Needs no proof: what follows an
 *              executed syscall is code. A thread may stand at A+2 (it blocks in
 *              that very system call), a branch may lead there: so the stub is
 *              placed where each displacement byte that falls onto an
 *              instruction boundary is an opcode that raises #UD in 64-bit mode,
 *              and the #UD handler sends the thread on to the copy.
 *
 * Whatever fits none of them keeps trapping. In no case does a byte change that
 * a suspended thread could return to in the middle of an instruction.
 *
 * Restart: the kernel restarts a system call by ip -= 2. For BACK and HOLE that
 * is A (the syscall itself, or the jmp). The FORWARD stub has a two-byte jmp to
 * its own start in front of its return point.
 *
 * What a user sees: rw_report_ip() turns an address inside a stub into the
 * address in the program that it stands for; signal frames must show that one
 * (musl's cancellation compares it with labels around the syscall; unwinders
 * look it up). rw_resume_ip() is the way back for the #UD handler.
 *
 * A debugger sees memory as it is: jmp where the file has mov or syscall, and
 * threads inside stubs (single-stepping walks through them). Its breakpoints on
 * rewritten bytes work, since it saves and restores what it finds; one that is
 * set before a site is rewritten makes that instruction look like int3, and the
 * site is rewritten another way or not at all. A program that compares its own
 * text with its file finds the difference.
 *
 * Not done here: reading or writing user memory, choosing when to try, undo.
 * Text handed in shows the original bytes; what has been patched already is
 * listed as busy.
 *
 * The kernel lies at a constant address, the same for all vCPUs, but out of
 * reach of a 32-bit displacement: stubs jump through eight bytes that hold its
 * entry.
 *
 * Pure functions: any context, no allocation, no globals.
 */
#ifndef RKT_EXEC_REWRITE_H
#define RKT_EXEC_REWRITE_H

#include "abi/types.h"

#define RW_JMP_LEN 5
#define RW_STUB_MAX 96
#define RW_MOVED_MAX 8 /* instructions */
#define RW_FUNC_MAX 0x10000 /* bytes walked to prove a boundary */

enum rw_kind { RW_NONE, RW_BACK, RW_HOLE, RW_FORWARD };

/* Why a site stays as it is; indexes counters. */
enum rw_refusal {
	RW_OK,
	RW_NOT_SYSCALL, /* the bytes at A are something else */
	RW_SIGRETURN, /* unwinders know this sequence by its bytes, and nothing else describes it */
	RW_OVERLAP, /* the bytes are part of another instruction of the same function */
	RW_NO_PROOF, /* no function bounds, nothing to move behind A, nothing certain in front */
	RW_NO_ROOM, /* bounds known, but no long instruction, padding, or movable successor */
	RW_NO_STUB, /* no stub address in reach satisfies the displacement */
	RW_REFUSALS
};

struct rw_range {
	u64 start, end;
};

/* Bounds of the functions around A, from symbols or unwind data; 0 = unknown. */
struct rw_bounds {
	struct rw_range func; /* contains A */
	u64 prev_start, prev_end; /* the one in front */
	u64 next_start; /* of the one behind */
	bool unwind; /* func is described by unwind data (not by a symbol only) */
};

struct rw_text {
	const u8 *bytes; /* original bytes of [start, end) */
	u64 start, end; /* never beyond one mapping */
	const struct rw_range *busy; /* patched before */
	size_t busy_count;
	struct rw_bounds bounds;
};

/* One moved instruction. */
struct rw_moved {
	u64 ip;
	u8 len;
	u8 class;
	u8 rel_len;
	u8 rip_off;
};

struct rw_plan {
	enum rw_kind kind;
	u64 site; /* A */
	u64 patch; /* where the jump is written: 5 bytes, for RW_HOLE 2 at A */
	u64 jmp; /* address of the five-byte jmp: patch, or the padding */
	u8 moved_count;
	u8 trap_mask; /* bit n: displacement byte n must be an opcode that raises #UD */
	struct rw_moved moved[RW_MOVED_MAX];
};

/* A stub in place: what the kernel keeps of it. */
struct rw_stub {
	u64 site;
	u64 start; /* address of the stub */
	u64 patch, jmp;
	u8 kind;
	u8 patch_len;
	u8 len; /* of the stub */
	u8 enter; /* offset of the kernel entry sequence */
	u8 moved_count;
	u8 resume; /* RW_FORWARD: offset of the return point */
	u8 tail; /* RW_FORWARD: offset behind the copies, where the program goes on */
	s8 tail_off; /* the place it goes on at, relative to site */
	s8 moved_off[RW_MOVED_MAX]; /* of the original, relative to site */
	u8 moved_at[RW_MOVED_MAX]; /* of the copy in the stub */
	u8 old[RW_JMP_LEN], new[RW_JMP_LEN]; /* bytes at patch */
	u8 jmp_old[RW_JMP_LEN], jmp_new[RW_JMP_LEN]; /* RW_HOLE: bytes of the padding */
};

/**
 * rw_plan - how to rewrite the executed syscall at @site
 * @plan: filled in when RW_OK is returned
 * @text: the text around it (untrusted bytes; only read within its bounds)
 * @site: address of the syscall, inside @text
 * @skip: bit mask (1 << enum rw_kind) of ways not to take: those already
 *        installed at this site or that found no stub
 *
 * Return: RW_OK, or the reason of the refusal.
 */
enum rw_refusal rw_plan(struct rw_plan *plan, const struct rw_text *text, u64 site,
			unsigned int skip);

/**
 * rw_slot - find the first usable address for the plan's stub
 * @plan: from rw_plan()
 * @free: free range of stub memory
 *
 * Return: address of a place for RW_STUB_MAX bytes (aligned to 16 unless the
 * displacement asks otherwise) in @free, or 0.
 */
u64 rw_slot(const struct rw_plan *plan, struct rw_range free);

/**
 * rw_window - where stub memory for a plan could be allocated
 * @plan:   from rw_plan()
 * @n:      0 .. RW_WINDOWS - 1; nearest first
 * @window: a stretch of RW_WINDOW_SIZE bytes, not aligned to anything, that may
 *          also lie outside user memory: the caller's to check
 *
 * Return: false when no stub in the n-th window suits the plan.
 */
bool rw_window(const struct rw_plan *plan, u32 n, struct rw_range *window);

#define RW_WINDOW_SIZE 0x10000
#define RW_WINDOWS 0xfffe

/**
 * rw_emit - write the stub and the bytes of the patch
 * @stub: filled in, except @old and @jmp_old
 * @code: RW_STUB_MAX bytes, filled with the code for address @at
 * @plan: from rw_plan()
 * @text: the same text
 * @at:   address where the stub will lie, from rw_slot()
 * @entry: address of eight bytes that hold the kernel's entry, within 2 GiB of @at
 *
 * Return: 0, or -ERANGE when something does not reach.
 */
int rw_emit(struct rw_stub *stub, u8 *code, const struct rw_plan *plan, const struct rw_text *text,
	    u64 at, u64 entry);

/* The program address that @ip, anywhere in the stub, stands for. */
u64 rw_report_ip(const struct rw_stub *stub, u64 ip);

/*
 * Where a thread goes on that met #UD at @ip inside the patched bytes; 0 if that
 * is no instruction boundary of the original code.
 */
u64 rw_resume_ip(const struct rw_stub *stub, u64 ip);

/* Does the one-byte opcode raise #UD in 64-bit mode on every processor, past and announced? */
bool rw_is_trap(u8 byte);

/*
 * May @len bytes at @addr be replaced by one store that other threads see whole?
 * AMD APM vol. 2, 7.6.1: stores within an aligned quadword may be done without
 * synchronisation; Intel's processors behave likewise within a cache line.
 */
static inline bool rw_is_atomic(u64 addr, size_t len)
{
	return (addr & 7) + len <= 8;
}

#endif
