/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Failures that a person reads: one line, `rktio: CODE: what and where`.
 *
 * A function that can fail for a reason that the user must hear takes a
 * `struct err *`, fills it once at the place that knows the reason, and returns
 * a negative errno. Only a command's top level prints it. CODE is stable: scripts
 * may match it. docs/errors.md is generated from the list below.
 */
#ifndef HOST_LIB_ERR_H
#define HOST_LIB_ERR_H

#include <stddef.h>

/* X(code, meaning, what to do) */
#define ERR_CODES(X)                                                                              \
	X(E_OPTION, "An option, a value or a combination of options is wrong.",                   \
	  "See `rktio COMMAND --help`; the line names the option.")                               \
	X(E_CONFIG, "The configuration file cannot be read or does not follow the schema.",       \
	  "The line names file and line number; keys are the long option names.")                 \
	X(E_TRUST, "A trusted setting was given where only the measured image may set it.",       \
	  "Put it into the image, list it in the image's `host_may_set`, or use `--tee soft`.")   \
	X(E_BACKEND, "The option is known but this build has nothing that serves it.",            \
	  "Leave the option out; docs/features.md says what exists.")                             \
	X(E_IMAGE, "The root image is missing, unreadable, damaged or of an unknown kind.",       \
	  "Make one with `rktio pack DIR -o IMG`, or run a tree with `--rootfs-dir DIR`.")        \
	X(E_ROOTFS, "A directory tree could not be packed into a root image.",                    \
	  "The line carries the packer's own words (unreadable file, no space, ...).")            \
	X(E_TEE_IMAGE, "The TEE image (rktio.tee) is missing or is not one.",                     \
	  "Build it with `make`, or name it with `--tee-image FILE`.")                            \
	X(E_DISK, "A disk named by --disk cannot be used.", "Check path, permissions and size.")  \
	X(E_NIC, "A network interface named by --nic cannot be used.",                            \
	  "Check the socket or device, and that netd runs for vhost-user.")                       \
	X(E_PORT, "A host port of -p is taken or may not be bound.", "Choose another host port.") \
	X(E_MEMORY, "The memory asked for cannot be had.", "Lower --memory, or raise it to what the line says.")                     \
	X(E_NAME, "The name is in use by a running TEE, or no TEE of that name runs.",            \
	  "`rktio ps` lists the running ones.")                                                   \
	X(E_RUNDIR, "The runtime directory cannot be made or is not private.",                    \
	  "Set XDG_RUNTIME_DIR to a directory of yours with mode 0700.")                          \
	X(E_CONTROL, "The control socket gave no or a wrong answer.",                             \
	  "The TEE may just be starting or ending; try again, then `rktio ps`.")                  \
	X(E_TOOL, "A program that rktio needs is not installed or failed.",                       \
	  "`make install-deps` installs what is missing.")                                        \
	X(E_PROGRAM, "The program was not found (status 127) or cannot be executed (126).",       \
	  "Paths are those inside the root image.")                                               \
	X(E_HOST, "The operating system refused something that rktio needs.",                     \
	  "The line names the call and its error.")                                               \
	X(E_INIT, "The init inside the TEE could not prepare the system; its own line says why.",    \
	  "See docs/init.md.")                                                                  \
	X(E_JAIL, "Something inside the TEE tried to reach the host's kernel past the exits.",    \
	  "That is an attack or a bug; nothing was let through.")                               \
	X(E_CRASH, "The TEE stopped because of a bug of its own.",                                \
	  "Please report it with the lines printed before.")

enum err_code {
	ERR_NONE,
#define X(code, meaning, remedy) code,
	ERR_CODES(X)
#undef X
};

#define ERR_TEXT_MAX 1024

struct err {
	enum err_code code;
	char text[ERR_TEXT_MAX];
};

/**
 * err_set - record why something failed
 * @err:  filled in; an earlier reason is kept (the first one knows best)
 * @code: stable token
 * @fmt:  what and where, without a full stop and without a newline
 *
 * Return: always -EINVAL, so that callers can write `return err_set(...)`.
 */
int err_set(struct err *err, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set(), appends ": " and strerror(errnum); returns -errnum. */
int err_set_errno(struct err *err, enum err_code code, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/**
 * err_clean - copy hostile text so that it stays one line and cannot steer a terminal
 * @out:  not terminated; bytes below 0x20 (tab too) and 0x7f become \xNN
 * @size: bytes of @out; what does not fit is left out
 *
 * Return: bytes written.
 */
size_t err_clean(char *out, size_t size, const char *text, size_t text_size);

/* Prints the line on standard error. Control characters come out as \xNN: always one line. */
void err_print(const struct err *err);

const char *err_code_name(enum err_code code);

/* Exit statuses of rktio itself; below 125 they are the program's. */
enum {
	EXIT_RKTIO_FAILED = 125,
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127,
	EXIT_SIGNAL_BASE = 128,
};

#endif
