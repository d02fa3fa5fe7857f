// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "rewrite.h"

#include "insn.h"

#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/string.h>
#else
#include <errno.h>
#include <string.h>
#endif

#define SYSCALL_LEN 2
#define SHORT_JMP_BACK (-128 + SYSCALL_LEN) /* reach of jmp rel8 at A, relative to A */
#define SHORT_JMP_AHEAD (127 + SYSCALL_LEN)
#define CONVERGE_BACK 40 /* walks meet within a few instructions; bytes */

/* mov $15,%rax; syscall: what libgcc and gdb take for a signal trampoline */
static const u8 sigreturn_code[] = { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 };

bool rw_is_trap(u8 byte)
{
	switch (byte) {
	case 0x06:
	case 0x07:
	case 0x0e:
	case 0x16:
	case 0x17:
	case 0x1e:
	case 0x1f:
	case 0x27:
	case 0x2f:
	case 0x37:
	case 0x3f:
	case 0x60:
	case 0x61:
	case 0x9a:
	case 0xce:
	case 0xd6:
	case 0xea:
		return true;
	}
	return false;
}

static bool inside(const struct rw_text *text, u64 start, u64 end)
{
	return start >= text->start && start <= end && end <= text->end;
}

static const u8 *at(const struct rw_text *text, u64 addr)
{
	return text->bytes + (addr - text->start);
}

static bool is_busy(const struct rw_text *text, u64 start, u64 end)
{
	size_t n;

	for (n = 0; n < text->busy_count; n++)
		if (start < text->busy[n].end && text->busy[n].start < end)
			return true;
	return false;
}

static bool is_syscall(const struct rw_text *text, u64 site)
{
	return inside(text, site, site + SYSCALL_LEN) && at(text, site)[0] == 0x0f &&
	       at(text, site)[1] == 0x05 && !is_busy(text, site, site + SYSCALL_LEN);
}

static bool is_sigreturn(const struct rw_text *text, u64 site)
{
	u64 start = site + SYSCALL_LEN - sizeof(sigreturn_code);

	return inside(text, start, site) &&
	       !memcmp(at(text, start), sigreturn_code, sizeof(sigreturn_code));
}

static int decode(const struct rw_text *text, u64 ip, u64 end, struct rw_moved *m)
{
	struct insn insn;
	int len = insn_decode(&insn, at(text, ip), end - ip);

	if (len < 0)
		return len;
	*m = (struct rw_moved){ .ip = ip,
				.len = len,
				.class = insn.class,
				.rel_len = insn.rel_len,
				.rip_off = insn.rip_off };
	return len;
}

static bool is_straight(const struct rw_moved *m)
{
	return m->class == INSN_PLAIN || m->class == INSN_NOP;
}

static bool is_end(const struct rw_moved *m)
{
	return m->class == INSN_JMP || m->class == INSN_JMP_IND || m->class == INSN_RET ||
	       m->class == INSN_STOP;
}

/*
 * The instructions that run straight into the site, newest last. A walk from the
 * function's start: if it does not hit the site exactly, nothing is proven.
 */
struct lead {
	struct rw_moved ring[RW_MOVED_MAX];
	unsigned int count;
	bool ended; /* something on the way never runs on: what follows might be data */
};

enum walk { WALK_HIT, WALK_LOST, WALK_OVERLAP };

static enum walk walk_to(const struct rw_text *text, u64 ip, u64 site, struct lead *lead)
{
	struct rw_moved m;
	int len;

	*lead = (struct lead){ 0 };
	while (ip < site) {
		len = decode(text, ip, text->end, &m);
		if (len < 0)
			return WALK_LOST;
		if (is_straight(&m))
			lead->ring[lead->count++ % RW_MOVED_MAX] = m;
		else
			lead->count = 0;
		lead->ended |= is_end(&m);
		ip += len;
	}
	return ip == site ? WALK_HIT : WALK_OVERLAP;
}

/* Bit n: an instruction boundary n bytes in front of the site. 0: the walk from @ip missed the site. */
static u64 boundaries(const struct rw_text *text, u64 ip, u64 site)
{
	struct rw_moved m;
	u64 mask = 0;
	int len;

	for (; ip < site; ip += len) {
		if (site - ip < 64)
			mask |= 1ull << (site - ip);
		len = decode(text, ip, site, &m);
		if (len < 0)
			return 0;
	}
	return mask;
}

/*
 * Without a known start: one of any fifteen consecutive bytes of code begins an
 * instruction. So what all walks from there that hit the site agree on is true.
 */
static bool converge_to(const struct rw_text *text, u64 site, struct lead *lead)
{
	u64 mask = ~0ull, one, ip = site - CONVERGE_BACK;
	int n;

	if (!inside(text, ip - INSN_LEN_MAX, site))
		return false;
	for (n = 0; n < INSN_LEN_MAX; n++) {
		one = boundaries(text, ip - n, site);
		mask &= one ? one : ~0ull;
	}
	mask &= (1ull << CONVERGE_BACK) - 1;
	if (!mask)
		return false;
	ip = site - (63 - __builtin_clzll(mask));
	return walk_to(text, ip, site, lead) == WALK_HIT && !lead->ended;
}

static bool walkable(const struct rw_text *text, u64 start, u64 end)
{
	return start && inside(text, start, end) && end - start <= RW_FUNC_MAX;
}

static bool plan_back(struct rw_plan *plan, const struct rw_text *text, const struct lead *lead)
{
	unsigned int n, k, first = lead->count > RW_MOVED_MAX ? lead->count - RW_MOVED_MAX : 0;
	const struct rw_moved *m;

	for (n = lead->count; n-- > first;) {
		m = &lead->ring[n % RW_MOVED_MAX];
		if (m->len < RW_JMP_LEN || m->class == INSN_NOP ||
		    is_busy(text, m->ip, m->ip + m->len))
			continue;
		plan->kind = RW_BACK;
		plan->patch = plan->jmp = m->ip;
		for (k = n; k < lead->count; k++)
			plan->moved[plan->moved_count++] = lead->ring[k % RW_MOVED_MAX];
		return true;
	}
	return false;
}

/* Does the code from @start run exactly to @end, and not beyond? */
static bool ends_at(const struct rw_text *text, u64 start, u64 end)
{
	struct rw_moved m = { 0 };
	u64 ip = start;
	int len;

	if (!walkable(text, start, end))
		return false;
	while (ip < end) {
		len = decode(text, ip, end, &m);
		if (len < 0)
			return false;
		ip += len;
	}
	return ip == end && is_end(&m);
}

static bool is_padding(const struct rw_text *text, u64 start, u64 end)
{
	struct rw_moved m;
	u64 ip;
	int len;

	for (ip = start; ip < end; ip += len) {
		len = decode(text, ip, end, &m);
		if (len < 0 || (m.class != INSN_NOP && *at(text, ip) != 0xcc))
			return false;
	}
	return true;
}

/* A free five-byte place in the padding [start, end) that a short jump at the site reaches. */
static bool plan_gap(struct rw_plan *plan, const struct rw_text *text, u64 start, u64 end)
{
	u64 low = plan->site + SHORT_JMP_BACK, high = plan->site + SHORT_JMP_AHEAD, addr;

	if (!start || start >= end || end - start > RW_FUNC_MAX || !inside(text, start, end) ||
	    !is_padding(text, start, end))
		return false;
	for (addr = start > low ? start : low; addr + RW_JMP_LEN <= end && addr <= high; addr++) {
		if (is_busy(text, addr, addr + RW_JMP_LEN))
			continue;
		plan->kind = RW_HOLE;
		plan->patch = plan->site;
		plan->jmp = addr;
		return true;
	}
	return false;
}

static bool plan_hole(struct rw_plan *plan, const struct rw_text *text)
{
	const struct rw_bounds *b = &text->bounds;

	return (ends_at(text, b->func.start, b->func.end) &&
		plan_gap(plan, text, b->func.end, b->next_start)) ||
	       (ends_at(text, b->prev_start, b->prev_end) &&
		plan_gap(plan, text, b->prev_end, b->func.start));
}

static bool is_movable(const struct rw_moved *m)
{
	return is_straight(m) || is_end(m) || m->class == INSN_JCC;
}

static bool collect_forward(struct rw_plan *plan, const struct rw_text *text)
{
	u64 ip = plan->site + SYSCALL_LEN, need = plan->site + RW_JMP_LEN;
	bool ended = false;
	struct rw_moved *m;
	int len;

	for (; ip < need; ip += len) {
		m = &plan->moved[plan->moved_count];
		len = decode(text, ip, text->end, m);
		if (len < 0 || !is_movable(m) || is_busy(text, ip, ip + len))
			return false;
		/* behind a ret or jmp only padding is sure to be code */
		if (ended && m->class != INSN_NOP && *at(text, ip) != 0xcc)
			return false;
		ended |= is_end(m);
		plan->trap_mask |= 1u << (ip - plan->site - 1);
		plan->moved_count++;
	}
	return true;
}

static bool plan_forward(struct rw_plan *plan, const struct rw_text *text)
{
	struct rw_plan try = {
		.kind = RW_FORWARD, .site = plan->site, .patch = plan->site, .jmp = plan->site
	};

	if (!collect_forward(&try, text))
		return false;
	*plan = try;
	return true;
}

enum rw_refusal rw_plan(struct rw_plan *plan, const struct rw_text *text, u64 site,
			unsigned int skip)
{
	const struct rw_range *func = &text->bounds.func;
	enum walk walk = WALK_LOST;
	struct lead lead;
	bool proven;

	*plan = (struct rw_plan){ .site = site };
	if (!is_syscall(text, site))
		return RW_NOT_SYSCALL;
	if (is_sigreturn(text, site) && !text->bounds.unwind)
		return RW_SIGRETURN;
	if (walkable(text, func->start, func->end) && func->start <= site && site < func->end)
		walk = walk_to(text, func->start, site, &lead);
	if (walk == WALK_OVERLAP)
		return RW_OVERLAP;
	proven = walk == WALK_HIT;
	if (proven && !(skip & (1u << RW_BACK)) && plan_back(plan, text, &lead))
		return RW_OK;
	if (proven && !(skip & (1u << RW_HOLE)) && plan_hole(plan, text))
		return RW_OK;
	if (!(skip & (1u << RW_FORWARD)) && plan_forward(plan, text))
		return RW_OK;
	if (!proven && !(skip & (1u << RW_BACK)) && converge_to(text, site, &lead) &&
	    plan_back(plan, text, &lead))
		return RW_OK;
	return proven ? RW_NO_ROOM : RW_NO_PROOF;
}

static bool fits(s64 disp)
{
	return disp == (s32)disp;
}

static bool displacement_ok(const struct rw_plan *plan, u64 target)
{
	s64 disp = target - (plan->jmp + RW_JMP_LEN);
	int n;

	if (!fits(disp))
		return false;
	for (n = 0; n < 4; n++)
		if ((plan->trap_mask & (1u << n)) && !rw_is_trap((u64)disp >> (8 * n)))
			return false;
	return true;
}

bool rw_window(const struct rw_plan *plan, u32 n, struct rw_range *window)
{
	/* 0, 1, -1, 2, -2, ...: the upper half of the displacement */
	s64 upper = n & 1 ? (s64)(n + 1) / 2 : -(s64)(n / 2);
	u8 byte2 = upper, byte3 = upper >> 8;

	if (((plan->trap_mask & 4) && !rw_is_trap(byte2)) ||
	    ((plan->trap_mask & 8) && !rw_is_trap(byte3)))
		return false;
	window->start = plan->jmp + RW_JMP_LEN + upper * RW_WINDOW_SIZE;
	window->end = window->start + RW_WINDOW_SIZE;
	return window->start < window->end;
}

u64 rw_slot(const struct rw_plan *plan, struct rw_range free)
{
	u64 step = plan->trap_mask & 1 ? 1 : 16, addr;

	for (addr = (free.start + step - 1) & ~(step - 1); addr + RW_STUB_MAX <= free.end;
	     addr += step)
		if (displacement_ok(plan, addr))
			return addr;
	return 0;
}

/* Writes code for a given address. Every put checks the room; a displacement that does not fit sticks. */
struct out {
	u8 *code;
	u64 base;
	u32 len;
	bool bad;
};

static void put(struct out *o, const void *bytes, u32 len)
{
	if (o->len + len > RW_STUB_MAX) {
		o->bad = true;
		return;
	}
	memcpy(o->code + o->len, bytes, len);
	o->len += len;
}

/* An instruction of which the last four bytes are a displacement to @target. */
static void put_rel(struct out *o, const void *opcode, u32 len, u64 target)
{
	s64 disp = target - (o->base + o->len + len + 4);
	s32 disp32 = disp;

	o->bad |= !fits(disp);
	put(o, opcode, len);
	put(o, &disp32, sizeof(disp32));
}

static u64 branch_target(const u8 *code, const struct rw_moved *m)
{
	s32 disp;

	if (m->rel_len == 1)
		return m->ip + m->len + (s8)code[m->len - 1];
	memcpy(&disp, code + m->len - 4, sizeof(disp));
	return m->ip + m->len + disp;
}

static void put_moved(struct out *o, const u8 *code, const struct rw_moved *m)
{
	u8 jcc[2] = { 0x0f, 0x80 | (code[m->len - m->rel_len - 1] & 0x0f) };
	s32 disp;
	s64 moved;

	if (m->class == INSN_JCC) {
		put_rel(o, jcc, 2, branch_target(code, m));
	} else if (m->class == INSN_JMP) {
		put_rel(o, "\xe9", 1, branch_target(code, m));
	} else if (m->rip_off) {
		memcpy(&disp, code + m->rip_off, sizeof(disp));
		moved = (s64)disp + (s64)(m->ip - (o->base + o->len));
		o->bad |= !fits(moved);
		disp = moved;
		put(o, code, m->rip_off);
		put(o, &disp, sizeof(disp));
		put(o, code + m->rip_off + 4, m->len - m->rip_off - 4);
	} else {
		put(o, code, m->len);
	}
}

static void put_all_moved(struct out *o, struct rw_stub *stub, const struct rw_plan *plan,
			  const struct rw_text *text)
{
	u32 n;

	for (n = 0; n < plan->moved_count; n++) {
		stub->moved_off[n] = plan->moved[n].ip - plan->site;
		stub->moved_at[n] = o->len;
		put_moved(o, at(text, plan->moved[n].ip), &plan->moved[n]);
	}
}

/* lea ret(%rip),%rcx; jmp *entry(%rip) */
#define ENTER_LEN (7 + 6)

static void put_enter(struct out *o, struct rw_stub *stub, u64 ret, u64 entry)
{
	stub->enter = o->len;
	put_rel(o, "\x48\x8d\x0d", 3, ret);
	put_rel(o, "\xff\x25", 2, entry);
}

static void put_forward(struct out *o, struct rw_stub *stub, const struct rw_plan *plan,
			const struct rw_text *text, u64 entry)
{
	const struct rw_moved *last = &plan->moved[plan->moved_count - 1];
	u8 restart[2] = { 0xeb, 0 };

	/* behind the entry, the jmp that ip -= 2 meets */
	stub->resume = o->len + ENTER_LEN + sizeof(restart);
	put_enter(o, stub, o->base + stub->resume, entry);
	restart[1] = -(u8)(o->len + sizeof(restart));
	put(o, restart, sizeof(restart));
	put_all_moved(o, stub, plan, text);
	stub->tail = o->len;
	stub->tail_off = last->ip + last->len - plan->site;
	if (!is_end(last))
		put_rel(o, "\xe9", 1, last->ip + last->len);
}

static void make_jmp(u8 *bytes, u64 from, u64 to)
{
	s32 disp = to - (from + RW_JMP_LEN);

	bytes[0] = 0xe9;
	memcpy(bytes + 1, &disp, sizeof(disp));
}

static void make_patch(struct rw_stub *stub)
{
	if (stub->kind != RW_HOLE) {
		stub->patch_len = RW_JMP_LEN;
		make_jmp(stub->new, stub->patch, stub->start);
		return;
	}
	stub->patch_len = SYSCALL_LEN;
	stub->new[0] = 0xeb;
	stub->new[1] = stub->jmp - (stub->site + SYSCALL_LEN);
	make_jmp(stub->jmp_new, stub->jmp, stub->start);
}

int rw_emit(struct rw_stub *stub, u8 *code, const struct rw_plan *plan, const struct rw_text *text,
	    u64 addr, u64 entry)
{
	struct out o = { .code = code, .base = addr };

	if (plan->kind == RW_NONE || !displacement_ok(plan, addr))
		return -ERANGE;
	memset(code, 0xcc, RW_STUB_MAX);
	*stub = (struct rw_stub){ .site = plan->site,
				  .start = addr,
				  .patch = plan->patch,
				  .jmp = plan->jmp,
				  .kind = plan->kind,
				  .moved_count = plan->moved_count };
	if (plan->kind == RW_FORWARD) {
		put_forward(&o, stub, plan, text, entry);
	} else {
		put_all_moved(&o, stub, plan, text);
		put_enter(&o, stub, plan->site + SYSCALL_LEN, entry);
	}
	if (o.bad)
		return -ERANGE;
	stub->len = o.len;
	make_patch(stub);
	memcpy(stub->old, at(text, stub->patch), stub->patch_len);
	if (stub->kind == RW_HOLE)
		memcpy(stub->jmp_old, at(text, stub->jmp), RW_JMP_LEN);
	return 0;
}

u64 rw_report_ip(const struct rw_stub *stub, u64 ip)
{
	u64 off = ip - stub->start;
	int n;

	if (off >= stub->len)
		return ip;
	if (stub->kind == RW_FORWARD && off < stub->resume)
		return stub->site;
	if (stub->kind != RW_FORWARD && off >= stub->enter)
		return stub->site;
	if (stub->kind == RW_FORWARD && off >= stub->tail)
		return stub->site + stub->tail_off;
	for (n = stub->moved_count - 1; n > 0; n--)
		if (off >= stub->moved_at[n])
			break;
	return stub->site + stub->moved_off[n];
}

u64 rw_resume_ip(const struct rw_stub *stub, u64 ip)
{
	int n;

	if (stub->kind != RW_FORWARD)
		return 0;
	for (n = 0; n < stub->moved_count; n++)
		if (ip == stub->site + stub->moved_off[n])
			return stub->start + stub->moved_at[n];
	return 0;
}
