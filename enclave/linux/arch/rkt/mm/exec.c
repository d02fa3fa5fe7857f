// SPDX-License-Identifier: GPL-2.0-only
/* The main stack of a new program. */
#include <linux/binfmts.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include "internal.h"
#include "mm_internal.h"

#define STACK_DEFAULT SZ_8M
#define STACK_MAX SZ_64M
#define STACK_GUARD SZ_1M

static unsigned long stack_size(struct linux_binprm *bprm)
{
	unsigned long size = READ_ONCE(bprm->rlim_stack.rlim_cur);

	if (size == RLIM_INFINITY)
		size = STACK_DEFAULT;
	/* Room for the arguments and a little work at the least. */
	return PAGE_ALIGN(clamp(size, (MAX_ARG_PAGES + 32) * PAGE_SIZE, (unsigned long)STACK_MAX));
}

static vm_flags_t stack_flags(int executable_stack)
{
	vm_flags_t flags = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;

	/* Without PT_GNU_STACK: not executable, as on x86-64. */
	if (executable_stack == EXSTACK_ENABLE_X)
		flags |= VM_EXEC;
	return flags | VM_NORESERVE;
}

/* Guard and stack, claimed together. Return: the lowest address of the stack. */
static unsigned long map_stack(struct mm_struct *mm, unsigned long size, vm_flags_t flags)
{
	struct vm_area_struct *guard, *stack;
	unsigned long addr;

	addr = uspace_alloc(mm, STACK_GUARD + size, 0, USPACE_TOP);
	if (IS_ERR_VALUE(addr))
		return addr;
	guard = rkt_expand_anon(mm, addr, addr + STACK_GUARD, RKT_STACK_GUARD_FLAGS);
	if (IS_ERR(guard)) {
		uspace_release(mm, addr, addr + STACK_GUARD + size);
		return PTR_ERR(guard);
	}
	addr += STACK_GUARD;
	stack = rkt_expand_anon(mm, addr, addr + size, flags);
	if (IS_ERR(stack)) {
		uspace_release(mm, addr, addr + size);
		return PTR_ERR(stack);
	}
	return addr;
}

int rkt_setup_stack(struct linux_binprm *bprm, int executable_stack)
{
	struct mm_struct *mm = bprm->mm ?: current->mm;
	unsigned long size = stack_size(bprm), addr, top, sp;
	struct vm_area_struct *vma;
	int ret;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	addr = map_stack(mm, size, stack_flags(executable_stack));
	ret = IS_ERR_VALUE(addr) ? (int)addr : 0;
	top = addr + size;
	vma = ret ? NULL : vma_lookup(mm, addr);
	if (vma)
		ret = rkt_populate(vma, top - RKT_FAULT_AROUND_MAX, top, true);
	mmap_write_unlock(mm);
	if (ret)
		return ret;
	BUILD_BUG_ON(MAX_ARG_PAGES * PAGE_SIZE > RKT_FAULT_AROUND_MAX);
	sp = top;
	ret = transfer_args_to_stack(bprm, &sp);
	if (ret)
		return ret;
	bprm->p = sp;
	mm->arg_start = sp;
	mm->start_stack = sp;
	return 0;
}
