// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* rktio-owner: the trusted, offline half of rktio. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "owner/pack.h"

#define STATUS_FAILED 125
#define SLACK_DEFAULT (64ull << 20)

/* The launcher's form of errors (docs/errors.md), without the launcher's code. */
__attribute__((format(printf, 2, 3))) static int complain(const char *code, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "rktio: %s: ", code);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return STATUS_FAILED;
}

struct pack_args {
	const char *dir, *out;
	bool force;
	struct pack_options options;
};

static bool parse_size(u64 *out, const char *text)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;
	u64 v;
	int shift;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || !isdigit((unsigned char)*text))
		return false;
	unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (*end && (!unit || end[1]))
		return false;
	shift = unit ? 10 * (unit - units + 1) : 0;
	if (!v || (shift && v >> (63 - shift)) || (v << shift) % 4096)
		return false;
	*out = v << shift;
	return true;
}

static const char usage[] =
	"usage: rktio pack DIR -o IMG [--size SIZE] [--force]\n"
	"Packs a directory tree into an ext4 root image.\n"
	"  -o, --output IMG  the image to write; refused when it exists\n"
	"      --size SIZE   its size (K, M, G, T); by default the tree and 64 MiB more\n"
	"      --force       replace an existing image\n";

/* Return: 0, or the exit status to end with. */
static int parse_args(struct pack_args *a, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "size", required_argument, NULL, 's' },
		{ "force", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:o:h", longs, NULL)) != -1 || optind < argc) {
		if (c == -1) {
			if (a->dir)
				return complain("E_OPTION", "'%s' is a second DIR", argv[optind]);
			a->dir = argv[optind++];
		} else if (c == 'o') {
			a->out = optarg;
		} else if (c == 's') {
			if (!parse_size(&a->options.size, optarg))
				return complain("E_OPTION",
						"--size: '%s' is not a size such as 512M", optarg);
		} else if (c == 'f') {
			a->force = true;
		} else if (c == 'h') {
			fputs(usage, stdout);
			exit(0);
		} else {
			return complain("E_OPTION",
					c == ':' ? "'%s' needs a value" : "there is no option '%s'",
					argv[optind - 1]);
		}
	}
	if (!a->dir || !a->out)
		return complain("E_OPTION", "pack needs DIR and -o IMG");
	return 0;
}

/* Packs into a file beside the target, so that a failure leaves the target alone. */
static int pack_into(const struct pack_args *a, const char *tmp, int fd)
{
	const char *code = "E_ROOTFS";
	char why[1024];
	int ret;

	ret = pack_tree(a->dir, fd, &a->options, why, sizeof(why));
	if (ret == -ENOPKG)
		code = "E_TOOL";
	if (ret)
		return complain(code, "%s", why);
	if (fchmod(fd, 0644) || fsync(fd))
		return complain("E_HOST", "%s: %s", tmp, strerror(errno));
	if (a->force ? rename(tmp, a->out) : link(tmp, a->out))
		return complain("E_OPTION", "-o: %s: %s", a->out, strerror(errno));
	return 0;
}

static int command_pack(int argc, char **argv)
{
	struct pack_args a = { .options = { .slack = SLACK_DEFAULT, .journal = true } };
	char tmp[PATH_MAX];
	struct stat st;
	int fd, ret;

	ret = parse_args(&a, argc, argv);
	if (ret)
		return ret;
	if (!lstat(a.out, &st) && (!a.force || !S_ISREG(st.st_mode)))
		return complain("E_OPTION", "-o: %s exists%s", a.out,
				S_ISREG(st.st_mode) ? " (--force replaces it)" : "");
	if (snprintf(tmp, sizeof(tmp), "%s.XXXXXX", a.out) >= (int)sizeof(tmp))
		return complain("E_OPTION", "-o: the path is too long");
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return complain("E_OPTION", "-o: %s: %s", a.out, strerror(errno));
	ret = pack_into(&a, tmp, fd);
	unlink(tmp);
	close(fd);
	return ret;
}

int main(int argc, char **argv)
{
	if (argc >= 2 && !strcmp(argv[1], "pack"))
		return command_pack(argc - 1, argv + 1);
	return complain("E_OPTION", "rktio-owner knows: pack");
}
