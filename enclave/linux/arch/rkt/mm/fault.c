// SPDX-License-Identifier: GPL-2.0-only
/* Memory on demand: page faults, pinning of pages, access from outside the program. */
#define pr_fmt(fmt) "rkt-mm: " fmt

#include <linux/export.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/panic.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <asm/rkt_exec.h>
#include "enclave/boundary/check.h"
#include "internal.h"
#include "mm_internal.h"
#include "pages_port.h"

#define CHUNK_SIZE (4UL << 20) /* rkt_chunk_lock()'s */

/* ---- private copies of files ---- */

/* kernel_read() through the page cache even if the file was opened with O_DIRECT. */
static ssize_t read_file(struct file *file, void *buf, size_t size, loff_t pos)
{
	struct kvec vec = { .iov_base = buf, .iov_len = size };
	struct iov_iter iter;
	struct kiocb kiocb;
	ssize_t ret;

	if (!file->f_op->read_iter)
		return kernel_read(file, buf, size, &pos);
	init_sync_kiocb(&kiocb, file);
	kiocb.ki_flags &= ~IOCB_DIRECT;
	kiocb.ki_pos = pos;
	iov_iter_kvec(&iter, ITER_DEST, &vec, 1, size);
	ret = file->f_op->read_iter(&kiocb, &iter);
	return ret == -EIOCBQUEUED ? -EIO : ret;
}

/* Fills buf with the file's bytes at addr; what lies beyond its end stays zero. */
static int read_vma(struct vm_area_struct *vma, void *buf, unsigned long addr, size_t size)
{
	loff_t pos = ((loff_t)vma->vm_pgoff << PAGE_SHIFT) + (addr - vma->vm_start);
	size_t done = 0;
	ssize_t n;

	while (done < size) {
		n = read_file(vma->vm_file, buf + done, size - done, pos + done);
		if (n == 0)
			break;
		if (n < 0)
			return n == -EINTR || n == -ERESTARTSYS ? -EINTR : -EIO;
		done += n;
	}
	if (!done && pos >= i_size_read(file_inode(vma->vm_file)))
		return -ENXIO;
	memset(buf + done, 0, size - done);
	rkt_exec_hide_cpuid(vma, addr, buf, size);
	return 0;
}

static int fill_lazily(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	unsigned long size = min(end - start, RKT_FAULT_AROUND_MAX);
	void *buf = kvmalloc(size, GFP_KERNEL);
	int ret = 0;

	if (!buf)
		return -ENOMEM;
	for (; !ret && start < end; start += size) {
		size = min(size, end - start);
		ret = read_vma(vma, buf, start, size);
		if (!ret)
			ret = pages_commit_copy(start, start + size, buf, rkt_prot(vma->vm_flags));
	}
	kvfree(buf);
	return ret;
}

/* Nobody else knows these addresses yet: read in place. */
static int fill_in_place(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	size_t unused = 0;
	int ret;

	ret = pages_commit(start, end, MEM_R | MEM_W);
	if (!ret)
		ret = read_vma(vma, (void *)start, start, end - start);
	if (!ret)
		ret = pages_protect(start, end, rkt_prot(vma->vm_flags), &unused);
	return ret;
}

/* Where the pages of the file end in the mapping; behind that is SIGBUS. */
static unsigned long file_end(struct vm_area_struct *vma)
{
	loff_t size = PAGE_ALIGN(i_size_read(vma->vm_file->f_mapping->host));
	loff_t off = (loff_t)vma->vm_pgoff << PAGE_SHIFT;

	return size <= off ? vma->vm_start : min_t(u64, vma->vm_start + (size - off), vma->vm_end);
}

/* ---- commit ---- */

static int commit_chunk(struct vm_area_struct *vma, unsigned long start, unsigned long end,
			bool new)
{
	unsigned long last;
	u64 a, b;
	int ret = 0;

	if (!vma->vm_file)
		return pages_commit(start, end, rkt_prot(vma->vm_flags));
	last = file_end(vma);
	if (new) { /* the pages may be stale ones */
		pages_trim(max(start, min(last, end)), end);
		return start < last ? fill_in_place(vma, start, min(end, last)) : 0;
	}
	if (start >= last)
		return -ENXIO;
	end = min(end, last);
	for (; !ret && pages_next_missing(start, end, &a, &b); start = b)
		ret = fill_lazily(vma, a, b);
	return ret;
}

static int populate(struct vm_area_struct *vma, unsigned long start, unsigned long end, bool new)
{
	unsigned long next, live;
	int ret = 0;

	for (; !ret && start < end; start = next) {
		struct mutex *lock = rkt_chunk_lock(start);

		next = min(end, ALIGN(start + 1, CHUNK_SIZE));
		mutex_lock(lock);
		live = pages_live(start, next);
		ret = commit_chunk(vma, start, next, new);
		add_mm_counter(vma->vm_mm, MM_ANONPAGES, pages_live(start, next) - live);
		mutex_unlock(lock);
	}
	return ret;
}

int rkt_populate(struct vm_area_struct *vma, unsigned long start, unsigned long end, bool write)
{
	if (rkt_foreign(vma))
		return -EFAULT;
	if (rkt_is_window(vma))
		return rkt_window_populate(vma, start, end, write);
	return populate(vma, start, end, false);
}

int rkt_populate_all(struct vm_area_struct *vma, unsigned long start, unsigned long end, bool write)
{
	int ret = rkt_populate(vma, start, end, write);

	if (!ret && pages_live(start, end) < (end - start) >> PAGE_SHIFT)
		ret = -ENXIO;
	return ret;
}

int rkt_populate_new(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	return populate(vma, start, end, true);
}

int rkt_refill(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	u64 a, b;
	int ret = 0;

	for (; !ret && pages_next_run(start, end, &a, &b); start = b)
		ret = rkt_populate_new(vma, a, b);
	return ret;
}

int rkt_populate_range(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma;
	VMA_ITERATOR(vmi, mm, start);
	int ret = 0;

	for_each_vma_range (vmi, vma, end) {
		if (rkt_foreign(vma))
			continue;
		ret = vma->vm_flags & VM_ACCESS_FLAGS
			      ? rkt_populate_all(vma, max(start, vma->vm_start),
						 min(end, vma->vm_end), false)
			      : -EFAULT;
		if (ret || fatal_signal_pending(current))
			break;
	}
	return ret;
}

/* ---- faults ---- */

/* Has the page content of its own? Not if it is committed because the host keeps it, stale. */
static bool is_live(unsigned long addr)
{
	return page_states_present(addr) &&
	       (*page_state(addr) & (PS_COMMITTED | PS_STALE)) == PS_COMMITTED;
}

/* More of what is touched in sequence, little of what is touched here and there as code is. */
static void fault_around(struct vm_area_struct *vma, unsigned long addr, unsigned long *start,
			 unsigned long *end)
{
	bool text = vma->vm_file && (vma->vm_flags & VM_EXEC);
	unsigned long size = text ? RKT_FAULT_AROUND_TEXT : RKT_FAULT_AROUND;

	*start = ALIGN_DOWN(addr, size);
	if (!text && (is_live(*start - PAGE_SIZE) || is_live(*start + size)))
		size = RKT_FAULT_AROUND_MAX;
	*start = max(ALIGN_DOWN(addr, size), vma->vm_start);
	*end = min(ALIGN_DOWN(addr, size) + size, vma->vm_end);
}

static int restore_prot(struct vm_area_struct *vma, unsigned long addr)
{
	struct mutex *lock = rkt_chunk_lock(addr);
	size_t unused = 0;
	int ret;

	mutex_lock(lock);
	ret = pages_protect(addr, addr + PAGE_SIZE, rkt_prot(vma->vm_flags), &unused);
	mutex_unlock(lock);
	return ret;
}

static int serve(struct vm_area_struct *vma, unsigned long addr, bool write)
{
	unsigned long start, end;
	int ret;

	addr &= PAGE_MASK;
	if (rkt_foreign(vma))
		return -EFAULT;
	if (rkt_is_window(vma))
		return rkt_window_populate(vma, addr, addr + PAGE_SIZE, write);
	if (is_live(addr))
		return restore_prot(vma, addr);
	fault_around(vma, addr, &start, &end);
	ret = rkt_populate(vma, start, end, write);
	if (ret || !is_live(addr)) /* the range may end before addr: end of file */
		ret = rkt_populate(vma, addr, addr + PAGE_SIZE, write);
	return ret;
}

static bool access_allowed(const struct vm_area_struct *vma, unsigned int flags)
{
	if (flags & FAULT_FLAG_WRITE)
		return vma->vm_flags & VM_WRITE;
	if (flags & FAULT_FLAG_INSTRUCTION)
		return vma->vm_flags & VM_EXEC;
	return vma->vm_flags & VM_ACCESS_FLAGS;
}

static bool holds(unsigned long addr, unsigned int flags)
{
	unsigned int need = flags & FAULT_FLAG_WRITE	     ? MEM_W
			    : flags & FAULT_FLAG_INSTRUCTION ? MEM_X
							     : MEM_R;

	return is_live(addr) && (*page_state(addr) & need);
}

/* Is the page as it should be? Tells a page that the host has changed, and spoilt, from others. */
static bool verify(struct vm_area_struct *vma, unsigned long addr)
{
	unsigned long page = addr & PAGE_MASK;
	struct mutex *lock = rkt_chunk_lock(addr);
	bool ok;

	if (rkt_is_window(vma))
		return rkt_window_verify(addr);
	mutex_lock(lock);
	ok = !is_live(addr) ||
	     CHECK_HOST(!tee_mem_protect(page, PAGE_SIZE, *page_state(addr) & PS_PROT));
	mutex_unlock(lock);
	return ok;
}

/* With a static layout, page tables that the host did not change as it said show by this alone. */
static bool is_stuck(const struct pt_regs *regs)
{
	return tee_mem_static() && regs && !CHECK_HOST(!rkt_has_not_moved(regs));
}

/*
 * Where the access was possible before, another thread may have been faster. Otherwise only the
 * host can have made it fault, and nothing here ends that.
 */
static int serve_access(struct vm_area_struct *vma, unsigned long addr, unsigned int flags,
			const struct pt_regs *regs)
{
	bool possible = holds(addr, flags);
	int ret = serve(vma, addr, flags & FAULT_FLAG_WRITE);

	if (ret || !possible)
		return ret;
	return verify(vma, addr) && !is_stuck(regs) ? 0 : -EIO;
}

/* Without init nothing goes on: that is the TEE's end, and it is said so. */
static void kill_current(void)
{
	if (is_global_init(current))
		panic("no memory for init: the host gives none, or --memory is too small");
	if (!fatal_signal_pending(current))
		pr_err("out of user memory (%lu MiB): killed %s[%d]\n",
		       rkt_limit_pages() >> (20 - PAGE_SHIFT), current->comm,
		       task_tgid_nr(current));
	do_send_sig_info(SIGKILL, SEND_SIG_PRIV, current, PIDTYPE_TGID);
}

#define VICTIMS_MAX 8 /* of one fault; if they don't help, something else is wrong */

/*
 * -EINTR: a signal waits. A program takes it before it tries again; the kernel, which would try for
 * ever, gets an error.
 */
static struct rkt_fault fault_result(int err, unsigned int flags)
{
	if (err == -EINTR && (flags & FAULT_FLAG_USER))
		err = 0;
	switch (err) {
	case 0:
		return (struct rkt_fault){};
	case -ENOMEM:
		kill_current();
		return (struct rkt_fault){ SIGKILL, SI_KERNEL };
	case -EFAULT:
		return (struct rkt_fault){ SIGSEGV, SEGV_MAPERR };
	case -EACCES:
		return (struct rkt_fault){ SIGSEGV, SEGV_ACCERR };
	default:
		return (struct rkt_fault){ SIGBUS, BUS_ADRERR };
	}
}

static int lookup_and_serve(struct mm_struct *mm, unsigned long addr, unsigned int flags,
			    const struct pt_regs *regs)
{
	struct vm_area_struct *vma;
	int ret = -EFAULT;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	if (vma && !rkt_is_stack_guard(vma))
		ret = access_allowed(vma, flags) ? serve_access(vma, addr, flags, regs) : -EACCES;
	mmap_read_unlock(mm);
	return ret;
}

struct rkt_fault rkt_handle_fault(struct mm_struct *mm, unsigned long addr, unsigned int flags,
				  struct pt_regs *regs)
{
	int ret, victims = 0;

	if (!mm || faulthandler_disabled() || irqs_disabled())
		return (struct rkt_fault){ SIGSEGV, SEGV_MAPERR };
	count_vm_event(PGFAULT);
	do {
		ret = lookup_and_serve(mm, addr, flags, regs);
	} while (ret == -ENOMEM && victims++ < VICTIMS_MAX && rkt_out_of_memory());
	return fault_result(ret, flags);
}

/* Is the futex at addr shared by who maps its page, or private to the mm? */
int rkt_futex_is_shared(struct mm_struct *mm, unsigned long addr, bool write)
{
	struct vm_area_struct *vma;
	int ret = -EFAULT;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	if (vma && (vma->vm_flags & (write ? VM_WRITE : VM_READ)))
		ret = !!(vma->vm_flags & VM_MAYSHARE);
	mmap_read_unlock(mm);
	return ret;
}

/* For futexes and the like: mmap_lock is held for reading. */
int fixup_user_fault(struct mm_struct *mm, unsigned long address, unsigned int fault_flags,
		     bool *unlocked)
{
	struct vm_area_struct *vma = vma_lookup(mm, address);

	if (!vma || !access_allowed(vma, fault_flags))
		return -EFAULT;
	return serve(vma, address, fault_flags & FAULT_FLAG_WRITE) ? -EFAULT : 0;
}
EXPORT_SYMBOL_GPL(fixup_user_fault);

vm_fault_t handle_mm_fault(struct vm_area_struct *vma, unsigned long address, unsigned int flags,
			   struct pt_regs *regs)
{
	return serve(vma, address, flags & FAULT_FLAG_WRITE) ? VM_FAULT_SIGBUS : 0;
}
EXPORT_SYMBOL_GPL(handle_mm_fault);

/* ---- pinning ---- */

static bool gup_allowed(const struct vm_area_struct *vma, unsigned int gup_flags)
{
	bool force = gup_flags & FOLL_FORCE;

	if (!vma || rkt_foreign(vma))
		return false;
	if (gup_flags & FOLL_WRITE)
		return vma->vm_flags & (force ? VM_WRITE | VM_MAYWRITE : VM_WRITE);
	return vma->vm_flags & (force ? VM_READ | VM_MAYREAD : VM_READ);
}

/* FOLL_FORCE: who pins the page will access it without asking the VMA. */
static int force_access(struct vm_area_struct *vma, unsigned long addr, unsigned int need)
{
	struct mutex *lock = rkt_chunk_lock(addr);
	u8 *state = page_state(addr);
	int ret;

	if ((*state & need) == need)
		return 0;
	mutex_lock(lock);
	ret = tee_mem_protect(addr, PAGE_SIZE, (*state & PS_PROT) | need);
	if (!ret)
		*state |= need;
	mutex_unlock(lock);
	rkt_defer_protect(vma->vm_mm, addr, addr + PAGE_SIZE);
	return ret ? -EFAULT : 0;
}

static int gup_page(struct vm_area_struct *vma, unsigned long addr, struct page **page,
		    unsigned int gup_flags)
{
	bool write = gup_flags & FOLL_WRITE;
	int ret;

	if ((gup_flags & FOLL_NOFAULT) && !is_live(addr))
		return -EFAULT;
	if (rkt_is_window(vma) || !is_live(addr)) {
		ret = serve(vma, addr, write);
		if (ret)
			return ret == -ENOMEM || ret == -EINTR ? ret : -EFAULT;
	}
	ret = force_access(vma, addr, write ? MEM_R | MEM_W : MEM_R);
	if (ret || !page)
		return ret;
	*page = pfn_to_page(addr >> PAGE_SHIFT);
	return try_grab_folio(page_folio(*page), 1, gup_flags);
}

/*
 * __get_user_pages_locked() of this architecture (mm/gup.c calls it). Pages that
 * are pinned stay committed, with the permissions that they have now, until all
 * references are gone: see pages_protect() and uspace_free_pages().
 */
long rkt_get_user_pages(struct mm_struct *mm, unsigned long start, unsigned long nr_pages,
			struct page **pages, int *locked, unsigned int gup_flags)
{
	struct vm_area_struct *vma = NULL;
	bool must_unlock = false;
	long i, ret = -EFAULT;

	if (!nr_pages)
		return 0;
	if (!*locked) {
		if (mmap_read_lock_killable(mm))
			return -EAGAIN;
		must_unlock = true;
		*locked = 1;
	}
	start &= PAGE_MASK;
	for (i = 0; i < nr_pages; i++, start += PAGE_SIZE) {
		if (!vma || start >= vma->vm_end)
			vma = vma_lookup(mm, start);
		ret = gup_allowed(vma, gup_flags)
			      ? gup_page(vma, start, pages ? &pages[i] : NULL, gup_flags)
			      : -EFAULT;
		if (ret)
			break;
	}
	if (must_unlock) {
		mmap_read_unlock(mm);
		*locked = 0;
	}
	return i ?: ret;
}

/* ---- access from outside ---- */

/* Copies within one committed page, with whatever permissions that needs meanwhile. */
static int copy_page_part(unsigned long addr, void *buf, size_t size, bool write)
{
	unsigned long page = addr & PAGE_MASK;
	struct mutex *lock = rkt_chunk_lock(page);
	unsigned int need = write ? MEM_R | MEM_W : MEM_R, prot;
	int ret = 0;

	mutex_lock(lock);
	prot = *page_state(page) & PS_PROT;
	if ((prot & need) != need)
		ret = tee_mem_protect(page, PAGE_SIZE, prot | need);
	if (ret)
		goto out;
	if (!write)
		memcpy(buf, (void *)addr, size);
	else if (size == 8 && !(addr & 7))
		WRITE_ONCE(*(u64 *)addr, *(u64 *)buf);
	else
		memcpy((void *)addr, buf, size);
	if ((prot & need) != need)
		ret = tee_mem_protect(page, PAGE_SIZE, prot);
out:
	mutex_unlock(lock);
	return ret;
}

static int access_page(struct mm_struct *mm, unsigned long addr, void *buf, size_t size,
		       unsigned int gup_flags)
{
	struct vm_area_struct *vma = vma_lookup(mm, addr);
	bool write = gup_flags & FOLL_WRITE;
	int ret;

	if (!gup_allowed(vma, gup_flags))
		return -EFAULT;
	ret = rkt_is_window(vma) || !is_live(addr) ? serve(vma, addr, write) : 0;
	if (ret)
		return ret == -ENOMEM ? ret : -EFAULT;
	return copy_page_part(addr, buf, size, write);
}

/* Return: bytes copied. */
static int access_mm(struct mm_struct *mm, unsigned long addr, void *buf, int len,
		     unsigned int gup_flags)
{
	int done = 0, part;

	if (mmap_read_lock_killable(mm))
		return 0;
	while (done < len) {
		part = min_t(int, len - done, PAGE_SIZE - offset_in_page(addr + done));
		if (access_page(mm, addr + done, buf + done, part, gup_flags))
			break;
		done += part;
	}
	mmap_read_unlock(mm);
	return done;
}

int access_remote_vm(struct mm_struct *mm, unsigned long addr, void *buf, int len,
		     unsigned int gup_flags)
{
	return access_mm(mm, addr, buf, len, gup_flags);
}

int access_process_vm(struct task_struct *tsk, unsigned long addr, void *buf, int len,
		      unsigned int gup_flags)
{
	struct mm_struct *mm = get_task_mm(tsk);

	if (!mm)
		return 0;
	len = access_mm(mm, addr, buf, len, gup_flags);
	mmput(mm);
	return len;
}
EXPORT_SYMBOL_GPL(access_process_vm);

int rkt_poke_user(struct mm_struct *mm, unsigned long addr, const void *buf, size_t size)
{
	int n = access_mm(mm, addr, (void *)buf, size, FOLL_WRITE | FOLL_FORCE);

	return n == size ? 0 : -EFAULT;
}
