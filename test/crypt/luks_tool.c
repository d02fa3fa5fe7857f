// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The LUKS2 code of init as a command, for tests against cryptsetup:
 *	luks_tool dump IMAGE | key IMAGE KEYFILE | format IMAGE KEYFILE SECTOR_SIZE
 *	luks_tool read|write IMAGE KEYFILE OFFSET SIZE      (plaintext on stdout/stdin)
 */
#include "enclave/crypt/luks2.h"
#include "enclave/crypt/luks2_user.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static u8 pass[4096];
static char why[LUKS2_WHY_SIZE];

static int fail(void)
{
	fprintf(stderr, "luks_tool: %s\n", why);
	return 1;
}

static size_t read_pass(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, pass, sizeof(pass));

	close(fd);
	return n < 0 ? 0 : n;
}

static void print_key(const struct rkt_crypt_params *p)
{
	for (int i = 0; i < RKT_CRYPT_KEY_SIZE; i++)
		printf("%02x", p->key[i]);
	printf(" %llu %llu %u\n", (unsigned long long)p->data_offset,
	       (unsigned long long)p->data_size, p->sector_size);
}

static int transfer(int fd, const struct rkt_crypt_params *p, bool out, u64 offset, size_t size)
{
	struct rkt_crypt_stats stats = { 0 };
	struct rkt_sector_crypt sc;
	struct rkt_crypt_run run;
	u8 *plain = calloc(1, size), *disk = calloc(1, size);
	ssize_t n = size;

	if (rkt_crypt_setup(&sc, p, rkt_cpu_user()))
		return 1;
	if (out)
		n = fread(plain, 1, size, stdin);
	else
		n = pread(fd, disk, size, p->data_offset + offset);
	rkt_crypt_begin(&run, &sc, &stats, offset / 512, size);
	if (out)
		rkt_crypt_out(&run, (struct host_addr){ (u64)disk }, plain, size);
	else
		rkt_crypt_in(&run, plain, (struct host_addr){ (u64)disk }, size);
	if (rkt_crypt_end(&run) || n != (ssize_t)size)
		return 1;
	if (out)
		n = pwrite(fd, disk, size, p->data_offset + offset);
	else
		n = fwrite(plain, 1, size, stdout);
	free(plain);
	free(disk);
	return n != (ssize_t)size;
}

int main(int argc, char **argv)
{
	struct rkt_crypt_params params;
	struct luks2_meta meta;
	size_t pass_size = argc > 3 ? read_pass(argv[3]) : 0;
	struct stat st;
	int fd;

	if (argc < 3)
		return 2;
	fd = open(argv[2], O_RDWR);
	if (fd < 0 || fstat(fd, &st))
		return 2;
	if (!strcmp(argv[1], "probe"))
		return printf("%d\n", luks2_probe(fd, st.st_size)) < 0;
	if (!strcmp(argv[1], "format"))
		return luks2_format(fd, st.st_size, atoi(argv[4]), pass, pass_size, why) ? fail()
											 : 0;
	if (luks2_read(fd, st.st_size, &luks2_default_limits, &meta, why))
		return fail();
	if (!strcmp(argv[1], "dump"))
		return printf("slots %u sector %u offset %llu seqid %llu\n", meta.slot_count,
			      meta.sector_size, (unsigned long long)meta.data_offset,
			      (unsigned long long)meta.seqid) < 0;
	if (luks2_unlock(fd, &meta, pass, pass_size, &params, why))
		return fail();
	if (!strcmp(argv[1], "key"))
		print_key(&params);
	else
		return transfer(fd, &params, !strcmp(argv[1], "write"), atoll(argv[4]),
				atoll(argv[5]));
	return 0;
}
