// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the launcher tells init. */
#include "host/run/init_text.h"
#include "test/lib/tap.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct err err;

static char *text_of(char **argv, bool tty)
{
	struct run_config cfg;
	char *text = NULL;
	int argc = 0;

	while (argv[argc])
		argc++;
	config_init(&cfg);
	memset(&err, 0, sizeof(err));
	if (!config_parse(&cfg, argc, argv, &err))
		text = init_text(&cfg, tty, &err);
	config_free(&cfg);
	return text;
}

#define TEXT(...) text_of((char *[]){ __VA_ARGS__, NULL }, false)

static void expect(const char *name, char *text, const char *want)
{
	tap_case(text && !strcmp(text, want), name, "got: %s", text ?: err.text);
	free(text);
}

int main(void)
{
	char path[] = "/tmp/init_text.XXXXXX", disk[128], nic[128];
	int fd = mkstemp(path);

	if (fd < 0 || write(fd, "\0\xffkey!", 6) != 6)
		return 1;
	snprintf(disk, sizeof(disk), "data=/d.img,mount=/data,fs=ext4,mkfs=empty,key=file:%s",
		 path);
	snprintf(nic, sizeof(nic), "user,protect=wireguard:%s,mtu=1400", path);
	expect("program",
	       TEXT("--env", "A=two\nlines \\", "--cwd", "/x", "i", "--", "/p", "", "a=b"),
	       "root=hostblk\nstdio=raw\ncwd=/x\nenv=A=two\\nlines \\\\\narg=/p\narg=\narg=a=b\n");
	expect("disk", TEXT("--disk", disk, "--disk", "/e.img,ro", "i", "--", "/p"),
	       "root=hostblk\nstdio=raw\narg=/p\ndisk.data=nvme0n1\ndisk.data.mount=/data\n"
	       "disk.data.fs=ext4\ndisk.data.mkfs=empty\ndisk.data.key=blob:disk.data\n"
	       "blob.disk.data=AP9rZXkh\ndisk.disk1=nvme0n2\ndisk.disk1.ro=1\n");
	expect("root_via_nvme", TEXT("--root-via", "nvme", "--disk", "/e.img", "i", "--", "/p"),
	       "root=nvme0n1\nstdio=raw\narg=/p\ndisk.disk0=nvme0n2\n");
	expect("nic",
	       TEXT("--nic", nic, "--nic", "tap:t0,addr=10.0.0.2/24,gw=10.0.0.1", "i", "--", "/p"),
	       "root=hostblk\nstdio=raw\narg=/p\nnic.eth0.addr=user\nnic.eth0.mtu=1400\n"
	       "nic.eth0.protect=wireguard:blob:nic.eth0\nblob.nic.eth0=AP9rZXkh\n"
	       "nic.eth1.addr=10.0.0.2/24\nnic.eth1.gw=10.0.0.1\n");
	unlink(path);
	tap_case(!TEXT("--disk", disk, "i", "--", "/p") && strstr(err.text, path),
		 "missing_key_file", "%s", err.text);
	tap_case(!TEXT("--disk", "/d.img,mkfs=empty", "i", "--", "/p"), "mkfs_without_mount",
		 "taken");
	tap_case(!TEXT("--disk", "/d.img,mount=/d,mkfs=always", "i", "--", "/p"), "mkfs_choice",
		 "taken");
	close(fd);
	return tap_end();
}
