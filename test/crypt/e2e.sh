#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# e2e.sh BUILD: encrypted disks and WireGuard in the image, seen from the host. A known pattern goes
# through both; disk, device processes and DMA arena must not hold it, and must hold it when nothing
# is encrypted (or the scan would prove nothing).
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$1" && pwd)
passed=0 failed=0 skipped=0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
pattern=CaNaRy-0123456789-pattern
check() { # NAME STATUS
	if [ "$2" = 0 ]; then passed=$((passed + 1)); echo "ok $1"
	else failed=$((failed + 1)); echo "not ok $1: status $2: $(tail -c 400 "$dir/out" | tr '\n' '|')"; fi
}
mkdir "$dir/bin"
for f in rktio rktio-host rktio-owner rktio.tee nvmed netd host/nvmed/nvmed host/netd/netd; do
	[ ! -f "$build/$f" ] || ln -sf "$build/$f" "$dir/bin/"
done
rktio=$dir/bin/rktio tool=$build/test/crypt/luks_tool canary=$top/tools/canary
"$top/tools/mkrootfs" -o "$dir/tree" --sh --bin busybox --bin /sbin/mkfs.ext4 >"$dir/out" 2>&1
"$rktio" pack "$dir/tree" -o "$dir/root.img" >>"$dir/out" 2>&1
check root_image $?

# The scripts put the pattern together, so that configuration and command line don't hold it.
write='p=CaNaRy; p=$p-0123456789-pattern; i=0; while [ $i -lt 500 ]; do echo $p; i=$((i + 1)); done >/data/f'
hold="$write; busybox sync; echo written; read x"
read='n=0; while read l; do n=$((n + 1)); done </data/f; echo $n $l'
head -c 32 /dev/urandom >"$dir/key"; head -c 32 /dev/urandom >"$dir/wrong"
disk=data=file:$dir/disk,mount=/data
inside() { # DISK SCRIPT
	timeout 60 "$rktio" run --log err --disk "$1" "$dir/root.img" -- /bin/sh -c "$2" >"$dir/out" 2>&1
}
# This test's device processes of one kind, as sources for canary. They were started by our launchers.
peers() {
	for launcher in $(pgrep -f "$dir/root"); do
		for p in $(pgrep -P "$launcher"); do
			case $(readlink "/proc/$p/exe") in */"$1") echo "pid:$p" ;; esac
		done
	done
}
# The host's view while the program runs: nvmed's memory, which maps the arena too.
scan_running() { # EXPECT DISK
	mkfifo "$dir/in"
	timeout 60 "$rktio" run --log err --disk "$2" "$dir/root.img" -- /bin/sh -c "$hold" <"$dir/in" >"$dir/out" 2>&1 &
	job=$!
	exec 9>"$dir/in"
	for i in $(seq 400); do grep -q written "$dir/out" && break; sleep 0.05; done
	pids=$(peers nvmed)
	# shellcheck disable=SC2086
	[ -n "$pids" ] && "$canary" --pattern $pattern --expect "$1" $pids >"$dir/scan" 2>&1
	scanned=$?
	exec 9>&-
	wait $job
	rm "$dir/in"
	return $scanned
}

truncate -s 64M "$dir/disk"
scan_running none "$disk,key=file:$dir/key,mkfs=empty"; check nvmed_and_arena_hold_no_plaintext $?
inside "$disk,key=file:$dir/key" "$read" && grep -q '^500$' "$dir/out"; check second_start_reads $?
"$canary" --pattern $pattern "file:$dir/disk" >"$dir/out"; check disk_holds_no_plaintext $?
cryptsetup open --test-passphrase --key-file "$dir/key" "$dir/disk" >"$dir/out" 2>&1; check cryptsetup_opens_it $?
"$tool" read "$dir/disk" "$dir/key" 0 50331648 >"$dir/plain" && e2fsck -fn "$dir/plain" >"$dir/out" 2>&1
check file_system_is_clean $?
cp --sparse=always "$dir/disk" "$dir/decrypted"
cryptsetup -q reencrypt --force-offline-reencrypt --decrypt --header "$dir/header" --key-file "$dir/key" "$dir/decrypted" \
	>"$dir/out" 2>&1 && debugfs -R 'cat /f' "$dir/decrypted" 2>/dev/null | grep -c "^$pattern$" >"$dir/out" && grep -q '^500$' "$dir/out"
check cryptsetup_decrypts_it $?
rm -f "$dir/decrypted" "$dir/header"
"$canary" --pattern $pattern --expect hits "file:$dir/plain" >"$dir/out"; check plaintext_is_the_programs $?
inside "$disk,key=file:/dev/null" "$read"; [ $? = 125 ] && grep -q '^init: KEY: data: the key is empty' "$dir/out"
check empty_key $?
inside "$disk,key=file:$dir/wrong" "$read"; [ $? = 125 ] && grep -q '^init: KEY: data: no keyslot opens' "$dir/out"
check wrong_key $?
cp "$dir/disk" "$dir/disk.good"
dd if=/dev/zero of="$dir/disk" bs=4096 seek=1 count=1 conv=notrunc status=none
dd if=/dev/zero of="$dir/disk" bs=4096 seek=5 count=1 conv=notrunc status=none
inside "$disk,key=file:$dir/key" "$read"; [ $? = 125 ] && grep -q '^init: LUKS: data: header checksum' "$dir/out"
check damaged_header $?
head -c 1000000 /dev/urandom >"$dir/disk"; truncate -s 64M "$dir/disk"
inside "$disk,key=file:$dir/key,mkfs=empty" "$read"; [ $? = 125 ] && grep -q '^init: LUKS: data: neither' "$dir/out"
check foreign_data_is_not_formatted $?

mkdir "$dir/fs"; echo from-outside >"$dir/fs/f"
truncate -s 48M "$dir/disk"; rm "$dir/disk"; truncate -s 48M "$dir/disk"; mke2fs -q -t ext4 -d "$dir/fs" "$dir/disk"
truncate -s 80M "$dir/disk"
cryptsetup -q reencrypt --encrypt --type luks2 --reduce-device-size 32M --sector-size 512 --pbkdf-memory 32768 \
	--pbkdf-force-iterations 4 --key-file "$dir/key" "$dir/disk" >"$dir/out" 2>&1
inside "$disk,key=file:$dir/key" 'read x </data/f; echo "$x"' && grep -q from-outside "$dir/out"
check disk_of_cryptsetup $?

# Starts that were cut off while they formatted; a whole disk that only looks like one.
first='[ ! -e /data/f ] && echo kept >/data/f && busybox sync' later='read x </data/f && echo "$x"' new=",key=file:$dir/key,mkfs=empty"
rm "$dir/disk"; truncate -s 64M "$dir/disk"; inside "$disk$new" "$first"; check formats_an_empty_disk $?
cp --sparse=always "$dir/disk" "$dir/disk.good"
dd if=/dev/zero of="$dir/disk" bs=16384 count=1 conv=notrunc status=none
inside "$disk$new" "$later" && grep -q '^kept$' "$dir/out"; check data_without_primary_header_is_kept $?
cp --sparse=always "$dir/disk.good" "$dir/disk"; truncate -s 16M "$dir/disk"; truncate -s 64M "$dir/disk"
inside "$disk$new" "$first"; check cut_off_behind_the_header $?
cp --sparse=always "$dir/disk.good" "$dir/disk"; truncate -s 16M "$dir/disk"; truncate -s 64M "$dir/disk"
dd if=/dev/zero of="$dir/disk" bs=16384 count=1 conv=notrunc status=none
inside "$disk$new" "$first"; check cut_off_before_the_primary_header $?
# Of 4096-byte blocks 0 to 255, half are zeros outside and half are inside.
"$tool" read "$dir/disk.good" "$dir/key" 0 50331648 >"$dir/plain"
dd if=/dev/zero of="$dir/plain" bs=4096 count=128 conv=notrunc status=none
cp --sparse=always "$dir/disk.good" "$dir/disk"; "$tool" write "$dir/disk" "$dir/key" 0 50331648 <"$dir/plain"
dd if=/dev/zero of="$dir/disk" bs=4096 seek=4224 count=128 conv=notrunc status=none
inside "$disk$new" "$first"; check cut_off_while_zeros_are_written $?

rm "$dir/disk"; truncate -s 64M "$dir/disk"; mke2fs -q -t ext4 "$dir/disk"
scan_running hits "$disk"; check unencrypted_is_seen_in_nvmed $?
"$canary" --pattern $pattern --expect hits "file:$dir/disk" >"$dir/out"; check unencrypted_is_seen_on_disk $?

# WireGuard between two TEEs, each behind user-mode networking
umask 077
for n in a b; do wg genkey >"$dir/$n.key" && wg pubkey <"$dir/$n.key" >"$dir/$n.pub"; done
port=$((20000 + $$ % 30000))
printf '[Interface]\nPrivateKey = %s\nAddress = 10.9.0.1/24\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.9.0.2/32\nEndpoint = 10.0.2.2:%d\n' \
	"$(cat "$dir/a.key")" "$(cat "$dir/b.pub")" $port >"$dir/a.conf"
printf '[Interface]\nPrivateKey = %s\nListenPort = 51820\nAddress = 10.9.0.2/24\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.9.0.1/32\n' \
	"$(cat "$dir/b.key")" "$(cat "$dir/a.pub")" >"$dir/b.conf"
mkfifo "$dir/send" "$dir/answer"
cp "$dir/root.img" "$dir/root-b.img" # one TEE at a time holds an image
timeout 60 "$rktio" run --log err -p $port:51820/udp --nic "user,protect=wireguard:$dir/b.conf" "$dir/root-b.img" -- \
	/bin/busybox nc -l -p 7000 <"$dir/answer" >"$dir/b.out" 2>&1 &
job=$!
exec 8>"$dir/answer"
# The sender tries until the other listens, and keeps the connection while both network processes are scanned.
# shellcheck disable=SC2016
timeout 60 "$rktio" run --log err --nic "user,protect=wireguard:$dir/a.conf" "$dir/root.img" -- /bin/sh -c \
	'until busybox nc -w 30 10.9.0.2 7000; do busybox sleep 0.1; done' <"$dir/send" >"$dir/out" 2>&1 &
sender=$!
exec 9>"$dir/send"
yes $pattern | head -n 2000 >&9
for i in $(seq 300); do grep -q $pattern "$dir/b.out" && break; sleep 0.1; done
grep -q $pattern "$dir/b.out"; check wireguard_between_two $?
# shellcheck disable=SC2046
"$canary" --pattern $pattern $(peers netd) >"$dir/out" 2>&1; check netd_and_arena_hold_no_plaintext $?
exec 8>&- 9>&-
kill $sender $job 2>/dev/null; wait $sender $job
timeout 60 "$rktio" run --log err --nic "user,protect=wireguard:$dir/a.conf" "$dir/root.img" -- /bin/busybox ip link >"$dir/out" 2>&1
grep -q wg0 "$dir/out" && ! grep -q eth0 "$dir/out"; check the_bare_nic_is_out_of_reach $?
cp "$dir/a.key" "$dir/bad.conf"
timeout 60 "$rktio" run --log err --nic "user,protect=wireguard:$dir/bad.conf" "$dir/root.img" -- /bin/true >"$dir/out" 2>&1
grep -q '^init: WIREGUARD: eth0: line 1' "$dir/out" && ! grep -q "$(cut -c1-20 "$dir/a.key")" "$dir/out"
check bad_file_shows_no_key $?
timeout 60 "$rktio" run --log err --nic "user,protect=wireguard:/dev/null" "$dir/root.img" -- /bin/true >"$dir/out" 2>&1
grep -q '^init: WIREGUARD: eth0: no PrivateKey' "$dir/out"
check empty_file $?
python3 -c 'import socket, sys, time
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("ready", flush=True)
c = s.accept()[0]
print(c.recv(100), flush=True)
time.sleep(60)' $port >"$dir/clear.out" 2>&1 &
server=$!
mkfifo "$dir/clear"
for i in $(seq 100); do grep -q ready "$dir/clear.out" && break; sleep 0.1; done
timeout 60 "$rktio" run --log err --nic user,protect=insecure_none "$dir/root.img" -- \
	/bin/busybox nc -w 30 10.0.2.2 $port <"$dir/clear" >"$dir/out" 2>&1 &
job=$!
exec 9>"$dir/clear"
yes $pattern | head -n 2000 >&9
for i in $(seq 300); do grep -q $pattern "$dir/clear.out" && break; sleep 0.1; done
# shellcheck disable=SC2046
"$canary" --pattern $pattern --expect hits $(peers netd) >"$dir/out" 2>&1; check unencrypted_is_seen_in_netd $?
exec 9>&-
kill $server 2>/dev/null # nc ends with its peer
wait $job
timeout 60 "$rktio" run --log err --nic user "$dir/root.img" -- /bin/busybox true >"$dir/out" 2>&1
grep -q '^init: UNPROTECTED: eth0' "$dir/out"; check unprotected_nic_is_named $?
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
