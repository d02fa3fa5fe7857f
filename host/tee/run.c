// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* tee_run(): one TEE from start to end. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "abi/tee_layout.h"
#include "host/tee/soft.h"
#include "host/tee/symbols.h"
#include "host/tee/tee.h"

#define MIB (1ull << 20)
#define THREAD_CHECK_MS 1000

/*
 * The kernel's share: page cache, sockets and its own data; the rest is program
 * memory. Both are committed as they are touched.
 */
static void split_memory(struct tee_vm *vm)
{
	u64 total = vm->cfg->memory_size & ~4095ull, kernel = total / 5 * 2;

	if (kernel < 96 * MIB)
		kernel = 96 * MIB;
	if (kernel > total - total / 8)
		kernel = total - total / 8;
	kernel &= ~(4 * MIB - 1);
	vm->kernel_size = kernel;
	vm->user_size = total - kernel;
}

/*
 * A static layout takes the kernel's window and what is kept about pages out of --memory, too:
 * a sixtieth covers 64 bytes of struct page and one of state for each page.
 */
static int split_static(struct tee_vm *vm, struct err *err)
{
	u64 total = vm->cfg->memory_size, taken;
	struct boot_machine m = { .kernel_size = vm->kernel_size & -TEE_STATES_BLOCK };

	taken = m.kernel_size + tee_static_window(&m, TEE_WINDOW_KERNEL).size + total / 60;
	m.user_size = total > taken ? (total - taken) & -TEE_STATES_BLOCK : 0;
	if (!tee_static_ok(&m))
		return err_set(
			err, E_MEMORY,
			"--memory %llu MiB leaves %llu MiB to programs, emu_sgx=1 needs %llu",
			total / MIB, m.user_size / MIB, TEE_STATIC_USER_MIN / MIB);
	vm->kernel_size = m.kernel_size;
	vm->user_size = m.user_size;
	return 0;
}

static int plan_memory(struct tee_vm *vm, struct err *err)
{
	split_memory(vm);
	vm->memory = vm->backend->memory;
	if (vm->memory != BOOT_MEMORY_SGX2 || vm->cfg->tune.emu_sgx != 1)
		return 0;
	vm->memory = BOOT_MEMORY_SGX1;
	return split_static(vm, err);
}

/* Cycles per millisecond, measured over some; the TEE only checks the range. */
static u64 measure_tsc_khz(void)
{
	struct timespec a, b, pause = { 0, 10000000 };
	u64 start, cycles, ns;

	clock_gettime(CLOCK_MONOTONIC, &a);
	start = tee_tsc();
	nanosleep(&pause, NULL);
	clock_gettime(CLOCK_MONOTONIC, &b);
	cycles = tee_tsc() - start;
	ns = (b.tv_sec - a.tv_sec) * 1000000000ull + b.tv_nsec - a.tv_nsec;
	return cycles * 1000000 / ns;
}

/* Ops are called on a thread that is older than the windows. */
static void reach_windows(const struct tee_vm *vm)
{
	if (vm->backend->host_thread)
		vm->backend->host_thread();
}

static void op_winsize(void *ctx, const struct console_size *size)
{
	struct tee_vm *vm = ctx;

	reach_windows(vm);
	__atomic_store_n(&vm->console->winsize, (u32)size->cols << 16 | size->rows,
			 __ATOMIC_RELEASE);
	eventfd_write(vm->vcpus[0]->wake_fd, 1);
}

static int op_signal(void *ctx, int signo)
{
	struct tee_vm *vm = ctx;

	if (signo < 1 || signo > 31)
		return -EINVAL;
	reach_windows(vm);
	__atomic_store_n(&vm->console->signals, 1u << signo, __ATOMIC_RELEASE);
	__atomic_fetch_add(&vm->console->signals_seq, 1, __ATOMIC_RELEASE);
	eventfd_write(vm->vcpus[0]->wake_fd, 1);
	return 0;
}

static void op_stats(void *ctx, struct rkt_stats *out)
{
	struct tee_vm *vm = ctx;
	const volatile struct rkt_stats *s = vm->stats;
	u32 i;

	reach_windows(vm);
	out->version = s->version;
	out->count = s->count;
	for (i = 0; i < RKT_STAT_MAX; i++)
		out->v[i] = s->v[i];
	if (vm->backend->stats)
		vm->backend->stats(vm, out);
}

static void op_kill(void *ctx)
{
	struct tee_vm *vm = ctx;
	unsigned long none = 0;

	atomic_compare_exchange_strong(&vm->halt, &none, (TEE_HALT_SIGNALED | SIGKILL) + 1);
	eventfd_write(vm->done_fd, 1);
}

static const struct tee_ops ops = {
	.signal = op_signal,
	.winsize = op_winsize,
	.stats = op_stats,
	.kill = op_kill,
};

/* " in vCPU 1: at F+0x1, interrupting G+0x2": contexts that an exception cut off, newest first. */
static void where_text(struct tee_vm *vm, char *out, size_t size)
{
	u64 ip[TEE_WHERE_MAX];
	size_t used;
	char name[128];
	int i, n;

	out[0] = 0;
	if (!vm->halted || !vm->backend->where)
		return;
	n = vm->backend->where(vm->halted, ip);
	used = snprintf(out, size, " in vCPU %u", vm->halted->index);
	for (i = 0; i < n && used < size; i++) {
		symbols_name(vm->l->tee_fd, ip[i], name, sizeof(name));
		used += snprintf(out + used, size - used, "%s%s", i ? ", interrupting " : ": at ",
				 name);
	}
}

static void explain_abort(struct tee_vm *vm, int value)
{
	static const char *const why[] = {
		[TEE_ABORT_ENTRY] =
			"a broken rule of entry, or an exception in an exception's handling",
		[TEE_ABORT_BOOT_INFO] = "the boot information is wrong",
		[TEE_ABORT_MEMORY] = "no memory",
	};
	char where[512];

	where_text(vm, where, sizeof(where));
	if (value == TEE_ABORT_JAIL)
		err_set(&vm->l->err, E_JAIL, "system call from outside the allowed sites%s", where);
	else
		err_set(&vm->l->err, E_CRASH, "the TEE refused to run (abort %d): %s%s", value,
			value < TEE_ABORT_JAIL ? why[value] : "unknown", where);
}

static int result_of(struct tee_vm *vm, u64 code)
{
	struct launcher *l = vm->l;
	int value = code & 0xff;

	switch (code & ~0xffull) {
	case TEE_HALT_EXITED:
		l->result = (struct run_result){ RUN_EXITED, value };
		return 0;
	case TEE_HALT_SIGNALED:
		l->result = (struct run_result){ RUN_SIGNALED, value };
		return 0;
	case TEE_HALT_EXEC_FAILED:
		l->result = (struct run_result){ RUN_EXEC_FAILED, value };
		return 0;
	case TEE_HALT_INIT_FAILED:
		l->result = (struct run_result){ RUN_NOT_STARTED, value };
		err_set(&l->err, E_INIT, "the TEE's init failed (its message is above)");
		return -EIO;
	case TEE_HALT_PANIC:
		l->result = (struct run_result){ RUN_CRASHED, 0 };
		err_set(&l->err, E_CRASH, "the TEE's kernel stopped: %s",
			vm->panic[0] ? vm->panic : "no reason given");
		return -EIO;
	}
	l->result = (struct run_result){ RUN_CRASHED, value };
	if (value == TEE_ABORT_JAIL && atomic_load(&vm->broken_rule))
		err_set(&l->err, E_JAIL, "a rule of SGX is broken: %s",
			atomic_load(&vm->broken_rule));
	if (!l->err.code)
		explain_abort(vm, value);
	return -EIO;
}

/* A vCPU thread ends after a halt only. If not, something inside has jumped to the exit's site. */
static void check_threads(struct tee_vm *vm)
{
	unsigned long none = 0;
	u32 i;
	int tid;

	for (i = 0; i < vm->vcpu_count; i++) {
		tid = atomic_load(&vm->vcpus[i]->tid);
		if (tid && syscall(SYS_tgkill, getpid(), tid, 0) && errno == ESRCH)
			atomic_compare_exchange_strong(&vm->halt, &none,
						       (TEE_HALT_ABORT | TEE_ABORT_JAIL) + 1);
	}
}

static void wait_done(struct tee_vm *vm)
{
	struct pollfd p = { .fd = vm->done_fd, .events = POLLIN };

	while (!atomic_load(&vm->halt))
		if (!poll(&p, 1, THREAD_CHECK_MS))
			check_threads(vm);
}

/* A thread that something inside has ended may not have told who would join it. */
static bool is_gone(const struct tee_vcpu *v)
{
	int tid = atomic_load(&v->tid);

	return tid && syscall(SYS_tgkill, getpid(), tid, SOFT_TICK_SIGNAL) && errno == ESRCH;
}

/* Threads leave by themselves at their next exit; ticks make them come out. */
static void stop_vcpus(struct tee_vm *vm, u32 started)
{
	struct timespec soon;
	bool gone;
	u32 i;

	atomic_store(&vm->stop, true);
	for (i = 0; i < started; i++) {
		struct tee_vcpu *v = vm->vcpus[i];

		v->started = true;
		do {
			eventfd_write(v->wake_fd, 1);
			gone = is_gone(v);
			clock_gettime(CLOCK_REALTIME, &soon);
			soon.tv_nsec += 5000000;
			if (soon.tv_nsec >= 1000000000) {
				soon.tv_nsec -= 1000000000;
				soon.tv_sec++;
			}
		} while (pthread_timedjoin_np(v->thread, NULL, &soon) && !gone);
	}
}

static int open_events(struct tee_vm *vm, struct err *err)
{
	int *fds[] = { &vm->service_fd, &vm->blk_fd, &vm->done_fd, &vm->ticker_fd };
	size_t i;

	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		*fds[i] = tee_fd_high(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
		if (*fds[i] < 0)
			return err_set_errno(err, E_HOST, errno, "eventfd");
	}
	return 0;
}

static void close_events(struct tee_vm *vm)
{
	int fds[] = { vm->service_fd, vm->blk_fd, vm->done_fd, vm->ticker_fd };
	size_t i;

	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static int run_threads(struct tee_vm *vm, struct err *err)
{
	struct console_size size;
	u32 started = 0;
	int ret;

	if (vm->l->console.is_tty)
		vm->console->flags = CONSOLE_FLAG_TTY;
	console_size(&vm->l->console, &size);
	op_winsize(vm, &size);
	ret = tee_service_start(vm);
	if (ret)
		return err_set_errno(err, E_HOST, -ret, "service thread");
	ret = tee_hostblk_start(vm);
	if (ret)
		goto stop_service;
	ret = tee_ticker_start(vm);
	if (ret)
		goto stop_blk;
	for (; started < vm->vcpu_count && !ret; started++)
		ret = tee_vcpu_start(vm->vcpus[started]);
	if (!ret) {
		launcher_attach(vm->l, &ops, vm);
		wait_done(vm);
		launcher_detach(vm->l);
	}
	stop_vcpus(vm, started);
	tee_ticker_stop(vm);
stop_blk:
	atomic_store(&vm->stop, true);
	tee_hostblk_stop(vm);
stop_service:
	atomic_store(&vm->stop, true);
	tee_service_stop(vm);
	return ret ? err_set_errno(err, E_HOST, -ret, "threads") : 0;
}

static int run_loaded(struct tee_vm *vm, struct err *err)
{
	int ret = 0;
	u32 i;

	for (i = 0; i < vm->vcpu_count && !ret; i++)
		ret = tee_vcpu_create(vm, i, err);
	if (!ret)
		ret = tee_disks_start(vm, err);
	if (!ret)
		ret = tee_nics_start(vm, err);
	if (!ret)
		ret = tee_boot_info(vm, err);
	if (!ret)
		ret = run_threads(vm, err);
	if (!ret)
		ret = result_of(vm, atomic_load(&vm->halt) - 1);
	tee_nics_stop(vm);
	tee_disks_stop(vm);
	for (i = 0; i < vm->vcpu_count; i++)
		if (vm->vcpus[i])
			tee_vcpu_destroy(vm->vcpus[i]);
	return ret;
}

int tee_run(const struct run_config *cfg, struct launcher *l)
{
	struct tee_vm *vm = calloc(1, sizeof(*vm));
	int ret, i;

	if (!vm)
		return err_set(&l->err, E_MEMORY, "launcher");
	vm->cfg = cfg;
	vm->l = l;
	vm->backend = cfg->tee == TEE_EMU ? &tee_emu : &tee_soft;
	vm->vcpu_count = cfg->vcpus;
	vm->pid = getpid();
	vm->dma_size = cfg->tune.arena_mib * MIB;
	vm->dma_fd = vm->service_fd = vm->blk_fd = vm->done_fd = vm->ticker_fd = -1;
	for (i = 0; i < TEE_KICK_MAX; i++)
		vm->kick_fd[i] = -1;
	vm->tsc_khz = measure_tsc_khz();
	ret = plan_memory(vm, &l->err) ?: tee_vm_map(vm, &l->err);
	ret = ret ?: open_events(vm, &l->err) ?: vm->backend->load(vm, &l->err);
	if (!ret) {
		ret = run_loaded(vm, &l->err);
		vm->backend->unload(vm);
	}
	close_events(vm);
	tee_vm_unmap(vm);
	free(vm);
	return ret;
}
