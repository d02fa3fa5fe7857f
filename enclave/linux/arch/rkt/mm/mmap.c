// SPDX-License-Identifier: GPL-2.0-only
/* mmap(): checks in Linux's order (mm/mmap.c), placement, and the first memory. */
#define pr_fmt(fmt) "rkt-mm: " fmt

#include <linux/audit.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/major.h>
#include <linux/memfd.h>
#include <linux/mount.h>
#include <linux/personality.h>
#include <linux/security.h>
#include <linux/shmem_fs.h>
#include <linux/syscalls.h>
#include "internal.h"
#include "mm_internal.h"

struct request {
	struct mm_struct *mm;
	struct file *file; /* NULL: anonymous */
	unsigned long addr, len, prot, flags, pgoff;
	vm_flags_t vm_flags;
	bool claimed; /* addr was claimed by this request */
	bool reused; /* addr is freed memory that must be cleared at once */
};

static bool is_dev_zero(struct file *file)
{
	struct inode *inode = file_inode(file);

	return S_ISCHR(inode->i_mode) && inode->i_rdev == MKDEV(MEM_MAJOR, 5);
}

/* Memory that a driver shares with the program at an address of its own (io_uring's rings). */
static bool is_direct(struct file *file)
{
	return file->f_op->mmap_capabilities && file->f_op->get_unmapped_area &&
	       !S_ISREG(file_inode(file)->i_mode) &&
	       (file->f_op->mmap_capabilities(file) & NOMMU_MAP_DIRECT);
}

static int check_shared_file(struct request *q)
{
	struct inode *inode = file_inode(q->file);

	if (q->prot & PROT_WRITE) {
		if (!(q->file->f_mode & FMODE_WRITE))
			return -EACCES;
		if (IS_SWAPFILE(inode))
			return -ETXTBSY;
	}
	if (IS_APPEND(inode) && (q->file->f_mode & FMODE_WRITE))
		return -EACCES;
	q->vm_flags |= VM_SHARED | VM_MAYSHARE;
	if (!(q->file->f_mode & FMODE_WRITE))
		q->vm_flags &= ~(VM_MAYWRITE | VM_SHARED);
	return 0;
}

static int check_file(struct request *q)
{
	int ret;

	switch (q->flags & MAP_TYPE) {
	case MAP_SHARED_VALIDATE:
		if (q->flags & ~(LEGACY_MAP_MASK | q->file->f_op->fop_flags))
			return -EOPNOTSUPP;
		fallthrough;
	case MAP_SHARED:
		ret = check_shared_file(q);
		if (ret)
			return ret;
		break;
	case MAP_PRIVATE:
		break;
	default:
		return -EINVAL;
	}
	if (!(q->file->f_mode & FMODE_READ))
		return -EACCES;
	if (path_noexec(&q->file->f_path)) {
		if (q->vm_flags & VM_EXEC)
			return -EPERM;
		q->vm_flags &= ~VM_MAYEXEC;
	}
	if (!q->file->f_op->mmap)
		return -ENODEV;
	return 0;
}

static int check_anon(struct request *q)
{
	switch (q->flags & MAP_TYPE) {
	case MAP_SHARED:
		q->pgoff = 0;
		q->vm_flags |= VM_SHARED | VM_MAYSHARE;
		return 0;
	case MAP_PRIVATE:
		return 0;
	default:
		return -EINVAL;
	}
}

static int check(struct request *q)
{
	struct mm_struct *mm = q->mm;

	if (!q->len)
		return -EINVAL;
	if ((q->prot & PROT_READ) && (current->personality & READ_IMPLIES_EXEC) &&
	    !(q->file && path_noexec(&q->file->f_path)))
		q->prot |= PROT_EXEC;
	if (q->flags & MAP_FIXED_NOREPLACE)
		q->flags |= MAP_FIXED;
	if (!(q->flags & MAP_FIXED))
		q->addr &= PAGE_MASK;
	q->len = PAGE_ALIGN(q->len);
	if (!q->len || q->len > TASK_SIZE)
		return -ENOMEM;
	if (q->pgoff + (q->len >> PAGE_SHIFT) < q->pgoff)
		return -EOVERFLOW;
	if (mm->map_count > sysctl_max_map_count)
		return -ENOMEM;
	if ((q->flags & MAP_FIXED) && offset_in_page(q->addr))
		return -EINVAL;
	q->vm_flags |= calc_vm_prot_bits(q->prot, 0) | calc_vm_flag_bits(q->file, q->flags) |
		       mm->def_flags | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
	if ((q->flags & MAP_LOCKED) && !rkt_can_mlock())
		return -EPERM;
	return 0;
}

/* Overcommit and RLIMIT_AS, RLIMIT_DATA. */
static int charge(struct request *q)
{
	unsigned long pages = q->len >> PAGE_SHIFT;

	if (!may_expand_vm(q->mm, q->vm_flags, pages))
		return -ENOMEM;
	if (q->flags & MAP_NORESERVE && sysctl_overcommit_memory != OVERCOMMIT_NEVER)
		q->vm_flags |= VM_NORESERVE;
	if ((q->vm_flags & (VM_NORESERVE | VM_SHARED | VM_WRITE)) != VM_WRITE &&
	    !((q->vm_flags & VM_SHARED) && !q->file && !(q->vm_flags & VM_NORESERVE)))
		return 0;
	if (rkt_vm_enough(pages))
		return -ENOMEM;
	vm_acct_memory(pages);
	q->vm_flags |= VM_ACCOUNT;
	return 0;
}

static void uncharge(struct request *q)
{
	if (q->vm_flags & VM_ACCOUNT)
		vm_unacct_memory(q->len >> PAGE_SHIFT);
	q->vm_flags &= ~VM_ACCOUNT;
}

static int place_fixed(struct request *q)
{
	int ret;

	if (!rkt_user_range(q->addr, q->len) ||
	    ((q->vm_flags & VM_ACCESS_FLAGS) && !tee_mem_backed(q->addr, q->len)))
		return -ENOMEM;
	if ((q->flags & MAP_FIXED_NOREPLACE) &&
	    find_vma_intersection(q->mm, q->addr, q->addr + q->len))
		return -EEXIST;
	ret = uspace_claim(q->mm, q->addr, q->addr + q->len);
	if (ret) {
		pr_info_ratelimited("%s[%d]: fixed mapping %lx-%lx belongs to another program\n",
				    current->comm, current->pid, q->addr, q->addr + q->len);
		return ret;
	}
	q->claimed = true;
	return rkt_clear_range(q->mm, q->addr, q->addr + q->len);
}

static int place(struct request *q)
{
	unsigned long addr = 0;
	enum uspace_place where = q->flags & MAP_32BIT		  ? USPACE_LOW
				  : q->vm_flags & VM_ACCESS_FLAGS ? USPACE_TOP
								  : USPACE_RESERVE;

	if (q->flags & MAP_FIXED)
		return place_fixed(q);
	if (!q->addr && where == USPACE_TOP && (q->vm_flags & VM_WRITE))
		addr = uspace_alloc_cached(q->mm, q->len);
	q->reused = addr;
	if (!addr)
		addr = uspace_alloc(q->mm, q->len, q->addr, where);
	if (IS_ERR_VALUE(addr))
		return addr;
	q->addr = addr;
	q->claimed = true;
	return security_mmap_addr(addr);
}

static void unplace(struct request *q)
{
	if (q->claimed)
		rkt_give_back(q->mm, q->addr, q->addr + q->len);
}

/*
 * The part at once or nothing: large mappings are committed when touched. Not copies of files where
 * other threads would see them while they are filled.
 */
static int first_memory(struct request *q, struct vm_area_struct *vma)
{
	unsigned long max = !vma->vm_file      ? RKT_EAGER_MAX
			    : tee_mem_static() ? TASK_SIZE
					       : RKT_FILE_EAGER_MAX;

	if (!(vma->vm_flags & VM_ACCESS_FLAGS) || (q->len > max && !q->reused))
		return vma->vm_file ? rkt_refill(vma, q->addr, q->addr + q->len) : 0;
	return rkt_populate_new(vma, q->addr, q->addr + q->len);
}

/* The mapping stands: its address, or the error that its first memory met. */
static unsigned long settle(struct request *q, struct vm_area_struct *vma)
{
	unsigned long end = q->addr + q->len;
	size_t kept = q->flags & MAP_FIXED ? pages_live(q->addr, end) : 0; /* pinned ones */
	int ret;

	add_mm_counter(q->mm, MM_ANONPAGES, kept);
	ret = first_memory(q, vma);
	if (!ret && kept)
		rkt_reprotect(q->mm, q->addr, end);
	if (!ret)
		return q->addr;
	do_munmap(q->mm, q->addr, q->len, NULL);
	return ret;
}

static unsigned long map_anon(struct request *q)
{
	struct vm_area_struct *vma;
	int ret;

	ret = place(q);
	if (ret)
		goto err_place;
	vma = rkt_expand_anon(q->mm, q->addr, q->addr + q->len, q->vm_flags);
	if (IS_ERR(vma)) {
		ret = PTR_ERR(vma);
		goto err_place;
	}
	return settle(q, vma);
err_place:
	unplace(q);
	uncharge(q);
	return ret;
}

/*
 * Copies are read through the page cache, for those too who do I/O past it: direct reads take the
 * inode's lock, under which a write may wait for our mmap_lock.
 */
static struct file *buffered(struct file *file)
{
	if (!(file->f_flags & O_DIRECT))
		return get_file(file);
	return dentry_open(&file->f_path, O_RDONLY | O_LARGEFILE | O_NOATIME, file->f_cred);
}

/* Takes over @file, or its error. */
static struct vm_area_struct *new_file_vma(struct request *q, struct file *file)
{
	struct vm_area_struct *vma;

	if (IS_ERR(file))
		return ERR_CAST(file);
	vma = vm_area_alloc(q->mm);
	if (!vma) {
		fput(file);
		return ERR_PTR(-ENOMEM);
	}
	vma_set_range(vma, q->addr, q->addr + q->len, q->pgoff);
	vm_flags_init(vma, q->vm_flags);
	vma->vm_file = file;
	return vma;
}

static void drop_vma(struct vm_area_struct *vma)
{
	fput(vma->vm_file);
	vm_area_free(vma);
}

/* A private mapping is a copy of the file. */
static unsigned long map_private(struct request *q)
{
	struct vm_area_struct *vma;
	int ret;

	if (!(q->file->f_mode & FMODE_CAN_READ))
		ret = -ENODEV;
	else
		ret = place(q);
	if (ret)
		goto err_place;
	vma = new_file_vma(q, buffered(q->file));
	ret = PTR_ERR_OR_ZERO(vma);
	if (ret)
		goto err_place;
	vma->vm_ops = &rkt_private_file_ops;
	ret = rkt_vma_insert(q->mm, vma);
	if (ret) {
		drop_vma(vma);
		goto err_place;
	}
	return settle(q, vma);
err_place:
	unplace(q);
	uncharge(q);
	return ret;
}

/* The driver says where its memory is; it is neither ours to commit nor to free. */
static unsigned long map_direct(struct request *q)
{
	struct vm_area_struct *vma;
	int ret;

	if (q->flags & MAP_FIXED)
		return -EINVAL;
	q->addr = q->file->f_op->get_unmapped_area(q->file, 0, q->len, q->pgoff, q->flags);
	if (IS_ERR_VALUE(q->addr))
		return q->addr;
	if (find_vma_intersection(q->mm, q->addr, q->addr + q->len))
		return -EEXIST;
	q->vm_flags |= VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP;
	vma = new_file_vma(q, get_file(q->file));
	if (IS_ERR(vma))
		return PTR_ERR(vma);
	ret = mmap_file(q->file, vma);
	if (!ret)
		ret = rkt_vma_insert(q->mm, vma);
	if (ret) {
		drop_vma(vma);
		return ret;
	}
	return q->addr;
}

static unsigned long map_shared(struct request *q)
{
	/* What nobody can change needs no coherence. */
	if (sb_rdonly(file_inode(q->file)->i_sb) && S_ISREG(file_inode(q->file)->i_mode))
		return map_private(q);
	return rkt_window_mmap(q->mm, q->file, q->addr, q->len, q->pgoff, q->vm_flags, q->flags);
}

unsigned long do_mmap(struct file *file, unsigned long addr, unsigned long len, unsigned long prot,
		      unsigned long flags, vm_flags_t vm_flags, unsigned long pgoff,
		      unsigned long *populate, struct list_head *uf)
{
	struct request q = {
		.mm = current->mm,
		.file = file,
		.addr = addr,
		.len = len,
		.prot = prot,
		.flags = flags,
		.pgoff = pgoff,
		.vm_flags = vm_flags,
	};
	unsigned long ret;

	*populate = 0;
	mmap_assert_write_locked(q.mm);
	if (q.file && is_dev_zero(q.file))
		q.file = NULL;
	ret = check(&q);
	if (!ret)
		ret = q.file ? check_file(&q) : check_anon(&q);
	if (!ret)
		ret = charge(&q);
	if (ret)
		return ret;
	if (!q.file)
		ret = map_anon(&q);
	else if (is_direct(q.file))
		ret = map_direct(&q);
	else if (q.vm_flags & VM_MAYSHARE)
		ret = map_shared(&q);
	else
		ret = map_private(&q);
	if (!IS_ERR_VALUE(ret) &&
	    ((q.vm_flags & VM_LOCKED) || (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE))
		rkt_populate_range(q.mm, ret, ret + q.len);
	return ret;
}

unsigned long ksys_mmap_pgoff(unsigned long addr, unsigned long len, unsigned long prot,
			      unsigned long flags, unsigned long fd, unsigned long pgoff)
{
	struct file *file = NULL;
	unsigned long ret;

	if (!(flags & MAP_ANONYMOUS)) {
		audit_mmap_fd(fd, flags);
		file = fget(fd);
		if (!file)
			return -EBADF;
	} else if (flags & MAP_HUGETLB) {
		return -EINVAL; /* as a kernel without hugetlbfs */
	}
	ret = vm_mmap_pgoff(file, addr, len, prot, flags, pgoff);
	if (file)
		fput(file);
	return ret;
}

SYSCALL_DEFINE6(mmap, unsigned long, addr, unsigned long, len, unsigned long, prot, unsigned long,
		flags, unsigned long, fd, unsigned long, off)
{
	if (offset_in_page(off))
		return -EINVAL;
	return ksys_mmap_pgoff(addr, len, prot, flags, fd, off >> PAGE_SHIFT);
}
