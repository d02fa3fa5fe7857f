#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A stock Linux driver as netd's front end: QEMU (emulated CPU) boots a Debian kernel whose
# virtio_net talks vhost-user to netd. Bulk data both ways, checksums compared.
#   linux_guest.sh NETD [QUEUES]
# Skips (exit 77) without qemu-system-x86_64, busybox, or an installed kernel.
set -eu
netd=$1
queues=${2:-1}
size=32 # MiB

skip() {
	echo "skip linux_guest: $1"
	echo "0 passed, 0 failed, 1 skipped"
	exit 77
}

command -v qemu-system-x86_64 >/dev/null || skip "no qemu-system-x86_64"
busybox=$(command -v busybox) || skip "no busybox"
kernel=
for k in /boot/vmlinuz-*; do
	v=${k#/boot/vmlinuz-}
	[ -r "$k" ] && [ -d "/lib/modules/$v/kernel/drivers/net" ] && kernel=$k && version=$v
done
[ "$kernel" ] || skip "no kernel with modules"

dir=$(mktemp -d)
pids=
# shellcheck disable=SC2086 # a list
trap 'kill $pids 2>/dev/null || :; wait 2>/dev/null || :; rm -rf "$dir"' EXIT
root=$dir/root
mkdir -p "$root/bin" "$root/proc" "$root/mod" "$root/etc"
cp "$busybox" "$root/bin/busybox"
for lib in $(ldd "$busybox" 2>/dev/null | grep -o '/[^ ]*'); do # none if it is static
	mkdir -p "$root$(dirname "$lib")"
	cp -L "$lib" "$root$lib"
done
for m in $(modprobe -S "$version" -D virtio_net 2>/dev/null | awk '/^insmod/ { print $2 }'); do
	case $m in
	*.xz) xz -dc "$m" >"$root/mod/$(basename "$m" .xz)" ;;
	*.zst) zstd -qdc "$m" >"$root/mod/$(basename "$m" .zst)" ;;
	*) cp "$m" "$root/mod/" ;;
	esac
	basename "$m" | sed 's/\.xz$//;s/\.zst$//' >>"$root/mod/order"
done

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
in_port=$(free_port)
out_port=$(free_port)
head -c ${size}M /dev/urandom >"$dir/data"
sum=$(sha256sum <"$dir/data" | cut -d' ' -f1)

cat >"$root/init" <<EOF
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
for m in \$(cat /mod/order); do insmod /mod/\$m; done
ifconfig lo 127.0.0.1
ifconfig eth0 10.0.2.15 netmask 255.255.255.0
route add default gw 10.0.2.2
ping -c 2 -W 5 10.0.2.2 >/dev/null && echo GUEST ping ok
nc -l -p 7 | tee /data | sha256sum | cut -d' ' -f1 | sed 's/^/GUEST sum /'
nc 10.0.2.2 $out_port </data
echo GUEST done
cat /proc/net/dev | grep eth0 | sed 's/^/GUEST /'
poweroff -f
EOF
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet) >"$dir/initrd"

"$netd" --stats --socket "$dir/sock" --net user --queues "$queues" -p "$in_port:7" \
	2>"$dir/netd.log" &
netd_pid=$!
pids=$netd_pid
python3 - "$out_port" "$dir/received" <<'EOF' &
import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen(1)
c, _ = s.accept()
with open(sys.argv[2], "wb") as f:
    while b := c.recv(1 << 16):
        f.write(b)
EOF
server=$!
pids="$pids $server"
python3 - "$in_port" "$dir/data" <<'EOF' &
import socket, sys, time
data = open(sys.argv[2], "rb").read()
while True: # until the guest listens; netd accepts at once and then resets
    try:
        s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
        time.sleep(0.3)
        s.setblocking(False)
        try:
            if not s.recv(1):
                raise ConnectionError
        except BlockingIOError:
            pass
        s.setblocking(True)
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        while s.recv(4096):
            pass
        break
    except (ConnectionError, OSError):
        time.sleep(0.5)
EOF
pids="$pids $!"

mq=off
# vectors=0: QEMU 7.2 crashes on masked MSI-X vectors of vhost-user devices before the driver starts.
[ "$queues" -gt 1 ] && mq=on
timeout 240 qemu-system-x86_64 -machine q35,accel=tcg -cpu max -smp "$queues" -m 512 \
	-object memory-backend-memfd,id=mem,size=512M,share=on -numa node,memdev=mem \
	-kernel "$kernel" -initrd "$dir/initrd" -append "console=ttyS0 quiet panic=-1" \
	-nographic -no-reboot -nodefaults -serial stdio \
	-chardev socket,id=c,path="$dir/sock" \
	-netdev vhost-user,id=n,chardev=c,queues="$queues" \
	-device virtio-net-pci,netdev=n,mq=$mq,disable-legacy=on,romfile=,vectors=0 \
	</dev/null >"$dir/guest.log" 2>&1 || { cat "$dir/guest.log"; exit 1; }
wait "$server"
kill "$netd_pid"
wait "$netd_pid" || { echo "not ok linux_guest: netd failed"; cat "$dir/netd.log"; exit 1; }
pids=
grep GUEST "$dir/guest.log" | tr -d '\r'
grep '^{' "$dir/netd.log"

fail() {
	echo "not ok linux_guest: $1"
	cat "$dir/guest.log" "$dir/netd.log"
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
}
grep -q "GUEST ping ok" "$dir/guest.log" || fail "ping"
grep -q "GUEST sum $sum" "$dir/guest.log" || fail "data into the guest"
[ "$(sha256sum <"$dir/received" | cut -d' ' -f1)" = "$sum" ] || fail "data out of the guest"
echo "ok linux_guest: $size MiB both ways, $queues queue pairs"
echo "1 passed, 0 failed, 0 skipped"
