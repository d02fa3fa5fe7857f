#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# luks_interop.sh LUKS_TOOL: what Debian's cryptsetup makes opens here, and the other way round.
# Needs no root and no device mapper: data is encrypted and decrypted in place by
# `cryptsetup reencrypt` on plain files.
set -u
tool=$(realpath "$1")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
passed=0 failed=0
check() { # NAME STATUS
	if [ "$2" = 0 ]; then passed=$((passed + 1)); echo "ok $1"
	else failed=$((failed + 1)); echo "not ok $1: status $2"; fi
}
refused() { # NAME IMAGE KEY PATTERN: the tool fails with one line that has PATTERN
	out=$("$tool" key "$2" "$3" 2>&1)
	status=$?
	if [ $status = 1 ] && [ "$(echo "$out" | wc -l)" = 1 ] && echo "$out" | grep -q -- "$4"; then check "$1" 0
	else check "$1" "$status, said: $out"; fi
}
cs() { cryptsetup -q --pbkdf-force-iterations "${ITER:-4}" --pbkdf-memory 32768 --pbkdf-parallel 1 "$@" >log 2>&1; }
volume_key() { cryptsetup luksDump -q --dump-volume-key --key-file "$2" "$1" | sed -n '/MK dump/,$p' | sed 's/MK dump://' | tr -d ' \t\n'; }

head -c 48 /dev/urandom >k; head -c 20 /dev/urandom >k2; head -c 48 /dev/urandom >wrong

# headers of cryptsetup
for kdf in argon2id argon2i pbkdf2; do for sector in 512 4096; do for hash in sha256 sha512; do
	truncate -s 20M a; ITER=4; [ $kdf = pbkdf2 ] && ITER=1000
	cs luksFormat --type luks2 --pbkdf $kdf --sector-size $sector --hash $hash a k || cat log
	"$tool" key a k >got; test "$(cut -d' ' -f1 got)" = "$(volume_key a k)" && grep -q " $sector\$" got
	check "open_${kdf}_${sector}_$hash" $?
	rm a
done; done; done
ITER=4
truncate -s 20M a; cs luksFormat --type luks2 --luks2-metadata-size 64k --luks2-keyslots-size 8m a k
cs luksAddKey --key-file k a k2
test "$("$tool" key a k2 | cut -d' ' -f1)" = "$(volume_key a k)"; check "second_keyslot_big_metadata" $?
refused "wrong_key" a wrong "no keyslot opens"
dd if=/dev/urandom of=a bs=4096 count=1 conv=notrunc status=none
test "$("$tool" key a k2 | cut -c1-128)" != ""; check "damaged_primary" $?
dd if=/dev/urandom of=a bs=65536 count=2 conv=notrunc status=none
refused "damaged_both" a k "no LUKS header"
cs luksFormat --type luks2 a k; cryptsetup -q config --priority ignore --key-slot 0 a
refused "keyslot_with_priority_ignore" a k "no keyslot opens"

# what it must refuse (luks_refusals.py has what cryptsetup can't make without device mapper)
cs luksFormat --type luks1 --pbkdf-force-iterations 1000 a k; refused "luks1" a k "LUKS version 1"
cs luksFormat --type luks2 --cipher aes-cbc-essiv:sha256 --key-size 256 a k; refused "cbc" a k "not of 512 bits"
cs luksFormat --type luks2 --key-size 256 a k; refused "xts_256_bit_key" a k "not of 512 bits"
cs luksFormat --type luks2 a k
echo '{"type":"some-token","keyslots":[]}' | cryptsetup token import a; cryptsetup -q luksKillSlot a 0
refused "tokens_only" a k "no keyslot"
truncate -s 40M r; cs luksFormat --type luks2 --align-payload 65536 r k
cs reencrypt --init-only --force-offline-reencrypt --key-file k r
refused "reencryption" r k "reencrypt"; rm -f r
truncate -s 0 a; truncate -s 20M a; refused "empty" a k "no LUKS header"

# headers of ours
for sector in 512 4096; do
	truncate -s 20M b; "$tool" format b k $sector
	cryptsetup open --test-passphrase --key-file k b && test "$(volume_key b k)" = "$("$tool" key b k | cut -d' ' -f1)"
	check "cryptsetup_opens_ours_$sector" $?
	! cryptsetup open --test-passphrase --key-file wrong b 2>/dev/null; check "cryptsetup_wrong_key_$sector" $?
	cs luksAddKey --key-file k b k2; "$tool" key b k2 >/dev/null; check "key_added_to_ours_$sector" $?
	rm b
done
truncate -s 16M b; ! "$tool" format b k 4096 2>/dev/null; check "format_too_small" $?; rm b

# data
for sector in 512 4096; do
	head -c 4194304 /dev/urandom >plain
	cp plain c; truncate -s 40M c
	cs reencrypt --encrypt --type luks2 --reduce-device-size 32M --sector-size $sector --key-file k c
	"$tool" read c k 0 4194304 | cmp -s - plain; check "read_cryptsetup_data_$sector" $?
	truncate -s 20M d; "$tool" format d k $sector; "$tool" write d k 0 4194304 <plain
	cs reencrypt --force-offline-reencrypt --decrypt --header h --key-file k d
	head -c 4194304 d | cmp -s - plain; check "cryptsetup_reads_our_data_$sector" $?
	rm -f c d h
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
