/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the parts of init share. init runs as pid 1; there is no fork() in the TEE, only vfork(). */
#ifndef INIT_INIT_H
#define INIT_INIT_H

#include "enclave/init/config.h"

/* `init: CODE: text` on the console, printable. For warnings and facts of the start. */
__attribute__((format(printf, 2, 3))) void init_log(const char *code, const char *format, ...);

/* The same, then the end of the TEE as END_INIT_FAILED. */
__attribute__((noreturn, format(printf, 2, 3))) void init_die(const char *code, const char *format,
							      ...);

/* How it ended; what the value is. */
enum end_kind {
	END_EXITED, /* exit status */
	END_SIGNALED, /* signal number */
	END_EXEC_FAILED, /* errno of execve() */
	END_INIT_FAILED, /* nothing */
};

struct end {
	enum end_kind kind;
	int value;
};

/* Is this the library kernel, where the launcher says how the program ended? */
bool in_tee(void);

/**
 * exit_report - tell the launcher how the program ended and end the TEE
 *
 * File systems are to be unmounted before. In the TEE by reboot(2) with a text
 * that machine_restart() of the library kernel reads; elsewhere (tests) by an exit
 * status in the launcher's convention.
 */
__attribute__((noreturn)) void exit_report(struct end end);

/* Makes the first three descriptors what the configuration says. */
void stdio_open(const struct init_config *c);

/**
 * source_read - the bytes of a key or file
 * @what: for the error line
 * @data: allocated, NUL behind the end; the caller wipes and frees it
 *
 * Dies when it can't.
 */
void source_read(const struct init_config *c, const struct source *s, const char *what, char **data,
		 size_t *size);

/* mount.c: proc, sys, dev, pts, shm, run ... of the initramfs. */
void mount_basics(void);
/* Builds the program's root in /newroot and makes it /. */
void mount_root(const struct init_config *c);
/* Writes resolv.conf, hosts and the host name. */
void mount_files(const struct init_config *c);
/* Unmounts what can be, makes the rest read-only. */
void unmount_all(void);
/* mkdir -p. Return: 0 or a negative errno. */
int make_dirs(const char *path);

/**
 * disk_open - make a disk's plaintext visible
 * @path: filled with the device's path
 * @fresh: set when the disk was formatted just now
 *
 * Unlocks if the disk has a key, formats first if its policy says so. Dies when
 * it can't.
 */
void disk_open(const struct init_config *c, const struct disk_config *d, char path[128],
	       bool *fresh);
/* Opens and mounts all disks but the root. */
void disks_mount(const struct init_config *c);

/* net.c: loopback, NICs, WireGuard. */
void net_start(struct init_config *c);

/* Runs the program to its end; nothing but init is left then. */
struct end program_run(struct init_config *c);

#endif
