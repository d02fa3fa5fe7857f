// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/run/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/layout.h"
#include "host/run/spec.h"
#include "host/run/value.h"

#define AT(field) .offset = offsetof(struct run_config, field)
#define MIB (1ull << 20)
#define GIB (1ull << 30)

static const char *const tee_choices[] = { "soft", "emu", "sgx", NULL };
static const char *const io_choices[] = { "direct", "libos-virtio", "hostcall-async",
					  "hostcall-sync", NULL };
static const char *const root_choices[] = { "hostcall", "nvme", NULL };
static const char *const log_choices[] = { "err", "warn", "info", "debug", NULL };

static int set_image(struct run_config *cfg, const char *value, struct err *err)
{
	return value_string(&cfg->image, value, err);
}

static int set_stats(struct run_config *cfg, const char *value, struct err *err)
{
	cfg->stats = true;
	return value ? value_string(&cfg->stats_file, value, err) : 0;
}

static int set_program(struct run_config *cfg, const char *value, struct err *err)
{
	return value_append(&cfg->argv, &cfg->argc, value, err);
}

const struct opt run_opts[] = {
	{ .name = "tee",
	  .arg = "KIND",
	  .type = OPT_ENUM,
	  .choices = tee_choices,
	  AT(tee),
	  .def = "soft",
	  .help = "trusted execution environment to run in",
	  .man = "soft runs the same image on any machine and gives no confidentiality, which it "
		 "says at start. emu enforces the rules of SGX without the hardware. sgx needs "
		 "/dev/sgx_enclave." },
	{ .name = "vcpus",
	  .arg = "N",
	  .type = OPT_UINT,
	  .min = 1,
	  .max = TEE_VCPU_MAX,
	  AT(vcpus),
	  .def = "1",
	  .help = "virtual CPUs, each one TEE thread",
	  .man = "Each vCPU has its own NIC queue pair and NVMe queue pair. More vCPUs than "
		 "processors work, but gain nothing." },
	{ .name = "memory",
	  .letter = 'm',
	  .arg = "SIZE",
	  .type = OPT_SIZE,
	  .min = 64 * MIB,
	  .max = 512 * GIB,
	  AT(memory_size),
	  .def = "512M",
	  .help = "memory of the TEE (K, M, G or T)",
	  .man = "Kernel and programs together; host memory is used as it is touched. What "
		 "exceeds it gets ENOMEM inside." },
	{ .name = "io",
	  .arg = "MODE",
	  .type = OPT_ENUM,
	  .choices = io_choices,
	  AT(io),
	  .def = "direct",
	  .help = "how network and storage leave the TEE",
	  .man = "direct polls devices from inside. The others reproduce designs of the "
		 "literature for comparison on the same runtime." },
	{ .name = "root-via",
	  .arg = "PATH",
	  .type = OPT_ENUM,
	  .choices = root_choices,
	  AT(root_via),
	  .def = "hostcall",
	  .help = "how the root image is read",
	  .man = "hostcall asks the launcher block by block; nvme puts the image behind the "
		 "polled driver like any --disk." },
	{ .name = "tune",
	  .arg = "KEY=VALUE",
	  .type = OPT_CUSTOM,
	  .repeat = true,
	  .set = tune_set,
	  .help = "set a tuning value",
	  .man = "The keys are listed below." },
	{ .name = "name",
	  .arg = "NAME",
	  .type = OPT_CUSTOM,
	  .set = name_set,
	  .help = "name for rktio ps, stats, log and stop",
	  .man = "Letters, digits, dot, dash and underscore, at most 64. Two running TEEs cannot "
		 "share a name. The default is tee- and the process id." },
	{ .name = "disk",
	  .arg = "SPEC",
	  .type = OPT_CUSTOM,
	  .repeat = true,
	  .set = disk_add,
	  .help = "attach a disk: [NAME=]file:PATH|vfio:BDF|shm:SOCKET[,KEY=VALUE]...",
	  .man = "A bare path means file:. Keys: nsid=N, mount=DIR, ro, fs=ext4, verity=HASH, "
		 "key=file:FILE|prompt|sealed:NAME|attested, mkfs=never|empty. \\, stands for a comma, \\\\ for a "
		 "backslash. mount, fs, verity, key and mkfs are trusted settings; key=file: and "
		 "key=prompt exist with --tee soft only." },
	{ .name = "nic",
	  .arg = "SPEC",
	  .type = OPT_CUSTOM,
	  .repeat = true,
	  .set = nic_add,
	  .help = "attach a NIC: "
		  "[NAME=]user|tap:NAME|vhost-user:PATH|link:PATH|vfio:BDF[,KEY=VALUE]...",
	  .man = "Keys: protect=wireguard:FILE|program|insecure_none, addr=dhcp|ADDRESS/PREFIX, "
		 "gw=ADDRESS, mac=MAC, mtu=BYTES, queues=N. Outside --tee soft every NIC must "
		 "state its protection. protect, addr and gw are trusted settings." },
	{ .name = "publish",
	  .letter = 'p',
	  .arg = "[ADDR:]HOST:GUEST[/udp]",
	  .type = OPT_CUSTOM,
	  .repeat = true,
	  .set = port_add,
	  .help = "forward a host port to the user NIC",
	  .man = "ADDR is 127.0.0.1 when left out; an IPv6 address stands in brackets." },
	{ .name = "env",
	  .letter = 'e',
	  .arg = "KEY=VALUE",
	  .type = OPT_CUSTOM,
	  .trust = OPT_TRUSTED,
	  .repeat = true,
	  .set = env_add,
	  .help = "environment variable of the program",
	  .man = "The program sees nothing of the host's environment. A later value replaces an "
		 "earlier one." },
	{ .name = "cwd",
	  .arg = "DIR",
	  .type = OPT_CUSTOM,
	  .trust = OPT_TRUSTED,
	  .set = cwd_set,
	  .help = "working directory of the program",
	  .man = "An absolute path; / by default." },
	{ .name = "stats",
	  .arg = "FILE",
	  .arg_optional = true,
	  .type = OPT_CUSTOM,
	  .set = set_stats,
	  .help = "print the counters at the end, or write JSON to FILE",
	  .man = "The counters of a running TEE come from `rktio stats NAME`." },
	{ .name = "log",
	  .arg = "LEVEL",
	  .type = OPT_ENUM,
	  .choices = log_choices,
	  AT(log),
	  .def = "warn",
	  .help = "kernel messages to show on standard error",
	  .man = "`rktio log NAME LEVEL` changes it while the TEE runs." },
	{ .name = "strace",
	  .type = OPT_FLAG,
	  .trust = OPT_TRUSTED,
	  AT(strace),
	  .help = "print the program's system calls on standard error",
	  .man = "Shows plaintext to the host: outside --tee soft it needs a measured "
		 "insecure_debug." },
	{ .name = "gdb",
	  .type = OPT_FLAG,
	  .trust = OPT_TRUSTED,
	  AT(gdb),
	  .help = "run under gdb and stop where the TEE is entered first",
	  .man = "With the symbols of the TEE's kernel, if FILE.debug lies beside the TEE image." },
	{ .name = "tee-image",
	  .arg = "FILE",
	  .type = OPT_STRING,
	  AT(tee_image),
	  .help = "TEE image to load",
	  .man = "By default rktio.tee beside the rktio program, else "
		 "/usr/lib/rktio/rktio.tee." },
	{ .name = "rootfs-dir",
	  .arg = "DIR",
	  .type = OPT_STRING,
	  AT(rootfs_dir),
	  .help = "pack a directory tree as the root instead of IMAGE",
	  .man = "The tree is packed into a temporary ext4 image at each start and changes are "
		 "lost at the end; `rktio pack DIR -o IMG` makes one that stays." },
	{ .name = "config",
	  .arg = "FILE",
	  .type = OPT_CONFIG,
	  .help = "read settings from a YAML file",
	  .man = "One mapping; the keys are the long option names, image and program. Options "
		 "that may be repeated take a list, env and tune also a mapping. The command "
		 "line replaces single values and adds to lists." },
	/* keys of the configuration file for what the command line gives by position */
	{ .name = "image",
	  .arg = "FILE",
	  .type = OPT_CUSTOM,
	  .trust = OPT_TRUSTED,
	  .file_only = true,
	  .set = set_image,
	  .help = "root image",
	  .man = "IMAGE of the command line replaces it." },
	{ .name = "program",
	  .arg = "LIST",
	  .type = OPT_CUSTOM,
	  .trust = OPT_TRUSTED,
	  .repeat = true,
	  .file_only = true,
	  .set = set_program,
	  .help = "program and arguments",
	  .man = "What follows -- on the command line replaces it." },
};

const size_t run_opt_count = sizeof(run_opts) / sizeof(run_opts[0]);
_Static_assert(sizeof(run_opts) / sizeof(run_opts[0]) <= 64, "run_config.given has 64 bits");

const struct opt *opt_find(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < run_opt_count; i++)
		if (strlen(run_opts[i].name) == len && !memcmp(run_opts[i].name, name, len))
			return &run_opts[i];
	return NULL;
}

const struct opt *opt_find_letter(char letter)
{
	size_t i;

	for (i = 0; i < run_opt_count; i++)
		if (letter && run_opts[i].letter == letter)
			return &run_opts[i];
	return NULL;
}

bool opt_given(const struct run_config *cfg, const char *name)
{
	const struct opt *o = opt_find(name, strlen(name));

	return o && (cfg->given & 1ull << (o - run_opts));
}

static int store(struct run_config *cfg, const struct opt *o, const char *value, struct err *err)
{
	void *at = (char *)cfg + o->offset;

	switch (o->type) {
	case OPT_FLAG:
		return value_bool(at, value, err);
	case OPT_UINT:
		return value_uint(at, value, o->min, o->max, err);
	case OPT_SIZE:
		return value_size(at, value, o->min, o->max, err);
	case OPT_ENUM:
		return value_choice(at, value, o->choices, err);
	case OPT_STRING:
		return value_string(at, value, err);
	case OPT_CUSTOM:
		return o->set(cfg, value, err);
	case OPT_CONFIG:
		break;
	}
	return -EINVAL;
}

int opt_set(struct run_config *cfg, const struct opt *o, const char *value, struct err *err)
{
	struct err inner = {};
	int ret = store(cfg, o, value, &inner);

	if (ret) {
		err_set(err, inner.code ? inner.code : E_OPTION, "%s%s: %s",
			o->file_only ? "" : "--", o->name, inner.text);
		return ret;
	}
	cfg->given |= 1ull << (o - run_opts);
	return 0;
}

const char *tee_kind_name(u32 tee)
{
	return tee_choices[tee];
}
