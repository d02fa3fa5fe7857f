// SPDX-License-Identifier: GPL-2.0-only
/* mremap(): in place where the addresses allow it, by copying else. */
#define pr_fmt(fmt) "rkt-mm: " fmt

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/syscalls.h>
#include "internal.h"
#include "mm_internal.h"
#include "pages_port.h"

struct move {
	struct mm_struct *mm;
	struct vm_area_struct *vma;
	unsigned long addr, old_len, new_len, flags, new_addr;
};

static int check_args(const struct move *m)
{
	if (m->flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
		return -EINVAL;
	if ((m->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && !(m->flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if ((m->flags & MREMAP_DONTUNMAP) && m->old_len != m->new_len)
		return -EINVAL;
	if (offset_in_page(m->addr) || !m->new_len)
		return -EINVAL;
	if (!(m->flags & MREMAP_FIXED))
		return 0;
	if (offset_in_page(m->new_addr) || !rkt_user_range(m->new_addr, m->new_len))
		return -EINVAL;
	if (m->addr + m->old_len > m->new_addr && m->new_addr + m->new_len > m->addr)
		return -EINVAL;
	return 0;
}

static int check_vma(const struct move *m)
{
	const struct vm_area_struct *vma = m->vma;

	if (!vma)
		return -EFAULT;
	if (!m->old_len) /* a second mapping of the same pages */
		return -EINVAL;
	if (m->old_len > vma->vm_end - m->addr)
		return -EFAULT;
	if (rkt_foreign(vma))
		return -EFAULT;
	if ((m->flags & MREMAP_DONTUNMAP) && vma->vm_file)
		return -EINVAL;
	if (m->new_len > m->old_len && (vma->vm_flags & VM_DONTEXPAND))
		return -EFAULT;
	return 0;
}

static int charge(const struct move *m, unsigned long pages)
{
	vm_flags_t flags = m->vma->vm_flags;

	if (!may_expand_vm(m->mm, flags, pages))
		return -ENOMEM;
	if ((flags & VM_LOCKED) && !capable(CAP_IPC_LOCK) &&
	    m->mm->locked_vm + pages > rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT)
		return -EAGAIN;
	if (!(flags & VM_ACCOUNT))
		return 0;
	if (rkt_vm_enough(pages))
		return -ENOMEM;
	vm_acct_memory(pages);
	return 0;
}

static void uncharge(const struct move *m, unsigned long pages)
{
	if (m->vma->vm_flags & VM_ACCOUNT)
		vm_unacct_memory(pages);
}

/* Return: 0, or an error: then nothing has changed. */
static int grow_in_place(const struct move *m)
{
	unsigned long end = m->addr + m->old_len, new_end = m->addr + m->new_len;
	unsigned long pages = (new_end - end) >> PAGE_SHIFT;
	int ret;

	if (m->vma->vm_end != end || new_end < end || find_vma_intersection(m->mm, end, new_end))
		return -ENOMEM;
	ret = charge(m, pages);
	if (ret)
		return ret;
	if (rkt_is_window(m->vma))
		ret = rkt_window_grow(m->vma, new_end);
	else
		ret = uspace_claim_free(m->mm, end, new_end);
	if (ret)
		goto err_charge;
	ret = rkt_vma_set_end(m->mm, m->vma, new_end);
	if (ret) {
		if (!rkt_is_window(m->vma))
			uspace_release(m->mm, end, new_end);
		goto err_charge;
	}
	if (m->vma->vm_flags & VM_LOCKED)
		rkt_populate(m->vma, end, new_end, false);
	rkt_vma_merge(m->mm, m->vma);
	return 0;
err_charge:
	uncharge(m, pages);
	return ret;
}

/* Moves committed pages, run by run, so that the peak is one run more. */
static int move_pages(struct vm_area_struct *vma, unsigned long from, unsigned long to,
		      unsigned long len)
{
	unsigned int prot = rkt_prot(vma->vm_flags);
	u64 a, b, end = from + len;
	size_t unused = 0;
	int ret;

	for (; pages_next_run(from, end, &a, &b); from = b) {
		u64 dst = a - from + to;

		b = min(b, a + SZ_1M);
		ret = pages_commit(dst, dst + (b - a), MEM_R | MEM_W);
		if (!ret && !(prot & MEM_R)) /* content behind PROT_NONE */
			ret = pages_protect(a, b, MEM_R, &unused);
		if (ret)
			return ret;
		add_mm_counter(vma->vm_mm, MM_ANONPAGES, (b - a) >> PAGE_SHIFT);
		memcpy((void *)dst, (void *)a, b - a);
		if (prot != (MEM_R | MEM_W))
			ret = pages_protect(dst, dst + (b - a), prot, &unused);
		if (ret)
			return ret;
		to = dst + (b - a);
	}
	return 0;
}

static struct vm_area_struct *copy_vma_to(const struct move *m, unsigned long to)
{
	struct vm_area_struct *new = vm_area_dup(m->vma);
	int ret;

	if (!new)
		return ERR_PTR(-ENOMEM);
	new->vm_pgoff += (m->addr - m->vma->vm_start) >> PAGE_SHIFT;
	new->vm_start = to;
	new->vm_end = to + m->new_len;
	ret = rkt_vma_insert(m->mm, new);
	if (ret) {
		vm_area_free(new);
		return ERR_PTR(ret);
	}
	if (new->vm_file)
		get_file(new->vm_file);
	if (new->vm_ops &&new->vm_ops->open)
		new->vm_ops->open(new);
	return new;
}

static int claim_target(const struct move *m, unsigned long *to)
{
	int ret;

	if (!(m->flags & MREMAP_FIXED)) {
		*to = uspace_alloc(m->mm, m->new_len, m->new_addr & PAGE_MASK, USPACE_TOP);
		return IS_ERR_VALUE(*to) ? (int)*to : 0;
	}
	*to = m->new_addr;
	if (!tee_mem_backed(*to, m->new_len))
		return -ENOMEM;
	ret = uspace_claim(m->mm, *to, *to + m->new_len);
	if (ret)
		return ret;
	ret = rkt_clear_range(m->mm, *to, *to + m->new_len);
	if (!ret && pages_live(*to, *to + m->new_len))
		ret = -ENOMEM; /* pages in flight: there is no place for others */
	if (ret)
		rkt_give_back(m->mm, *to, *to + m->new_len);
	return ret;
}

static int leave_old(const struct move *m)
{
	unsigned long end = m->addr + m->old_len;
	long live, left;

	if (!(m->flags & MREMAP_DONTUNMAP))
		return do_munmap(m->mm, m->addr, m->old_len, NULL);
	update_hiwater_rss(m->mm);
	live = pages_live(m->addr, end);
	uspace_drop_pages(m->addr, end);
	left = pages_live(m->addr, end); /* pinned ones */
	add_mm_counter(m->mm, MM_ANONPAGES, left - live);
	if (left)
		rkt_reprotect(m->mm, m->addr, end);
	return 0;
}

static unsigned long move_elsewhere(struct move *m)
{
	unsigned long pages = m->new_len >> PAGE_SHIFT, to;
	struct vm_area_struct *new;
	int ret;

	if (rkt_is_window(m->vma)) /* an address is its memory, and this one is shared */
		return -ENOMEM;
	if (m->mm->map_count + 2 >= sysctl_max_map_count)
		return -ENOMEM;
	ret = charge(m, pages);
	if (ret)
		return ret;
	ret = claim_target(m, &to);
	m->vma = vma_lookup(m->mm, m->addr); /* making room may have split it */
	if (ret) {
		uncharge(m, pages);
		return ret;
	}
	new = copy_vma_to(m, to);
	if (IS_ERR(new)) {
		uncharge(m, pages);
		uspace_release(m->mm, to, to + m->new_len);
		return PTR_ERR(new);
	}
	ret = move_pages(new, m->addr, to, m->old_len);
	if (ret) {
		do_munmap(m->mm, to, m->new_len, NULL);
		return ret;
	}
	if (new->vm_flags & VM_LOCKED)
		rkt_populate(new, new->vm_start, new->vm_end, false);
	ret = leave_old(m);
	rkt_vma_merge(m->mm, new);
	return ret ?: to;
}

static unsigned long do_mremap(struct move *m)
{
	int ret = check_args(m);

	if (ret)
		return ret;
	m->vma = vma_lookup(m->mm, m->addr);
	/* As in Linux, nobody asks whether one mapping covers what goes, nor what stays as it is. */
	if (m->old_len > m->new_len && m->vma) {
		ret = do_munmap(m->mm, m->addr + m->new_len, m->old_len - m->new_len, NULL);
		if (ret)
			return ret;
		m->old_len = m->new_len;
	}
	if (!(m->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && m->old_len == m->new_len && m->vma)
		return m->addr;
	ret = check_vma(m);
	if (ret)
		return ret;
	if (!(m->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))) {
		ret = grow_in_place(m);
		if (!ret)
			return m->addr;
		if (!(m->flags & MREMAP_MAYMOVE) || ret != -ENOMEM)
			return ret;
	}
	return move_elsewhere(m);
}

SYSCALL_DEFINE5(mremap, unsigned long, addr, unsigned long, old_len, unsigned long, new_len,
		unsigned long, flags, unsigned long, new_addr)
{
	struct move m = {
		.mm = current->mm,
		.addr = addr,
		.old_len = PAGE_ALIGN(old_len),
		.new_len = PAGE_ALIGN(new_len),
		.flags = flags,
		.new_addr = flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) ? new_addr : 0,
	};
	unsigned long ret;

	if (mmap_write_lock_killable(m.mm))
		return -EINTR;
	ret = do_mremap(&m);
	mmap_write_unlock(m.mm);
	return ret;
}
