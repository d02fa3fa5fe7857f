#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# canary_test.sh CANARY: it finds what is there, wherever it lies, and fails loudly where it can't look.
set -u
canary=$1
pattern=CaNaRy-0123456789-pattern
passed=0 failed=0
dir=$(mktemp -d)
victim=
trap '[ -z "$victim" ] || kill "$victim" 2>/dev/null; rm -rf "$dir"' EXIT
check() { # NAME WANTED_STATUS STATUS
	if [ "$2" = "$3" ]; then passed=$((passed + 1)); echo "ok $1"
	else failed=$((failed + 1)); echo "not ok $1: status $3 instead of $2: $(cat "$dir/out")"; fi
}
scan() { "$canary" --pattern "$pattern" "$@" >"$dir/out" 2>&1; }

truncate -s 64M "$dir/sparse"
scan "file:$dir/sparse"; check empty_file 0 $?
grep -q "^0 hits in" "$dir/out"; check empty_file_line 0 $?
printf %s "$pattern" | dd of="$dir/sparse" bs=1 seek=4194290 conv=notrunc status=none # across two chunks
scan "file:$dir/sparse"; check across_chunks 1 $?
grep -q "0x3ffff2" "$dir/out"; check offset 0 $?
scan --expect hits "file:$dir/sparse"; check expected_hits 0 $?
head -c 1000000 /dev/urandom >"$dir/random"
scan --expect hits "file:$dir/random"; check expected_but_none 1 $?
scan "file:$dir/nothing"; check missing_file 2 $?
scan "pid:999999999"; check missing_process 2 $?
scan "file:$dir/random" "nonsense"; check bad_source 2 $?
"$canary" --pattern short "file:$dir/random" >"$dir/out" 2>&1; check short_pattern 1 $?

# the pattern is put together in the victim, so that neither its text nor its arguments hold it
python3 -c 'import mmap, os, sys, time
fd = os.memfd_create("rkt-arena")
os.ftruncate(fd, 1 << 20)
m = mmap.mmap(fd, 1 << 20)
m[70000:70025] = b"".join([b"CaNaRy-", b"0123456789", b"-pattern"])
print("ready", flush=True)
time.sleep(60)' >"$dir/ready" &
victim=$!
until grep -q ready "$dir/ready"; do sleep 0.02; done
scan "pid:$victim"; check process_memory 1 $?
scan "map:$victim:memfd:rkt-arena"; check arena 1 $?
scan "map:$victim:libc"; check other_mapping 0 $?
scan "map:$victim:no-such-mapping"; check missing_mapping 2 $?
sleep 60 & kill $victim; victim=$!
scan "pid:$victim"; check another_process 0 $?
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
