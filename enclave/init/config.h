/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The configuration of init (docs/init.md has it for people): lines KEY=VALUE.
 *
 * Two sources. /config in the initramfs is measured with the image and trusted.
 * What the launcher sends at boot comes from the host; each of its keys must be
 * covered by host_may_set of the measured file (a list of keys, "nic.*"-style
 * prefixes, or "*"), else start fails.
 */
#ifndef INIT_CONFIG_H
#define INIT_CONFIG_H

#include "abi/types.h"
#include <netinet/in.h>

#define CONFIG_TEXT_MAX (256 * 1024)
#define CONFIG_DISKS_MAX 16
#define CONFIG_NICS_MAX 8
#define CONFIG_ADDRS_MAX 4
#define CONFIG_DNS_MAX 3 /* the C library reads no more */
#define CONFIG_LIST_MAX 512
#define CONFIG_WHY_SIZE 200

/* One address with prefix; family AF_INET or AF_INET6. */
struct cidr {
	int family;
	u8 bytes[16]; /* network order; IPv4 uses 4 */
	u8 prefix;
};

enum mkfs_policy {
	MKFS_NEVER,
	MKFS_EMPTY, /* format and make a file system if the disk is all zeros at its start */
};

/* A secret or file: one of the two, or neither. */
struct source {
	const char *file; /* path in the initramfs */
	const char *blob; /* name of a blob.NAME line */
	bool prompt; /* ask on the console */
};

struct disk_config {
	const char *name;
	const char *device; /* name under /dev */
	const char *mount; /* absolute path in the program's root, or NULL: only unlock */
	const char *fs;
	bool ro;
	enum mkfs_policy mkfs;
	struct source key;
};

enum root_mode {
	ROOT_OVERLAY, /* read-only below, changes in memory */
	ROOT_RO,
	ROOT_RW,
};

enum nic_protect {
	NIC_UNSTATED,
	NIC_WIREGUARD,
	NIC_PROGRAM,
	NIC_INSECURE_NONE,
};

enum nic_addressing {
	NIC_NO_ADDRESS,
	NIC_STATIC,
	NIC_DHCP,
};

struct nic_config {
	const char *name; /* interface name */
	enum nic_addressing addressing;
	struct cidr addr[CONFIG_ADDRS_MAX];
	u32 addr_count;
	struct cidr gw[2]; /* one per family at most; family 0: none */
	u32 mtu; /* 0: leave */
	enum nic_protect protect;
	struct source wireguard;
};

/* What the program's first three descriptors are. */
enum stdio_mode {
	STDIO_INHERITED,
	STDIO_TTY, /* /dev/hvc0, its controlling terminal */
	STDIO_RAW, /* /dev/rktin, rktout and rkterr: bytes, as in pipes */
};

struct blob_config {
	const char *name;
	u8 *data;
	size_t size;
};

struct init_config {
	const char *hostname;
	const char *host_may_set; /* from the measured file */
	struct disk_config root; /* device NULL: the program lives in the initramfs */
	enum root_mode root_mode;
	const char *root_overlay_size; /* tmpfs's size= option */
	struct disk_config disk[CONFIG_DISKS_MAX];
	u32 disk_count;
	struct nic_config nic[CONFIG_NICS_MAX];
	u32 nic_count;
	struct cidr dns[CONFIG_DNS_MAX];
	u32 dns_count;
	struct blob_config blob[CONFIG_LIST_MAX];
	u32 blob_count;
	char *env[CONFIG_LIST_MAX + 1];
	u32 env_count;
	char *argv[CONFIG_LIST_MAX + 1];
	u32 argc;
	char *sysctl[CONFIG_LIST_MAX]; /* "net.core.somaxconn=1024" */
	u32 sysctl_count;
	const char *cwd;
	u32 uid, gid;
	enum stdio_mode stdio;
	int line; /* of the last error */
	char why[CONFIG_WHY_SIZE];
};

/* Sets the defaults. */
void config_init(struct init_config *c);

/**
 * config_parse - take in one source
 * @text:    NUL-terminated; changed in place and referenced afterwards, so it must live on
 * @trusted: the measured file; false: from the host, checked against host_may_set
 *
 * Later values replace earlier ones, lists grow. Return: 0, or -EINVAL/-EPERM/
 * -ENOMEM with line and why set (printable, one line).
 */
int config_parse(struct init_config *c, char *text, bool trusted);

/* Checks what can't be checked line by line. Return: 0 or -EINVAL with why set. */
int config_finish(struct init_config *c);

/* Frees the blobs' data, overwritten. */
void config_wipe(struct init_config *c);

/* The blob of that name or NULL. */
const struct blob_config *config_blob(const struct init_config *c, const char *name);

/* Formats into c->why, makes it printable, returns err. */
__attribute__((format(printf, 3, 4))) int config_fail(struct init_config *c, int err,
						      const char *format, ...);

#endif
