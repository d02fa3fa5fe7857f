/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What `rktio run` was asked to do, as plain data.
 *
 * Ownership: a run_config owns every pointer in it; config_free() frees them
 * all. A back end borrows the config for the time of tee_run() and never
 * changes it. Lists are arrays with a count; `argv` and `env` end with NULL as
 * well, ready for execve(). Strings that were not given are NULL.
 *
 * Trust: everything here comes from the host. Fields marked [T] are trusted
 * settings: with --tee soft the host sets them, with any other back end
 * config_check_trust() refused them unless the image allows it.
 */
#ifndef HOST_RUN_CONFIG_H
#define HOST_RUN_CONFIG_H

#include "abi/types.h"
#include "host/lib/err.h"

enum tee_kind { TEE_SOFT, TEE_EMU, TEE_SGX };
enum io_mode { IO_DIRECT, IO_LIBOS_VIRTIO, IO_HOSTCALL_ASYNC, IO_HOSTCALL_SYNC };
enum root_via { ROOT_VIA_HOSTCALL, ROOT_VIA_NVME };
/* Kernel messages up to this level reach the launcher's standard error. */
enum log_level { LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum image_kind { IMAGE_NONE, IMAGE_EXT4, IMAGE_APP, IMAGE_ROOTFS_DIR };

enum disk_kind { DISK_FILE, DISK_VFIO, DISK_SHM };
enum key_kind { KEY_NONE, KEY_FILE, KEY_PROMPT, KEY_SEALED, KEY_ATTESTED };

struct disk_spec {
	char *name; /* "disk0", ... when not given; unique */
	enum disk_kind kind;
	char *target; /* path, PCI address or socket path */
	u32 nsid; /* NVMe namespace, 0: the first one */
	bool ro;
	char *mount; /* [T] absolute path in the TEE */
	char *fs; /* [T] file system, NULL: probe */
	char *verity; /* [T] 64 hex digits; implies ro */
	enum key_kind key; /* [T] */
	char *key_arg; /* [T] file name or seal name */
	bool mkfs; /* [T] an empty disk is formatted at start */
};

enum nic_kind { NIC_USER, NIC_TAP, NIC_VHOST_USER, NIC_LINK, NIC_VFIO };
enum nic_protect { PROTECT_UNSET, PROTECT_WIREGUARD, PROTECT_PROGRAM, PROTECT_INSECURE_NONE };

struct nic_spec {
	char *name; /* "eth0", ... when not given; unique, at most 15 bytes */
	enum nic_kind kind;
	char *target; /* tap name, socket path or PCI address; NULL for user */
	enum nic_protect protect; /* [T] */
	char *protect_file; /* [T] wg-quick file */
	char *addr; /* [T] "dhcp" or ADDRESS/PREFIX, NULL: dhcp for user, else none */
	char *gw; /* [T] */
	char *mac; /* aa:bb:cc:dd:ee:ff, NULL: made up */
	u32 mtu; /* bytes, 0: the device's */
	u32 queues; /* queue pairs, 0: one per vCPU */
};

/* -p [ADDRESS:]HOST:GUEST[/tcp|/udp] */
struct port_map {
	char *host_addr; /* NULL: 127.0.0.1 */
	u16 host_port;
	u16 guest_port;
	bool udp;
};

/*
 * --tune KEY=VALUE. X(field, minimum, maximum, default, help). All are host
 * settings: they change cost, never what the program computes. Appended only.
 */
#define TUNE_KEYS(X)                                                                            \
	X(spin_us, 0, 1000000, 50, "time an idle vCPU polls before it sleeps on the host")      \
	X(tick_us, 500, 100000, 4000, "scheduler tick of a vCPU that has more than one task")   \
	X(poll_budget, 1, 4096, 32, "packets or completions that a busy vCPU takes per poll")   \
	X(queue_depth, 2, 4096, 256, "entries of each NVMe queue pair")                         \
	X(arena_mib, 8, 16384, 64, "size of the DMA arena in MiB")                              \
	X(emu_eenter, 0, 10000000, 4100, "cycles of an EENTER with --tee emu (docs/sgx.md)")    \
	X(emu_eexit, 0, 10000000, 4100, "cycles of an EEXIT with --tee emu")                    \
	X(emu_aex, 0, 10000000, 4100, "cycles of an asynchronous exit with --tee emu")          \
	X(emu_eresume, 0, 10000000, 4100, "cycles of an ERESUME with --tee emu")                \
	X(emu_poison, 0, 1, 0, "1: --tee emu enters with hostile registers and flags")          \
	X(emu_step, 0, 1000000000, 0, "instructions that --tee emu interrupts after an entry")  \
	X(emu_reenter, 0, 1000000000, 0, "interrupts that --tee emu answers by entering again") \
	X(emu_sgx, 1, 2, 2, "1: --tee emu knows no SGX2, all memory is there from the start")   \
	X(emu_cpuid, 0, 1, 1, "0: --tee emu does not have the processor refuse CPUID")

struct tune {
#define X(field, lo, hi, def, help) u64 field;
	TUNE_KEYS(X)
#undef X
};

struct run_config {
	/* host settings */
	u32 tee; /* enum tee_kind; u32 because the option table stores by offset */
	u32 vcpus; /* 1 .. TEE_VCPU_MAX */
	u64 memory_size; /* bytes, whole 4 KiB pages */
	u32 io; /* enum io_mode */
	u32 root_via; /* enum root_via */
	struct tune tune;
	char *name; /* names the runtime directory; never NULL after config_parse() */
	struct disk_spec *disks;
	size_t disk_count;
	struct nic_spec *nics;
	size_t nic_count;
	struct port_map *ports;
	size_t port_count;
	bool stats; /* print the table at the end */
	char *stats_file; /* write JSON there instead */
	u32 log; /* enum log_level */
	char *tee_image; /* path; never NULL after config_parse() */

	/* what to run */
	char *rootfs_dir; /* exclusive with image */
	char *image; /* [T] path of a raw root or of an app.img */
	enum image_kind image_kind; /* set by root_image_open() */
	char **env; /* [T] K=V, a key occurs once */
	size_t env_count;
	char *cwd; /* [T] absolute, NULL: / */
	char **argv; /* [T] program and arguments */
	size_t argc;
	bool strace; /* [T] */
	bool gdb; /* [T] */

	/*
	 * Which settings were given (one bit per entry of the option table): command
	 * line over file over default, and the trust check looks at given ones only.
	 */
	u64 given;
};

/* Sets every field to the default of the option table. */
void config_init(struct run_config *cfg);

/* Frees what the config owns and zeroes it. */
void config_free(struct run_config *cfg);

/**
 * config_parse - read command line (and --config file) into a config
 * @cfg:  initialised by config_init(); on failure partly filled, still to be freed
 * @argc: count of @argv
 * @argv: without the command's name: options, [IMAGE], [-- PROGRAM ARGS...]
 * @err:  the reason when it fails
 *
 * Checks each value and all combinations that need no look at the machine; opens
 * no file but the configuration file. A setting of the command line replaces that
 * of the file; --disk, --nic, -p, --env and --tune add to it.
 *
 * Return: 0, or a negative errno with @err set.
 */
int config_parse(struct run_config *cfg, int argc, char **argv, struct err *err);

/**
 * config_host_decides - is nothing measured, so that all settings are the host's?
 *
 * With --tee soft always; with --tee emu, which gives no confidentiality either, when the root is
 * a directory: there is no image whose settings could be the trusted ones.
 */
bool config_host_decides(const struct run_config *cfg);

/**
 * config_check_trust - refuse trusted settings that the host may not make
 * @cfg:          parsed
 * @host_may_set: names that the measured image frees for the host, NULL-terminated
 *                ("env", "disk.mount", ...); NULL: none
 *
 * Nothing is refused with --tee soft, which has no confidentiality to lose.
 */
int config_check_trust(const struct run_config *cfg, const char *const *host_may_set,
		       struct err *err);

/* Refuses what is parsed but has no back end in this build (host/run/support.c). */
int config_check_support(const struct run_config *cfg, struct err *err);

/* Looks at the machine (memory, disks, sockets) so that mistakes show before a TEE starts. */
int config_check_host(const struct run_config *cfg, struct err *err);

const char *tee_kind_name(u32 tee);

#endif
