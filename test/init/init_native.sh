#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# init_native.sh INIT MKINITRAMFS: init as pid 1 of namespaces of this machine (needs root): what
# doesn't need the TEE's devices. The image's own tests have the rest.
set -u
init=$1 mkinitramfs=$2
passed=0 failed=0 skipped=0
done_line() { echo "$passed passed, $failed failed, $skipped skipped"; [ $failed = 0 ]; exit $?; }
unshare -pfmnu true 2>/dev/null || { echo "ok all # SKIP needs root and namespaces"; skipped=1; done_line; }
dir=$(mktemp -d)
loop=
mqueue=$(ls -d /dev/mqueue 2>/dev/null) # devtmpfs is the machine's: leave it as it was
trap '[ -n "$mqueue" ] || rmdir /dev/mqueue 2>/dev/null; [ -z "$loop" ] || losetup -d "$loop"; rm -rf "$dir"' EXIT
check() { # NAME STATUS
	if [ "$2" = 0 ]; then passed=$((passed + 1)); echo "ok $1"
	else failed=$((failed + 1)); echo "not ok $1: status $2: $(tail -c 700 "$dir/out")"; fi
}
fresh() { # a new initramfs with the configuration on standard input
	rm -rf "$dir/r"; mkdir "$dir/r"
	cat >"$dir/config"
	"$mkinitramfs" -o "$dir/i.cpio" --init "$init" --config "$dir/config" --add "$dir/prog:/bin/prog" \
		--add "$dir/key:/keys/k" --add "$dir/text:/bin/text"
	(cd "$dir/r" && cpio -id <"$dir/i.cpio" 2>/dev/null)
}
run() { timeout 20 unshare -pfmnu --kill-child chroot "$dir/r" /init >"$dir/out" 2>&1; }
expect() { # NAME STATUS PATTERN
	run; status=$?
	[ $status = "$2" ] && grep -q -- "$3" "$dir/out"; check "$1" $?
}
cat >"$dir/prog.c" <<'END'
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	char host[64], cwd[256];
	struct stat st;
	sigset_t mask;
	gethostname(host, sizeof(host));
	sigprocmask(SIG_BLOCK, NULL, &mask);
	printf("args %d %s host %s cwd %s uid %d X=%s sid %d term %d\n", argc, argc > 1 ? argv[1] : "", host,
	       getcwd(cwd, sizeof(cwd)), getuid(), getenv("X"), getsid(0) == getpid(), sigismember(&mask, SIGTERM));
	printf("key %d config %d proc %d pts %d shm %d\n", stat("/keys/k", &st), stat("/config", &st),
	       stat("/proc/self/status", &st), stat("/dev/pts/ptmx", &st), stat("/dev/shm", &st));
	fflush(stdout);
	if (argc > 1 && !strcmp(argv[1], "segv"))
		raise(SIGSEGV);
	if (argc > 1 && !strcmp(argv[1], "orphan") && !fork()) {
		if (fork()) _exit(0);
		for (;;) pause();
	}
	if (argc > 1 && !strcmp(argv[1], "lo"))
		return system("exec 3<>/dev/null") < 0;
	if (argc > 1 && !strcmp(argv[1], "write")) {
		int fd = open("/newfile", O_CREAT | O_WRONLY, 0600);
		return fd < 0 || write(fd, "x", 1) != 1 || access("/etc/marker", F_OK);
	}
	return 42;
}
END
cc -static -O1 -o "$dir/prog" "$dir/prog.c" || exit 1
head -c 32 /dev/urandom >"$dir/key"
echo "not a program" >"$dir/text"; chmod +x "$dir/text"

fresh <<'END'
hostname=inside
arg=prog
arg=a b
env=X=1=2
env=PATH=/nowhere:/bin
cwd=/tmp
user=1000:100
END
expect program 42 "args 2 a b host inside cwd /tmp uid 1000 X=1=2 sid 1 term 0"
fresh <<'END'
arg=/bin/prog
arg=segv
END
expect killed_by_signal 139 "args 2"
fresh <<'END'
arg=/bin/prog
arg=orphan
END
expect orphan_does_not_stop_the_end 42 "args 2"
fresh <<'END'
arg=/bin/nothing
END
expect not_found 127 "^init: PROGRAM: /bin/nothing: No such file"
fresh <<'END'
arg=nothing
END
expect not_found_in_path 127 "^init: PROGRAM: nothing: No such file"
fresh <<'END'
arg=/bin/text
END
expect not_executable 126 "^init: PROGRAM: /bin/text: Exec format error"
fresh <<'END'
arg=/bin
END
expect directory 126 "^init: PROGRAM: /bin: Permission denied"
fresh <<'END'
arg=/bin/prog
cwd=/nowhere
END
expect bad_cwd 125 "^init: PROGRAM: cwd: No such file"
echo "nonsense" | fresh
expect bad_config 125 "^init: CONFIG: /config:1: not KEY=VALUE"
fresh <<'END'
arg=x
sysctl.net.core.nothing=1
END
expect bad_sysctl 125 "^init: SYSCTL: net.core.nothing=1: No such file"
fresh <<'END'
arg=x
disk.data=nvme9n9
disk.data.key=file:/keys/k
END
expect no_disk 125 "^init: DISK: data: /dev/nvme9n9: No such file"
fresh <<'END'
arg=x
nic.eth7.addr=10.0.0.1/24
nic.eth7.protect=insecure_none
END
expect no_nic 125 "^init: NET: eth7: no such interface"
grep -q "^init: UNPROTECTED: eth7" "$dir/out"; check unprotected_is_named $?
fresh <<'END'
arg=x
nic.eth0.protect=wireguard:file:/bin/text
END
expect bad_wireguard_file 125 "^init: WIREGUARD: eth0: line 1: not KEY = VALUE"

# network: a pair of interfaces in a namespace of the test, a DHCP server at the other end
here=$(cd "$(dirname "$0")" && pwd)
in_net() { # NAME PATTERN: runs init, then looks at the interfaces
	timeout 60 unshare -n sh -c "
		unshare -n sh -c 'until ip link show srv >/dev/null 2>&1; do sleep 0.02; done
			ip addr add 10.9.0.1/20 dev srv; ip link set srv up; exec python3 $here/dhcpd.py srv' >'$dir/dhcpd' &
		server=\$!
		until [ \$(readlink /proc/\$server/ns/net) != \$(readlink /proc/self/ns/net) ]; do sleep 0.01; done
		ip link add eth0 type veth peer name srv && ip link set srv netns \$server || exit 3
		until grep -q ready '$dir/dhcpd'; do sleep 0.02; done
		unshare -pfmu --kill-child chroot '$dir/r' /init; status=\$?
		ip -o addr; ip route; ip -6 route; kill \$server; exit \$status" >"$dir/out" 2>&1
	status=$?
	[ $status = 3 ] && { echo "ok $1 # SKIP no veth"; skipped=$((skipped + 1)); return; }
	[ $status = 42 ] && tr '\n' ' ' <"$dir/out" | grep -q -- "$2"; check "$1" $?
}
fresh <<'END'
arg=/bin/prog
nic.eth0.addr=dhcp
nic.eth0.protect=program
END
in_net dhcp 'eth0 .*inet 10.9.8.7/20 .*default via 10.9.0.1 dev eth0'
grep -q '^nameserver 10.9.0.53$' "$dir/r/etc/resolv.conf"; check dhcp_name_server $?
grep -q UNPROTECTED "$dir/out"; [ $? = 1 ]; check protected_is_not_named $?
fresh <<'END'
arg=/bin/prog
nic.eth0.addr=10.9.1.1/20
nic.eth0.addr=fd00::5/64
nic.eth0.gw=10.9.0.1
nic.eth0.gw=fd00::1
nic.eth0.mtu=1300
END
in_net static '10.9.1.1/20 .*fd00::5/64 .*default via 10.9.0.1 dev eth0 .*default via fd00::1 dev eth0'
grep -q "^init: UNPROTECTED: eth0: .*no protection stated" "$dir/out"; check unstated_is_named $?

# a root disk: read-only below, changes in memory
mkdir -p "$dir/tree/bin" "$dir/tree/etc"; cp "$dir/prog" "$dir/tree/bin/prog"; touch "$dir/tree/etc/marker"
truncate -s 16M "$dir/root.img"; mke2fs -q -t ext4 -d "$dir/tree" "$dir/root.img" && loop=$(losetup -f --show "$dir/root.img" 2>/dev/null)
if [ -n "$loop" ]; then
	before=$(sha256sum <"$dir/root.img")
	fresh <<-END
	root=$(basename "$loop")
	arg=/bin/prog
	arg=write
	END
	run; check overlay_root $?
	[ "$before" = "$(sha256sum <"$dir/root.img")" ]; check overlay_leaves_disk_alone $?
	fresh <<-END
	root=$(basename "$loop")
	root.mode=rw
	arg=/bin/prog
	arg=write
	END
	run; check rw_root $?
	e2fsck -fn "$dir/root.img" >"$dir/out" 2>&1; check rw_root_is_clean $?
	debugfs -R "cat /newfile" "$dir/root.img" 2>/dev/null | grep -q x; check rw_root_has_file $?
	fresh <<-END
	root=$(basename "$loop")
	root.key=file:/keys/k
	arg=/bin/prog
	END
	expect key_for_plain_disk 125 "^init: LUKS: root: no LUKS header"
	fresh <<-END
	root=$(basename "$loop")
	arg=/bin/prog
	END
	expect root_hides_keys 42 "key -1 config -1 proc 0 pts 0 shm 0"
	losetup -d "$loop"; loop=
else
	echo "ok root_disk # SKIP no loop devices"; skipped=$((skipped + 1))
fi
done_line
