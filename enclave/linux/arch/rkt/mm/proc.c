// SPDX-License-Identifier: GPL-2.0-only
/* What /proc says of a program's memory; takes the place of fs/proc/task_nommu.c's counts. */
#include <linux/mm.h>
#include <linux/seq_file.h>
#include "../../../fs/proc/internal.h"

static void put_pages(struct seq_file *m, const char *name, unsigned long pages)
{
	seq_put_decimal_ull_width(m, name, pages << (PAGE_SHIFT - 10), 8);
	seq_puts(m, " kB\n");
}

static unsigned long text_pages(const struct mm_struct *mm)
{
	return (PAGE_ALIGN(mm->end_code) - (mm->start_code & PAGE_MASK)) >> PAGE_SHIFT;
}

/* /proc/PID/status; there are no page tables and there is no swap. */
void task_mem(struct seq_file *m, struct mm_struct *mm)
{
	unsigned long text = min(text_pages(mm), mm->exec_vm);

	put_pages(m, "VmPeak:\t", get_mm_hiwater_vm(mm));
	put_pages(m, "VmSize:\t", mm->total_vm);
	put_pages(m, "VmLck:\t", mm->locked_vm);
	put_pages(m, "VmPin:\t", atomic64_read(&mm->pinned_vm));
	put_pages(m, "VmHWM:\t", get_mm_hiwater_rss(mm));
	put_pages(m, "VmRSS:\t", get_mm_rss(mm));
	put_pages(m, "RssAnon:\t", get_mm_counter(mm, MM_ANONPAGES));
	put_pages(m, "RssFile:\t", get_mm_counter(mm, MM_FILEPAGES));
	put_pages(m, "RssShmem:\t", get_mm_counter(mm, MM_SHMEMPAGES));
	put_pages(m, "VmData:\t", mm->data_vm);
	put_pages(m, "VmStk:\t", mm->stack_vm);
	put_pages(m, "VmExe:\t", text);
	put_pages(m, "VmLib:\t", mm->exec_vm - text);
	put_pages(m, "VmPTE:\t", 0);
	put_pages(m, "VmSwap:\t", 0);
}

unsigned long task_vsize(struct mm_struct *mm)
{
	return mm->total_vm << PAGE_SHIFT;
}

/* /proc/PID/statm, in pages. Return: all of its addresses. */
unsigned long task_statm(struct mm_struct *mm, unsigned long *shared, unsigned long *text,
			 unsigned long *data, unsigned long *resident)
{
	*shared = get_mm_counter(mm, MM_FILEPAGES) + get_mm_counter(mm, MM_SHMEMPAGES);
	*text = text_pages(mm);
	*data = mm->data_vm + mm->stack_vm;
	*resident = get_mm_rss(mm);
	return mm->total_vm;
}
