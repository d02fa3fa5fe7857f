// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Windows, image and boot information: what a TEE finds when it starts. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "host/run/init_text.h"
#include "host/tee/cpuid.h"
#include "host/tee/tee.h"

#define WINDOW_ALIGN 4096

u64 tee_tsc(void)
{
	return __rdtsc();
}

/* Moves a descriptor to where a jail expects notify descriptors; closes the old one. */
int tee_fd_high(int fd)
{
	int high;

	if (fd < 0)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, TEE_FD_BASE);
	close(fd);
	return high;
}

static u64 take(u64 *at, u64 size)
{
	u64 offset = *at;

	*at = (offset + size + WINDOW_ALIGN - 1) & ~(u64)(WINDOW_ALIGN - 1);
	return offset;
}

static void *map_window(u64 size, int fd)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE,
		    fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED, fd, 0);
}

struct window_layout {
	struct boot_control control;
	struct boot_hostblk blk;
	u64 nvme_offset;
	u64 nic_offset;
	u64 size;
};

static struct window_layout layout(const struct tee_vm *vm)
{
	struct window_layout w = {};
	u64 at = BOOT_INFO_MAX;

	w.control.vcpu_offset = take(&at, vm->vcpu_count * sizeof(struct control_vcpu));
	w.control.console_offset = take(&at, sizeof(struct control_console));
	w.control.stats_offset = take(&at, sizeof(struct rkt_stats));
	w.blk.slots_offset = take(&at, HOSTBLK_SLOTS * sizeof(struct hostblk_slot));
	w.blk.data_offset = take(&at, (u64)HOSTBLK_SLOTS * HOSTBLK_DATA_SIZE);
	w.nvme_offset = take(&at, (u64)disks_controllers(vm->cfg) * NVMED_CONTROL_SIZE);
	w.nic_offset = take(&at, vm->cfg->nic_count * sizeof(struct nicdev_ctl));
	w.size = at;
	return w;
}

static int map_dma(struct tee_vm *vm, struct err *err)
{
	vm->dma_fd = memfd_create("rktio-dma", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (vm->dma_fd < 0 || ftruncate(vm->dma_fd, vm->dma_size))
		return err_set_errno(err, E_MEMORY, errno, "DMA arena");
	vm->dma = map_window(vm->dma_size, vm->dma_fd);
	if (vm->dma == MAP_FAILED) {
		vm->dma = NULL;
		return err_set_errno(err, E_MEMORY, errno, "DMA arena");
	}
	fcntl(vm->dma_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	return 0;
}

/**
 * tee_vm_map - make the windows that host and TEE share
 *
 * Sets the pointers into the control window. Undone by tee_vm_unmap(), after
 * failure too.
 */
int tee_vm_map(struct tee_vm *vm, struct err *err)
{
	struct window_layout w = layout(vm);

	vm->control_size = w.size;
	vm->control = map_window(w.size, -1);
	if (vm->control == MAP_FAILED) {
		vm->control = NULL;
		return err_set_errno(err, E_MEMORY, errno, "control window");
	}
	vm->control_vcpus = vm->control + w.control.vcpu_offset;
	vm->console = vm->control + w.control.console_offset;
	vm->stats = vm->control + w.control.stats_offset;
	vm->blk_slots = vm->control + w.blk.slots_offset;
	vm->blk_data = vm->control + w.blk.data_offset;
	vm->nvme_offset = w.nvme_offset;
	vm->nic_offset = w.nic_offset;
	return map_dma(vm, err);
}

void tee_vm_unmap(struct tee_vm *vm)
{
	if (vm->dma)
		munmap(vm->dma, vm->dma_size);
	if (vm->dma_fd >= 0)
		close(vm->dma_fd);
	if (vm->control)
		munmap(vm->control, vm->control_size);
}

static int bad_image(struct tee_vm *vm, struct err *err, const char *what)
{
	return err_set(err, E_TEE_IMAGE, "%s: %s", vm->cfg->tee_image, what);
}

static int read_all(int fd, void *buf, u64 size, u64 offset)
{
	while (size) {
		ssize_t n = pread(fd, buf, size, offset);

		if (n <= 0)
			return -EIO;
		buf += n;
		size -= n;
		offset += n;
	}
	return 0;
}

static bool header_ok(const struct tee_vm *vm, const struct tee_image_header *h)
{
	u64 need = h->image_size + tee_block_size(vm->vcpu_count);

	return h->magic == TEE_IMAGE_MAGIC && h->version == TEE_IMAGE_VERSION &&
	       h->header_size == sizeof(*h) && h->image_size % TEE_PAGE_SIZE == 0 &&
	       h->image_size < (256ull << 20) && need < vm->kernel_size &&
	       h->text_end <= h->image_size && h->rodata_end <= h->image_size &&
	       h->entry < h->text_end && h->exit_site + TEE_EXIT_SITE_SIZE <= h->text_end;
}

static int load_segments(struct tee_vm *vm, const Elf64_Ehdr *eh, struct err *err)
{
	Elf64_Phdr ph;
	int i;

	for (i = 0; i < eh->e_phnum; i++) {
		if (read_all(vm->l->tee_fd, &ph, sizeof(ph), eh->e_phoff + i * sizeof(ph)))
			return bad_image(vm, err, "program headers can't be read");
		if (ph.p_type != PT_LOAD)
			continue;
		if (ph.p_memsz < ph.p_filesz || ph.p_vaddr >= vm->kernel_size ||
		    ph.p_memsz > vm->kernel_size - ph.p_vaddr)
			return bad_image(vm, err, "a segment lies outside kernel memory");
		if (read_all(vm->l->tee_fd, (u8 *)TEE_IMAGE_BASE + ph.p_vaddr, ph.p_filesz,
			     ph.p_offset))
			return bad_image(vm, err, "a segment can't be read");
	}
	return 0;
}

/**
 * tee_image_load - copy the image's segments to their place and check its header
 *
 * The pages from TEE_IMAGE_BASE must be present and writable.
 */
int tee_image_load(struct tee_vm *vm, struct err *err)
{
	Elf64_Ehdr eh;
	int ret;

	if (read_all(vm->l->tee_fd, &eh, sizeof(eh), 0) || memcmp(eh.e_ident, ELFMAG, SELFMAG) ||
	    eh.e_phentsize != sizeof(Elf64_Phdr))
		return bad_image(vm, err, "not a TEE image");
	ret = load_segments(vm, &eh, err);
	if (ret)
		return ret;
	memcpy(&vm->image, (void *)TEE_IMAGE_BASE, sizeof(vm->image));
	if (!header_ok(vm, &vm->image))
		return bad_image(vm, err, "header is wrong, or --memory too small for it");
	return 0;
}

struct writer {
	u8 *at, *end;
};

static bool put_item(struct writer *w, u32 type, const void *data, u32 size)
{
	struct boot_item it = { .type = type, .size = size };
	u32 padded = (size + 7) & ~7u;

	if (w->end - w->at < (long)(sizeof(it) + padded))
		return false;
	memcpy(w->at, &it, sizeof(it));
	memset(w->at + sizeof(it), 0, padded);
	memcpy(w->at + sizeof(it), data, size);
	w->at += sizeof(it) + padded;
	return true;
}

static bool put_text(struct writer *w, u32 type, const char *text)
{
	return put_item(w, type, text, strlen(text));
}

static struct boot_machine machine(const struct tee_vm *vm)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (struct boot_machine){
		.vcpu_count = vm->vcpu_count,
		.memory = vm->memory,
		.tsc_khz = vm->tsc_khz,
		.wall_ns = now.tv_sec * 1000000000ull + now.tv_nsec,
		.wall_tsc = tee_tsc(),
		.kernel_size = vm->kernel_size,
		.user_size = vm->user_size,
	};
}

static void kernel_parameters(const struct tee_vm *vm, char *out, size_t size)
{
	static const int level[] = {
		[LOG_ERR] = 4, [LOG_WARN] = 5, [LOG_INFO] = 7, [LOG_DEBUG] = 8
	};

	int shown = level[vm->cfg->log];

	if (vm->cfg->strace && shown < 7)
		shown = 7;
	/* Reports of programs that crash show their data: where the host sees it anyway. */
	snprintf(out, size, "panic=-1 loglevel=%d rkt.spin_ns=%llu%s%s", shown,
		 (unsigned long long)vm->cfg->tune.spin_us * 1000,
		 vm->cfg->strace ? " rkt.strace" : "",
		 vm->cfg->tee != TEE_SGX ? " print-fatal-signals=1" : "");
}

static bool put_disks(struct writer *w, const struct tee_vm *vm)
{
	bool ok = true;
	u32 i;

	for (i = 0; ok && i < vm->disks.count; i++) {
		struct boot_nvme b = {
			.control_offset = vm->nvme_offset + (u64)i * NVMED_CONTROL_SIZE,
			.kick = TEE_KICK_NVME + i,
		};

		ok = put_item(w, BOOT_NVME, &b, sizeof(b));
	}
	return ok;
}

static bool put_nics(struct writer *w, const struct tee_vm *vm)
{
	struct boot_nic b;
	bool ok = true;
	size_t i;

	for (i = 0; ok && i < vm->cfg->nic_count; i++) {
		tee_nic_boot(vm, i, &b);
		ok = put_item(w, BOOT_NIC, &b, sizeof(b));
	}
	return ok;
}

/* Writes the boot information at the start of the control window. */
int tee_boot_info(struct tee_vm *vm, struct err *err)
{
	struct boot_header h = { .magic = BOOT_MAGIC, .version = BOOT_VERSION };
	struct writer w = { vm->control + sizeof(h), vm->control + BOOT_INFO_MAX };
	struct window_layout l = layout(vm);
	struct boot_machine m = machine(vm);
	struct boot_dma dma = { .base = (u64)vm->dma, .size = vm->dma_size };
	struct boot_cpuid cpuid;
	char params[512], *init = init_text(vm->cfg, vm->l->console.is_tty, err);
	u8 entropy[64];
	bool ok;

	if (!init)
		return -EINVAL;
	tee_cpuid_read(&cpuid, vm->cpuid_rewrite);
	kernel_parameters(vm, params, sizeof(params));
	if (getentropy(entropy, sizeof(entropy)))
		memset(entropy, 0, sizeof(entropy));
	l.blk.size = vm->cfg->root_via == ROOT_VIA_NVME ? 0 : vm->l->root_size & ~511ull;
	l.blk.read_only = !vm->l->root_writable;
	ok = put_item(&w, BOOT_MACHINE, &m, sizeof(m)) && put_text(&w, BOOT_CMDLINE, params) &&
	     put_item(&w, BOOT_CPUID, &cpuid, sizeof(cpuid)) &&
	     put_item(&w, BOOT_CONTROL, &l.control, sizeof(l.control)) &&
	     put_item(&w, BOOT_DMA, &dma, sizeof(dma)) &&
	     put_item(&w, BOOT_HOSTBLK, &l.blk, sizeof(l.blk)) && put_disks(&w, vm) &&
	     put_nics(&w, vm) && put_item(&w, BOOT_ENTROPY, entropy, sizeof(entropy)) &&
	     put_text(&w, BOOT_INIT, init) && put_item(&w, BOOT_END, "", 0);
	explicit_bzero(init, strlen(init));
	free(init);
	if (!ok)
		return err_set(err, E_OPTION, "arguments and environment are too long");
	h.size = w.at - (u8 *)vm->control;
	memcpy(vm->control, &h, sizeof(h));
	return 0;
}
