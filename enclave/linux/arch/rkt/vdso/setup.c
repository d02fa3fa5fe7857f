// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vDSO's one copy in user memory, for all programs: its data is the
 * kernel's own, at an address that never changes.
 */
#define pr_fmt(fmt) "vdso: " fmt

#include <linux/elf.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <vdso/datapage.h>
#include <asm/rkt_exec.h>
#include <asm/vcpu.h>
#include <asm/vdso/params.h>
#include "../mm/mm_internal.h"

extern const u8 rkt_vdso_image[], rkt_vdso_image_end[];
void rkt_syscall_entry(void);

struct vdso_data _vdso_data[CS_BASES] __aligned(PAGE_SIZE);
unsigned long rkt_vdso_ehdr; /* AT_SYSINFO_EHDR; 0: none */
static const char owner; /* of its addresses: nobody gives them back */

static unsigned long loaded_size(void)
{
	const struct elfhdr *ehdr = (const void *)rkt_vdso_image;
	const struct elf_phdr *phdr = (const void *)(rkt_vdso_image + ehdr->e_phoff);

	return phdr->p_filesz; /* the linker script puts PT_LOAD first */
}

static void fill_in(unsigned long addr)
{
	struct rkt_vdso_params *p = (void *)(addr + loaded_size() - RKT_VDSO_PARAMS_SIZE);

	memcpy((void *)addr, rkt_vdso_image, rkt_vdso_image_end - rkt_vdso_image);
	p->data = _vdso_data;
	p->entry = (unsigned long)rkt_syscall_entry;
	p->cpu_number = (unsigned long)&vcpu.cpu_number;
}

static int __init vdso_init(void)
{
	unsigned long size = PAGE_ALIGN(rkt_vdso_image_end - rkt_vdso_image), addr;
	size_t deferred = 0;
	int ret;

	addr = uspace_alloc(&owner, size, 0, USPACE_TOP);
	if (IS_ERR_VALUE(addr))
		return addr;
	ret = pages_commit(addr, addr + size, MEM_R | MEM_W);
	if (ret)
		goto err_release;
	fill_in(addr);
	ret = pages_protect(addr, addr + size, MEM_R | MEM_X, &deferred);
	if (ret)
		goto err_release;
	rkt_vdso_ehdr = addr;
	return 0;
err_release:
	/* programs do without: they make system calls instead */
	pr_warn("not available: %d\n", ret);
	uspace_free_pages(&owner, addr, addr + size);
	return ret;
}
device_initcall(vdso_init);
