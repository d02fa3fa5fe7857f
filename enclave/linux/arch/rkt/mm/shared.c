// SPDX-License-Identifier: GPL-2.0-only
/*
 * MAP_SHARED of files.
 *
 * Nothing can be mapped twice, so the file comes to the program instead: an
 * inode with shared mappings owns one window of the user address space, file
 * page i lies at a fixed address in it, and the struct folio in the page cache
 * is the one of that address. Mappings, read() and write() see the same bytes,
 * and write-back is the file system's own.
 *
 * A page moves into the window when it is first touched through a mapping (its
 * content is written back and copied), and leaves it when the page cache drops
 * it. Clean pages are write protected: a write by the program asks the file
 * system first (page_mkwrite) and makes the page dirty; a write by the kernel
 * (write(), truncate) is let through, its caller marks the page dirty.
 *
 * Not like Linux: all mappings of a page share its permissions, so PROT_NONE is
 * not enforced and PROT_READ only until somebody writes to the page.
 */
#define pr_fmt(fmt) "rkt-mm: " fmt

#include <linux/backing-dev.h>
#include <linux/export.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/pagemap.h>
#include <linux/ramfs.h>
#include <linux/rmap.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/writeback.h>
#include "enclave/boundary/check.h"
#include "internal.h"
#include "mm_internal.h"
#include "pages_port.h"

#define WINDOW_SIZE_MAX (256UL << 30)
#define TRIES_MAX 64

struct window {
	struct hlist_node node; /* of the table; unhashed: only orphans are left */
	struct address_space *mapping; /* no reference: see window_unused() */
	pgoff_t first; /* file page at start */
	unsigned long start, end;
	struct mutex lock; /* one page at a time moves in */
	unsigned long pages; /* in the page cache, and who holds it; under windows_lock */
	unsigned long orphans; /* dropped by it, still referenced; under windows_lock */
};

static DEFINE_SPINLOCK(windows_lock);
static DEFINE_HASHTABLE(windows, 6);
static LIST_HEAD(orphans); /* folio->lru; folio->private is the window */
static DEFINE_RAW_SPINLOCK(prot_lock); /* permissions of window pages and their state bytes */

bool rkt_is_window(const struct vm_area_struct *vma)
{
	return vma->vm_file && (vma->vm_flags & VM_MAYSHARE) && !rkt_foreign(vma) &&
	       vma->vm_ops != &rkt_private_file_ops;
}

/* ---- how often an mm maps the same pages ---- */

/*
 * A second mmap() of the same file pages gives the same address. The VMA counts
 * that (in a field that is for anonymous memory with an MMU), and munmap() only
 * counts down.
 */
static unsigned long extra_mappings(const struct vm_area_struct *vma)
{
	return (unsigned long)vma->anon_vma;
}

static void set_extra_mappings(struct vm_area_struct *vma, unsigned long count)
{
	vma->anon_vma = (struct anon_vma *)count;
}

bool rkt_window_put_mapping(struct vm_area_struct *vma)
{
	if (!rkt_is_window(vma) || !extra_mappings(vma))
		return false;
	set_extra_mappings(vma, extra_mappings(vma) - 1);
	return true;
}

/* ---- windows ---- */

static struct window *find_window(struct address_space *mapping)
{
	struct window *w;

	hash_for_each_possible(windows, w, node,
			       (unsigned long)mapping) if (w->mapping == mapping) return w;
	return NULL;
}

/* Keeps the window while nothing is mapped yet; hold_window(w, -1) gives it back. */
static struct window *grab_window(struct address_space *mapping)
{
	struct window *w;

	spin_lock(&windows_lock);
	w = find_window(mapping);
	if (w)
		w->pages++;
	spin_unlock(&windows_lock);
	return w;
}

/* Of a file with a mapping, whose VMA the caller keeps. */
static struct window *get_window(struct address_space *mapping)
{
	struct window *w;

	spin_lock(&windows_lock);
	w = find_window(mapping);
	spin_unlock(&windows_lock);
	return w;
}

/*
 * A window lives as long as its inode has shared mappings or pages in it, so
 * that its mapping pointer is good; then only until the last orphan is freed.
 * Return: whether the caller must free it. Context: windows_lock held.
 */
static bool window_unused(struct window *w)
{
	if (!hash_hashed(&w->node))
		return !w->orphans;
	if (w->pages || mapping_mapped(w->mapping))
		return false;
	hash_del(&w->node);
	return !w->orphans;
}

static void free_window(struct window *w)
{
	uspace_release(w, w->start, w->end);
	kfree(w);
}

/* The mapping of a window's file, locked for a change of its VMAs; NULL if there is none. */
static struct address_space *lock_window(struct vm_area_struct *vma)
{
	if (!rkt_is_window(vma))
		return NULL;
	i_mmap_lock_write(vma->vm_file->f_mapping);
	return vma->vm_file->f_mapping;
}

void rkt_window_link(struct vm_area_struct *vma)
{
	struct address_space *mapping = lock_window(vma);

	if (!mapping)
		return;
	if (vma_is_shared_maywrite(vma))
		mapping_allow_writable(mapping);
	vma_interval_tree_insert(vma, &mapping->i_mmap);
	i_mmap_unlock_write(mapping);
}

void rkt_window_unlink(struct vm_area_struct *vma)
{
	struct address_space *mapping = lock_window(vma);

	if (!mapping)
		return;
	if (vma_is_shared_maywrite(vma))
		mapping_unmap_writable(mapping);
	vma_interval_tree_remove(vma, &mapping->i_mmap);
	i_mmap_unlock_write(mapping);
}

static void hold_window(struct window *w, int count)
{
	bool unused;

	spin_lock(&windows_lock);
	w->pages += count;
	unused = window_unused(w);
	spin_unlock(&windows_lock);
	if (unused)
		free_window(w);
}

/* For any VMA. The window must not vanish while its only VMA is out of the tree. */
void rkt_window_set_end(struct vm_area_struct *vma, unsigned long end)
{
	struct window *w = rkt_is_window(vma) ? get_window(vma->vm_file->f_mapping) : NULL;

	if (w)
		hold_window(w, 1);
	rkt_window_unlink(vma);
	vma->vm_end = end;
	rkt_window_link(vma);
	if (w)
		hold_window(w, -1);
}

static bool alloc_window(struct window *w, unsigned long size)
{
	w->start = uspace_alloc(w, size, 0, USPACE_TOP);
	w->end = w->start + size;
	return !IS_ERR_VALUE(w->start);
}

/* Files grow: how much more than what is asked for, where addresses are memory (SGX1) or not. */
static unsigned long room_to_grow(unsigned long size)
{
	unsigned long all = tee_mem_end(TEE_USER_HIGH_START) - TEE_USER_HIGH_START;
	unsigned long least = tee_mem_static() ? SZ_1M : SZ_16M;

	return min(clamp(size, least, 4UL << 30), all / 64);
}

/* Addresses for file pages, from the first that is asked for if they are fixed. */
static int claim_window(struct window *w, unsigned long fixed, pgoff_t pgoff, unsigned long len)
{
	unsigned long size = (pgoff << PAGE_SHIFT) + len;

	if (fixed) {
		w->first = pgoff;
		w->start = fixed;
		w->end = fixed + len;
		return uspace_claim_free(w, w->start, w->end);
	}
	if (pgoff > WINDOW_SIZE_MAX >> PAGE_SHIFT || size > WINDOW_SIZE_MAX)
		return -ENOMEM;
	w->first = 0;
	return alloc_window(w, size + room_to_grow(size)) || alloc_window(w, size) ? 0 : -ENOMEM;
}

/* Return: the window, held. */
static struct window *new_window(struct address_space *mapping, unsigned long fixed, pgoff_t pgoff,
				 unsigned long len)
{
	struct window *w = kzalloc(sizeof(*w), GFP_KERNEL), *other;
	int ret;

	if (!w)
		return ERR_PTR(-ENOMEM);
	w->mapping = mapping;
	w->pages = 1;
	mutex_init(&w->lock);
	ret = claim_window(w, fixed, pgoff, len);
	if (ret) {
		kfree(w);
		return ERR_PTR(ret);
	}
	spin_lock(&windows_lock);
	other = find_window(mapping);
	if (!other)
		hash_add(windows, &w->node, (unsigned long)mapping);
	spin_unlock(&windows_lock);
	if (!other)
		return w;
	free_window(w);
	return ERR_PTR(-EAGAIN);
}

static unsigned long window_addr(const struct window *w, pgoff_t pgoff)
{
	return w->start + ((pgoff - w->first) << PAGE_SHIFT);
}

/* Makes the window reach up to @end, if nobody lives there. */
static int grow_window(struct window *w, unsigned long end)
{
	int ret = 0;

	mutex_lock(&w->lock);
	if (end > w->end) {
		ret = uspace_claim_free(w, w->end, end);
		if (!ret)
			w->end = end;
	}
	mutex_unlock(&w->lock);
	return ret;
}

int rkt_window_grow(struct vm_area_struct *vma, unsigned long end)
{
	return grow_window(get_window(vma->vm_file->f_mapping), end);
}

static unsigned long refuse(struct file *file, const char *why)
{
	pr_info_ratelimited("%s[%d]: shared mapping of %pD: %s\n", current->comm, current->pid,
			    file, why);
	return -ENOMEM;
}

/* The one address of [pgoff, pgoff + len) of the file, and its window, held if there is one. */
static unsigned long place(struct vm_area_struct *vma, unsigned long fixed, unsigned long len,
			   struct window **held)
{
	struct address_space *mapping = vma->vm_file->f_mapping;
	struct window *w;
	unsigned long addr;

	do { /* others may make one, or give up the last one */
		w = grab_window(mapping);
		if (!w)
			w = new_window(mapping, fixed, vma->vm_pgoff, len);
	} while (w == ERR_PTR(-EAGAIN));
	if (IS_ERR(w))
		return refuse(vma->vm_file, "no addresses are left for it");
	*held = w;
	addr = window_addr(w, vma->vm_pgoff);
	if (vma->vm_pgoff < w->first || (fixed && fixed != addr))
		return refuse(vma->vm_file, "the file is mapped at another address already");
	if (grow_window(w, addr + len))
		return refuse(vma->vm_file, "the addresses behind its window are in use");
	return addr;
}

/* ---- mmap ---- */

static int insert_piece(struct mm_struct *mm, struct vm_area_struct *template, unsigned long start,
			unsigned long end)
{
	struct vm_area_struct *vma = vm_area_dup(template);
	int ret;

	if (!vma)
		return -ENOMEM;
	vma->vm_pgoff += (start - template->vm_start) >> PAGE_SHIFT;
	vma->vm_start = start;
	vma->vm_end = end;
	ret = rkt_vma_insert(mm, vma);
	if (ret) {
		vm_area_free(vma);
		return ret;
	}
	get_file(vma->vm_file);
	if (vma->vm_ops->open)
		vma->vm_ops->open(vma);
	rkt_window_link(vma);
	return 0;
}

/* Part of the range may be mapped by this mm already: that part is counted up. */
static int insert_over(struct mm_struct *mm, struct vm_area_struct *template)
{
	unsigned long at = template->vm_start, end = template->vm_end, next;
	struct vm_area_struct *vma;
	int ret = 0;

	for (; !ret && at < end; at = next) {
		vma = find_vma_intersection(mm, at, end);
		next = vma ? (vma->vm_start > at ? vma->vm_start : min(end, vma->vm_end)) : end;
		if (!vma || vma->vm_start > at) {
			ret = insert_piece(mm, template, at, next);
			continue;
		}
		ret = rkt_vma_cut(mm, at, next);
		if (ret)
			break;
		vma = vma_lookup(mm, at);
		set_extra_mappings(vma, extra_mappings(vma) + 1);
		vm_flags_set(vma, template->vm_flags & VM_ACCESS_FLAGS);
	}
	return ret;
}

static int call_mmap_of_file(struct file *file, struct vm_area_struct *vma)
{
	int ret = mmap_file(file, vma);

	/* generic_file_mmap() without an MMU */
	if (ret == -ENOSYS)
		ret = 0;
	if (!vma->vm_ops)
		vma->vm_ops = &generic_file_vm_ops;
	if (!ret && !shmem_mapping(vma->vm_file->f_mapping) &&
	    !vma->vm_file->f_mapping->a_ops->read_folio)
		ret = -ENODEV;
	return ret;
}

unsigned long rkt_window_mmap(struct mm_struct *mm, struct file *file, unsigned long addr,
			      unsigned long len, unsigned long pgoff, vm_flags_t vm_flags,
			      unsigned long flags)
{
	struct vm_area_struct *vma = vm_area_alloc(mm);
	struct window *w = NULL;
	int ret;

	if (!vma)
		return -ENOMEM;
	vma_set_range(vma, 0, len, pgoff);
	vm_flags_init(vma, vm_flags);
	vma->vm_file = get_file(file);
	ret = call_mmap_of_file(file, vma);
	if (ret)
		goto out_file;
	ret = -EEXIST;
	if ((flags & MAP_FIXED_NOREPLACE) && find_vma_intersection(mm, addr, addr + len))
		goto out_close;
	ret = flags & MAP_FIXED ? do_munmap(mm, addr, len, NULL) : 0;
	if (ret)
		goto out_close;
	addr = place(vma, flags & MAP_FIXED ? addr : 0, len, &w);
	ret = IS_ERR_VALUE(addr) ? (int)addr : 0;
	if (ret)
		goto out_close;
	vma_set_range(vma, addr, addr + len, pgoff);
	ret = vma_is_shared_maywrite(vma) ? mapping_map_writable(vma->vm_file->f_mapping) : 0;
	if (ret)
		goto out_close;
	ret = insert_over(mm, vma);
	if (vma_is_shared_maywrite(vma))
		mapping_unmap_writable(vma->vm_file->f_mapping);
out_close:
	vma_close(vma);
	if (w)
		hold_window(w, -1);
out_file:
	fput(vma->vm_file);
	vm_area_free(vma);
	return ret ? ret : addr;
}

/* ---- permissions of pages ---- */

static u8 *window_state(unsigned long addr)
{
	u8 *state;

	if (!rkt_user_range(addr, 1) || !page_states_present(addr))
		return NULL;
	state = page_state(addr & PAGE_MASK);
	return (*state & (PS_WINDOW | PS_COMMITTED)) == (PS_WINDOW | PS_COMMITTED) ? state : NULL;
}

/* Return: 1 if the permissions had to change, 0 if not, -EIO if they can't. */
static int change_prot(unsigned long addr, unsigned int clear, unsigned int set)
{
	unsigned int old, new;
	unsigned long flags;
	int changed = 0;
	u8 *state;

	raw_spin_lock_irqsave(&prot_lock, flags);
	state = window_state(addr);
	old = state ? *state & PS_PROT : 0;
	new = (old & ~clear) | set;
	if (state && old != new)
		changed = tee_mem_protect(addr & PAGE_MASK, PAGE_SIZE, new) ? -EIO : 1;
	if (changed > 0)
		*state = (*state & ~PS_PROT) | new;
	raw_spin_unlock_irqrestore(&prot_lock, flags);
	return changed;
}

bool rkt_window_verify(unsigned long addr)
{
	unsigned long flags;
	bool ok = true;
	u8 *state;

	raw_spin_lock_irqsave(&prot_lock, flags);
	state = window_state(addr);
	if (state)
		ok = CHECK_HOST(!tee_mem_protect(addr & PAGE_MASK, PAGE_SIZE, *state & PS_PROT));
	raw_spin_unlock_irqrestore(&prot_lock, flags);
	return ok;
}

/*
 * Takes pages that nobody maps any more from the programs. The page cache keeps
 * them: the kernel's next access is let through by rkt_window_kernel_fault().
 */
static void revoke(unsigned long start, unsigned long end)
{
	unsigned long flags, next;

	for (; start < end; start = next) {
		next = min(end, start + SZ_1M);
		raw_spin_lock_irqsave(&prot_lock, flags);
		pages_protect_all(start, next, 0);
		raw_spin_unlock_irqrestore(&prot_lock, flags);
	}
}

/* @vma is out of the tree of its file. */
static void revoke_vma(struct vm_area_struct *vma)
{
	struct address_space *mapping = vma->vm_file->f_mapping;
	unsigned long addr;
	pgoff_t index = vma->vm_pgoff;

	i_mmap_lock_read(mapping);
	if (!vma_interval_tree_iter_first(&mapping->i_mmap, index, index + vma_pages(vma) - 1)) {
		revoke(vma->vm_start, vma->vm_end);
		goto out;
	}
	for (addr = vma->vm_start; addr < vma->vm_end; addr += PAGE_SIZE, index++)
		if (!vma_interval_tree_iter_first(&mapping->i_mmap, index, index))
			revoke(addr, addr + PAGE_SIZE);
out:
	i_mmap_unlock_read(mapping);
}

/* Whoever truncates the file must not free the addresses while their permissions change. */
void rkt_window_leave(struct vm_area_struct *vma)
{
	struct window *w = get_window(vma->vm_file->f_mapping);

	hold_window(w, 1);
	rkt_window_unlink(vma);
	revoke_vma(vma);
	hold_window(w, -1);
}

bool rkt_window_kernel_fault(unsigned long addr, bool write)
{
	unsigned int need = write ? MEM_R | MEM_W : MEM_R;
	u8 *state = window_state(addr);

	if (!state)
		return false;
	if ((*state & need) == need)
		return rkt_window_verify(addr);
	change_prot(addr, 0, need);
	return (*state & need) == need;
}

/* Write-back begins: the next write makes the page dirty again. */
int folio_mkclean(struct folio *folio)
{
	return change_prot((unsigned long)folio_address(folio), MEM_W, 0) > 0;
}
EXPORT_SYMBOL_GPL(folio_mkclean);

/* ---- pages leave ---- */

/* The page cache has dropped a page: truncated, or the inode goes. */
void rkt_window_folio_gone(struct address_space *mapping, struct folio *folio)
{
	unsigned long addr = (unsigned long)folio_address(folio);
	struct window *w;

	if (!window_state(addr))
		return;
	change_prot(addr, PS_PROT, 0);
	spin_lock(&windows_lock);
	w = find_window(mapping);
	if (WARN_ON_ONCE(!w)) {
		spin_unlock(&windows_lock);
		return;
	}
	w->pages--;
	w->orphans++;
	folio->private = w;
	list_add(&folio->lru, &orphans);
	window_unused(w);
	spin_unlock(&windows_lock);
	rkt_sweep_later();
}

static void free_orphan(struct folio *folio)
{
	unsigned long addr = (unsigned long)folio_address(folio);
	struct window *w = folio->private;
	bool unused;

	page_struct_init(addr);
	pages_trim(addr, addr + PAGE_SIZE);
	spin_lock(&windows_lock);
	w->orphans--;
	unused = window_unused(w);
	spin_unlock(&windows_lock);
	if (unused)
		free_window(w);
}

/* Frees dropped pages that nobody references any more. Return: whether some remain. */
bool rkt_window_sweep(void)
{
	struct folio *folio, *next;
	LIST_HEAD(dead);
	bool more;

	spin_lock(&windows_lock);
	list_for_each_entry_safe (folio, next, &orphans, lru)
		if (folio_ref_count(folio) == 1)
			list_move(&folio->lru, &dead);
	more = !list_empty(&orphans);
	spin_unlock(&windows_lock);
	list_for_each_entry_safe (folio, next, &dead, lru)
		free_orphan(folio);
	return more;
}

/* ---- pages come ---- */

/* Return: the folio of a file page, up to date, locked, with a reference. */
static struct folio *read_page(struct file *file, pgoff_t index)
{
	struct address_space *mapping = file->f_mapping;
	struct folio *folio;
	int ret;

	if (shmem_mapping(mapping)) {
		ret = shmem_get_folio(mapping->host, index, 0, &folio, SGP_CACHE);
		return ret ? ERR_PTR(ret) : folio;
	}
	folio = read_mapping_folio(mapping, index, file);
	if (!IS_ERR(folio))
		folio_lock(folio);
	return folio;
}

/* Without dirty data and what the file system attached, so that it can be replaced. */
static int make_plain(struct address_space *mapping, struct folio *folio)
{
	if (folio->mapping != mapping || !folio_test_uptodate(folio))
		return -EAGAIN;
	folio_wait_writeback(folio);
	if (shmem_mapping(mapping))
		return 0;
	if (folio_test_dirty(folio) || !filemap_release_folio(folio, GFP_KERNEL))
		return -EBUSY;
	return 0;
}

static int replace(struct window *w, struct folio *old, unsigned long addr)
{
	struct folio *new;
	int ret;

	ret = pages_commit_copy(addr, addr + PAGE_SIZE, folio_address(old), MEM_R);
	if (ret)
		return ret;
	page_struct_init(addr); /* nobody knows the page yet: no flags of former use */
	new = page_folio(pfn_to_page(addr >> PAGE_SHIFT));
	__folio_set_locked(new);
	if (folio_test_swapbacked(old))
		__folio_set_swapbacked(new);
	folio_mark_uptodate(new);
	spin_lock(&windows_lock);
	w->pages++;
	spin_unlock(&windows_lock);
	*page_state(addr) |= PS_WINDOW;
	replace_page_cache_folio(old, new);
	if (folio_test_swapbacked(new))
		folio_mark_dirty(new);
	folio_unlock(new);
	return 0;
}

static bool page_is_in(unsigned long addr)
{
	return window_state(addr) && READ_ONCE(pfn_to_page(addr >> PAGE_SHIFT)->mapping);
}

static int move_in_once(struct window *w, struct file *file, unsigned long addr, pgoff_t index)
{
	loff_t pos = (loff_t)index << PAGE_SHIFT;
	struct folio *folio;
	int ret;

	if (pos >= i_size_read(file->f_mapping->host))
		return -ENXIO;
	if (window_state(addr)) { /* the page that was here is still in use by the kernel */
		rkt_window_sweep();
		return -EAGAIN;
	}
	folio = read_page(file, index);
	if (IS_ERR(folio))
		return PTR_ERR(folio) == -ENOMEM ? -ENOMEM : -EIO;
	ret = make_plain(w->mapping, folio);
	if (!ret)
		ret = replace(w, folio, addr);
	folio_unlock(folio);
	folio_put(folio);
	if (ret != -EBUSY)
		return ret;
	ret = filemap_write_and_wait_range(w->mapping, pos, pos + PAGE_SIZE - 1);
	return ret ? -EIO : -EAGAIN;
}

static int move_in(struct window *w, struct file *file, unsigned long addr, pgoff_t index)
{
	int tries, ret = -EAGAIN;

	for (tries = 0; tries < TRIES_MAX && ret == -EAGAIN; tries++) {
		if (tries > 2) /* a journal that must commit first, I/O that uses the old page */
			schedule_timeout_uninterruptible(1);
		ret = page_is_in(addr) ? 0 : move_in_once(w, file, addr, index);
	}
	return ret == -EAGAIN ? -EIO : ret;
}

/* ---- faults ---- */

/* Asks the file system for the right to write. Return: 0 with the folio locked. */
static int ask_to_write(struct vm_area_struct *vma, unsigned long addr, struct folio *folio)
{
	struct vm_fault vmf = {
		.vma = vma,
		.address = addr,
		.real_address = addr,
		.pgoff = linear_page_index(vma, addr),
		.gfp_mask = mapping_gfp_mask(vma->vm_file->f_mapping),
		.flags = FAULT_FLAG_WRITE | FAULT_FLAG_MKWRITE,
		.page = &folio->page,
	};
	vm_fault_t ret = 0;

	if (vma->vm_ops->page_mkwrite)
		ret = vma->vm_ops->page_mkwrite(&vmf);
	else
		file_update_time(vma->vm_file);
	if (ret & VM_FAULT_ERROR)
		return -EIO;
	if (ret & (VM_FAULT_NOPAGE | VM_FAULT_RETRY))
		return -EAGAIN;
	if (ret & VM_FAULT_LOCKED)
		return 0;
	folio_lock(folio);
	if (folio->mapping == vma->vm_file->f_mapping)
		return 0;
	folio_unlock(folio);
	return -EAGAIN;
}

static int make_writable(struct vm_area_struct *vma, unsigned long addr)
{
	struct folio *folio = page_folio(pfn_to_page(addr >> PAGE_SHIFT));
	int ret;

	folio_get(folio);
	ret = ask_to_write(vma, addr, folio);
	if (!ret) {
		folio_mark_dirty(folio);
		ret = min(change_prot(addr, 0, MEM_R | MEM_W), 0);
		folio_unlock(folio);
		balance_dirty_pages_ratelimited(vma->vm_file->f_mapping);
	}
	folio_put(folio);
	return ret == -EAGAIN ? 0 : ret; /* the access faults again */
}

int rkt_window_populate(struct vm_area_struct *vma, unsigned long start, unsigned long end,
			bool write)
{
	struct window *w = get_window(vma->vm_file->f_mapping);
	unsigned int prot = rkt_prot(vma->vm_flags) & (MEM_R | MEM_X);
	int ret = 0;

	mutex_lock(&w->lock);
	for (; !ret && start < end; start += PAGE_SIZE) {
		ret = move_in(w, vma->vm_file, start, linear_page_index(vma, start));
		if (!ret)
			ret = min(change_prot(start, 0, prot), 0);
		if (!ret && write && !(*page_state(start) & MEM_W))
			ret = make_writable(vma, start);
	}
	mutex_unlock(&w->lock);
	return ret;
}

/* What leaves the page cache leaves the mappings: rkt_window_folio_gone(). */
void unmap_mapping_pages(struct address_space *mapping, pgoff_t start, pgoff_t nr, bool even_cows)
{
}

void unmap_mapping_range(struct address_space *mapping, loff_t const holebegin,
			 loff_t const holelen, int even_cows)
{
}
