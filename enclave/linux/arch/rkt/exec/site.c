// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rewriting the syscall sites of an address space: what is known of a site, the
 * text around it as it was, installing, and threads that stand in the middle.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/uaccess.h>
#include <asm/rkt_mm.h>
#include <asm/rkt_text.h>
#include <asm/stats.h>
#include "bounds.h"
#include "reach.h"
#include "site.h"

#define AROUND_BEFORE 128 /* reach of a short jump, and what convergence looks at */
#define AROUND_AFTER 192
#define TEXT_MAX (RW_FUNC_MAX + AROUND_BEFORE + AROUND_AFTER)
#define BUSY_MAX 64
#define REWRITE_AT 3 /* traps */
#define ESCALATE_AT 64 /* traps of a site that was rewritten in front of its syscall */
#define SCRATCH_SIZE 32768

struct rkt_exec_stats rkt_exec_stats;

/* Everything that an attempt works with. */
struct attempt {
	struct rkt_exec *exec;
	unsigned long ip;
	struct file *file;
	unsigned long vma_start, vma_end, vma_offset;
	struct rw_text text;
	u8 *bytes;
	struct rw_range busy[BUSY_MAX];
	int err; /* of a write */
};

static struct rkt_exec *exec_of(struct mm_struct *mm)
{
	return smp_load_acquire(&mm->context.exec); /* pairs with site_exec() */
}

struct rkt_exec *site_exec(struct mm_struct *mm)
{
	struct rkt_exec *exec = exec_of(mm), *old;

	if (exec)
		return exec;
	exec = kzalloc(sizeof(*exec), GFP_KERNEL_ACCOUNT);
	if (!exec)
		return NULL;
	mutex_init(&exec->lock);
	xa_init(&exec->traps);
	xa_init(&exec->hidden);
	old = cmpxchg(&mm->context.exec, NULL, exec);
	if (!old)
		return exec;
	kfree(exec);
	return old;
}

void rkt_exec_mm_free(struct mm_struct *mm)
{
	struct rkt_exec *exec = mm->context.exec;
	struct stub_area *area;
	struct site *site;

	if (!exec)
		return;
	while ((area = exec->areas)) {
		exec->areas = area->next;
		kfree(area);
	}
	while ((site = exec->sites)) {
		exec->sites = site->next;
		kfree(site);
	}
	xa_destroy(&exec->traps);
	xa_destroy(&exec->hidden);
	mm->context.exec = NULL;
	kfree(exec);
}

/* Only what ld.so or exec mapped: private, executable, not writable, of a file. */
static bool find_text(struct attempt *a)
{
	struct vm_area_struct *vma;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, a->ip);
	if (vma && vma->vm_file && (vma->vm_flags & VM_EXEC) &&
	    !(vma->vm_flags & (VM_WRITE | VM_MAYSHARE | VM_IO | VM_PFNMAP))) {
		a->file = get_file(vma->vm_file);
		a->vma_start = vma->vm_start;
		a->vma_end = vma->vm_end;
		a->vma_offset = vma->vm_pgoff << PAGE_SHIFT;
	}
	mmap_read_unlock(current->mm);
	return a->file;
}

int site_read_file(void *ctx, void *dst, u64 offset, size_t size)
{
	loff_t pos = offset;
	ssize_t n;

	if (pos < 0)
		return -ENOEXEC;
	n = kernel_read(ctx, dst, size, &pos);
	return n < 0 ? n : n == size ? 0 : -ENOEXEC;
}

static void shift(u64 *addr, u64 bias)
{
	if (*addr)
		*addr += bias;
}

bool site_bounds(struct rw_bounds *b, u64 *vaddr, struct file *file, u64 offset)
{
	struct rw_reader reader = { .read = site_read_file,
				    .ctx = file,
				    .scratch_size = SCRATCH_SIZE };
	int err = -ENOMEM;

	reader.scratch = kvmalloc(SCRATCH_SIZE, GFP_KERNEL_ACCOUNT);
	if (reader.scratch)
		err = rw_bounds_find(b, vaddr, &reader, offset);
	kvfree(reader.scratch);
	return !err && b->func.end;
}

/* Function bounds as addresses of this mapping. Nothing known is no error. */
static void find_bounds(struct attempt *a)
{
	struct rw_bounds *b = &a->text.bounds;
	u64 vaddr, bias;

	if (!site_bounds(b, &vaddr, a->file, a->ip - a->vma_start + a->vma_offset)) {
		*b = (struct rw_bounds){ 0 };
		return;
	}
	bias = a->ip - vaddr;
	shift(&b->func.start, bias);
	shift(&b->func.end, bias);
	shift(&b->prev_start, bias);
	shift(&b->prev_end, bias);
	shift(&b->next_start, bias);
}

/* The function, its neighbour in front and the padding behind, as far as that is reasonable. */
static void choose_range(struct attempt *a)
{
	struct rw_bounds *b = &a->text.bounds;
	u64 start = a->ip - AROUND_BEFORE, end = a->ip + AROUND_AFTER;

	if (b->func.end && b->func.end - b->func.start <= RW_FUNC_MAX - 1024) {
		start = min(start, b->func.start);
		end = max(end, min(b->next_start, b->func.end + AROUND_AFTER));
		if (b->prev_start && end - b->prev_start <= RW_FUNC_MAX)
			start = min(start, b->prev_start);
	}
	a->text.start = max_t(u64, start, a->vma_start);
	a->text.end = min_t(u64, end, a->vma_end);
}

/* One patch, undone in our copy of the text. False: those bytes are not there any more. */
static bool undo(struct attempt *a, u64 addr, const u8 *old, const u8 *new, size_t len)
{
	u8 *p = a->bytes + (addr - a->text.start);

	if (addr < a->text.start || addr + len > a->text.end)
		return false;
	if (memcmp(p, new, len))
		return false;
	memcpy(p, old, len);
	if (a->text.busy_count < BUSY_MAX)
		a->busy[a->text.busy_count++] = (struct rw_range){ addr, addr + len };
	return true;
}

/* CPUID of this text; what else may stand at an address where there was one stays as it is. */
static void undo_hidden(struct attempt *a)
{
	unsigned long addr;
	void *entry;
	u8 *insn;

	xa_for_each_range (&a->exec->hidden, addr, entry, a->text.start, a->text.end - CPUID_LEN) {
		insn = a->bytes + (addr - a->text.start);
		if (insn[0] == RW_WAIT_OPCODE && insn[1] == CPUID_SECOND_BYTE)
			insn[0] = CPUID_FIRST_BYTE;
	}
}

static void undo_all(struct attempt *a)
{
	const struct site *s;

	undo_hidden(a);
	for (s = a->exec->sites; s; s = s->next) {
		if (READ_ONCE(s->gone))
			continue;
		/* padding stays occupied even after its site was restored */
		if (s->stub.kind == RW_HOLE)
			undo(a, s->stub.jmp, s->stub.jmp_old, s->stub.jmp_new, RW_JMP_LEN);
		if (!s->removed)
			undo(a, s->stub.patch, s->stub.old, s->stub.new, s->stub.patch_len);
	}
}

static bool capture(struct attempt *a)
{
	size_t size = a->text.end - a->text.start;

	a->bytes = kvmalloc(size, GFP_KERNEL_ACCOUNT);
	if (!a->bytes || copy_from_user(a->bytes, (void __user *)a->text.start, size))
		return false;
	a->text.bytes = a->bytes;
	a->text.busy = a->busy;
	undo_all(a);
	return a->text.busy_count < BUSY_MAX;
}

/* Other threads see all or nothing of what lies inside one aligned quadword. */
static int write_quadword(u64 addr, const u8 *bytes, size_t len)
{
	u64 start = addr & ~7ull, value;

	if (get_user(value, (u64 __user *)start))
		return -EFAULT;
	memcpy((u8 *)&value + (addr - start), bytes, len);
	return rkt_poke_user(current->mm, start, &value, sizeof(value));
}

static void write_text(void *ctx, u64 addr, const u8 *bytes, size_t len)
{
	struct attempt *a = ctx;

	if (!a->err)
		a->err = rw_is_atomic(addr, len) ? write_quadword(addr, bytes, len)
						 : rkt_poke_user(current->mm, addr, bytes, len);
}

/*
 * The exception or interrupt that brings a vCPU here discards what it fetched.
 * For one that was in the kernel anyway: it executes (and retires) far more
 * instructions before it is back in the program than a processor fetches ahead.
 */
static void nothing(void *unused)
{
}

static void sync_vcpus(void *ctx)
{
	if (get_nr_threads(current) > 1 || atomic_read(&current->mm->mm_users) > 1)
		on_each_cpu(nothing, NULL, true);
}

static void take_back(struct attempt *a, const struct rw_ops *ops)
{
	struct site *s;

	for (s = a->exec->sites; s; s = s->next) {
		if (s->stub.site != a->ip || s->removed || READ_ONCE(s->gone))
			continue;
		rw_remove(&s->stub, ops);
		s->removed = true;
	}
}

/* Puts one plan in place. */
static int carry_out(struct attempt *a, const struct rw_plan *plan)
{
	struct rw_ops ops = { .write = write_text, .sync = sync_vcpus, .ctx = a };
	unsigned long addr = stub_place(a->exec, plan);
	u8 code[RW_STUB_MAX];
	struct site *site;
	int err;

	if (!addr)
		return -ERANGE;
	site = kzalloc(sizeof(*site), GFP_KERNEL_ACCOUNT);
	if (!site)
		return -ENOMEM;
	err = rw_emit(&site->stub, code, plan, &a->text, addr, stub_entry(addr, a->exec));
	err = err ?: rkt_poke_user(current->mm, addr, code, site->stub.len);
	if (err) {
		kfree(site);
		return err;
	}
	stub_take(a->exec, addr, site->stub.len);
	take_back(a, &ops);
	site->next = a->exec->sites;
	smp_store_release(&a->exec->sites,
			  site); /* pairs with rkt_report_ip(); before anybody gets there */
	rw_install(&site->stub, &ops);
	if (a->err)
		return a->err;
	atomic_long_inc(&rkt_exec_stats.written[plan->kind]);
	rkt_stat_inc(SYSCALL_SITES_LATE);
	return 0;
}

/* Return: TRAP_* bits to remember. */
static unsigned long attempt_plans(struct attempt *a, unsigned long skip)
{
	enum rw_refusal why;
	struct rw_plan plan;
	int err;

	for (;;) {
		why = rw_plan(&plan, &a->text, a->ip, skip);
		if (why)
			break;
		err = carry_out(a, &plan);
		if (!err)
			return TRAP_SKIP_BIT(plan.kind);
		if (err != -ERANGE) {
			atomic_long_inc(&rkt_exec_stats.failed);
			return TRAP_REFUSED;
		}
		skip |= 1ul << plan.kind;
		why = RW_NO_STUB;
	}
	atomic_long_inc(&rkt_exec_stats.refused[why]);
	return TRAP_REFUSED;
}

static unsigned long rewrite_locked(struct attempt *a, unsigned long skip)
{
	unsigned long result = TRAP_REFUSED;

	if (!find_text(a)) {
		atomic_long_inc(&rkt_exec_stats.refused[0]);
		return result;
	}
	find_bounds(a);
	choose_range(a);
	if (capture(a))
		result = attempt_plans(a, skip);
	kvfree(a->bytes);
	fput(a->file);
	return result;
}

/*
 * Rewriting costs as much as half a dozen traps, and most sites of a short-lived
 * program are executed once or twice. After a refusal, every doubling of the
 * count is worth an attempt (another library may have taken the place). A site
 * that was rewritten in front of its syscall and still traps is entered by a
 * branch: another way.
 */
static bool worthwhile(unsigned long v)
{
	unsigned long count = TRAP_COUNT(v);

	if (v & TRAP_REFUSED)
		return (count & (count - 1)) == 0;
	return TRAP_SKIP(v) ? count % ESCALATE_AT == 0 : count >= REWRITE_AT;
}

static bool moves_on(struct rkt_exec *exec, struct pt_regs *regs)
{
	struct site *s;
	u64 ip;

	for (s = exec->sites; s; s = s->next) {
		ip = s->removed || READ_ONCE(s->gone) ? 0 : rw_resume_ip(&s->stub, regs->ip);
		if (!ip)
			continue;
		regs->ip = ip;
		return true;
	}
	return false;
}

void site_rewrite(struct pt_regs *regs)
{
	struct rkt_exec *exec = site_exec(current->mm);
	struct attempt *a;
	unsigned long v;

	if (!exec)
		return;
	mutex_lock(&exec->lock);
	v = xa_to_value(xa_load(&exec->traps, regs->ip) ?: xa_mk_value(0));
	v = (v & ~0xfffffffful) | ((v + 1) & 0xffffffff);
	if (worthwhile(v)) {
		a = kzalloc(sizeof(*a), GFP_KERNEL_ACCOUNT);
		if (a) {
			a->exec = exec;
			a->ip = regs->ip;
			v |= rewrite_locked(a, TRAP_SKIP(v));
			kfree(a);
		}
	}
	xa_store(&exec->traps, regs->ip, xa_mk_value(v), GFP_KERNEL_ACCOUNT);
	mutex_unlock(&exec->lock);
}

void site_resume_at(struct pt_regs *regs)
{
	struct rkt_exec *exec = exec_of(current->mm);

	if (!exec)
		return;
	mutex_lock(&exec->lock);
	moves_on(exec, regs);
	mutex_unlock(&exec->lock);
}

bool site_resume(struct pt_regs *regs)
{
	struct rkt_exec *exec = exec_of(current->mm);
	struct site *s;
	bool ours;
	u8 byte;

	if (!exec)
		return false;
	mutex_lock(&exec->lock); /* an installation that is under way ends first */
	ours = moves_on(exec, regs);
	for (s = exec->sites; s && !ours; s = s->next)
		ours = s->stub.patch == regs->ip && !READ_ONCE(s->gone) &&
		       !get_user(byte, (u8 __user *)regs->ip) && byte != RW_WAIT_OPCODE;
	mutex_unlock(&exec->lock);
	if (ours)
		atomic_long_inc(&rkt_exec_stats.resumed);
	return ours;
}

bool site_hides_cpuid(void)
{
	struct rkt_exec *exec = exec_of(current->mm);

	return exec && READ_ONCE(exec->hides);
}

void rkt_exec_forget(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct rkt_exec *exec = exec_of(mm);
	unsigned long addr;
	struct site *s;
	void *entry;

	if (!exec)
		return;
	xa_for_each_range (&exec->hidden, addr, entry, start, end - 1)
		xa_erase(&exec->hidden, addr);
	xa_for_each_range (&exec->traps, addr, entry, start, end - 1)
		xa_erase(&exec->traps, addr);
	/* pairs with carry_out() */
	for (s = smp_load_acquire(&exec->sites); s; s = s->next)
		if (s->stub.patch >= start && s->stub.patch < end)
			WRITE_ONCE(s->gone, true);
}

unsigned long rkt_report_ip(unsigned long ip)
{
	const struct rkt_exec *exec = current->mm ? exec_of(current->mm) : NULL;
	const struct stub_area *area;
	const struct site *s;

	if (!exec)
		return ip;
	for (area = smp_load_acquire(&exec->areas); area; area = area->next)
		if (ip - area->start < STUB_AREA_SIZE)
			break;
	if (!area)
		return ip;
	for (s = smp_load_acquire(&exec->sites); s; s = s->next)
		if (ip - s->stub.start < s->stub.len)
			return rw_report_ip(&s->stub, ip);
	return ip;
}

/* Areas grow in number only. Context: somebody holds @vma's mm. */
const char *arch_vma_name(struct vm_area_struct *vma)
{
	const struct rkt_exec *exec = vma->vm_mm ? exec_of(vma->vm_mm) : NULL;
	const struct stub_area *area = exec ? smp_load_acquire(&exec->areas) : NULL;

	for (; area; area = area->next)
		if (area->start >= vma->vm_start && area->start < vma->vm_end)
			return "[rktio]";
	return NULL;
}
